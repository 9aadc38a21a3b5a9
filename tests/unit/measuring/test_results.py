"""What an evaluation says of its figures."""

import numpy as np
from rich.console import Console

from loader.measuring.results import Contest, Evaluation, Result
from loader.metrics import Ranking


def contest(**means):
    """A contest of the model and others, which reach these means on the same 400 users, with a little noise."""
    rng = np.random.default_rng(0)
    values = {name.replace("_", " "): {"HitRate@5": mean + rng.normal(0, 0.1, 400), "AUC": np.full(400, np.nan)}
              for name, mean in means.items()}
    return Contest("full", {"model": ("control", 1)}, values, np.arange(400))


def test_the_verdict_says_who_is_ahead():
    clear = contest(model=0.5, random=0.3, most_popular=0.4).evaluation("model").verdict()
    assert clear.startswith("the model is ahead of every baseline by HitRate@5: of the nearest, most popular, by 0.1")
    verdict = contest(model=0.5, random=0.3, most_popular=0.501, newest_first=0.6, live_like_rate=0.7)
    behind, unclear, ahead = verdict.evaluation("model").verdict().removeprefix("by HitRate@5: ").rsplit("; ", 2)
    winners = [part.split(" is ahead of the model by ")[0] for part in behind.split("; ")]
    assert winners == ["live like rate", "newest first"]
    assert unclear == "the model is neither ahead nor behind for sure: most popular"
    assert ahead == "the model is ahead of random"


def test_a_metric_that_no_request_defines_is_left_out():
    evaluation = contest(model=0.5, random=0.3).evaluation("model")
    assert evaluation.metrics == ["HitRate@5"] and evaluation.results[0].sample_count == 400


def test_the_figures_of_full_fit_into_80_columns():
    methods = ["model", "decayed popularity"]
    metrics = Ranking(np.array([1]), [np.array([0])], np.array([1])).metrics()
    results = [Result(method, metric, 0.123, 0.101, 0.145, 3000) for method in methods for metric in metrics]
    figures = Evaluation("full", "control", 1, results).table()
    figures.title = None
    assert Console().measure(figures, options=Console(width=200).options).maximum <= 80
