"""Counts and rates of posts at a moment: formulas whose right answer is obvious."""

import numpy as np
import pytest

from loader.learning.impressions import counts_of_each
from plpy.columns import DAY_SECONDS, HALF_LIFE_HOURS, LIVE_COLUMNS
from plpy.live import Counts, live_columns
from plpy.moment import Events
from plpy.pack import Pack
from plpy.scale import Scale
from tests.unit.plpy.packs import NO_EVENTS

HOUR = 3600.0


def pack(**columns):
    """Return three posts without a topic of these columns; others are 0. A tenth of the views is liked."""
    names = [f"decayed_{action}_count_{name}" for action in ("view", "like") for name in HALF_LIFE_HOURS]
    names += ["view_count", "like_count", "age_days", "days_since_event"]
    values = {name: np.zeros(3, np.float32) for name in names} | columns
    posts = Pack(np.array([3, 5, 9]), [], np.full(3, -1), {f"post.{name}": np.float32(v) for name, v in values.items()})
    posts.is_popular = np.zeros(3, np.int64)
    posts.scale = Scale(1.0, np.full(2, 0.1), np.ones((2, 50)), np.full((1, 2), 0.1), np.full(2, 0.1))
    return posts


def events(*rows):
    """Return events of (place, seconds, views, likes, effective views)."""
    places, *columns = zip(*rows)
    return Events(np.array(places), *(np.array(column, float) for column in columns))


def at(posts, seconds, some=NO_EVENTS):
    """Return all features of the posts at a moment."""
    return live_columns(posts, slice(None), Counts.of(posts).later(some, seconds), LIVE_COLUMNS)


def test_counts_halve_and_totals_stay():
    posts = pack(view_count=[8, 0, 0], decayed_view_count_1h=[8, 0, 0], decayed_view_count_1d=[8, 0, 0])
    values = at(posts, 2 * HOUR, events((0, HOUR, 1, 0, 1), (1, HOUR, 1, 0, 1)))
    assert values["fresh.view_count_1h"] == pytest.approx([8 / 4 + 1 / 2, 1 / 2, 0])
    assert values["fresh.view_count_1d"] == pytest.approx([8 * 2 ** (-2 / 24) + 2 ** (-1 / 24), 2 ** (-1 / 24), 0])
    assert values["fresh.view_count_total"].tolist() == [9, 1, 0]


def test_a_rate_begins_as_that_of_the_topic_and_then_of_the_longer_window():
    values = at(pack(view_count=[100, 0, 0], like_count=[20, 0, 0]), 0.0)
    assert values["fresh.like_rate_total"] == pytest.approx([(20 + 10) / 200, 0.1, 0.1])
    assert values["fresh.like_rate_1h"] == pytest.approx([(20 + 10) / 200, 0.1, 0.1])
    counted = pack(view_count=[100, 0, 0], like_count=[20, 0, 0], decayed_view_count_1h=[30, 0, 0])
    assert at(counted, 0.0)["fresh.like_rate_1h"] == pytest.approx([(30 * 0.15) / 60, 0.1, 0.1])


def test_what_is_shown_first_looks_no_better():
    first, middle = [(place, HOUR, 10, 3 if place == 0 else 1, 30 if place == 0 else 10) for place in (0, 1)]
    values = at(pack(), 2 * HOUR, events(first, middle))
    raw = at(pack(), 2 * HOUR, events((*first[:4], 10), middle))
    assert values["fresh.like_rate_total"][:2] == pytest.approx([13 / 130, 11 / 110])
    assert raw["fresh.like_rate_total"][0] > values["fresh.like_rate_total"][0]
    earlier = pack(view_count=[10, 10, 0], effective_view_count=[30, 10, 0], like_count=[3, 1, 0],
                   decayed_view_count_1d=[10, 10, 0], decayed_like_count_1d=[3, 1, 0])
    rates = at(earlier, 0.0)["fresh.like_rate_1d"]
    assert rates[0] == pytest.approx(rates[1], rel=1e-6)


def test_a_like_taken_back_leaves_no_count_below_zero():
    values = at(pack(), 3 * HOUR, events((0, HOUR, 0, 1, 0), (0, 2 * HOUR, 0, -1, 0)))
    assert values["fresh.like_count_1h"][0] == values["fresh.like_count_total"][0] == 0
    assert (values["fresh.like_rate_1h"] > 0).all()


def test_an_age_without_a_date_is_that_of_the_first_event():
    posts = pack(age_days=[np.nan, -0.25, 3], days_since_event=[np.nan, np.nan, 2])
    values = at(posts, 0.5 * DAY_SECONDS, events((0, 3 * HOUR, 1, 0, 1), (0, 6 * HOUR, 1, 0, 1)))
    assert values["fresh.age_days"] == pytest.approx([9 / 24, 0.25, 3.5])
    assert values["fresh.days_since_event"] == pytest.approx([6 / 24, np.nan, 2.5], nan_ok=True)


def test_each_impression_has_what_a_request_at_its_moment_has():
    draw = np.random.default_rng(0)
    posts = pack(view_count=[50, 2, 0], like_count=[9, 1, 0], decayed_like_count_1h=[3, 0, 0],
                 age_days=[4, np.nan, -0.5], days_since_event=[0.1, np.nan, np.nan])
    at_hours = np.sort(draw.integers(0, 24 * 60, 400)) * 60.0
    some = Events(draw.integers(0, 3, 400), at_hours, np.ones(400), draw.integers(-1, 2, 400) * 1.0, draw.random(400))
    places, moments = draw.integers(0, 3, 300), np.append(draw.integers(0, 24 * 60, 299) * 60.0, 0.0)
    found = live_columns(posts, places, counts_of_each(posts, some, places, moments), LIVE_COLUMNS)
    for row, (place, moment) in enumerate(zip(places, moments)):
        earlier = some.seconds < moment
        of_request = Events(some.places[earlier], some.seconds[earlier],
                            *(some.counts[kind][earlier] for kind in ("view", "like", "effective")))
        values = at(posts, moment, of_request)
        for name in LIVE_COLUMNS:
            assert found[name][row] == pytest.approx(values[name][place], rel=1e-6, abs=1e-30, nan_ok=True)


def test_a_few_likes_of_the_morning_are_not_lost_beside_many_of_the_night():
    night = [(0, DAY_SECONDS - 1.0, 1, 1, 1)] * 5_000
    some = events(*night, (1, 0.0, 1, 1, 1))
    posts, first = pack(), np.array([1])
    found = live_columns(posts, first, counts_of_each(posts, some, first, np.array([HOUR])), LIVE_COLUMNS)
    assert found["fresh.like_count_1h"] == pytest.approx([0.5])


def test_a_day_without_events_is_none():
    posts, places = pack(), np.array([0, 2])
    counts = counts_of_each(posts, NO_EVENTS, places, np.array([HOUR, 2 * HOUR]))
    assert live_columns(posts, places, counts, LIVE_COLUMNS)["fresh.view_count_1h"].tolist() == [0, 0]
