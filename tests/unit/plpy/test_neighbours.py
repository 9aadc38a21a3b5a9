"""Posts that are liked by the same users."""

import numpy as np
import pytest

from plpy.neighbours import EASE_LAMBDA, ease_weights, neighbours


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
