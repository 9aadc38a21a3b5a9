"""Training inside the server: a child process of a session, which has no connection and asks the session instead.

The session sends this text, then a JSON line with the job and the texts of all modules, and answers queries; see
plpy/train_model.py. Both sides write frames: their length as eight bytes, then JSON of the child, or pickles of the
session.
"""

import contextlib
import ctypes
import importlib.util
import json
import os
import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from importlib.abc import InspectLoader, MetaPathFinder
from types import ModuleType
from typing import Any, BinaryIO

PR_SET_PDEATHSIG = 1
LENGTH = struct.Struct(">Q")
MOMENTS, DATE, DATES, JSONS = (1114, 1184), 1082, 1182, (114, 3802)  # oids of types
MEMORY_ERRORS = ("bad_alloc", "bad allocation", "out of memory", "Cannot allocate memory")


class Texts(MetaPathFinder, InspectLoader):
    """Modules, packages and their data from texts by path, such as loader/errors.py."""

    def __init__(self, texts: dict[str, str]):
        self.texts = texts

    def path(self, name: str) -> str:
        """Return the path that a module has, or would have."""
        stem = name.replace(".", "/")
        return f"{stem}/__init__.py" if self.is_package(name) else f"{stem}.py"

    def is_package(self, fullname: str) -> bool:
        """Return whether a name is that of a package."""
        return f"{fullname.replace('.', '/')}/__init__.py" in self.texts

    def find_spec(self, fullname, path=None, target=None):
        """Return the specification of a module that there is a text of."""
        if self.path(fullname) in self.texts:
            return importlib.util.spec_from_loader(fullname, self, origin=self.path(fullname))
        return None

    def get_source(self, fullname: str) -> str:
        """Return the text of a module."""
        return self.texts[self.path(fullname)]

    def exec_module(self, module: ModuleType) -> None:
        """Run the text of a module."""
        path = module.__file__ = self.path(module.__name__)
        exec(compile(self.texts[path], path, "exec"), vars(module))  # noqa: S102

    def get_data(self, path: str) -> bytes:
        """Return a text that belongs to a package."""
        return self.texts[path].encode()


class Session:
    """The session's end of the stream."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream

    def say(self, **message: object) -> None:
        """Send a message."""
        text = json.dumps(message).encode()
        self.stream.write(LENGTH.pack(len(text)) + text)
        self.stream.flush()

    def hear(self) -> Any:
        """Return the next answer; its session has ended if there is none."""
        header = self.stream.read(LENGTH.size)
        if len(header) < LENGTH.size:
            os._exit(1)
        return pickle.loads(self.stream.read(LENGTH.unpack(header)[0]))  # noqa: S301

    def rows_of(self, sql: str, form: str) -> tuple[list[str], list[tuple]]:
        """Return the names of a statement's columns and its rows; form: the statement without its values."""
        self.say(sql=sql, form=form)
        names, types = self.hear()
        convert = [CONVERTERS.get(kind) for kind in types]
        rows: list[tuple] = []
        while (chunk := self.hear()) is not None:
            if any(convert):
                chunk = [
                    tuple(value if value is None or make is None else make(value) for value, make in zip(row, convert))
                    for row in chunk
                ]
            rows += chunk
        return names, rows


CONVERTERS: dict[int, Callable] = {
    DATE: date.fromisoformat, DATES: lambda days: [date.fromisoformat(day) for day in days],
    **dict.fromkeys(MOMENTS, datetime.fromisoformat), **dict.fromkeys(JSONS, json.loads),
}


class Json:
    """A value that a statement gets as JSON, as that of psycopg2."""

    def __init__(self, value: object):
        self.value = value


