"""The process that trains for a session: its modules are texts, its statements the session's."""

import io
import json
import pickle
import sys
from datetime import UTC, date, datetime

import psycopg2.extras
import pytest
from psycopg2.extensions import adapt

from loader.errors import PgfeedError
from loader.learning.child import LENGTH, Connection, DictCursor, Json, Session, Texts, composed, failure, literal

MOMENT = datetime(2021, 12, 1, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [
    True, None, 7, -7, 0.1, -1e-300, float("inf"), "it's", "", date(2021, 12, 1), MOMENT,
    [1, 2], [0.5], ["a'b", 'c"d'], [], [date(2021, 12, 1)],
])
def test_values_are_written_as_psycopg2_writes_them(value):
    def plain(text: str) -> str:
        return text.lower().replace(" ", "").replace("::float8", "::float").replace("'infinity'", "'inf'")

    assert plain(literal(value)) == plain(adapt(value).getquoted().decode())


def test_what_has_no_literal_is_an_error_and_backslashes_stay():
    assert literal("a\\b") == "'a\\b'"
    assert literal(b"\0\xff'") == literal(memoryview(b"\0\xff'")) == "'\\x00ff27'::bytea"
    assert literal(Json({"a": "it's"})) == adapt(psycopg2.extras.Json({"a": "it's"})).getquoted().decode()
    with pytest.raises(TypeError, match="a set is no value"):
        literal({1})


def test_parameters_are_put_in_by_place_and_by_name_and_percents_stay_without():
    assert composed("select %s, '%%', %s", [1, "x"]) == "select  1, '%', 'x'"
    assert composed("select %(a)s where %(a)s", {"a": True}) == "select true where true"
    assert composed("select '%' like 'x%'") == "select '%' like 'x%'"


class Stream(io.BytesIO):
    """A stream that answers what was pickled before and keeps what is written."""

    def __init__(self, *answers: object):
        frames = (pickle.dumps(answer) for answer in answers)
        super().__init__(b"".join(LENGTH.pack(len(frame)) + frame for frame in frames))
        self.written: list[dict] = []

    def write(self, data: bytes) -> int:
        self.written.append(json.loads(data[LENGTH.size:]))
        return len(data)


def test_rows_have_the_types_of_psycopg2():
    chunk = (["day", "at", "facts", "days", "name"], [1082, 1184, 3802, 1182, 25])
    row = ("2021-12-01", "2021-12-01 10:30:00+00", '{"a": [1]}', ["2021-12-01"], None)
    stream = Stream(chunk, [row], [row], None)
    with Connection(Session(stream)) as connection, connection.cursor(DictCursor) as cursor:
        cursor.execute("select %s", [1])
        expected = dict(zip(chunk[0], (date(2021, 12, 1), MOMENT, {"a": [1]}, [date(2021, 12, 1)], None)))
        assert (cursor.fetchone(), cursor.fetchall(), cursor.fetchone()) == (expected, [expected], None)
    assert stream.written == [{"sql": "select  1", "form": "select %s"}, {"commit": True}]


def test_an_error_undoes_the_transaction():
    stream = Stream()
    with pytest.raises(ValueError), Connection(Session(stream)):
        raise ValueError
    assert stream.written == [{"commit": False}]


def test_modules_and_their_data_come_from_texts(monkeypatch):
    texts = {
        "made/__init__.py": "", "made/of.py": "from made.inner.texts import NAME\nimport pkgutil\n"
        "DATA = pkgutil.get_data('made.inner', 'some/file.toml')\n",
        "made/inner/__init__.py": "'''A docstring'''", "made/inner/texts.py": "NAME = __name__",
        "made/inner/some/file.toml": "a = 1",
    }
    monkeypatch.setattr(sys, "meta_path", [Texts(texts), *sys.meta_path])
    from made.of import DATA, NAME  # type: ignore[import-not-found]

    assert (NAME, DATA) == ("made.inner.texts", b"a = 1")
    assert sys.modules["made.of"].__file__ == "made/of.py"
    with pytest.raises(ModuleNotFoundError):
        import made.other  # type: ignore[import-not-found]  # noqa: F401
    for name in [name for name in sys.modules if name.partition(".")[0] == "made"]:
        del sys.modules[name]


@pytest.mark.parametrize("error, kind, what", [
    (MemoryError(), "memory", "too little memory"), (RuntimeError("std::bad_alloc"), "memory", "too little memory"),
    (PgfeedError("CatBoost cannot learn from this", "cxxrt::bad_alloc", "pgfeed ingest FILE..."), "memory", "memory"),
    (PgfeedError("no luck", "none was\n had", "try again"), "known", "no luck: none was had"),
    (ZeroDivisionError("0"), "bug", "the training failed: ZeroDivisionError('0')"),
])
def test_errors_are_told_by_their_kind(error, kind, what):
    told = failure(error)
    assert told["kind"] == kind and what in told["what"]
    assert told.get("next") == ("try again" if kind == "known" else None)
