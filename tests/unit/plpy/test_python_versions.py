"""The body of _python_versions without a database."""

import pytest

from plpy import python_versions as body
from tests.unit.plpy.fake import FakePlpy


def test_versions_as_one_line():
    versions = body._python_versions(FakePlpy(**{"select pgfeed._library()": []}))
    assert versions.startswith("Python 3.") and ", catboost 1." in versions


def test_a_missing_package_is_an_error_with_its_remedy(monkeypatch):
    monkeypatch.setattr(body, "PACKAGES", ("numpy", "no_such_package"))
    with pytest.raises(FakePlpy.Error, match="cannot import no_such_package.*pgfeed install server"):
        body._python_versions(FakePlpy())
