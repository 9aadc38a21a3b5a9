"""Metrics whose right answer is obvious."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from loader import metrics
from loader.metrics import Ranking, places_of


def test_hits_looks_at_the_five_best_of_each_request():
    request = np.repeat([0, 1, 2], 6)
    liked = np.zeros(18, bool)
    liked[[5, 6]] = True
    scores = np.tile([6.0, 5, 4, 3, 2, 1], 3)
    assert metrics.hits(scores, request, liked, np.arange(18)).tolist() == [False, True, False]


def test_hits_breaks_ties_by_the_smaller_id():
    liked = np.array([True, False, False, False, False, False])
    assert not metrics.hits(np.zeros(6), np.zeros(6, int), liked, np.array([9, 1, 2, 3, 4, 5])).any()
    assert metrics.hits(np.zeros(6), np.zeros(6, int), liked, np.array([0, 1, 2, 3, 4, 5])).all()


def test_random_hits_is_the_hypergeometric_probability():
    liked = np.array([True] + [False] * 9 + [True] * 6 + [False] * 4)
    request = np.repeat([0, 1], 10)
    assert metrics.random_hits(request, liked) == pytest.approx([0.5, 1.0])


def test_request_auc_is_the_mean_auc_of_requests_with_both_labels():
    rng = np.random.default_rng(1)
    request = np.sort(rng.integers(0, 20, 300))
    liked = (rng.random(300) < 0.3) & (request != 3)
    scores = rng.integers(0, 5, 300) + liked
    expected = [
        roc_auc_score(liked[request == r], scores[request == r]) for r in range(20)
        if 0 < liked[request == r].sum() < (request == r).sum()
    ]
    assert metrics.request_auc(scores, request, liked) == pytest.approx(np.mean(expected))


def test_bootstrap_covers_the_mean_and_resamples_users():
    users = np.repeat(np.arange(200), 5)
    per_user = np.repeat(np.random.default_rng(0).random(200) < 0.4, 5).astype(float)
    value, low, high = metrics.bootstrap(per_user, users)
    assert value == per_user.mean() and low < value < high
    assert (high - low) / 3.92 == pytest.approx(np.sqrt(0.24 / 200), rel=0.2)


def test_places_skip_what_may_not_be_shown_and_ties_go_to_the_smaller_row():
    scores = np.array([5.0, 4, 4, 4, 1])
    assert places_of(scores, np.array([2, 4]), np.array([0])).tolist() == [1, 3]


def test_metrics():
    values = Ranking(np.array([1, 2]), [np.array([0, 12]), np.array([30])], np.array([2, 1])).metrics()
    assert values["HitRate@5"].tolist() == [1, 0] and values["Recall@20"].tolist() == [1, 0]
    assert values["NDCG@10"] == pytest.approx([1 / (1 + 1 / np.log2(3)), 0])


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from([0.0, 1.0, 2.0])), max_size=12))
def test_an_auc_is_a_number_or_none_as_sklearn_has_it(rows):
    request, liked, scores = (np.array(column) for column in zip(*rows)) if rows else (np.array([], int),
        np.array([], bool), np.array([]))
    request = metrics.compact(request)
    both = [r for r in range(len(set(request))) if 0 < liked[request == r].sum() < (request == r).sum()]
    expected = pytest.approx(np.mean([roc_auc_score(liked[request == r],
        scores[request == r]) for r in both])) if both else None
    assert metrics.request_auc(scores, request, liked) == expected


def test_the_five_best_places_leave_out_what_is_excluded():
    scores = np.array([1.0, 5.0, 3.0, 3.0, 3.0, 2.0, 9.0])
    assert metrics.best_places(scores, np.array([6])).tolist() == [1, 2, 3, 4, 5]
    assert metrics.best_places(scores, np.array([1, 2, 3])).tolist() == [6, 4, 5, 0]
    assert metrics.best_places(scores, np.arange(7)).tolist() == []
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores, excluded = rng.integers(0, 6, 40).astype(float), rng.choice(40, 7, replace=False)
        scores[excluded] = 99
        order = np.argsort(-np.where(np.isin(np.arange(40), excluded), -np.inf, scores), kind="stable")
        assert metrics.best_places(scores, excluded).tolist() == order[:5].tolist()
