"""Which of several recipes is taken, from what they reach on sessions."""

import numpy as np

from loader.learning.selection import Figures, Standing, best_of, gain, put, reason_of

USERS = np.arange(400)
NOISE = np.random.default_rng(0).normal(0, 0.1, (3, 400))


def figures(ndcg: float, auc: float, noise: np.ndarray) -> Figures:
    return Figures(np.zeros(400), ndcg + noise, auc + noise)


def test_what_knows_what_is_shown_wins_only_if_it_orders_it_as_well():
    """By NDCG@10 alone the second would be taken both times."""
    first, equal, worse = (figures(*means, noise) for means, noise in zip([(0.1, 0.6), (0.2, 0.6), (0.2, 0.5)], NOISE))
    rule = figures(0.1, 0.6, NOISE[2])
    assert best_of({"first": first, "second": equal}, rule, USERS) == "second"
    assert best_of({"first": first, "second": worse}, rule, USERS) == "first"


def test_ties_and_figures_that_are_not_defined_are_no_errors():
    nothing = Figures(*np.full((3, 400), np.nan))
    assert best_of({"first": nothing, "second": nothing}, nothing, USERS) == "first"
    assert gain(nothing.ndcg, nothing.ndcg, USERS) == (0.0, 0.0, 0.0)


def test_the_reason_says_when_a_rule_is_ahead():
    one, rule = (figures(ndcg, 0.6, noise).ndcg for ndcg, noise in zip((0.1, 0.3), NOISE))
    behind, ahead = (Standing(*gain(*pair, USERS)) for pair in ((one, rule), (rule, one)))
    assert "is clearly worse than the best rule, newest" in reason_of("one", "newest", behind)
    assert "is clear of the best rule, newest" in reason_of("one", "newest", ahead)


def test_a_session_is_measured_by_what_was_shown_and_by_the_catalogue():
    """The liked post 2 stands before the other shown one and behind one that was not shown; 4 was liked before."""
    found = figures(np.nan, np.nan, np.zeros(400))
    put(found, 7, np.array([1.0, 5.0, 3.0, 0.0, 9.0]), np.array([2]), np.array([0, 2]), np.array([4]))
    assert (found.hit_rate[7], found.auc[7]) == (1.0, 1.0)
    assert found.ndcg[7] == 1 / np.log2(3)
