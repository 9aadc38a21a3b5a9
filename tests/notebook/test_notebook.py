"""The notebooks of the tutorial run from the first cell to the last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.db.conftest import autocommit, clone, network_template, queries, template

__all__ = ["network_template", "template"]
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "tutorial").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(monkeypatch, network_template, path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert not any(cell.get("outputs") for cell in book.cells), "its outputs are to be cleared"
    with clone(network_template) as dsn, autocommit(dsn) as connection:
        monkeypatch.setenv("PGFEED_DSN", dsn)
        monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        NotebookClient(book, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
        run = queries(connection)
        assert run("select variant from pgfeed.active_models order by 1") == [("control",), ("mine",)]
        assert run("select count(distinct variant) from pgfeed.evaluations") == [(2,)]
    shown = [data for cell in book.cells for output in cell.get("outputs", []) for data in output.get("data", {})]
    assert "image/png" in shown and "text/html" in shown
    assert "likes of the post" in str(book) or "topic like rate" in str(book)
