"""Load users, posts and events into pgfeed's tables: by COPY, in chunks, each its own transaction."""

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2.extras import execute_values

from loader import terminal
from loader.data.checked import LIKED, UNKNOWN, Events, Reject, Repeats, events_of, records_of, storable
from loader.data.sources import COLUMNS, Source
from loader.errors import PgfeedError
from loader.server.remedies import grant
from loader.terminal import counted

POSTGRES_EPOCH = 946_684_800 * 10**6
TABLE_TYPES = {
    "users": ("bigint", "smallint", "smallint", "text", "text", "smallint", "text", "text"),
    "posts": ("bigint", "text", "text", "timestamptz"),
}
KNOWN_POSTS_LIMIT = 10_000_000
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# The last one is what Citus makes of any error of COPY on a worker.
RETRIED = (psycopg2.errors.UniqueViolation, psycopg2.errors.DeadlockDetected, psycopg2.errors.InternalError_)
LOCK = "select now() from pg_advisory_xact_lock(hashtext('pgfeed.ingest'))"
COPY_EVENTS = "copy pgfeed.feed_events (event_at, user_id, post_id, action, target) from stdin (format binary)"
STAGE_EVENTS = """
    create temp table if not exists ingest_events (
        event_at timestamptz, user_id bigint, post_id bigint, line bigint, action text, target boolean
    ) on commit delete rows
"""
COPY_STAGE = "copy pg_temp.ingest_events (event_at, user_id, post_id, line, action, target) from stdin (format binary)"
# Of the staged events that are in the table already: those that change it stay, and are counted; the others go.
DROP_KNOWN = """
    with known as materialized (
        select e.recorded_at = any(%s) as is_repeat, s.line,
            e.target is not distinct from s.target as is_exact,
            s.target and e.target is distinct from true or s.target is not null and e.target is null as is_update
        from pg_temp.ingest_events as s
        cross join lateral (  -- "distinct" keeps it a look-up for each row, on Citus too
            select distinct f.user_id, f.target, f.recorded_at
            from pgfeed.feed_events as f
            where f.user_id = s.user_id and f.event_at = s.event_at and f.post_id = s.post_id and f.action = s.action
        ) as e
    ), dropped as (
        delete from pg_temp.ingest_events as s using known as k where s.line = k.line and not k.is_update
    )
    select count(*) filter (where is_update), count(*),
        count(*) filter (where is_repeat and is_exact), min(line) filter (where is_repeat and is_exact),
        count(*) filter (where is_repeat and not is_exact), min(line) filter (where is_repeat and not is_exact)
    from known
"""
# Merges return a row for each that they write: the count beside a Citus insert is of those that it was given.
MERGE_EVENTS = """
    insert into pgfeed.feed_events as e (event_at, user_id, post_id, action, target)
    select s.event_at, s.user_id, s.post_id, s.action, s.target
    from pg_temp.ingest_events as s
    order by s.user_id, s.event_at, s.post_id, s.action
    on conflict (user_id, event_at, post_id, action)
    do update set target = excluded.target, recorded_at = excluded.recorded_at
    where excluded.target and e.target is distinct from true or excluded.target is not null and e.target is null
    returning 1
"""
ADD_POSTS = "insert into pgfeed.posts (post_id) select unnest(%s::bigint[]) order by 1 on conflict (post_id) do nothing returning 1"
STALE_TOPICS = """
    update pgfeed.rollup_days set is_stale = true
    where day in (
        select d.day
        from pg_temp.ingest_posts as s
        join pgfeed.post_days as d on d.post_id = s.post_id
        left join pgfeed.posts as t on t.post_id = s.post_id
        where s.topic is not null and t.topic is distinct from s.topic
    )
"""
ADD_REJECTS = "insert into pgfeed.ingest_rejects (ingest_id, source_name, line, reason, content) values %s"


