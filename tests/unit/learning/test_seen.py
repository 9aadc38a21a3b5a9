"""What showing a post again does, learned from worlds that say it."""

import numpy as np
import pytest

from loader.learning import seen
from loader.learning.impressions import Impressions
from plpy.seen import DAYS, TIMES, Showings

COUNT = 200_000


def world(effect_of_times, effect_of_days, seed=0):
    """Showings of a world with these effects: inputs, labels and the log-odds without the effects."""
    rng = np.random.default_rng(seed)
    times, days = rng.choice([1, 2, 3, 6], COUNT), rng.choice([0.5, 3, 10, 40, 100], COUNT)
    offset = rng.normal(-2, 0.5, COUNT)
    inputs = seen.inputs_of(times, days, np.ones(COUNT, bool))
    effects = np.array([*effect_of_times, *effect_of_days, 0])
    return inputs, rng.random(COUNT) < 1 / (1 + np.exp(-(offset + inputs @ effects))), offset


@pytest.mark.parametrize(("of_times", "of_days"), [
    ([0, 0, 0, 0], [0, 0, 0, 0, 0]),
    ([-0.5, -0.9, -1.2, -1.5], [-0.6, -0.3, 0, 0, 0]),
    ([0.4, 0.4, 0.4, 0.4], [0, 0, 0, 0, 0]),
])
def test_effects_of_a_world_are_found(of_times, of_days):
    inputs, labels, offset = world(of_times, of_days)
    found = seen.fit(inputs, labels, np.ones(COUNT), offset, 10.0)
    combined = found[:len(TIMES), None] + found[None, len(TIMES):-1]
    assert combined == pytest.approx(np.add.outer(of_times, of_days), abs=0.12)


def test_without_data_and_with_an_infinite_penalty_the_prior_holds():
    inputs, labels, offset = world([-2] * 4, [0] * 5)
    assert seen.fit(inputs[:0], labels[:0], np.ones(0), offset[:0], 10.0).tolist() == seen.PRIOR.tolist()
    assert seen.fit(inputs, labels, np.ones(COUNT), offset, np.inf).tolist() == seen.PRIOR.tolist()
    assert seen.PRIOR[:2] == pytest.approx(np.log([9 / 10, 9 / 11]))


def test_a_penalty_holds_few_rows_at_the_prior():
    inputs, labels, offset = world([-2] * 4, [0] * 5)
    few = [seen.fit(inputs[:50], labels[:50], np.ones(50), offset[:50], penalty) for penalty in (10, 1000)]
    far, near = (np.abs(effects - seen.PRIOR).sum() for effects in few)
    assert near < far / 10


def test_training_and_serving_look_up_the_same_effects():
    times, days = np.array([1, 1, 2, 4, 9]), np.array([0.1, 1, 7.5, 27.9, 200])
    is_viewed = np.array([True, False, True, True, False])
    effects = np.random.default_rng(1).normal(size=len(seen.EFFECTS))
    encoders = {"seen": dict(zip(seen.EFFECTS, effects))}
    served = Showings(np.arange(5), times, days, is_viewed).effects(encoders, 100)
    assert served == pytest.approx(seen.inputs_of(times, days, is_viewed) @ effects)
    assert len(DAYS) + len(TIMES) + 1 == len(seen.EFFECTS)


def test_rows_of_two_tables_get_the_same_numbers():
    first, second = seen.codes((np.array([5, 6, 5]), np.array([6, 7])), (np.array([1, 1, 2]), np.array([1, 2])))
    assert first[1] == second[0] and len({*first.tolist(), *second.tolist()}) == 4


@pytest.mark.parametrize(("effect", "chosen"), [(0.0, "none"), (-1.0, "penalty 10")])
def test_the_later_days_choose(monkeypatch, effect, chosen):
    rng = np.random.default_rng(3)
    count = 40_000
    offset = rng.normal(-2, 0.5, count)
    rows = [
        Impressions(
            [], np.empty((count, 0), np.float32), np.arange(count), np.ones(count, np.int64),
            np.full(count, day, "datetime64[D]"), np.arange(count), np.zeros(count, np.int64),
            rng.random(count) < 1 / (1 + np.exp(-offset - effect)), np.ones(count, np.float32), np.zeros(count),
        )
        for day in ("2021-12-01", "2021-12-02")
    ]
    again = [(user, 1, day, 1, 3.0, True) for user in range(count) for day in np.unique([r.days[0] for r in rows])]
    monkeypatch.setattr(seen, "shown_again", lambda connection, days, share: again)
    effects, figures = seen.learn(None, *rows, (offset, offset), 1.0)
    assert effects["times: 1"] + effects["days: 1"] == pytest.approx(effect, abs=0.1)
    assert figures["shown_again_count"] == count and effects["rule: days"] == 28
    assert figures["shown_again_effects"] == chosen
    losses = [figures[f"validation_shown_again_logloss{of}"] for of in ("", "_without")]
    assert losses[0] == losses[1] if chosen == "none" else losses[0] < losses[1]


def test_without_posts_shown_again_the_prior_is_stored(monkeypatch):
    rows = Impressions([], np.empty((1, 0), np.float32), *np.ones((2, 1), np.int64),
                       np.full(1, "2021-12-01", "datetime64[D]"), *np.ones((5, 1)))
    monkeypatch.setattr(seen, "shown_again", lambda connection, days, share: [])
    effects, figures = seen.learn(None, rows, rows, (np.zeros(1), np.zeros(1)), 1.0)
    assert [effects[name] for name in seen.EFFECTS] == pytest.approx(seen.PRIOR, abs=1e-4)
    assert figures == {"shown_again_count": 0, "validation_shown_again_count": 0}
