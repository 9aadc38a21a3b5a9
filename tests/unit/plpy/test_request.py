"""The arguments of a call, and the one error for each that cannot be served."""

import numpy as np
import pytest

from plpy.request import Request, unpack_ids
from tests.unit.plpy.fake import FakePlpy


def packed(*ids):
    """Return what array_send() makes of a bigint[]; None is a null."""
    header = np.array([1 if ids else 0, None in ids, 20, *([len(ids), 1] if ids else [])], ">i4").tobytes()
    sizes = [b"\xff\xff\xff\xff" if each is None else np.array([8], ">i4").tobytes() for each in ids]
    values = [b"" if each is None else np.array([each], ">i8").tobytes() for each in ids]
    return header + b"".join(size + value for size, value in zip(sizes, values))


@pytest.mark.parametrize(("arguments", "message"), [
    ((None, "now", 5), "user_id is null"), ((1, None, 5), "ts is null"), ((1, "now", None), "k is null"),
    ((1, "now", 0), "k is 0"), ((1, "now", 1001), "k is 1001"),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(FakePlpy.Error, match=message):
        Request(*arguments).check(FakePlpy())


@pytest.mark.parametrize(("arguments", "message"), [
    ({"candidates": packed(1, None)}, "candidates has a null"), ({"exclude": packed(None)}, "exclude has a null"),
    ({"candidates": packed(*range(100_001))}, "candidates has 100001 elements"),
    ({"max_per_topic": 0}, "max_per_topic is 0"), ({"max_per_topic": -1}, "max_per_topic is -1"),
])
def test_bad_wishes_are_named(arguments, message):
    with pytest.raises(FakePlpy.Error, match=message):
        Request(1, "now", 5, **arguments).check(FakePlpy())


def test_ids_are_read_from_what_the_server_packs():
    assert unpack_ids(FakePlpy(), "exclude", packed(7, -1, 2**62)).tolist() == [7, -1, 2**62]
    assert unpack_ids(FakePlpy(), "exclude", packed()).tolist() == []


def test_a_slice_may_say_that_there_are_nulls_where_there_are_none():
    sliced = bytearray(packed(7, -1))
    sliced[4:8] = b"\0\0\0\1"
    assert unpack_ids(FakePlpy(), "exclude", bytes(sliced)).tolist() == [7, -1]
