"""Read CSV: by Arrow where lines are rows, else record by record."""

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from loader.data.batches import (
    ALIASES,
    BATCH_CHARACTERS,
    BATCH_ROWS,
    COLUMNS,
    EXPECTED,
    RECORD_LIMIT,
    Batch,
    Source,
    csv_line,
)
from loader.data.packed import text_stream
from loader.errors import PgfeedError

BLOCK_BYTES = 8 << 20
NUMBERS = {"user_id", "post_id", "gender", "age", "exp_group", "target"}
MARKS = ",;\t|"
# Among the first of these are what pandas, R and Excel write for null; the parsers of values know more.
NULLS = [*pa.csv.ConvertOptions().null_values, "None", "none", "NaT", "<NA>", "\\N"]
TIME_TYPES = (pa.timestamp("us"), pa.int64(), pa.string())
csv.field_size_limit(RECORD_LIMIT["posts"])


@dataclass
class Header:
    """The first line of a CSV file: its columns, the mark between them, and the line of the first row."""

    columns: list[str]
    mark: str = ","
    first_line: int = 2


def csv_header(path: str, member: str | None = None) -> Header:
    with text_stream(path, member) as (stream, _):
        line, number = stream.readline(1 << 16), 1
        stated = re.fullmatch(rb'"?sep=(.)"?\r?\n?', line)
        if stated:
            line, number = stream.readline(1 << 16), 2
    if not line.strip():
        raise PgfeedError(f"{path} has no header", f"expected one of: {EXPECTED}")
    if line.startswith(b"PAR1"):
        raise PgfeedError(f"{path} has a packed Parquet file", "only CSV can be read packed", f"unpack {path} first")
    if b"\r" in line.rstrip(b"\r\n"):
        remedy = f"tr '\\r' '\\n' < {path} > {path}.lf.csv"
        raise PgfeedError(f"{path} is one long line", "its lines end with CR alone", remedy)
    _require_utf8(path, line, number)
    if b"\0" in line:
        raise PgfeedError(f"{path} is no text file", "its header contains NUL bytes")
    text = line.decode()
    mark = stated[1].decode(errors="replace") if stated else _mark(path, text)
    try:
        return Header(_fields_of(text, mark), mark, number + 1)
    except (csv.Error, ValueError, TypeError) as error:
        raise PgfeedError(f"{path} has a wrong header", str(error)) from error


def _fields_of(line: str, mark: str) -> list[str]:
    return next(csv.reader([line], delimiter=mark), [])


def _mark(path: str, line: str) -> str:
    """Return the mark between the fields of a header: the one that makes most columns of it that pgfeed knows."""
    names = set().union(*COLUMNS.values(), ALIASES)
    counts = {}
    for mark in MARKS:
        try:
            counts[mark] = sum(name.strip().lower() in names for name in _fields_of(line, mark))
        except csv.Error:
            counts[mark] = 0
    best = [mark for mark in MARKS if mark in line and counts[mark] == max(counts.values())]
    if len(best) < 2 or not max(counts.values()):
        return best[0] if len(best) == 1 else ","
    raise PgfeedError(f"{path} has an unclear header", f"its fields may be separated by {' or '.join(map(repr, best))}",
                      f"write a line before it: sep={best[-1]}")


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
    with text_stream(path, source.member) as (stream, tally):
        for _ in range(1, source.first_line):
            stream.readline()
        last = 0
        for batch in parse(source, blocks(path, stream, source.first_line)):
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
        if source.mark == ";":
            _write_commas(batch, source.text_keys)
        if count_rows:
            batch.lines = np.arange(rows + 1, rows + len(batch.lines) + 1)
            rows += len(batch.lines)
            batch.advance = len(batch.lines)
        yield batch


def _write_commas(batch: Batch, text_keys: frozenset[str]) -> None:
    """Write points in numbers as commas, which may be of a thousand: 1.000 is no 1 where semicolons separate fields."""
    for name in NUMBERS & set(batch.columns) - text_keys:
        column = batch.columns[name]
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_string(column.type):
            batch.columns[name] = pc.replace_substring(column, ".", ",")


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
            pa.csv.ParseOptions(
                delimiter=source.mark, quote_char=False, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            pa.csv.ConvertOptions(
                column_types=types, include_columns=kept, null_values=NULLS, strings_can_be_null=True
            ),
        )

    table = _typed(source, parse)
    cached: list[str] = []

    def line(i: int) -> str:
        if not cached:
            cached.extend(block.decode().split("\n"))
        return cached[i].rstrip("\r")

    numbers = np.arange(table.num_rows + len(wrong))
    if wrong:
        numbers = np.delete(numbers, [i for i, _ in wrong])
    if table["user_id"].null_count:  # among them are blank lines, and Excel's without a value
        blank = [i for i in np.flatnonzero(table["user_id"].is_null()) if not line(numbers[i]).strip(source.mark)]
        keep = np.delete(np.arange(table.num_rows), blank)
        table, numbers = table.take(keep), numbers[keep]
    malformed = [(first_line + i, _fields(count, width), line(i)) for i, count in wrong]
    columns = {name: table[name].combine_chunks() for name in kept}
    return Batch(columns, first_line + numbers, lambda i: line(numbers[i]), malformed, 0)


def _typed(source: Source, parse: Callable[[dict[str, pa.DataType]], pa.Table]) -> pa.Table:
    """Parse with the narrowest types that a block allows; the type of its times is tried first on the next one."""
    number, text, word = pa.int64(), pa.string(), pa.dictionary(pa.int32(), pa.string())
    for time in TIME_TYPES[TIME_TYPES.index(source.time_type) if source.time_type else 0 :]:
        try:
            keys = {name: text if name in source.text_keys else number for name in ("user_id", "post_id")}
            table = parse({"timestamp": time, **keys, "action": word, "target": word})
            source.time_type = time
            return table
        except pa.ArrowInvalid:
            continue
    return parse(dict.fromkeys(COLUMNS["events"], text))


def _parse_records(source: Source, lines: _Lines) -> Batch:
    """Parse quoted or multi-line records, until what is at hand ends or a batch is full."""
    width = len(source.header)
    rows: list[list[str]] = []
    numbers, malformed, size = [], [], 0
    lines.split()
    reader = csv.reader(lines, delimiter=source.mark, strict=True)
    while lines.waiting and len(rows) < BATCH_ROWS and size < BATCH_CHARACTERS:
        number = lines.start()
        try:
            row = next(reader)
        except csv.Error as error:
            reader = csv.reader(lines, delimiter=source.mark, strict=True)
            malformed.append((number, f"not CSV: {error}", lines.give_back().rstrip("\r\n")))
            continue
        size += lines.size
        if len(row) == width and any(row):
            rows.append(row)
            numbers.append(number)
        elif any(row):
            malformed.append((number, _fields(len(row), width), csv_line(row, source.mark)))
    columns = {
        name: pa.array([row[i] or None for row in rows], pa.string())
        for i, name in enumerate(source.header) if name in COLUMNS[source.kind]
    }
    return Batch(columns, np.array(numbers, np.int64), lambda i: csv_line(rows[i], source.mark), malformed, 0)


def _fields(count: int, width: int) -> str:
    return f"{count} field{'' if count == 1 else 's'} instead of {width}"
