"""Figures of scores that the gate decides by."""

import numpy as np
import pytest

from loader.measuring.gate import correlation, slope, stability_index

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=20_000)
USERS = np.arange(20_000)
LIKES = RNG.random(20_000) < 1 / (1 + np.exp(-(SCORES - 2)))


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0, -1.0])
def test_the_slope_is_what_log_odds_are_to_be_multiplied_by(factor):
    found, error = slope(SCORES * factor, LIKES, USERS)
    assert found == pytest.approx(1 / factor, rel=0.08) and abs(found - 1 / factor) < 3 * error


def test_the_error_of_a_slope_is_how_it_varies():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(400, 1000))
    likes = rng.random((400, 1000)) < 1 / (1 + np.exp(-(scores - 2)))
    found = np.array([slope(*sample, np.arange(1000)) for sample in zip(scores / 4, likes)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.15)


def test_what_a_user_does_again_tells_nothing_more():
    once = slope(SCORES, LIKES, USERS)
    again = slope(*(np.repeat(each, 4) for each in (SCORES, LIKES, USERS)))
    assert again == pytest.approx(once) and slope(*(np.repeat(each, 4) for each in (SCORES, LIKES)),
                                                  np.arange(80_000))[1] == pytest.approx(once[1] / 2)


@pytest.mark.parametrize(("scores", "likes"), [
    (np.ones(5), np.array([True, False] * 2 + [True])), (np.arange(4.0), np.ones(4, bool)),
    (np.array([np.nan, 1.0]), np.array([True, False])),
])
def test_there_is_no_slope(scores, likes):
    assert slope(scores, likes, np.arange(len(scores))) == (None, None)


def test_stability_by_hand():
    expected = np.arange(100.0) - 49.5
    assert stability_index(expected, expected) == 0
    assert stability_index(expected, expected + 1000) == 0  # log-odds are relative
    assert stability_index(expected, expected * 7) == 0  # and how far apart they are is the calibration's
    # The first tenth gives half of its scores to the second one, the last one too, and the deviation is the same.
    actual = expected.copy()
    actual[5:20], actual[80:95] = -34.5, 34.5
    actual[:5] = -(((expected[:20] ** 2).sum() - 15 * 34.5**2) / 5) ** 0.5
    actual[95:] = -actual[:5]
    by_hand = 2 * ((0.05 - 0.1) * np.log(0.05 / 0.1) + (0.15 - 0.1) * np.log(0.15 / 0.1))
    assert stability_index(expected, actual) == pytest.approx(by_hand)


def test_a_distribution_of_another_shape_has_drifted():
    assert stability_index(SCORES, RNG.normal(size=5000)) < 0.02
    assert stability_index(SCORES, 10 * RNG.normal(size=5000)) < 0.02
    assert stability_index(SCORES, np.where(RNG.random(5000) < 0.5, -1, 1) + 0.1 * RNG.normal(size=5000)) > 1
    assert stability_index(SCORES, np.zeros(10)) > 1
    assert stability_index(SCORES, np.full(10, np.nan)) is None


def test_correlation():
    assert correlation(SCORES, 3 * SCORES + 1) == pytest.approx(1)
    assert correlation(SCORES, -SCORES) == pytest.approx(-1)
    assert correlation(SCORES, np.ones(20_000)) is None
