"""Read users, posts and events from CSV, Parquet and Postgres as batches of Arrow columns."""

import csv
import gzip
import hashlib
import io
import os
import re
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import psycopg2
import psycopg2.extensions
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from psycopg2 import sql

from loader.errors import PgfeedError

COLUMNS = {
    "users": ("user_id", "gender", "age", "country", "city", "exp_group", "os", "source"),
    "posts": ("post_id", "text", "topic", "created_at"),
    "events": ("timestamp", "user_id", "post_id", "action", "target"),
}
TABLES = {"users": "user_data", "posts": "post_text_df", "events": "feed_data"}
ALIASES = {"event_at": "timestamp"}
EXPECTED = "users: user_id,gender,age,...; posts: post_id,text,topic; events: timestamp,user_id,post_id,action,target"
BLOCK_BYTES = 8 << 20
RECORD_LIMIT = {"users": 1 << 20, "posts": 64 << 20, "events": 1 << 20}  # characters; a lost quote swallows no more
BATCH_ROWS = 100_000
BATCH_CHARACTERS = 16 << 20
CONTENT_LIMIT = 1000
csv.field_size_limit(RECORD_LIMIT["posts"])

Reject = tuple[int, str, str]  # line, reason, content


@dataclass
class Batch:
    """Rows as read: columns by name, the line of each row, and what was too malformed to be a row."""

    columns: dict[str, pa.Array]
    lines: np.ndarray
    content: Callable[[int], str]
    malformed: list[Reject]
    advance: float


@dataclass
class Source:
    """One file or table of a known kind. `total` is in `unit`s, as is `Batch.advance`."""

    name: str  # in the database's books: an absolute path, or an address without password
    path: str  # as the user gave it
    kind: str
    header: list[str]
    read: Callable[["Source"], Iterator[Batch]]
    label: str
    total: float | None = None
    unit: str = "kB"
    place: str = "line"  # what a number of a row means
    sha256: str | None = None
    ignored: list[str] = field(default_factory=list)


def open_sources(files: Sequence[str], url: str | None = None, kinds: str | None = None) -> list[Source]:
    """Look at all files and tables before anything is loaded; raise PgfeedError if one cannot be."""
    forced = [kind.strip() for kind in kinds.split(",")] if kinds else []
    wrong = next((kind for kind in forced if kind not in COLUMNS), None)
    if wrong is not None:
        raise PgfeedError(f"--as has the unknown kind {wrong!r}", f"there are {', '.join(COLUMNS)}")
    if not files and not url:
        raise PgfeedError("nothing to load", "neither a file nor --from was given", "pgfeed ingest --help")
    if files and len(forced) not in (0, 1, len(files)):
        counts = f"{len(forced)} kinds for {len(files)} file{'' if len(files) == 1 else 's'}"
        raise PgfeedError("--as does not suit the files", counts, "give one kind, or one per file")
    kind_of = forced if len(forced) == len(files) else [forced[0] if forced else None] * len(files)
    sources = [open_file(path, kind) for path, kind in zip(files, kind_of)]
    return sources + (open_server(url, forced) if url else [])


def open_file(path: str, kind: str | None = None) -> Source:
    """Look at a file's first bytes and its header; raise PgfeedError if it cannot be loaded."""
    if path.encode(errors="replace") != os.fsencode(path):
        raise PgfeedError(f"cannot read {path!a}", "its name is not UTF-8", "give it another name")
    if Path(path).is_fifo():
        raise PgfeedError(f"cannot read {path}", "it is a pipe, and is read more than once", "write it to a file first")
    with _reading(path), open(path, "rb") as raw:
        magic = raw.peek(4)[:4]
        size = os.fstat(raw.fileno()).st_size / 1e3
    if not magic:
        raise PgfeedError(f"{path} is empty", f"expected a header line ({EXPECTED})")
    if magic[:2] == b"PK" or magic[:4] == b"\x28\xb5\x2f\xfd" or magic[:3] in (b"BZh", b"\xfd7z"):
        raise PgfeedError(f"{path} is an archive", "only CSV, gzip and Parquet can be read", f"unpack {path} first")
    read, header = (_read_parquet, _parquet_header(path)) if magic == b"PAR1" else (_read_csv, _csv_header(path))
    columns = [_column(name) for name in header]
    kind = _kind(path, header, columns, kind)
    source = Source(os.path.abspath(path), path, kind, columns, read, Path(path).name, size)
    source.place = "row" if magic == b"PAR1" else "line"
    source.ignored = [header[i].strip() or "(unnamed)" for i, c in enumerate(columns) if c not in COLUMNS[kind]]
    return source


