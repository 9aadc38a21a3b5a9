"""Choosing from the whole catalogue: formulas whose right answer is obvious."""

from dataclasses import replace

import numpy as np

from loader.learning import catalogue
from loader.learning.requests import Likes, later_likes, next_likes

AT = np.array([0.0, 5, 10, 10, 20, 30])
LIKES = Likes(np.array([1, 2, 1, 1, 2, 1]), np.array([10, 10, 20, 30, 30, 40]), AT, AT)


def test_next_likes_ask_just_before_a_like_of_a_user_with_an_earlier_one():
    found = next_likes(LIKES, 0, 100, 10)
    assert [(r.user_id, r.at, r.targets.tolist()) for r in found] == [(1, 10, [20, 30]), (2, 20, [30]), (1, 30, [40])]
    assert [r.at for r in next_likes(LIKES, 10, 30, 10)] == [10, 20]


def test_later_likes_ask_at_the_cut_off():
    found = later_likes(LIKES, 10, 30, 10)
    assert [(r.user_id, r.at, r.targets.tolist()) for r in found] == [(1, 10, [20, 30]), (2, 10, [30])]
    assert later_likes(LIKES, 0, 100, 10) == []


def test_requests_stand_where_the_user_found_the_post():
    """A view tells that a like may follow: nothing as of the request knows it."""
    likes = replace(LIKES, found_at=np.array([0.0, 5, 10, 8, 12, 3]))
    found = next_likes(likes, 0, 100, 10)
    assert [(r.user_id, r.at, r.targets.tolist()) for r in found] == [
        (1, 3, [40]), (1, 8, [30]), (1, 10, [20]), (2, 12, [30]),
    ]
    later = later_likes(likes, 10, 40, 10)
    assert [(r.user_id, r.targets.tolist()) for r in later] == [(1, [20]), (2, [30])]


def test_moments_lack_features_where_events_of_the_day_or_the_day_before_are_gone():
    day, noon = 86400.0, 43200.0
    moments = np.array([2 * day + noon, 3 * day, 3 * day + 1, 4 * day, 4 * day + noon, 5 * day, 5 * day + 1])
    likes = Likes(np.ones(7, int), np.arange(7), moments, moments, np.array([3]))
    assert likes.has_features(moments).tolist() == [True, True, False, False, False, True, True]
    assert [request.at for request in next_likes(likes, 0, np.inf, 10)] == [3 * day, 5 * day, 5 * day + 1]
    assert [bool(later_likes(likes, cut_off, np.inf, 10)) for cut_off in moments[1:6]] == [
        True, False, False, False, True
    ]


def test_cut_offs_are_spread_over_what_has_features():
    """Ten days; those whose events are gone lie in the middle, and as many cut-offs as ever are taken."""
    at = np.arange(0, 10 * 86400.0, 3600)
    users, posts = np.ones(len(at), int), np.arange(len(at))
    usual = catalogue.requests_until(Likes(users, posts, at, at), 10 * 86400.0, 86400.0, 600)
    few = catalogue.requests_until(Likes(users, posts, at, at, np.array([4, 5, 6])), 10 * 86400.0, 86400.0, 600)
    assert len(few) == len(usual) == catalogue.CUT_OFFS
    assert not [request.at for request in few if 4 * 86400 < request.at < 8 * 86400]
    assert min(request.at for request in few) < 2 * 86400 and max(request.at for request in few) > 9 * 86400


def test_validation_with_a_horizon_stands_at_several_cut_offs():
    at = np.arange(0, 10 * 86400.0, 3600)
    likes = Likes(np.ones(len(at), int), np.arange(len(at)), at, at)
    found = catalogue.requests_between(likes, 8 * 86400.0, 10 * 86400.0, 2 * 86400.0)
    assert [request.at / 86400 for request in found] == [8, 8.25, 8.5, 8.75, 9]
    assert [len(request.targets) for request in found] == [48, 42, 36, 30, 24]
