"""Look at files and at tables of a running Postgres before anything is loaded, and say how each is read."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg2
import psycopg2.extensions
from psycopg2 import sql

from loader.data.batches import COLUMNS, EXPECTED, TABLES, Batch, Source, column_name, packing, reading
from loader.data.csv_files import Header, blocks, csv_header, parse, read_csv
from loader.data.packed import members
from loader.data.parquet_files import parquet_header, read_parquet
from loader.data.values import EPOCH
from loader.errors import PgfeedError

WORKBOOK, SEVEN_ZIP = b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf"
NAIVE, WITH_ZONE = (1114, 1082), 1184  # types of Postgres: timestamp, date; timestamptz
NEEDED = {"users": ("user_id",), "posts": ("post_id",), "events": ("timestamp", "user_id", "post_id")}


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
    sources = [source for path, kind in zip(files, kind_of) for source in open_files(path, kind)]
    return sources + (open_server(url, forced) if url else [])


def open_files(path: str, kind: str | None = None) -> list[Source]:
    """Look at a file, or at the files of a zip: those that fit are read, and name the others."""
    _require_file(path)
    names = [file.filename for file in members(path)] if packing(path) == "zip" else []
    if len(names) < 2:
        return [open_file(path, kind)]
    sources, unread, errors = [], [], []
    for name in names:
        try:
            sources.append(open_file(path, kind, name))
        except PgfeedError as error:
            unread.append(name)
            errors.append(error)
    if not sources:
        raise errors[0]
    sources[0].unread = unread
    return sources


def _require_file(path: str) -> None:
    """Raise PgfeedError if there is nothing to read, or nothing that can be read twice."""
    if path.encode(errors="replace") != os.fsencode(path):
        raise PgfeedError(f"cannot read {path!a}", "its name is not UTF-8", "give it another name")
    if Path(path).is_fifo():
        raise PgfeedError(f"cannot read {path}", "it is a pipe, and is read more than once", "write it to a file first")
    with reading(path), open(path, "rb") as raw:
        start = raw.read(300)
    if not start:
        raise PgfeedError(f"{path} is empty", f"expected a header line ({EXPECTED})")
    if start.startswith(WORKBOOK):
        raise PgfeedError(f"{path} is an Excel workbook", "only CSV and Parquet can be read", "save its sheets as CSV")
    if start.startswith(SEVEN_ZIP) or start[257:262] == b"ustar":
        cause = "files of CSV or Parquet can be read, and CSV in zip, gzip, bzip2, xz and zstd"
        raise PgfeedError(f"{path} is an archive", cause, f"unpack {path} first")


def open_file(path: str, kind: str | None = None, member: str | None = None) -> Source:
    """Look at a file's first bytes and its header; raise PgfeedError if it cannot be loaded. `member` is of a zip."""
    _require_file(path)
    size = os.stat(path).st_size
    if packing(path) == "zip":
        files = {file.filename: file.file_size for file in members(path)}
        member = member or next(iter(files))
        size = files[member]
    shown = f"{path}/{member}" if member else path
    with reading(path), open(path, "rb") as raw:
        is_parquet = raw.read(4) == b"PAR1"
    header = Header(parquet_header(path)) if is_parquet else csv_header(path, member)
    columns = [column_name(name) for name in header.columns]
    kind = _kind(shown, header.columns, columns, kind)
    read = read_parquet if is_parquet else read_csv
    source = Source(os.path.abspath(shown), path, kind, columns, read, Path(shown).name, size / 1e3)
    source.place = "row" if is_parquet else "line"
    source.member, source.mark, source.first_line = member, header.mark, header.first_line
    source.ignored = [name.strip() or "(unnamed)" for name, c in zip(header.columns, columns) if c not in COLUMNS[kind]]
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
        sources, missing = [], []
        for kind, name in TABLES.items():
            if kinds and kind not in kinds:
                continue
            cursor.execute("select to_regclass(%s)::text, to_regclass(%s)::text", (name, f"public.{name}"))
            table = next(filter(None, cursor.fetchone()), None)
            if table is None:
                missing.append(name)
                continue
            cursor.execute("select greatest(reltuples, 0) from pg_class where oid = %s::regclass", (table,))
            rows = cursor.fetchone()[0]
            cursor.execute(sql.SQL("select * from {} limit 0").format(sql.SQL(table)))
            header = {column.name: column.type_code for column in cursor.description}
            columns = [column_name(column) for column in header]
            _kind(f"table {name}", list(header), columns, kind)
            read = _table_reader(url, table, header)
            source = Source(f"{place}/{name}", name, kind, columns, read, name, rows or None, "rows", "row")
            source.ignored = [column for column in columns if column not in COLUMNS[kind]]
            sources.append(source)
    if missing and (kinds or not sources):
        names = f"no table {missing[0]}" if len(missing) == 1 else f"none of the tables {', '.join(missing)}"
        kind = next(kind for kind, name in TABLES.items() if name == missing[0])
        remedy = f"create a view of that name there, of {', '.join(NEEDED[kind])} and more"
        raise PgfeedError(f"{place} has {names}", "neither in schema public nor on the search_path", remedy)
    for source in sources[:1]:
        source.unread = [f"table {name}, which is not there" for name in missing]
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
        named = names - {""}
        kind = next((k for k, key, other in (("posts", "post_id", "user_id"), ("users", "user_id", "post_id"))
                     if fits[k] and other not in names and (named == {key} or len(names & set(COLUMNS[k])) > 1)), None)
    if kind is None:
        found = ",".join(header).strip()
        cause = f"found {found[:80]!r}{'...' if len(found) > 80 else ''}, "
        near = forced or next((k for k in ("events", "users", "posts") if len(names & set(NEEDED[k])) > 1), None)
        lacking = [f"column {column} is missing" for column in NEEDED[near] if column not in names] if near else []
        if lacking:
            cause += f"{lacking[0]}; "
        elif near == "events":
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


def _copy_statement(source: Source, table: str, header: dict[str, int]) -> sql.Composed:
    """Return the statement that reads a table; of events only the new ones, if their time is one to the server."""
    columns = sql.SQL(", ").join(map(sql.Identifier, header))
    condition = sql.SQL("")
    time, kind = next(((n, t) for n, t in header.items() if column_name(n) == "timestamp"), ("", 0))
    if source.since is not None and kind in (*NAIVE, WITH_ZONE):
        # Those without a zone are read from a day before on, and compared here.
        moment = EPOCH + timedelta(microseconds=source.since) - timedelta(days=kind in NAIVE)
        literal = sql.Literal(moment if kind == WITH_ZONE else moment.replace(tzinfo=None))
        condition = sql.SQL(" where {} >= {}").format(sql.Identifier(time), literal)
    return sql.SQL("copy (select {} from {}{}) to stdout (format csv)").format(columns, sql.SQL(table), condition)


def _table_reader(url: str, table: str, header: dict[str, int]) -> Callable[[Source], Iterator[Batch]]:
    """Return a reader that streams a table as CSV through a pipe; `header` has the type of each column."""

    def read(source: Source) -> Iterator[Batch]:
        statement = _copy_statement(source, table, header)
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
