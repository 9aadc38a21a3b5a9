"""Sums of events before each view."""

import numpy as np

from loader.measuring.baselines import Running
from plpy.moment import Events


def test_only_earlier_events_of_the_same_post_count():
    rng = np.random.default_rng(0)
    posts, seconds = rng.integers(0, 5, 200), rng.integers(0, 50, 200).astype(float)
    places, at, weights = rng.integers(0, 5, 300), rng.integers(0, 50, 300).astype(float), rng.random(300)
    sums = Running(Events(places, at, weights, weights), posts, seconds).sums(weights)
    for row in range(200):
        is_before = (places == posts[row]) & (at < seconds[row])
        assert np.isclose(sums[row], weights[is_before].sum())


def test_without_events_all_is_zero():
    none = np.empty(0)
    running = Running(Events(none.astype(int), none, none, none), np.array([0, 1]), np.array([5.0, 6.0]))
    assert running.sums(none).tolist() == [0, 0]