def _merge_statements(kind: str) -> tuple[str, str, str]:
    """Return the statements that stage, count the known ones of, and merge users or posts."""
    names, types = COLUMNS[kind], TABLE_TYPES[kind]
    key, others = names[0], names[1:]
    new = ", ".join(f"coalesce(excluded.{name}, t.{name})" for name in others)
    columns = ", ".join(map(" ".join, zip(names, types)))
    return (
        f"create temp table if not exists ingest_{kind} ({columns}) on commit delete rows",
        f"select count(*) from pg_temp.ingest_{kind} as s join pgfeed.{kind} as t on t.{key} = s.{key}",
        f"""
        insert into pgfeed.{kind} as t ({', '.join(names)})
        select {', '.join(names)} from pg_temp.ingest_{kind} order by {key}
        on conflict ({key}) do update set ({', '.join(others)}) = row({new})
        where ({', '.join('t.' + name for name in others)}) is distinct from ({new})
        returning 1
        """,
    )


MERGE = {kind: _merge_statements(kind) for kind in TABLE_TYPES}


@dataclass
class Result:
    """What became of one source: read = loaded + duplicates + rejected; updated are among the loaded."""

    source: str
    kind: str
    read: int = 0
    loaded: int = 0
    updated: int = 0
    duplicates: int = 0
    rejected: int = 0
    added_posts: int = 0
    seconds: float = 0.0
    repeats: Repeats = field(default_factory=Repeats)
    first_reject: tuple[int, str] = (0, "")
    place: str = "line"
    ignored: list[str] = field(default_factory=list)

    @property
    def rate(self) -> int:
        """Rows per second."""
        return round(self.read / max(self.seconds, 1e-3))

    def as_dict(self) -> dict[str, object]:
        """Return it for --json."""
        line, reason = self.first_reject
        return {
            "source": self.source, "kind": self.kind, "read": self.read, "loaded": self.loaded, "updated": self.updated,
            "duplicates": self.duplicates, "rejected": self.rejected, "seconds": round(self.seconds, 3),
            "rows_per_second": self.rate,
            "exact_repeats": self.repeats.exact, "differing_repeats": self.repeats.differing,
            "posts_added_from_events": self.added_posts, "ignored_columns": self.ignored,
            "first_reject": {"line": line, "reason": reason} if self.rejected else None,
        }

    def notes(self) -> Iterator[str]:
        """Yield what the table of counts does not say."""
        repeats = self.repeats
        if repeats.exact:
            yield f"{counted(repeats.exact, 'exact duplicate')}, first at {self._where(*repeats.first_exact)}"
        if repeats.differing:
            how = "liked wins" if self.kind == "events" else "the later values win"
            first = self._where(*repeats.first_differing)
            yield f"{counted(repeats.differing, 'duplicate')} with other values, first at {first}: {how}"
        if self.updated:
            yield f"{counted(self.updated, 'row')} changed what was loaded before"
        if self.ignored:
            yield f"ignored columns: {', '.join(self.ignored)}"

    def _where(self, line: int, earlier: int | None) -> str:
        return f"{self.place} {line} (repeats {f'{self.place} {earlier}' if earlier else f'an earlier {self.place}'})"


def ingest(
    connection: psycopg2.extensions.connection, sources: list[Source], zone: ZoneInfo | None = None
) -> Iterator[Result]:
    """Load sources, users and posts before events; yield what became of each.

    Every chunk is committed; after an interruption the same call completes the load, since rows that are there already
    are recognised by their keys. Raises PgfeedError when a source cannot be read to its end.
    """
    connection.rollback()
    connection.set_session(isolation_level="READ COMMITTED", readonly=False, autocommit=False)
    connection.set_client_encoding("UTF8")
    for source in sorted(sources, key=lambda source: list(COLUMNS).index(source.kind)):
        load = _Load(connection, source, zone)
        try:
            load.run()
        except (PgfeedError, psycopg2.Error, KeyboardInterrupt) as error:
            raise load.failure(error) from error
        yield load.result


@dataclass
class _Chunk:
    """A batch ready to load: its rows in COPY's format, and what is to be said about them."""

    read: int
    count: int  # distinct rows in `copied`
    copied: bytes
    events: Events | None
    rejects: list[Reject]
    repeats: Repeats
    advance: float


