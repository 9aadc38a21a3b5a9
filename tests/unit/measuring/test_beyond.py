"""Metrics beside accuracy, and groups of users."""

import numpy as np
import pytest

from loader.measuring import beyond
from loader.measuring.beyond import Yardstick
from loader.measuring.groups import named
from loader.measuring.results import BIAS, NOVELTY, VARIETY, Contest
from loader.metrics import Ranking
from plpy.pack import Pack


@pytest.fixture
def yardstick(monkeypatch):
    """Ten posts of two topics with 0, 10, ... 90 views, without embeddings."""
    monkeypatch.setattr(beyond, "distances_within", lambda connection, lists, post_ids: np.full(lists[-1] + 1, np.nan))
    views = np.arange(10, dtype=np.float32) * 10
    return Yardstick(None, Pack(np.arange(10), ["a", "b"], np.arange(10) % 2, {"post.view_count": views}))


def ranking(*lists):
    return Ranking(np.arange(len(lists)), [], np.ones(len(lists), int), [np.array(each) for each in lists])


def test_each_metric_of_two_lists(yardstick):
    lists = ranking([9, 8], [9, 7])
    found = yardstick.measures(lists, [np.array([0, 1]), np.array([], int)])
    assert found[VARIETY].tolist() == [1, 0]
    shares = np.array([[91, 81], [91, 71]]) / 460
    assert found[NOVELTY] == pytest.approx(-np.log2(shares).mean(axis=1))
    assert found[BIAS][0] == pytest.approx(0.8) and np.isnan(found[BIAS][1])
    assert yardstick.coverage(lists) == 0.3


def test_what_nobody_views_is_new_and_what_all_view_is_popular(yardstick):
    rare, popular = (yardstick.measures(ranking([post]), [np.array([5])]) for post in (0, 9))
    assert rare[NOVELTY][0] > popular[NOVELTY][0]
    assert rare[BIAS][0] == pytest.approx(-0.5) and popular[BIAS][0] == pytest.approx(0.4)


def test_groups_are_values_quarters_or_the_most_frequent():
    assert named(["0", "1", None]) == ["0", "1", "unknown"] and named([None]) == ["unknown"]
    quarters = named([str(age) for age in range(40)] + [None])
    assert quarters[0] == "0 to 9" and quarters[39] == "29 to 39" and quarters[40] == "unknown"
    assert len(set(quarters)) == 5
    cities = named([f"city {min(n, 15)}" for n in range(30)])
    assert cities[29] == "city 15" and cities.count("others") == 6 and len(set(cities)) == 11


def test_figures_of_groups_are_of_their_requests():
    values = {"control@1": {"HitRate@5": np.array([1.0, 0, 1, 1])}, "random": {"HitRate@5": np.array([0.0, 0, 0, 1])}}
    contest = Contest("full", {"control@1": ("control", 1)}, values, np.arange(4))
    found = contest.by(np.array(["a", "a", "b", "b"]))
    assert [(group, r.method, r.value, r.sample_count) for group, r in found] == [
        ("a", "control@1", 0.5, 2), ("a", "random", 0, 2), ("b", "control@1", 1, 2), ("b", "random", 0.5, 2),
    ]
