"""Read CSV, plain or gzip: by Arrow where lines are rows, else record by record."""

import csv
import gzip
import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from loader.data.batches import (
    BATCH_CHARACTERS,
    BATCH_ROWS,
    COLUMNS,
    EXPECTED,
    RECORD_LIMIT,
    Batch,
    Source,
    csv_line,
    reading,
)
from loader.errors import PgfeedError

BLOCK_BYTES = 8 << 20
csv.field_size_limit(RECORD_LIMIT["posts"])


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
def _text_stream(path: str) -> Iterator[tuple[io.BufferedIOBase, _Tally]]:
    """Open a plain or gzip file; yield a stream of its text and the tally of its bytes."""
    with reading(path), open(path, "rb", buffering=0) as raw:
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


def csv_header(path: str) -> list[str]:
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


def blocks(
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


def read_csv(source: Source) -> Iterator[Batch]:
    path = source.path
    with _text_stream(path) as (stream, tally):
        stream.readline()
        last = 0
        for batch in parse(source, blocks(path, stream, 2)):
            batch.advance, last = (tally.count - last) / 1e3, tally.count
            yield batch
        source.sha256 = tally.sha.hexdigest()


def parse(source: Source, blocks: Iterator[tuple[bytes, int]], count_rows: bool = False) -> Iterator[Batch]:
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
            malformed.append((number, _fields(len(row), width), csv_line(row)))
    columns = {
        name: pa.array([row[i] or None for row in rows], pa.string())
        for i, name in enumerate(source.header) if name in COLUMNS[source.kind]
    }
    return Batch(columns, np.array(numbers, np.int64), lambda i: csv_line(rows[i]), malformed, 0)


def _fields(count: int, width: int) -> str:
    return f"{count} field{'' if count == 1 else 's'} instead of {width}"