class _Load:
    """The load of one source."""

    def __init__(self, connection: psycopg2.extensions.connection, source: Source, zone: ZoneInfo | None):
        self.connection, self.source, self.zone = connection, source, zone
        self.result = Result(source.path, source.kind, ignored=source.ignored, place=source.place)
        self.is_direct = True  # COPY straight into feed_events until a key is there already
        self.months: set[np.datetime64] = set()
        self.moments: list[datetime] = []  # recorded_at of what this load wrote
        self.known_posts = np.array([], np.int64)

    def run(self) -> None:
        started = time.monotonic()
        self._begin()
        label = f"{self.source.label} ({self.source.unit})"
        is_seen = terminal.console.is_terminal
        with terminal.progress(label, self.source.total) if is_seen else nullcontext(lambda amount: None) as advance:
            for chunk in _ahead(self._chunks()):
                self._load(chunk)
                advance(chunk.advance)
        self._finish()
        self.result.seconds = time.monotonic() - started

    def failure(self, error: BaseException) -> PgfeedError:
        """Return an error that also says what stays loaded."""
        result = self.result
        stays, remedy = "nothing of it was loaded", "run the same command again to complete it"
        if result.read:
            stays = f"{result.read:,} of its rows were read before, {result.loaded:,} loaded, and stay"
        if isinstance(error, PgfeedError):
            return PgfeedError(error.what, f"{error.cause}; {stays}" if error.cause else stays, error.next)
        if isinstance(error, KeyboardInterrupt):
            return PgfeedError(f"interrupted while loading {self.source.path}", stays, remedy)
        if isinstance(error, psycopg2.InterfaceError) and isinstance(error.__context__, psycopg2.Error):
            error = error.__context__  # why the connection is closed
        message = error.diag.message_primary if isinstance(error, psycopg2.Error) else None
        reason = " ".join((message or str(error) or "connection lost").split())
        if isinstance(error, psycopg2.errors.InsufficientPrivilege):
            remedy = grant("pgfeed_owner", self.connection.info.user)
        return PgfeedError(f"cannot load {self.source.path}", f"{reason}; {stays}", remedy)

    def _begin(self) -> None:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("delete from pgfeed.ingest_rejects where source_name = %s", (self.source.name,))
            cursor.execute(
                "insert into pgfeed.ingest_files (source_name, kind, started_at) values (%s, %s, clock_timestamp())"
                " returning ingest_id", (self.source.name, self.source.kind),
            )
            self.ingest_id = cursor.fetchone()[0]

    def _finish(self) -> None:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(
                "update pgfeed.ingest_files set finished_at = clock_timestamp(), sha256 = %s where ingest_id = %s",
                (self.source.sha256, self.ingest_id),
            )
            cursor.execute(  # the same bytes under another name
                "delete from pgfeed.ingest_rejects as r using pgfeed.ingest_files as f"
                " where f.sha256 = %s and f.kind = %s and f.ingest_id <> %s and r.ingest_id = f.ingest_id",
                (self.source.sha256, self.source.kind, self.ingest_id),
            )

    def _chunks(self) -> Iterator[_Chunk]:
        """Yield checked chunks; runs in a thread beside the database's work."""
        kind = self.source.kind
        for batch in self.source.read(self.source):
            events = None
            if kind == "events":
                events, rejects, repeats = events_of(batch, self.zone)
                copied, count = _binary(events), len(events.line)
            else:
                records, rejects, repeats = records_of(batch, kind, self.zone)
                copied, count = _text(records), len(records)
            read = len(batch.lines) + len(batch.malformed)
            yield _Chunk(read, count, copied, events, sorted(rejects), repeats, batch.advance)

    def _load(self, chunk: _Chunk) -> None:
        """Load one chunk in one transaction, again if a key of an event turns out to be there already."""
        if chunk.events:
            self._ensure_partitions(chunk.events)
        try:
            loaded, updated, added_posts, across = self._transaction(chunk)
        except RETRIED:
            self.is_direct = False
            loaded, updated, added_posts, across = self._transaction(chunk)
        result = self.result
        result.read += chunk.read
        result.loaded += loaded
        result.updated += updated
        result.rejected += len(chunk.rejects)
        result.duplicates = result.read - result.loaded - result.rejected
        result.added_posts += added_posts
        result.repeats.add(chunk.repeats)
        result.repeats.add(across)
        if chunk.rejects and not result.first_reject[0]:
            result.first_reject = storable(chunk.rejects[0])[:2]

    def _transaction(self, chunk: _Chunk) -> tuple[int, int, int, Repeats]:
        """Return how many rows were loaded, how many of them changed known ones, posts added, and earlier repeats."""
        new_posts, added_posts, updated, across = np.array([], np.int64), 0, 0, Repeats()
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(LOCK)  # two loads at once take turns, chunk by chunk
            recorded_at = cursor.fetchone()[0]
            if chunk.events:  # before the events: Citus writes to reference tables only at the start of a transaction
                new_posts = np.setdiff1d(chunk.events.post_id, self.known_posts)
                added_posts = _add_posts(cursor, new_posts)
            if chunk.events is None:
                loaded, updated = self._merge_records(cursor, chunk)
            elif self.is_direct:
                cursor.copy_expert(COPY_EVENTS, io.BytesIO(chunk.copied), 1 << 20)
                loaded = chunk.count
            else:
                loaded, updated, across = self._merge_events(cursor, chunk.events)
            rejected = [(self.ingest_id, self.source.name, *storable(reject)) for reject in chunk.rejects]
            execute_values(cursor, ADD_REJECTS, rejected, page_size=1000)
            cursor.execute(
                "update pgfeed.ingest_files set read_count = read_count + %s, loaded_count = loaded_count + %s,"
                " duplicate_count = duplicate_count + %s, rejected_count = rejected_count + %s where ingest_id = %s",
                (chunk.read, loaded, chunk.read - loaded - len(rejected), len(rejected), self.ingest_id),
            )
        self.moments.append(recorded_at)
        self._remember_posts(new_posts)
        return loaded, updated, added_posts, across

    def _merge_records(self, cursor: psycopg2.extensions.cursor, chunk: _Chunk) -> tuple[int, int]:
        stage, count_known, merge = MERGE[self.source.kind]
        cursor.execute(stage)
        cursor.copy_expert(f"copy pg_temp.ingest_{self.source.kind} from stdin", io.BytesIO(chunk.copied), 1 << 20)
        cursor.execute(count_known)
        known = cursor.fetchone()[0]
        if self.source.kind == "posts":
            cursor.execute(STALE_TOPICS)
        cursor.execute(merge)
        return cursor.rowcount, cursor.rowcount - (chunk.count - known)

    def _merge_events(self, cursor: psycopg2.extensions.cursor, rows: Events) -> tuple[int, int, Repeats]:
        """Merge events some of which may be there already; note those that came earlier in this very load."""
        cursor.execute(STAGE_EVENTS)
        cursor.copy_expert(COPY_STAGE, io.BytesIO(_binary(rows, with_line=True)), 1 << 20)
        cursor.execute(DROP_KNOWN, (self.moments,))
        updated, known, exact, first_exact, differing, first_differing = cursor.fetchone()
        cursor.execute(MERGE_EVENTS)
        self.is_direct = not known
        across = Repeats(exact, differing, (first_exact, None), (first_differing, None))
        return cursor.rowcount, updated, across

    def _ensure_partitions(self, rows: Events) -> None:
        months = set(np.unique(rows.event_at.astype("datetime64[us]").astype("datetime64[M]"))) - self.months
        if not months:
            return
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(LOCK)
            for month in sorted(months):
                cursor.execute("call pgfeed.create_event_partitions(%(at)s, %(at)s)", {"at": f"{month}-01 00:00+00"})
        self.months |= months

    def _remember_posts(self, new: np.ndarray) -> None:
        """Note posts that are in the catalogue for sure."""
        if len(new):
            self.known_posts = new if len(self.known_posts) > KNOWN_POSTS_LIMIT else np.union1d(self.known_posts, new)