def open_server(url: str, kinds: list[str] | None = None) -> list[Source]:
    """Find the seed's tables on a running Postgres."""
    try:
        address = psycopg2.extensions.parse_dsn(url)
    except psycopg2.ProgrammingError as error:
        remedy = "use postgresql://user@host:port/database"
        raise PgfeedError("--from is not a connection string", next=remedy) from error
    with _server(url) as connection, connection.cursor() as cursor:
        info = connection.info
        place = f"postgresql://{info.host or address.get('host', '')}:{info.port}/{info.dbname}"
        sources = []
        for kind, name in TABLES.items():
            cursor.execute("select to_regclass(%s)::text, to_regclass(%s)::text", (name, f"public.{name}"))
            table = next(filter(None, cursor.fetchone()), None)
            if table is None or (kinds and kind not in kinds):
                continue
            cursor.execute("select greatest(reltuples, 0) from pg_class where oid = %s::regclass", (table,))
            rows = cursor.fetchone()[0]
            cursor.execute(sql.SQL("select * from {} limit 0").format(sql.SQL(table)))
            header = [column.name for column in cursor.description]
            columns = [_column(column) for column in header]
            _kind(f"table {name}", header, columns, kind)
            read = _table_reader(url, table, header)
            source = Source(f"{place}/{name}", name, kind, columns, read, name, rows or None, "rows", "row")
            source.ignored = [column for column in columns if column not in COLUMNS[kind]]
            sources.append(source)
    if not sources:
        wanted = ", ".join(TABLES[kind] for kind in kinds or TABLES)
        raise PgfeedError(f"{place} has none of the tables {wanted}", "neither in schema public nor on the search_path")
    return sources


def _column(name: str) -> str:
    name = name.strip().lower()
    return ALIASES.get(name, name)


def _kind(name: str, header: list[str], columns: list[str], forced: str | None) -> str:
    """Return the kind that a header tells, or check that it suits the forced one."""
    names = set(columns)
    fits = {
        "users": "user_id" in names,
        "posts": "post_id" in names,
        "events": {"timestamp", "user_id", "post_id"} <= names and bool(names & {"action", "target"}),
    }
    if forced:
        kind = forced if fits[forced] else None
    elif fits["events"]:
        kind = "events"
    else:
        kind = next((k for k, other in (("posts", "user_id"), ("users", "post_id"))
                     if fits[k] and other not in names and len(names & set(COLUMNS[k])) > 1), None)
    if kind is None:
        found = ",".join(header).strip()
        found = f"found {found[:80]!r}{'...' if len(found) > 80 else ''}, "
        if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
            found += "fields are separated by commas here; "
        elif {"timestamp", "user_id", "post_id"} <= names:
            found += "events need action, target or both; "
        found += "expected "
        raise PgfeedError(f"{name} has a wrong header", found + (",".join(COLUMNS[forced]) if forced else EXPECTED))
    twice = next((c for c in COLUMNS[kind] if columns.count(c) > 1), None)
    if twice:
        raise PgfeedError(f"{name} has a wrong header", f"column {twice} is there twice")
    return kind


# Files -----------------------------------------------------------------------------------------------------------


class _Tally(io.RawIOBase):
    """A raw file that counts and hashes what is read from it."""

    def __init__(self, raw: io.RawIOBase):
        self.raw, self.count, self.sha = raw, 0, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self.raw.readinto(buffer) or 0
        self.sha.update(memoryview(buffer)[:size])
        self.count += size
        return size


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn what can go wrong while reading a file into one clear error."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        what = "is a truncated gzip file" if isinstance(error, EOFError) else "is a damaged gzip file"
        raise PgfeedError(f"{path} {what}", str(error), f"gzip -t {path}") from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise PgfeedError(f"{path} is a damaged Parquet file", str(error).splitlines()[0][:200]) from error
    except OSError as error:
        if error.errno is None:  # Arrow's
            raise PgfeedError(f"{path} is a damaged Parquet file", str(error).splitlines()[0][:200]) from error
        raise PgfeedError(f"cannot read {path}", error.strerror) from error


