"""Read Parquet."""

import hashlib
import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from loader.data.batches import BATCH_ROWS, COLUMNS, Batch, Source, column_name, csv_line, reading
from loader.errors import PgfeedError


def parquet_header(path: str) -> list[str]:
    with reading(path), pa.parquet.ParquetFile(path) as file:
        return file.schema_arrow.names


def read_parquet(source: Source) -> Iterator[Batch]:
    path = source.path
    with reading(path), open(path, "rb") as raw, pa.parquet.ParquetFile(raw) as file:
        source.sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
        names = {column_name(name): name for name in file.schema_arrow.names
                 if column_name(name) in COLUMNS[source.kind]}
        first, share = 1, source.total / max(file.metadata.num_rows, 1)
        rows = 10_000 if source.kind == "posts" else 2 * BATCH_ROWS
        for part in file.iter_batches(rows, columns=list(names.values()), use_threads=False):
            columns = {name: _simple(path, name, part.column(column)) for name, column in names.items()}
            numbers = np.arange(first, first + part.num_rows)
            first += part.num_rows

            def content(i: int, columns: dict[str, pa.Array] = columns) -> str:
                return csv_line([_value(column[i]) for column in columns.values()])

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
