"""Metrics whose right answer is obvious."""

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import roc_auc_score

from loader.learning import train
from loader.learning.examples import Examples
from loader.measuring import full, logged


def test_hits_looks_at_the_five_best_of_each_request():
    request = np.repeat([0, 1, 2], 6)
    liked = np.zeros(18, bool)
    liked[[5, 6]] = True
    scores = np.tile([6.0, 5, 4, 3, 2, 1], 3)
    assert logged.hits(scores, request, liked, np.arange(18)).tolist() == [False, True, False]


def test_hits_breaks_ties_by_the_smaller_id():
    liked = np.array([True, False, False, False, False, False])
    assert not logged.hits(np.zeros(6), np.zeros(6, int), liked, np.array([9, 1, 2, 3, 4, 5])).any()
    assert logged.hits(np.zeros(6), np.zeros(6, int), liked, np.array([0, 1, 2, 3, 4, 5])).all()


def test_random_hits_is_the_hypergeometric_probability():
    liked = np.array([True] + [False] * 9 + [True] * 6 + [False] * 4)
    request = np.repeat([0, 1], 10)
    assert logged.random_hits(request, liked) == pytest.approx([0.5, 1.0])


def test_request_auc_is_the_mean_auc_of_requests_with_both_labels():
    rng = np.random.default_rng(1)
    request = np.sort(rng.integers(0, 20, 300))
    liked = (rng.random(300) < 0.3) & (request != 3)
    scores = rng.integers(0, 5, 300) + liked
    expected = [
        roc_auc_score(liked[request == r], scores[request == r]) for r in range(20) if 0 < liked[request == r].sum() < (request == r).sum()
    ]
    assert logged.request_auc(scores, request, liked) == pytest.approx(np.mean(expected))


def test_bootstrap_covers_the_mean_and_resamples_users():
    users = np.repeat(np.arange(200), 5)
    per_user = np.repeat(np.random.default_rng(0).random(200) < 0.4, 5).astype(float)
    value, low, high = logged.bootstrap(per_user, users)
    assert value == per_user.mean() and low < value < high
    assert (high - low) / 3.92 == pytest.approx(np.sqrt(0.24 / 200), rel=0.2)


def test_nuisance_finds_the_effect_of_position_and_day():
    rng = np.random.default_rng(0)
    count = 200_000
    position, day = rng.integers(0, 20, count), rng.integers(0, 2, count)
    log_odds = np.where(position < 10, 0.5, -0.5) + np.where(day == 0, -2.0, -1.0)
    rows = Examples(
        [], np.empty((count, 0), np.float32), np.arange(count), np.arange(count),
        np.array(["2021-10-01", "2021-12-01"], "datetime64[D]")[day], np.arange(count), position,
        rng.random(count) < 1 / (1 + np.exp(-log_odds)),
    )
    offset, effects = train.nuisance(rows)
    assert effects[:10].mean() - effects[10:20].mean() == pytest.approx(1.0, abs=0.06)
    assert offset[day == 1].mean() - offset[day == 0].mean() == pytest.approx(1.0, abs=0.06)


def test_the_verdict_compares_one_metric_only():
    def result(method, metric, value):
        return logged.Result(method, metric, value, value - 0.01, value + 0.01, 9)

    clear = [result("model", "HitRate@5", 0.5), result("random", "HitRate@5", 0.4), result("random", "Recall@20", 0.6)]
    assert logged.verdict(clear) == "the model is clear of every baseline"
    near = [*clear, result("most popular", "HitRate@5", 0.495)]
    assert logged.verdict(near) == "the model's interval is not clear of: most popular"
    above = result("best like rate", "HitRate@5", 0.505)
    assert logged.verdict([*near, above]) == "the model is not better than: best like rate; its interval is not clear of: most popular"
    assert logged.verdict([*clear, above]) == "the model is not better than: best like rate"


def test_the_figures_of_full_fit_into_80_columns():
    methods = ["model", "decayed popularity"]
    results = [logged.Result(method, metric, 0.123, 0.101, 0.145, 3000) for method in methods for metric in full.METRICS]
    figures = full.Full("control", 1, "2021-12-12", 7023, dict.fromkeys(methods)).as_table(results)
    figures.title = None
    assert Console().measure(figures, options=Console(width=200).options).maximum <= 80
