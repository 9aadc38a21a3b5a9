"""What is read, whatever it is read from: sources of a kind, and batches of Arrow columns."""

import csv
import gzip
import io
import lzma
import zipfile
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
PACKINGS = {
    b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\3\4": "zip", b"PK\5\6": "zip",
}  # fmt: skip
TRIALS = {"gzip": "gzip -t", "bzip2": "bzip2 -t", "xz": "xz -t", "zstd": "zstd -t", "zip": "unzip -t"}
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
    member: str | None = None  # of a zip
    mark: str = ","  # between fields
    first_line: int = 2  # of the rows
    time_type: pa.DataType | None = None  # of the last block's times
    unread: list[str] = field(default_factory=list)  # files beside it in the zip
    text_keys: frozenset[str] = frozenset()  # columns whose keys are not integers
    since: int | None = None  # events before it, in microseconds since 1970, are passed over

    @property
    def shown(self) -> str:
        """Return its name as the user gave it."""
        return f"{self.path}/{self.member}" if self.member else self.path


def column_name(name: str) -> str:
    name = name.strip().lower()
    return ALIASES.get(name, name)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn what can go wrong while reading a file into one clear error."""
    try:
        yield
    except EOFError as error:
        raise _damaged(path, "truncated", error) from error
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
        raise _damaged(path, "damaged", error) from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _damaged(path, "damaged", error) from error
    except OSError as error:
        if error.errno is None:  # Arrow's, and of bzip2
            raise _damaged(path, "damaged", error) from error
        raise PgfeedError(f"cannot read {path}", error.strerror, "pgfeed ingest --help") from error


def _damaged(path: str, how: str, error: Exception) -> PgfeedError:
    form = packing(path)
    remedy = f"{TRIALS[form]} {path}" if form in TRIALS else None
    cause = (str(error).splitlines() or [""])[0][:200]
    return PgfeedError(f"{path} is a {how} {form or 'Parquet'} file", cause, remedy)


def packing(path: str) -> str | None:
    """Return by what a file is packed, as its first bytes tell."""
    with open(path, "rb") as raw:
        start = raw.read(8)
    return next((form for magic, form in PACKINGS.items() if start.startswith(magic)), None)


def csv_line(fields: Sequence[object], mark: str = ",") -> str:
    text = io.StringIO()
    cells = ["" if value is None else str(value)[: CONTENT_LIMIT + 1] for value in fields]
    csv.writer(text, delimiter=mark, lineterminator="").writerow(cells)
    return text.getvalue()
