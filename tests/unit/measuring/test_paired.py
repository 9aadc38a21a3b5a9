"""Which of two models is to serve, from their differences on the same requests."""

import pytest

from loader.measuring.paired import Difference, decisive, is_better


def difference(protocol: str, metric: str, low: float, high: float) -> Difference:
    return Difference(protocol, metric, 0.5, 0.5 + (low + high) / 2, (low + high) / 2, low, high, 100)


@pytest.mark.parametrize("differences, is_ahead", [
    ([("logged", "AUC", 0.01, 0.03), ("full", "NDCG@10", -0.01, 0.02)], True),
    ([("logged", "AUC", -0.01, 0.03), ("full", "NDCG@10", 0.01, 0.02)], False),
    ([("logged", "AUC", 0.01, 0.03), ("full", "NDCG@10", -0.03, -0.01)], False),
    ([("full", "HitRate@5", -0.02, -0.01), ("full", "NDCG@10", 0.01, 0.02)], True),
    ([("logged", "HitRate@5", 0.01, 0.03)], False),
])
def test_a_model_is_better_if_it_is_clearly_ahead_and_nowhere_behind(differences, is_ahead):
    assert is_better([difference(*each) for each in differences]) is is_ahead


def test_what_was_shown_decides_first():
    found = decisive([difference("full", "NDCG@10", 0, 0), difference("logged", "AUC", 0, 0)])
    assert [(d.protocol, d.metric) for d in found] == [("logged", "AUC"), ("full", "NDCG@10")]
