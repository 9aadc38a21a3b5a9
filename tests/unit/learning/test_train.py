"""Training without a database."""

from types import SimpleNamespace

import numpy as np
import pytest
from catboost import Pool

from loader.learning import impressions, train
from loader.learning.impressions import Impressions
from loader.learning.recipes import RECIPES
from plpy.columns import SCORE

PARAMETERS = RECIPES["control"].parameters


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


def test_requests_of_parts_stay_apart_when_they_are_joined():
    parts = [
        Impressions(["a"], np.full((n, 1), n, np.float32), *[np.zeros(n)] * 3, np.arange(n) // 2, *[np.zeros(n)] * 4)
        for n in (3, 4)
    ]
    rows = impressions.joined(parts)
    assert rows.request.tolist() == [0, 0, 1, 2, 2, 3, 3] and rows.features[:, 0].tolist() == [3] * 3 + [4] * 4


def test_a_fit_again_has_the_trees_that_were_chosen_and_what_they_start_from():
    count = 400
    numbers = np.arange(count)
    features = np.column_stack([np.linspace(-1, 1, count), numbers % 7]).astype(np.float32)
    rows = Impressions(
        [SCORE, "user.age"], features, numbers, numbers, np.full(count, "2021-12-01", "datetime64[D]"), numbers // 4,
        numbers % 4, numbers % 3 == 1, np.ones(count, np.float32), np.zeros(count),
    )
    start = train.score_trees(rows.names)
    again = train.fit_again(rows, PARAMETERS, 3, 1.0)
    assert again.tree_count_ == start.tree_count_ + 3
    assert np.corrcoef(again.predict(features), features[:, 0])[0, 1] > 0.9


@pytest.mark.parametrize(("truth", "share"), [(0, 0.5), (1, 1.0)])
def test_of_trees_that_follow_noise_only_a_share_is_added(truth, share):
    rng = np.random.default_rng(2)
    features = rng.uniform(-1.5, 1.5, (4000, 2)).astype(np.float32)
    numbers = np.arange(len(features))
    rows = Impressions(
        [SCORE, "user.age"], features, numbers, numbers, np.full(4000, "2021-12-01", "datetime64[D]"), numbers // 20,
        numbers % 20, features[:, truth] > 0.5, np.ones(4000, np.float32), np.zeros(4000),
    )
    added = train.boost(PARAMETERS | {"loss_function": "RMSE"}, Pool(features, 2 * features[:, 1]))
    assert train.share_of_correction(train.score_trees(rows.names), added, rows) == share
