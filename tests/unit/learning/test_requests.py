"""Choosing from the whole catalogue: formulas whose right answer is obvious."""

import numpy as np
import pytest

from loader.learning.requests import Likes, later_likes, next_likes
from plpy._post_neighbours import EASE_LAMBDA, ease_weights, neighbours
from plpy.recommend_posts import (
    DAY_SECONDS,
    HALF_LIFE_HOURS,
    LEAST_SHARE,
    fresh_columns,
    pair_columns,
    similarity_to,
    unpack_neighbours,
)

NOTHING = {"places": np.empty(0, int), "seconds": np.empty(0), "view": np.empty(0), "like": np.empty(0)}
LIKES = Likes(np.array([1, 2, 1, 1, 2, 1]), np.array([10, 10, 20, 30, 30, 40]), np.array([0.0, 5, 10, 10, 20, 30]))


def pack(**columns):
    zeros = np.zeros(3, np.float32)
    names = [f"post.decayed_{action}_count_{name}" for action in ("view", "like") for name in HALF_LIFE_HOURS]
    given = {f"post.{name}": np.array(values, np.float32) for name, values in columns.items()}
    rest = ["post.like_count", "post.age_days", "post.days_since_event"]
    return {"post_ids": np.array([10, 20, 30]), "columns": dict.fromkeys(names + rest, zeros) | given}


def events(*rows):
    places, seconds, views, likes = zip(*rows)
    return {"places": np.array(places), "seconds": np.array(seconds, float), "view": np.array(views, float), "like": np.array(likes, float)}


def test_without_events_shares_stay_and_age_grows():
    posts = pack(decayed_like_count_1d=[4, 2, 0], age_days=[1, 2, np.nan], days_since_event=[0.5, 1, np.nan])
    for seconds in (0, 3 * DAY_SECONDS):
        fresh = fresh_columns(posts, NOTHING, seconds)
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
    whole = fresh_columns(pack(decayed_like_count_6h=[1 * 0.5 + 1, 3 * 0.5, 0]), NOTHING, 0)
    parts = fresh_columns(pack(decayed_like_count_6h=[1, 3, 0]), events((0, 6 * 3600, 0, 1)), 6 * 3600)
    assert parts["fresh.like_6h"] == pytest.approx(whole["fresh.like_6h"], abs=1e-6)


def test_a_year_without_refresh_overflows_nothing():
    fresh = fresh_columns(pack(decayed_like_count_1h=[1, 0, 0]), events((1, 365 * DAY_SECONDS, 1, 1)), 366 * DAY_SECONDS)
    assert np.isfinite(fresh["fresh.like_1h"]).all() and fresh["fresh.like_1h"].argmax() == 1


def test_neighbours_are_posts_of_the_same_users():
    users, days, rows = np.array([1, 1, 2, 2, 3]), np.array([0, 0, 0, 5, 0]), np.array([0, 1, 0, 1, 2])
    post, other, similarity, day_similarity, _ = neighbours(users, days, rows, 3)
    assert list(zip(post, other)) == [(0, 1), (1, 0)]
    assert similarity == pytest.approx(2 / 5) and day_similarity == pytest.approx(1 / 5)


def test_a_like_twice_counts_once_and_no_likes_give_none():
    once = neighbours(np.array([1, 1]), np.array([0, 0]), np.array([0, 1]), 2)
    assert np.array_equal(once, neighbours(np.array([1, 1, 1]), np.array([0, 0, 3]), np.array([0, 1, 1]), 2))
    assert neighbours(np.empty(0, int), np.empty(0, int), np.empty(0, int), 2).shape == (5, 0)


def test_each_post_keeps_its_most_similar_neighbours():
    users = np.repeat(np.arange(40), 3)
    rows = np.column_stack([np.zeros(40, int), 1 + np.arange(40) % 20, np.full(40, 21)]).ravel()
    found = neighbours(users, users * 0, rows, 30_000)
    mine = found[:, found[0] == 0]
    assert len(mine[0]) == 20 and mine[1, mine[2].argmax()] == 21


def test_ease_weights_solve_the_ridge_regression_of_each_post_on_the_others():
    from scipy.sparse import csr_matrix

    likes = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]], np.float32)
    popular, weights = ease_weights(csr_matrix(likes))
    others = likes[:, 1:]
    expected = np.linalg.solve(others.T @ others + EASE_LAMBDA * np.eye(2), others.T @ likes[:, 0])
    assert popular.tolist() == [0, 1, 2] and weights[1:, 0] == pytest.approx(expected, rel=1e-4)


def test_similarity_is_the_weighted_mean():
    blob = np.array([[0, 1, 1], [1, 0, 2], [0.4, 0.4, 0.2], [0, 0, 0], [0, 0, 0]], ">f4").tobytes()
    found = similarity_to(unpack_neighbours(blob, 3), np.array([0, 1]), np.array([1.0, 3.0]), "similarity", 3)
    assert found == pytest.approx([0.3, 0.1, 0.15])
    assert not similarity_to(unpack_neighbours(b"", 3), np.array([0]), np.ones(1), "similarity", 3).any()


def test_a_user_without_likes_has_no_taste():
    posts = pack()
    fresh = fresh_columns(posts, NOTHING, 0)
    row = {"liked_post_ids": None, "liked_at": None, "viewed_post_ids": np.array([20, 20, 99], ">i8").tobytes()}
    found = pair_columns(row, posts, unpack_neighbours(b"", 3), fresh, 1e9)
    assert found["taste.like_count"] == 0 and np.isnan(found["taste.age_days"]) and np.isnan(found["taste.days_since_like"])
    assert not found["pair.co_like"].any() and found["pair.view_count"].tolist() == [0, 2, 0]


def test_next_likes_ask_just_before_a_like_of_a_user_with_an_earlier_one():
    found = next_likes(LIKES, 0, 100, 10)
    assert [(r.user_id, r.at, r.targets.tolist()) for r in found] == [(1, 10, [20, 30]), (2, 20, [30]), (1, 30, [40])]
    assert [r.at for r in next_likes(LIKES, 10, 30, 10)] == [10, 20]


def test_later_likes_ask_at_the_cut_off():
    found = later_likes(LIKES, 10, 30, 10)
    assert [(r.user_id, r.at, r.targets.tolist()) for r in found] == [(1, 10, [20, 30]), (2, 10, [30])]
    assert later_likes(LIKES, 0, 100, 10) == []