@contextmanager
def _text_stream(path: str) -> Iterator[tuple[io.BufferedIOBase, _Tally]]:
    """Open a plain or gzip file; yield a stream of its text and the tally of its bytes."""
    with _reading(path), open(path, "rb", buffering=0) as raw:
        tally = _Tally(raw)
        stream = io.BufferedReader(tally, 1 << 20)
        if stream.peek(2)[:2] == b"\x1f\x8b":
            stream = gzip.GzipFile(fileobj=stream)
        start = stream.peek(3)[:3]
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise PgfeedError(f"{path} is not UTF-8", "it starts with the byte order mark of UTF-16",
                              f"iconv -f UTF-16 -t UTF-8 {path} > {path}.utf8.csv")
        if start == b"\xef\xbb\xbf":
            stream.read(3)
        yield stream, tally


def _csv_header(path: str) -> list[str]:
    with _text_stream(path) as (stream, _):
        line = stream.readline(1 << 16)
    if not line.strip():
        raise PgfeedError(f"{path} has no header", f"expected one of: {EXPECTED}")
    _require_utf8(path, line, 1)
    if b"\0" in line:
        raise PgfeedError(f"{path} is no text file", "its header contains NUL bytes")
    try:
        return next(csv.reader([line.decode()]))
    except csv.Error as error:
        raise PgfeedError(f"{path} has a wrong header", str(error)) from error


def _require_utf8(name: str, block: bytes, line: int) -> None:
    if block.isascii():
        return
    try:
        block.decode()
    except UnicodeDecodeError as error:
        line += block.count(b"\n", 0, error.start)
        column = error.start - block.rfind(b"\n", 0, error.start)
        cause = f"line {line} has the byte 0x{block[error.start]:02x} at position {column}"
        remedy = f"iconv -f CP1251 -t UTF-8 {name} > {name}.utf8.csv (if that is its encoding)"
        raise PgfeedError(f"{name} is not UTF-8", cause, remedy) from error


def _blocks(
    name: str, stream: BinaryIO | io.BufferedIOBase, line: int, at_end: Callable[[], None] = lambda: None
) -> Iterator[tuple[bytes, int]]:
    """Yield blocks of whole lines, each with the number of its first line."""
    rest = b""
    while True:
        data = stream.read(BLOCK_BYTES)
        if not data:
            at_end()  # raises if the stream ended too early
        cut = data.rfind(b"\n") + 1 if data else 0
        if data and not cut:
            rest += data
            if len(rest) > RECORD_LIMIT["posts"]:
                raise PgfeedError(f"{name} is no CSV file", f"line {line} is longer than {len(rest) >> 20} MB")
            continue
        block, rest = rest + data[:cut], data[cut:]
        if block:
            _require_utf8(name, block, line)
            yield block, line
            line += block.count(b"\n")
        if not data:
            return


class _Lines:
    """Lines for csv.reader; those of the current record are kept so that they can be given back."""

    def __init__(self, blocks: Iterator[tuple[bytes, int]], limit: int):
        self.blocks, self.limit = blocks, limit
        self.block, self.number, self.size = b"", 1, 0
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def fill(self) -> bool:
        """Have a block or lines at hand; false at the end."""
        if not self.waiting and not self.block:
            self.block, first = next(self.blocks, (b"", 0))
            self.number = first or self.number
        return bool(self.waiting or self.block)

    def take_block(self) -> tuple[bytes, int]:
        block, self.block = self.block, b""
        return block, self.number

    def split(self) -> None:
        if self.block:
            self.waiting.extend(io.StringIO(self.take_block()[0].decode(), newline="\n"))

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if not self.waiting:
            number = self.number  # of the record's lines so far
            if not self.fill():
                raise StopIteration
            self.split()
            self.number = number
        line = self.waiting.popleft()
        self.taken.append(line)
        self.number += 1
        self.size += len(line)
        if self.size > self.limit:
            raise csv.Error(f"longer than {self.limit >> 20} MB; a quote may not be closed")
        return line

    def start(self) -> int:
        """Begin a record; return the number of its first line."""
        self.taken.clear()
        self.size = 0
        return self.number

    def give_back(self) -> str:
        """Give all lines of the record back but its first, which is returned."""
        first = self.taken[0]
        self.waiting.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        return first


