"""What is read, whatever it is read from: sources of a kind, and batches of Arrow columns."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from loader.errors import PgfeedError

COLUMNS = {
    "users": ("user_id", "gender", "age", "country", "city", "exp_group", "os", "source"),
    "posts": ("post_id", "text", "topic", "created_at"),
    "events": ("timestamp", "user_id", "post_id", "action", "target"),
}
TABLES = {"users": "user_data", "posts": "post_text_df", "events": "feed_data"}
ALIASES = {"event_at": "timestamp"}
EXPECTED = "users: user_id,gender,age,...; posts: post_id,text,topic; events: timestamp,user_id,post_id,action,target"
RECORD_LIMIT = {"users": 1 << 20, "posts": 64 << 20, "events": 1 << 20}  # characters; a lost quote swallows no more
BATCH_ROWS = 100_000
BATCH_CHARACTERS = 16 << 20
CONTENT_LIMIT = 1000
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


def column_name(name: str) -> str:
    name = name.strip().lower()
    return ALIASES.get(name, name)


@contextmanager
def reading(path: str) -> Iterator[None]:
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


def csv_line(fields: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([str(f)[: CONTENT_LIMIT + 1] if f is not None else "" for f in fields])
    return text.getvalue()