def _add_posts(cursor: psycopg2.extensions.cursor, post_ids: np.ndarray) -> int:
    """Add posts that are known only from events to the catalogue, without text; return how many were not there."""
    if not len(post_ids):
        return 0
    cursor.execute(ADD_POSTS, (post_ids.tolist(),))
    return cursor.rowcount


def _ahead(items: Iterator) -> Iterator:
    """Compute the next item in a thread while the caller uses the one before."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(next, items, None)
        while (item := future.result()) is not None:
            future = pool.submit(next, items, None)
            yield item


def _text(rows: list[tuple]) -> bytes:
    """Return rows in COPY's text format."""
    lines = ("\t".join("\\N" if v is None else str(v).translate(ESCAPES) for v in row) + "\n" for row in rows)
    return "".join(lines).encode()


def _binary(rows: Events, with_line: bool = False) -> bytes:
    """Return events in COPY's binary format; the null targets make the rows one byte shorter."""
    numbers = [rows.event_at - POSTGRES_EPOCH, rows.user_id, rows.post_id] + [rows.line] * with_line
    layout = [("count", ">i2")]
    for i in range(len(numbers)):
        layout += [(f"length{i}", ">i4"), (f"number{i}", ">i8")]
    layout += [("action_length", ">i4"), ("action", "S4"), ("target_length", ">i4"), ("target", "u1")]
    table = np.zeros(len(rows.line), layout)
    table["count"] = len(numbers) + 2
    for i, values in enumerate(numbers):
        table[f"length{i}"], table[f"number{i}"] = 8, values
    table["action_length"], table["action"] = 4, np.array([b"view", b"like"])[rows.action]
    table["target_length"], table["target"] = np.where(rows.target > UNKNOWN, 1, -1), rows.target == LIKED
    cells = table.view(np.uint8).reshape(len(table), table.itemsize)
    if not rows.target.all():
        is_sent = np.ones(cells.shape, bool)
        is_sent[:, -1] = rows.target > UNKNOWN
        cells = cells[is_sent]
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + cells.tobytes() + b"\xff\xff"