def _read_csv(source: Source) -> Iterator[Batch]:
    path = source.path
    with _text_stream(path) as (stream, tally):
        stream.readline()
        last = 0
        for batch in _parse(source, _blocks(path, stream, 2)):
            batch.advance, last = (tally.count - last) / 1e3, tally.count
            yield batch
        source.sha256 = tally.sha.hexdigest()


def _parse(source: Source, blocks: Iterator[tuple[bytes, int]], count_rows: bool = False) -> Iterator[Batch]:
    """Parse blocks of CSV: by Arrow where lines are rows, else record by record."""
    lines = _Lines(blocks, RECORD_LIMIT[source.kind])
    rows = 0
    while lines.fill():
        block = lines.block
        if source.kind == "events" and block and b'"' not in block and block.count(b"\r") == block.count(b"\r\n"):
            batch = _parse_plain(source, *lines.take_block())
        else:
            batch = _parse_records(source, lines)
        if count_rows:
            batch.lines = np.arange(rows + 1, rows + len(batch.lines) + 1)
            rows += len(batch.lines)
            batch.advance = len(batch.lines)
        yield batch


def _parse_plain(source: Source, block: bytes, first_line: int) -> Batch:
    """Parse a block without quotes, in which every line is a row."""
    width = len(source.header)
    names = [name if name in COLUMNS["events"] else f"ignored {i}" for i, name in enumerate(source.header)]
    kept = [name for name in names if name in COLUMNS["events"]]
    wrong = []

    def skip(row: pa.csv.InvalidRow) -> str:
        wrong.append((row.number - 1, row.actual_columns))
        return "skip"

    def parse(types: dict[str, pa.DataType]) -> pa.Table:
        wrong.clear()
        return pa.csv.read_csv(
            pa.BufferReader(block),
            pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
            pa.csv.ParseOptions(quote_char=False, ignore_empty_lines=False, invalid_row_handler=skip),
            pa.csv.ConvertOptions(column_types=types, include_columns=kept, null_values=[""], strings_can_be_null=True),
        )

    number, text, word = pa.int64(), pa.string(), pa.dictionary(pa.int32(), pa.string())
    types = {"timestamp": pa.timestamp("us"), "user_id": number, "post_id": number, "action": word, "target": word}
    try:
        table = parse(types)
    except pa.ArrowInvalid:
        table = parse(dict.fromkeys(types, text))
    cached: list[str] = []

    def line(i: int) -> str:
        if not cached:
            cached.extend(block.decode().split("\n"))
        return cached[i].rstrip("\r")

    numbers = np.arange(table.num_rows + len(wrong))
    if wrong:
        numbers = np.delete(numbers, [i for i, _ in wrong])
    if table["user_id"].null_count:  # among them are blank lines
        blank = [i for i in np.flatnonzero(table["user_id"].is_null()) if not line(numbers[i])]
        keep = np.delete(np.arange(table.num_rows), blank)
        table, numbers = table.take(keep), numbers[keep]
    malformed = [(first_line + i, _fields(count, width), line(i)) for i, count in wrong]
    columns = {name: table[name].combine_chunks() for name in kept}
    return Batch(columns, first_line + numbers, lambda i: line(numbers[i]), malformed, 0)


def _parse_records(source: Source, lines: _Lines) -> Batch:
    """Parse quoted or multi-line records, until what is at hand ends or a batch is full."""
    width = len(source.header)
    rows: list[list[str]] = []
    numbers, malformed, size = [], [], 0
    lines.split()
    reader = csv.reader(lines, strict=True)
    while lines.waiting and len(rows) < BATCH_ROWS and size < BATCH_CHARACTERS:
        number = lines.start()
        try:
            row = next(reader)
        except csv.Error as error:
            reader = csv.reader(lines, strict=True)
            malformed.append((number, f"not CSV: {error}", lines.give_back().rstrip("\r\n")))
            continue
        size += lines.size
        if len(row) == width:
            rows.append(row)
            numbers.append(number)
        elif row:
            malformed.append((number, _fields(len(row), width), _csv_line(row)))
    columns = {
        name: pa.array([row[i] or None for row in rows], pa.string())
        for i, name in enumerate(source.header) if name in COLUMNS[source.kind]
    }
    return Batch(columns, np.array(numbers, np.int64), lambda i: _csv_line(rows[i]), malformed, 0)


