"""What an evaluation says of its figures."""

import numpy as np
from rich.console import Console

from loader.measuring.results import Evaluation, Result
from loader.metrics import Ranking


def test_the_verdict_compares_one_metric_only():
    def result(method, metric, value):
        return Result(method, metric, value, value - 0.01, value + 0.01, 9)

    def verdict(results):
        return Evaluation("full", "control", 1, results).verdict()

    clear = [result("model", "HitRate@5", 0.5), result("random", "HitRate@5", 0.4), result("random", "Recall@20", 0.6)]
    assert verdict(clear) == "the model is clear of every baseline"
    near = [*clear, result("most popular", "HitRate@5", 0.495)]
    assert verdict(near) == "the model's interval is not clear of: most popular"
    above = result("best like rate", "HitRate@5", 0.505)
    both = "the model is not better than: best like rate; its interval is not clear of: most popular"
    assert verdict([*near, above]) == both
    assert verdict([*clear, above]) == "the model is not better than: best like rate"


def test_the_figures_of_full_fit_into_80_columns():
    methods = ["model", "decayed popularity"]
    metrics = Ranking(np.array([1]), [np.array([0])], np.array([1])).metrics()
    results = [Result(method, metric, 0.123, 0.101, 0.145, 3000) for method in methods for metric in metrics]
    figures = Evaluation("full", "control", 1, results).table()
    figures.title = None
    assert Console().measure(figures, options=Console(width=200).options).maximum <= 80
