"""Choosing from the whole catalogue: formulas whose right answer is obvious."""

import numpy as np

from loader.learning.requests import Likes, later_likes, next_likes

LIKES = Likes(np.array([1, 2, 1, 1, 2, 1]), np.array([10, 10, 20, 30, 30, 40]), np.array([0.0, 5, 10, 10, 20, 30]))


def test_next_likes_ask_just_before_a_like_of_a_user_with_an_earlier_one():
    found = next_likes(LIKES, 0, 100, 10)
    assert [(r.user_id, r.at, r.targets.tolist()) for r in found] == [(1, 10, [20, 30]), (2, 20, [30]), (1, 30, [40])]
    assert [r.at for r in next_likes(LIKES, 10, 30, 10)] == [10, 20]


def test_later_likes_ask_at_the_cut_off():
    found = later_likes(LIKES, 10, 30, 10)
    assert [(r.user_id, r.at, r.targets.tolist()) for r in found] == [(1, 10, [20, 30]), (2, 10, [30])]
    assert later_likes(LIKES, 0, 100, 10) == []
