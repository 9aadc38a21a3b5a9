"""Features of the moment: formulas whose right answer is obvious."""

import numpy as np
import pytest

from plpy.columns import DAY_SECONDS, HALF_LIFE_HOURS
from plpy.moment import LEAST_SHARE, Events, Neighbours, fresh_columns, pair_columns
from plpy.pack import Pack
from tests.unit.plpy.packs import NO_EVENTS

NO_NEIGHBOURS = Neighbours.unpack(b"", 3)


def pack(**columns):
    zeros = np.zeros(3, np.float32)
    names = [f"post.decayed_{action}_count_{name}" for action in ("view", "like") for name in HALF_LIFE_HOURS]
    given = {f"post.{name}": np.array(values, np.float32) for name, values in columns.items()}
    rest = ["post.like_count", "post.age_days", "post.days_since_event"]
    posts = Pack(np.array([10, 20, 30]), [], np.full(3, -1), dict.fromkeys(names + rest, zeros) | given)
    posts.neighbours = NO_NEIGHBOURS
    return posts


def events(*rows):
    places, seconds, views, likes = zip(*rows)
    counts = np.array(views, float), np.array(likes, float), np.array(views, float)
    return Events(np.array(places), np.array(seconds, float), *counts)


def test_without_events_shares_stay_and_age_grows():
    posts = pack(decayed_like_count_1d=[4, 2, 0], age_days=[1, 2, np.nan], days_since_event=[0.5, 1, np.nan])
    for seconds in (0, 3 * DAY_SECONDS):
        fresh = fresh_columns(posts, NO_EVENTS, seconds)
        assert fresh["fresh.like_1d"] == pytest.approx(np.log(np.array([1, 0.5, 0]) + LEAST_SHARE), abs=1e-5)
        assert fresh["fresh.age_days"][:2] == pytest.approx([1 + seconds / DAY_SECONDS, 2 + seconds / DAY_SECONDS])
        assert np.isnan(fresh["fresh.age_days"][2]) and np.isnan(fresh["fresh.days_since_event"][2])


def test_an_event_counts_with_its_exact_age():
    posts = pack(decayed_like_count_1d=[4, 0, 0], age_days=[9, np.nan, 9])
    fresh = fresh_columns(posts, events((1, DAY_SECONDS, 1, 1)), 2 * DAY_SECONDS)
    # At the moment: four likes two half-lives ago, one like one half-life ago.
    assert fresh["fresh.like_1d"] == pytest.approx(np.log(np.array([1, 0.5 / 1, 0]) + LEAST_SHARE), abs=1e-5)
    assert fresh["fresh.age_days"][1] == fresh["fresh.days_since_event"][1] == pytest.approx(1)


def test_pack_and_later_events_equal_a_pack_of_the_moment():
    whole = fresh_columns(pack(decayed_like_count_6h=[1 * 0.5 + 1, 3 * 0.5, 0]), NO_EVENTS, 0)
    parts = fresh_columns(pack(decayed_like_count_6h=[1, 3, 0]), events((0, 6 * 3600, 0, 1)), 6 * 3600)
    assert parts["fresh.like_6h"] == pytest.approx(whole["fresh.like_6h"], abs=1e-6)


def test_a_year_without_refresh_overflows_nothing():
    fresh = fresh_columns(pack(decayed_like_count_1h=[1, 0, 0]), events((1, 365 * DAY_SECONDS, 1, 1)),
                          366 * DAY_SECONDS)
    assert np.isfinite(fresh["fresh.like_1h"]).all() and fresh["fresh.like_1h"].argmax() == 1


def test_similarity_is_the_weighted_mean():
    blob = np.array([[0, 1, 1], [1, 0, 2], [0.4, 0.4, 0.2], [0, 0, 0], [0, 0, 0]], ">f4").tobytes()
    found = Neighbours.unpack(blob, 3).mean("similarity", np.array([0, 1]), np.array([1.0, 3.0]), 3)
    assert found == pytest.approx([0.3, 0.1, 0.15])
    assert not NO_NEIGHBOURS.mean("similarity", np.array([0]), np.ones(1), 3).any()


def test_a_user_without_likes_has_no_taste():
    posts = pack()
    fresh = fresh_columns(posts, NO_EVENTS, 0)
    row = {"liked_post_ids": np.empty(0, np.int64), "liked_at": np.empty(0), "viewed_post_ids": np.array([20, 20, 99])}
    found = pair_columns(row, posts, fresh, 1e9)
    assert found["taste.like_count"] == 0
    assert np.isnan(found["taste.age_days"]) and np.isnan(found["taste.days_since_like"])
    assert not found["pair.co_like"].any() and found["pair.view_count"].tolist() == [0, 2, 0]
