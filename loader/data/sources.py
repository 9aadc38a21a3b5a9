"""Look at files and at tables of a running Postgres before anything is loaded, and say how each is read."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import psycopg2.extensions
from psycopg2 import sql

from loader.data.batches import COLUMNS, EXPECTED, TABLES, Batch, Source, column_name, reading
from loader.data.csv_files import blocks, csv_header, parse, read_csv
from loader.data.parquet_files import parquet_header, read_parquet
from loader.errors import PgfeedError


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
    with reading(path), open(path, "rb") as raw:
        magic = raw.peek(4)[:4]
        size = os.fstat(raw.fileno()).st_size / 1e3
    if not magic:
        raise PgfeedError(f"{path} is empty", f"expected a header line ({EXPECTED})")
    if magic[:2] == b"PK" or magic[:4] == b"\x28\xb5\x2f\xfd" or magic[:3] in (b"BZh", b"\xfd7z"):
        raise PgfeedError(f"{path} is an archive", "only CSV, gzip and Parquet can be read", f"unpack {path} first")
    read, header = (read_parquet, parquet_header(path)) if magic == b"PAR1" else (read_csv, csv_header(path))
    columns = [column_name(name) for name in header]
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
            columns = [column_name(column) for column in header]
            _kind(f"table {name}", header, columns, kind)
            read = _table_reader(url, table, header)
            source = Source(f"{place}/{name}", name, kind, columns, read, name, rows or None, "rows", "row")
            source.ignored = [column for column in columns if column not in COLUMNS[kind]]
            sources.append(source)
    if not sources:
        tables = ", ".join(TABLES[kind] for kind in kinds or TABLES)
        raise PgfeedError(f"{place} has none of the tables {tables}", "neither in schema public nor on the search_path")
    return sources


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
        cause = ",".join(header).strip()
        cause = f"found {cause[:80]!r}{'...' if len(cause) > 80 else ''}, "
        if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
            cause += "fields are separated by commas here; "
        elif {"timestamp", "user_id", "post_id"} <= names:
            cause += "events need action, target or both; "
        cause += "expected "
        raise PgfeedError(f"{name} has a wrong header", cause + (",".join(COLUMNS[forced]) if forced else EXPECTED))
    twice = next((c for c in COLUMNS[kind] if columns.count(c) > 1), None)
    if twice:
        raise PgfeedError(f"{name} has a wrong header", f"column {twice} is there twice")
    return kind


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
            yield from parse(source, blocks(source.path, pipe, 1, at_end), count_rows=True)

    return read
