"""What a user was shown before, and what showing it again does."""

from types import SimpleNamespace

import numpy as np
import pytest

from plpy.columns import DAY_SECONDS
from plpy.pack import Pack
from plpy.seen import KEY, LAST, VIEWED, Showings, seen_effects, times_shown

NOW = 1e9
HOUR = 3600


def row(views=(), exposures=()):
    """A row with (post, hours ago) of views and of exposures."""
    (viewed, viewed_ago), (served, served_ago) = (tuple(zip(*pairs)) or ((), ()) for pairs in (views, exposures))
    return {
        "viewed_post_ids": np.array(viewed, np.int64), "viewed_at": NOW - HOUR * np.array(viewed_ago),
        "exposed_post_ids": np.array(served, np.int64), "exposed_at": NOW - HOUR * np.array(served_ago),
    }


def shown(*arguments):
    """The showings as (post, times, hours since, is viewed)."""
    found = Showings.of(row(*arguments), NOW)
    hours = (found.days * DAY_SECONDS / HOUR).round(6).tolist()
    return list(zip(found.post_ids.tolist(), found.times.tolist(), hours, found.is_viewed.tolist()))


def test_nothing_was_shown_to_nobody():
    assert shown() == [] and times_shown(row(), 7, NOW) == 0


def test_showings_are_counted_by_post():
    assert shown([(9, 72), (4, 50), (9, 24)]) == [(4, 1, 50, True), (9, 2, 24, True)]


def test_a_view_of_what_was_served_is_no_other_showing():
    assert shown([(4, 49.5)], [(4, 50), (5, 50)]) == [(4, 1, 49.5, True), (5, 1, 50, False)]
    assert shown([(4, 48.5)], [(4, 50)]) == [(4, 2, 48.5, True)]


def test_what_was_shown_in_the_last_hour_can_still_be_liked():
    assert shown([(4, 0.9), (5, 1.1)], [(6, 0.5), (4, 30)]) == [(4, 1, 30, False), (5, 1, 1.1, True)]
    assert times_shown(row([(4, 0.9), (4, 30), (4, 60)]), 4, NOW) == 2


ENCODERS = {KEY: {
    "times: 1": -0.1, "times: 2": -0.2, "times: 3": -0.3, "times: 5": -0.5, "days: 0": 0.01, "days: 1": 0.02,
    "days: 7": 0.03, "days: 28": 0.04, "days: 90": 0.05, "only served": -0.001, "rule: days": 14, "rule: effect": -3,
}}


@pytest.mark.parametrize(("times", "days", "is_viewed", "effect"), [
    (1, 0.5, True, -3.09), (1, 1, True, -3.08), (2, 13.9, True, -3.17), (2, 14, True, -0.17), (4, 30, True, -0.26),
    (5, 90, True, -0.45), (70, 900, False, -0.451),
])
def test_effects_are_by_times_days_and_kind(times, days, is_viewed, effect):
    found = Showings(np.array([1]), np.array([times]), np.array([days]), np.array([is_viewed]))
    assert found.effects(ENCODERS, 7023) == pytest.approx([effect])


def test_in_a_small_catalogue_the_rule_holds_for_what_was_shown_last():
    found = Showings(np.arange(4), np.ones(4), np.array([3.0, 1.0, 20.0, 2.0]), np.ones(4, bool))
    encoders = {KEY: {"rule: days": 14, "rule: effect": -3, "rule: share": 0.25}}
    for count, effects in ((3, [0, 0, 0, 0]), (8, [0, -3, 0, -3]), (12, [-3, -3, 0, -3]), (99, [-3, -3, 0, -3])):
        assert found.effects(encoders, count).tolist() == effects


def test_an_older_model_knows_no_effects():
    pack = FakePack([4, 5, 6])
    user = row([(5, 24), (99, 24)])
    for model in (None, SimpleNamespace(encoders={"post.topic": {}})):
        assert seen_effects(user, pack, model, NOW).tolist() == [0, 0, 0]
    assert seen_effects(user, pack, SimpleNamespace(encoders=ENCODERS), NOW) == pytest.approx([0, -3.08, 0])


def test_a_model_can_put_last_whatever_was_viewed():
    """In the last hour too, and once however often; what was only served stays."""
    model = SimpleNamespace(encoders={KEY: {VIEWED: LAST}})
    user = row([(5, 24), (5, 50), (6, 0.1), (99, 24)], [(4, 24)])
    assert seen_effects(user, FakePack([4, 5, 6, 7]), model, NOW).tolist() == [0, LAST, LAST, 0]
    assert times_shown(user, 6, NOW) == 1


class FakePack:
    """Posts without anything."""

    def __init__(self, post_ids):
        self.post_ids, self.catalogue_count = np.array(post_ids), len(post_ids)

    def __len__(self):
        return len(self.post_ids)

    def locate(self, post_ids):
        return np.array([self.post_ids.tolist().index(i) if i in self.post_ids else -1 for i in post_ids], np.int64)

    places = Pack.places
