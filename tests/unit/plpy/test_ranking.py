"""Ranking: order, ties, and scores without a model."""

import numpy as np
import pytest

from plpy.ranking import popularity, rank
from tests.unit.plpy.packs import pack


def test_rank_is_best_first_and_ties_go_to_the_smaller_id():
    scores = np.array([1.0, 3, 2, 3, 2, 2])
    ids = np.array([1, 9, 4, 2, 8, 3])
    assert ids[rank(scores, ids, 4)].tolist() == [2, 9, 3, 4]
    assert ids[rank(scores, ids, 99)].tolist() == [2, 9, 3, 4, 8, 1]


def test_rank_never_returns_what_is_left_out():
    scores = np.array([-np.inf, 3, -np.inf])
    assert rank(scores, np.arange(3), 3).tolist() == [1]
    assert rank(np.full(3, -np.inf), np.arange(3), 3).tolist() == []
    assert rank(np.empty(0), np.empty(0, int), 5).tolist() == []


def test_popularity_is_the_log_odds_of_the_decayed_rate():
    posts = pack(**{"post.decayed_like_rate_7d": [0.5, 0.2, 0.0]})
    assert popularity(posts)[:2].tolist() == pytest.approx([0.0, np.log(0.25)], abs=1e-6)
    assert np.isfinite(popularity(posts)).all()
    popularity(posts)[:] = -np.inf
    assert np.isfinite(popularity(posts)).all()