def report(results: list[Result], as_json: bool = False) -> None:
    """Print what became of every source."""
    if not results:
        return
    added = sum(result.added_posts for result in results)
    if as_json:
        found = {"sources": [result.as_dict() for result in results], "posts_added_from_events": added}
        terminal.out.print_json(json.dumps(found))
        return
    headers = ("source", "kind", "read", "loaded", "duplicates", "rejected", "rows/s")
    rows = [
        (Path(r.source).name, r.kind, *(f"{n:,}" for n in (r.read, r.loaded, r.duplicates, r.rejected, r.rate)))
        for r in results
    ]
    terminal.out.print(terminal.table("Ingested", headers, rows, numeric=headers[2:]))
    for result in results:
        for note in result.notes():
            terminal.out.print(f"{Path(result.source).name}: {note}", markup=False)
    if added:
        terminal.out.print(f"posts known only from events: {added:,}, added without text")


def refuse_rejects(results: list[Result]) -> None:
    """Raise if any row was rejected: the others are loaded, and programs must be able to tell."""
    rejecting = [result for result in results if result.rejected]
    if not rejecting:
        return
    line, reason = rejecting[0].first_reject
    read, rejected = (sum(getattr(result, name) for result in rejecting) for name in ("read", "rejected"))
    where, name = f"of {rejecting[0].source}", ""
    if len(rejecting) > 1:
        where, name = f"in {len(rejecting)} {'tables' if '://' in rejecting[0].source else 'files'}", f"{rejecting[0].source} "
    raise PgfeedError(
        f"{rejected:,} of {read:,} rows {where} could not be loaded",
        f"first {name}{rejecting[0].place} {line}: {reason}",
        "select * from pgfeed.ingest_rejects",
    )
