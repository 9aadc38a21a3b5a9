"""The check of a stored model without a database."""

import os

import numpy as np
import pytest
from catboost import CatBoost

from loader.learning.model import artifact
from plpy import model_problems as body


def test_a_model_of_several_outputs_cannot_serve():
    rows = np.arange(60, dtype=np.float32).reshape(-1, 1)
    booster = CatBoost(
        {"iterations": 2, "verbose": False, "allow_writing_files": False, "loss_function": "MultiClass"}
    ).fit(rows, np.arange(60) % 3)
    found = body.artifact_problems(artifact(booster), booster.feature_names_, rows.astype(">f4").tobytes(), [0.0] * 60)
    assert found == ["it gives 3 numbers for each post: posts are ranked by one"]


def test_a_fork_that_fails_leaves_no_open_files(monkeypatch):
    def fork():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(body, "import_catboost", lambda: None)
    monkeypatch.setattr(os, "fork", fork)
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(BlockingIOError):
        body.problems_in_child(None)
    assert set(os.listdir("/proc/self/fd")) == before