def literal(value: object) -> str:
    """Return a value as SQL, as psycopg2 writes it; standard_conforming_strings is on."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f" {value}"
    if isinstance(value, float):
        return f" {value!r}" if value - value == 0 else f"'{value}'::float8"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, (bytes, memoryview)):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, datetime):
        return f"'{value.isoformat()}'::timestamptz"
    if isinstance(value, date):
        return f"'{value.isoformat()}'::date"
    if isinstance(value, Json):
        return literal(json.dumps(value.value))
    if isinstance(value, (list, tuple)):
        return f"array[{','.join(map(literal, value))}]" if value else "'{}'"
    raise TypeError(f"a {type(value).__name__} is no value of a statement")


def composed(sql: str, parameters: Iterable | None = None) -> str:
    """Return a statement with its parameters put in: %s of a list, or %(name)s of a dictionary."""
    if not parameters:
        return sql
    if isinstance(parameters, dict):
        return sql % {name: literal(value) for name, value in parameters.items()}
    return sql % tuple(map(literal, parameters))


class Cursor:
    """What training uses of a cursor of psycopg2."""

    def __init__(self, session: Session):
        self.session = session
        self.rows: Iterator = iter(())

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *error: object) -> None:
        """Leave nothing open."""

    def execute(self, sql: str, parameters: Iterable | None = None) -> None:
        """Run a statement."""
        names, rows = self.session.rows_of(composed(sql, parameters), sql)
        self.rows = iter(self.shaped(names, rows))

    def shaped(self, names: list[str], rows: list[tuple]) -> list:
        """Return the rows as they are given."""
        return rows

    def fetchone(self) -> Any:
        """Return the next row; None if there is none."""
        return next(self.rows, None)

    def fetchall(self) -> list:
        """Return the rows that are left."""
        return list(self.rows)


class DictCursor(Cursor):
    """A cursor whose rows are dictionaries."""

    def shaped(self, names: list[str], rows: list[tuple]) -> list:
        """Return the rows by the names of the columns."""
        return [dict(zip(names, row)) for row in rows]


class Connection:
    """What training uses of a connection of psycopg2; the transaction is the session's."""

    def __init__(self, session: Session):
        self.session = session

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind:
            self.rollback()
        else:
            self.commit()

    def cursor(self, cursor_factory: type[Cursor] = Cursor) -> Cursor:
        """Return a cursor."""
        return cursor_factory(self.session)

    def commit(self) -> None:
        """End the transaction."""
        self.session.say(commit=True)

    def rollback(self) -> None:
        """End the transaction without what it did."""
        self.session.say(commit=False)


class Progress:
    """What stands for loader.terminal: the session is told what goes on."""

    def __init__(self, session: Session):
        self.session = session

    @contextmanager
    def progress(self, description: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
        """Tell how many of a total are done, each percent of it."""
        done, told = 0.0, -1

        def advance(amount: float) -> None:
            nonlocal done, told
            done += amount
            if total and int(100 * done / total) > told:
                told = int(100 * done / total)
                self.session.say(progress=f"{description}, {done:.0f} of {total:.0f}")

        advance(0)
        yield advance

    @contextmanager
    def status(self, description: str) -> Iterator[None]:
        """Tell what is done."""
        self.session.say(progress=description)
        yield


def end_with_the_session() -> None:
    """Let the kernel end this process when the session ends, however that happens.

    With exit code 1: a server that is process 1 of its container inherits this process, and would take any other end
    for a crash of its own.
    """
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    libc.signal.restype = ctypes.c_void_p
    libc.signal(signal.SIGHUP, ctypes.cast(libc._exit, ctypes.c_void_p))
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGHUP)


def install(session: Session, library: str, texts: dict[str, str]) -> None:
    """Make the modules of training importable: those of the library, and those of texts.

    library: the text of pgfeed._library().
    """
    sys.modules |= {name: ModuleType(name) for name in ("plpy", "psycopg2")}
    vars(sys.modules["plpy"])["__path__"] = []
    exec(library, {"SD": {}, "__name__": "library"})  # noqa: S102
    from plpy.import_catboost import import_catboost

    import_catboost()
    terminal = Progress(session)
    stand_ins: dict[str, dict] = {
        "psycopg2.extensions": {"connection": Connection},
        "psycopg2.extras": {"RealDictCursor": DictCursor, "Json": Json},
        "loader.terminal": {"progress": terminal.progress, "status": terminal.status},
    }
    for name, values in stand_ins.items():
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(values)
    sys.meta_path.insert(0, Texts(texts))


def failure(error: BaseException) -> dict[str, str]:
    """Return an error as the session tells it."""
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in MEMORY_ERRORS):
        return {"what": "the training has too little memory", "kind": "memory"}
    what, cause, following = (getattr(error, name, None) for name in ("what", "cause", "next"))
    if what:  # of a PgfeedError: the texts of it may not be there yet
        told = what if cause is None else f"{what}: {cause}"
        return {"what": " ".join(told.split()), "next": following or "", "kind": "known"}
    return {"what": f"the training failed: {error!r}", "detail": traceback.format_exc(), "kind": "bug"}


def main(stream: BinaryIO) -> None:
    """Train as the session asks, and tell it the version."""
    end_with_the_session()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    session = Session(stream)
    try:
        job = json.loads(stream.readline())
        install(session, job.pop("library"), job.pop("texts"))
        from loader.learning.inside import train

        session.say(version=train(Connection(session), **job))  # type: ignore[arg-type]
    except BaseException as error:
        session.say(error=failure(error))
