"""Off-policy estimates: by hand where that is possible, against the truth of small worlds, and refused."""

import numpy as np
import pytest

from plpy.explore import explored, seed_of
from plpy.off_policy import Trial, chance, effects_of, fitted, judged, rows_of
from plpy.preferences import sigmoid

K = 3
EFFECTS = np.array([1.4, 1.0, 0.6])
# Five posts, the first three are the list: chances of each to come to each place.
CHANCES = np.array([[0, 0.2, 0.2, 0.4, 0.2], [0.3, 0, 0.3, 0.2, 0.2], [0.1, 0.1, 0, 0.4, 0.4]])


def trial_of(users, posts, likes, chances, wanted, scores, effects=EFFECTS):
    """Return the Trial of lists (lists, K) that were shown and those (lists, K) that are wanted."""
    is_target = posts[:, :, None] == wanted[:, None, :]
    targets = np.where(is_target.any(axis=2), is_target.argmax(axis=2), -1)
    lists, places = np.repeat(np.arange(len(posts)), K), np.tile(np.arange(K), len(posts))
    shown = lists, places, likes.ravel(), targets.ravel(), chances.reshape(-1, K)
    return Trial(users, shown, (lists, places, scores.ravel()), effects)


def test_one_list_by_hand():
    chances = np.array([[[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.05, 0.05, 0.05]]])
    trial = trial_of(np.zeros(1, int), np.array([[7, 8, 9]]), np.array([[1, 1, 1]]), chances, np.array([[8, 7, 4]]),
                     np.zeros((1, K)))
    expected = [1.0 / (0.8 * 1.4 + 0.1 * 1.0 + 0.1 * 0.6), 1.4 / (0.2 * 1.4 + 0.7 * 1.0 + 0.1 * 0.6), 0]
    np.testing.assert_allclose(trial.weights, expected)
    np.testing.assert_allclose(trial.exact, [0, 0, 0])
    estimates, _ = trial.estimates()
    assert estimates["IPS"][0] == pytest.approx(sum(expected)) and estimates["logged"][0] == 3
    same = trial_of(np.zeros(1, int), np.array([[7, 8, 9]]), np.array([[1, 0, 1]]), chances, np.array([[7, 5, 9]]),
                    np.zeros((1, K)))
    np.testing.assert_allclose(same.exact, [1 / 0.8, 0, 1 / 0.05])
    assert same.estimates()[0]["item-position IPS"][0] == pytest.approx(1 / 0.8 + 1 / 0.05)