def _fields(count: int, width: int) -> str:
    return f"{count} field{'' if count == 1 else 's'} instead of {width}"


def _csv_line(fields: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([str(f)[: CONTENT_LIMIT + 1] if f is not None else "" for f in fields])
    return text.getvalue()


# Parquet ---------------------------------------------------------------------------------------------------------


def _parquet_header(path: str) -> list[str]:
    with _reading(path), pa.parquet.ParquetFile(path) as file:
        return file.schema_arrow.names


def _read_parquet(source: Source) -> Iterator[Batch]:
    path = source.path
    with _reading(path), open(path, "rb") as raw, pa.parquet.ParquetFile(raw) as file:
        source.sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
        names = {_column(name): name for name in file.schema_arrow.names if _column(name) in COLUMNS[source.kind]}
        first, share = 1, source.total / max(file.metadata.num_rows, 1)
        rows = 10_000 if source.kind == "posts" else 2 * BATCH_ROWS
        for part in file.iter_batches(rows, columns=list(names.values()), use_threads=False):
            columns = {name: _simple(path, name, part.column(column)) for name, column in names.items()}
            numbers = np.arange(first, first + part.num_rows)
            first += part.num_rows

            def content(i: int, columns: dict[str, pa.Array] = columns) -> str:
                return _csv_line([_value(column[i]) for column in columns.values()])

            yield Batch(columns, numbers, content, [], part.num_rows * share)


def _simple(path: str, name: str, array: pa.Array) -> pa.Array:
    """Return a column without dictionary, large or binary types; refuse nested ones."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_nested(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind) or pa.types.is_interval(kind):
        raise PgfeedError(f"{path} cannot be loaded", f"column {name} has the type {kind}")
    if re.search("string|utf8|binary|null", str(kind)):
        array = array.cast(pa.string())
    array.validate(full=True)
    return array


def _value(scalar: pa.Scalar) -> object:
    """Return a value for a reject's content, even of a time that Python cannot express."""
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return scalar.value


# Postgres --------------------------------------------------------------------------------------------------------


@contextmanager
def _server(url: str) -> Iterator[psycopg2.extensions.connection]:
    """Open a read-only connection to the server to read from."""
    connection = None
    try:
        connection = psycopg2.connect(url, connect_timeout=10, application_name="pgfeed ingest")
        connection.set_session(readonly=True)
        connection.set_client_encoding("UTF8")
        with connection.cursor() as cursor:
            cursor.execute("set datestyle = 'ISO'; set timezone = 'UTC'; set extra_float_digits = 1")
        yield connection
    except psycopg2.Error as error:
        what = "cannot connect to" if connection is None else "cannot read from"
        reason = (error.diag.message_primary or str(error)).strip().splitlines() or ["connection lost"]
        raise PgfeedError(f"{what} the server given by --from", reason[0]) from error
    finally:
        if connection is not None:
            connection.close()


def _table_reader(url: str, table: str, header: list[str]) -> Callable[[Source], Iterator[Batch]]:
    """Return a reader that streams a table as CSV through a pipe."""
    columns = sql.SQL(", ").join(map(sql.Identifier, header))
    statement = sql.SQL("copy (select {} from {}) to stdout (format csv)").format(columns, sql.SQL(table))

    def read(source: Source) -> Iterator[Batch]:
        inlet, outlet = os.pipe()
        failures: list[Exception] = []

        def send() -> None:
            try:
                with open(outlet, "wb", buffering=1 << 20) as pipe, _server(url) as connection:
                    with connection.cursor() as cursor:
                        cursor.copy_expert(statement.as_string(connection), pipe, 1 << 20)
            except BrokenPipeError:
                pass  # the reader gave up
            except Exception as error:  # raised again in the reader
                failures.append(error)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()

        def at_end() -> None:
            sender.join()
            if failures:
                raise failures[0]

        with open(inlet, "rb", buffering=1 << 20) as pipe:
            yield from _parse(source, _blocks(source.path, pipe, 1, at_end), count_rows=True)

    return read
