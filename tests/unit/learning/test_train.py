"""Training without a database."""

from types import SimpleNamespace

import numpy as np
import pytest

from loader.learning import train
from loader.learning.impressions import Impressions
from loader.learning.recipes import PARAMETERS, SCORE


def test_a_model_can_start_from_what_preferences_say():
    expected = np.float32([-1.3, -0.2, 0.1, 0.9, 2.5])
    scores = train.score_trees(["user.age", SCORE]).predict(np.column_stack([np.full(5, 30), expected]))
    assert scores == pytest.approx(expected, abs=0.03)


def test_the_seconds_of_a_fit_hold_all_that_it_fits(monkeypatch):
    clock, trees = [0.0], train.score_trees

    def slow_trees(names):
        clock[0] += 100
        return trees(names)

    monkeypatch.setattr(train, "score_trees", slow_trees)
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    count = 40
    numbers = np.arange(count)
    rows = Impressions(
        [SCORE], np.linspace(-1, 1, count, dtype=np.float32)[:, None], numbers, numbers,
        np.full(count, "2021-12-01", "datetime64[D]"), numbers // 4, numbers % 4, numbers % 2 == 1,
        np.ones(count, np.float32), np.zeros(count),
    )
    assert train.fit(rows, rows, PARAMETERS | {"iterations": 2})[1]["fit_seconds"] == 100


def test_nuisance_finds_the_effect_of_position_and_day():
    rng = np.random.default_rng(0)
    count = 200_000
    position, day = rng.integers(0, 20, count), rng.integers(0, 2, count)
    log_odds = np.where(position < 10, 0.5, -0.5) + np.where(day == 0, -2.0, -1.0)
    rows = Impressions(
        [], np.empty((count, 0), np.float32), np.arange(count), np.arange(count),
        np.array(["2021-10-01", "2021-12-01"], "datetime64[D]")[day], np.arange(count), position,
        rng.random(count) < 1 / (1 + np.exp(-log_odds)), np.ones(count, np.float32), np.zeros(count),
    )
    offset, effects = train.nuisance(rows)
    assert effects["place"][:10].mean() - effects["place"][10:20].mean() == pytest.approx(1.0, abs=0.06)
    assert offset[day == 1].mean() - offset[day == 0].mean() == pytest.approx(1.0, abs=0.06)
