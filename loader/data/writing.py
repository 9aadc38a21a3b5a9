"""Write columns to CSV or Parquet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loader.data.batches import csv_line


@contextmanager
def columns_writer(path: Path, schema) -> Iterator:
    """Yield a pyarrow writer of tables, by the file's suffix; the file gets its name when it is complete."""
    import pyarrow.csv
    import pyarrow.parquet

    partial = path.with_name(path.name + ".partial")
    if path.suffix == ".parquet":
        with pyarrow.parquet.ParquetWriter(partial, schema) as writer:
            yield writer
    else:
        with partial.open("wb") as file:
            file.write((csv_line(schema.names).strip() + "\n").encode())
            options = pyarrow.csv.WriteOptions(
                include_header=False, quoting_style="needed" if "text" in schema.names else "none"
            )
            with pyarrow.csv.CSVWriter(file, schema, write_options=options) as writer:
                yield writer
    partial.replace(path)
