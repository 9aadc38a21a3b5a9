"""The check of a stored model without a database."""

import os

import pytest

from plpy import _model_problems as body


def test_a_fork_that_fails_leaves_no_open_files(monkeypatch):
    def fork():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(body, "import_catboost", lambda: None)
    monkeypatch.setattr(os, "fork", fork)
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(BlockingIOError):
        body.problems_in_child(None)
    assert set(os.listdir("/proc/self/fd")) == before
