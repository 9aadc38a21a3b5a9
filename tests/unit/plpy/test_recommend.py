"""The body of recommend_posts without a database."""

import pytest

from plpy.recommend import check_arguments
from tests.unit.plpy.fake import FakePlpy


@pytest.mark.parametrize(("arguments", "message"), [
    ((None, "now", 5), "user_id is null"), ((1, None, 5), "ts is null"), ((1, "now", None), "k is null"),
    ((1, "now", 0), "k is 0"), ((1, "now", 1001), "k is 1001"),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(FakePlpy.Error, match=message):
        check_arguments(FakePlpy(), *arguments)