def test_lists_that_were_sure_are_worth_what_they_were():
    random = np.random.default_rng(2)
    posts = np.tile([4, 5, 6], (600, 1))
    likes = (random.random((600, K)) < 0.3).astype(int)
    trial = trial_of(np.arange(600) // 3, posts, likes, np.tile(np.eye(K), (600, 1, 1)), posts, np.zeros((600, K)))
    estimates, size, support, refusal = judged(trial)
    assert size == pytest.approx(600) and support == pytest.approx(1) and refusal is None
    for name in ("item-position IPS", "IPS", "self-normalised IPS"):
        assert estimates[name] == pytest.approx(estimates["logged"])
    of_users = likes.sum(axis=1).reshape(200, 3).sum(axis=1) - 3 * likes.sum(axis=1).mean()
    assert estimates["logged"][1] == pytest.approx(np.sqrt((of_users**2).sum() * 200 / 199) / 600)


def drawn(lists, seed, wanted=(3, 0, 1), levels_at=0.0):
    """Return the Trial of lists drawn by CHANCES in a world where likes have known probabilities, and its truth."""
    random = np.random.default_rng(seed)
    levels = np.repeat(random.normal(levels_at, 0.4, lists // 10), 10)
    log_odds = np.array([-1.5, -1.2, -1.8, -0.9, -1.4, *[-1.5] * 5]) + levels[:, None]
    outcomes = [explored(CHANCES, 0.15, seed_of(seed, number)) for number in range(lists)]
    posts, chances = (np.array(each) for each in zip(*outcomes))
    likely = sigmoid(np.take_along_axis(log_odds, posts, axis=1)) * EFFECTS
    likes = (random.random(likely.shape) < likely).astype(int)
    wanted = np.tile(wanted, (lists, 1))
    truth = (sigmoid(np.take_along_axis(log_odds, wanted, axis=1)) * EFFECTS).sum(axis=1).mean()
    scores = np.take_along_axis(log_odds, wanted, axis=1) * 1.5 + 1  # badly calibrated
    return trial_of(np.arange(lists) // 10, posts, likes, chances, wanted, scores), truth


def test_estimates_are_around_the_truth():
    found = [drawn(1500, seed) for seed in range(40)]
    for name in ("item-position IPS", "IPS", "self-normalised IPS", "doubly robust"):
        errors = np.array([
            (trial.estimates()[0][name][0] - truth) / trial.estimates()[0][name][1] for trial, truth in found
        ])
        assert abs(errors.mean()) < 4 / np.sqrt(len(errors)), name
        assert 0.6 < errors.std() < 1.4, name
    _, weights = found[0][0].estimates()
    assert weights.mean() == pytest.approx(1, abs=0.2)


def test_whatever_the_model_says_the_weights_have_it_as_their_mean():
    random = np.random.default_rng(4)
    posts, targets, scores = 50, random.integers(K, size=50), random.normal(0, 2, 50)
    chances = random.dirichlet(np.ones(K + 1), posts)[:, :K]  # of each post at each place, else nowhere
    likely = np.stack([chance([-0.3, 0.8], scores, effect) for effect in EFFECTS], axis=1)
    lists = np.repeat(np.arange(posts), K)
    trial = Trial(np.arange(posts), (lists, np.tile(np.arange(K), posts), np.zeros(posts * K), targets[lists],
                                     chances[lists]), (np.arange(posts), targets, scores), EFFECTS)
    mean = trial.sums(trial.weights * chances.ravel() * likely.ravel())
    np.testing.assert_allclose(mean, likely[np.arange(posts), targets])


def test_a_wrong_model_does_not_move_the_estimate():
    found = [drawn(10_000, seed, wanted=(1, 2, 0), levels_at=0.5) for seed in range(4)]
    estimates = [(*trial.estimates()[0]["doubly robust"], truth) for trial, truth in found]
    assert abs(np.mean([(value - truth) / error for value, error, truth in estimates])) < 3 / np.sqrt(len(found))


def test_the_model_takes_luck_out_of_the_estimate():
    trial, _ = drawn(6000, 9)
    estimates, _ = trial.estimates()
    assert estimates["doubly robust"][1] < estimates["IPS"][1]


def test_what_could_not_be_shown_is_not_judged():
    trial, _ = drawn(1500, 3, wanted=(8, 9, 0))
    _, _, support, refusal = judged(trial)
    assert support < 0.5 and refusal.startswith(f"only {support:.0%} of what it would show could be shown")
    rows = rows_of(trial, K)
    assert {row[0] for row in rows} == {"likes per list", "likes per place"}
    assert all((row[2] is None) == (row[1] != "logged") == (row[9] is not None) for row in rows)


def test_too_few_lists_or_users_are_refused():
    trial, _ = drawn(250, 3)
    assert judged(trial)[3] == "25 users, at least 30 are needed"
    trial, _ = drawn(400, 3)
    assert "at least 200 are needed" in judged(trial)[3]


def test_a_line_through_scores():
    random = np.random.default_rng(0)
    scores, effects = random.normal(0, 1, 20_000), random.choice(EFFECTS, 20_000)
    likes = (random.random(20_000) < effects * sigmoid(-1 + 0.7 * scores)).astype(int)
    np.testing.assert_allclose(fitted(scores, effects, likes), [-1, 0.7], atol=0.06)
    assert np.isfinite(fitted(scores[:5], effects[:5], np.zeros(5, int))).all()
    assert np.isfinite(fitted(scores[:5], effects[:5], np.ones(5, int))).all()
    assert np.isfinite(fitted(scores[:0], effects[:0], likes[:0])).all()


def test_the_last_known_place_is_that_of_all_beyond_it():
    assert effects_of([1.5, 0.75], 4).tolist() == [1.5, 0.75, 0.75, 0.75]
    assert effects_of([1.5, 0.75], 1).tolist() == [1.5]
    assert effects_of([], 2).tolist() == [1, 1]
