"""The body of _python_versions without a database."""

import pytest

from plpy import python_versions as body
from tests.unit.plpy.fake import FakePlpy


def test_versions_as_one_line():
    assert body._python_versions(FakePlpy()).startswith("Python 3.")
    assert ", catboost 1." in body._python_versions(FakePlpy())


def test_a_missing_package_is_an_error_with_its_remedy(monkeypatch):
    monkeypatch.setattr(body, "PACKAGES", ("numpy", "no_such_package"))
    with pytest.raises(FakePlpy.Error, match="cannot import no_such_package.*pgfeed install server"):
        body._python_versions(FakePlpy())
