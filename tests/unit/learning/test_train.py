"""Training without a database."""

from types import SimpleNamespace

import numpy as np
import pytest

from loader.learning import train
from loader.learning.examples import Examples


def test_a_model_can_start_from_the_logarithm_of_quality():
    quality = np.float32([0.3, 0.9, 1.0, 1.7, 3.5])
    scores = train.quality_trees(["user.age", train.QUALITY]).predict(np.column_stack([np.full(5, 30), quality]))
    assert scores == pytest.approx(np.log(quality), abs=0.03)


def test_the_seconds_of_a_fit_hold_all_that_it_fits(monkeypatch):
    clock, trees = [0.0], train.quality_trees

    def slow_trees(names):
        clock[0] += 100
        return trees(names)

    monkeypatch.setattr(train, "quality_trees", slow_trees)
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    count = 40
    numbers = np.arange(count)
    rows = Examples(
        [train.QUALITY], np.linspace(0.5, 2, count, dtype=np.float32)[:, None], numbers, numbers,
        np.full(count, "2021-12-01", "datetime64[D]"), numbers // 4, numbers % 4, numbers % 2 == 1,
    )
    assert train.fit(rows, rows, train.PARAMETERS | {"iterations": 2})[1]["fit_seconds"] == 100
