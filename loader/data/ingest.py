"""Load users, posts and events into pgfeed's tables: by COPY, in chunks, each its own transaction."""

import io
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pyarrow as pa

from loader import terminal
from loader.data.batches import COLUMNS, Source
from loader.data.checked import Events, Reject, Repeats, events_of, records_of, storable
from loader.data.copying import binary_rows, text_rows
from loader.data.keys import Keys, require_integers, with_ids
from loader.data.merging import MERGE
from loader.data.outcome import Outcome
from loader.data.rejects import Rejects, require_format
from loader.errors import PgfeedError
from loader.server.db import outside_transaction
from loader.server.remedies import grant

KNOWN_POSTS_LIMIT = 10_000_000
OWN_MONTH_ROWS, DEFAULT_ROWS = 10_000, 300_000  # as in pgfeed._partition_moves

# The last one is what Citus makes of any error of COPY on a worker.
RETRIED = (psycopg2.errors.UniqueViolation, psycopg2.errors.DeadlockDetected, psycopg2.errors.InternalError_)
LOCK = "select now() from pg_advisory_xact_lock(hashtext('pgfeed.ingest'))"
MONTHS = """
    select to_char(to_date(right(c.relname, 7), 'YYYY"m"MM'), 'YYYY-MM')
    from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'pgfeed.feed_events'::regclass and c.relname ~ '_y[0-9]{4}m[0-9]{2}$'
"""
COPY_EVENTS = "copy pgfeed.feed_events (event_at, user_id, post_id, action, target) from stdin (format binary)"
STAGE_EVENTS = """
    create temp table if not exists ingest_events (
        event_at timestamptz, user_id bigint, post_id bigint, line bigint, action text, target boolean
    ) on commit delete rows
"""
COPY_STAGE = "copy pg_temp.ingest_events (event_at, user_id, post_id, line, action, target) from stdin (format binary)"
# Of the staged events that are in the table already: those that change it stay, and are counted; the others go.
DROP_KNOWN = """
    with present as materialized (
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
        delete from pg_temp.ingest_events as s using present as k where s.line = k.line and not k.is_update
    )
    select count(*) filter (where is_update), count(*),
        count(*) filter (where is_repeat and is_exact), min(line) filter (where is_repeat and is_exact),
        count(*) filter (where is_repeat and not is_exact), min(line) filter (where is_repeat and not is_exact)
    from present
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
ADD_POSTS = """
    insert into pgfeed.posts (post_id)
    select n.post_id
    from unnest(%s::bigint[]) as n (post_id)
    where not exists (select from pgfeed.deleted_posts as d where d.post_id = n.post_id)
    order by n.post_id
    on conflict (post_id) do nothing
    returning 1
"""
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


def ingest(
    connection: psycopg2.extensions.connection, sources: list[Source], zone: ZoneInfo | None = None,
    form: str | None = None, since: int | None = None, keys: str | None = None,
) -> Iterator[Outcome]:
    """Load sources, users and posts before events; yield what became of each.

    zone, form: of the times; since: microseconds since 1970, events before it are passed over; keys: whose are texts.

    Every chunk is committed; after an interruption the same call completes the load, since rows that are there already
    are recognised by their keys. Raises PgfeedError when a source cannot be read to its end.
    """
    connection.rollback()
    connection.set_session(isolation_level="READ COMMITTED", readonly=False, autocommit=False)
    connection.set_client_encoding("UTF8")
    for source in sorted(sources, key=lambda source: list(COLUMNS).index(source.kind)):
        source.since = since if source.kind == "events" else None
        if form and "%" in form:
            source.time_type = pa.string()  # a number may begin with 0
        load = _Load(connection, source, zone, form, Keys(keys))
        try:
            load.run()
        except (PgfeedError, psycopg2.Error, KeyboardInterrupt) as error:
            raise load.failure(error) from error
        yield load.outcome


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
    old: int  # rows that are not read, as they are before --since
    keys: dict[str, dict[int, str]]  # that are not integers, by kind and id


class _Load:
    """The load of one source."""

    def __init__(
        self, connection: psycopg2.extensions.connection, source: Source, zone: ZoneInfo | None, form: str | None,
        keys: Keys,
    ):
        self.connection, self.source, self.zone, self.form = connection, source, zone, form
        self.outcome = Outcome(
            source.shown, source.kind, ignored=source.ignored, unread=source.unread, place=source.place
        )
        self.rejects, self.keys = Rejects(), keys
        self.is_direct = True  # COPY straight into feed_events until a key is there already
        self.months: np.ndarray | None = None  # that have a partition of their own
        self.loose_rows = 0  # loaded into the default partition since it was arranged
        self.actions: list[str] = []  # that events can have
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
        self.outcome.seconds = time.monotonic() - started

    def failure(self, error: BaseException) -> PgfeedError:
        """Return an error that also says what stays loaded."""
        outcome = self.outcome
        stays, remedy = "nothing of it was loaded", "run the same command again to complete it"
        if outcome.read:
            stays = f"{outcome.read:,} of its rows were read before, {outcome.loaded:,} loaded, and stay"
        if isinstance(error, PgfeedError):
            return PgfeedError(error.what, f"{error.cause}; {stays}" if error.cause else stays, error.next)
        if isinstance(error, KeyboardInterrupt):
            return PgfeedError(f"interrupted while loading {self.source.shown}", stays, remedy)
        if isinstance(error, psycopg2.InterfaceError) and isinstance(error.__context__, psycopg2.Error):
            error = error.__context__  # why the connection is closed
        message = error.diag.message_primary if isinstance(error, psycopg2.Error) else None
        reason = " ".join((message or str(error) or "connection lost").split())
        if isinstance(error, psycopg2.errors.InsufficientPrivilege):
            remedy = grant("pgfeed_owner", self.connection.info.user)
        return PgfeedError(f"cannot load {self.source.shown}", f"{reason}; {stays}", remedy)

    def _begin(self) -> None:
        with self.connection, self.connection.cursor() as cursor:
            self.keys.open(cursor, self.source)
            cursor.execute("delete from pgfeed.ingest_rejects where source_name = %s", (self.source.name,))
            cursor.execute(
                "insert into pgfeed.ingest_files (source_name, kind, started_at) values (%s, %s, clock_timestamp())"
                " returning ingest_id", (self.source.name, self.source.kind),
            )
            self.ingest_id = cursor.fetchone()[0]
            cursor.execute("select array_agg(a.action order by a.action desc) from pgfeed.actions as a")
            self.actions = cursor.fetchone()[0]
            cursor.execute("call pgfeed._remember_missing_posts()")  # before its events name them

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
            keys: dict[str, dict[int, str]] = {}
            if self.keys.types:
                batch, keys = with_ids(batch, self.keys.types, self.source.shown)
            if kind == "events":
                events, rejects, repeats = events_of(batch, self.zone, self.form, self.source.since, self.actions)
                copied, count = binary_rows(events, actions=self.actions), len(events.line)
            else:
                records, rejects, repeats = records_of(batch, kind, self.zone, self.form)
                copied, count = text_rows(records), len(records)
            if keys:
                loaded = {kind: [row[0] for row in records]} if events is None else {
                    "users": events.user_id.tolist(), "posts": events.post_id.tolist()
                }
                keys = {kind: {i: by_id[i] for i in set(loaded[kind])} for kind, by_id in keys.items()}
            old = events.old_count if events else 0
            read = len(batch.lines) + len(batch.malformed) - old
            require_format(self.source.shown, rejects, read)
            if self.keys.may_be_text:
                require_integers(self.source.shown, rejects, read)
            yield _Chunk(read, count, copied, events, sorted(rejects), repeats, batch.advance, old, keys)

    def _load(self, chunk: _Chunk) -> None:
        """Load one chunk in one transaction, again if a key of an event turns out to be there already."""
        if chunk.events:
            self._ensure_partitions(chunk.events)
        try:
            loaded, updated, added_posts, across = self._transaction(chunk)
        except RETRIED:
            self.is_direct = False
            loaded, updated, added_posts, across = self._transaction(chunk)
        if self.loose_rows > DEFAULT_ROWS:
            self._arrange_partitions()
        outcome = self.outcome
        outcome.read += chunk.read
        outcome.old += chunk.old
        outcome.loaded += loaded
        outcome.updated += updated
        outcome.rejected += len(chunk.rejects)
        outcome.duplicates = outcome.read - outcome.loaded - outcome.rejected
        outcome.added_posts += added_posts
        outcome.repeats.add(chunk.repeats)
        outcome.repeats.add(across)
        if chunk.rejects and not outcome.first_reject[0]:
            outcome.first_reject = storable(chunk.rejects[0])[:2]

    def _transaction(self, chunk: _Chunk) -> tuple[int, int, int, Repeats]:
        """Return how many rows were loaded, how many of them changed known ones, posts added, and earlier repeats."""
        new_posts, added_posts, updated, across = np.array([], np.int64), 0, 0, Repeats()
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(LOCK)  # two loads at once take turns, chunk by chunk
            recorded_at = cursor.fetchone()[0]
            if chunk.events:  # before the events: Citus writes to reference tables only at the start of a transaction
                new_posts = np.setdiff1d(chunk.events.post_id, self.known_posts)
                added_posts = _add_posts(cursor, new_posts)
                self.keys.keep(cursor, chunk.keys)
            if chunk.events is None:
                loaded, updated = self._merge_records(cursor, chunk)
                self.keys.keep(cursor, chunk.keys)
            elif self.is_direct:
                cursor.copy_expert(COPY_EVENTS, io.BytesIO(chunk.copied), 1 << 20)
                loaded = chunk.count
            else:
                loaded, updated, across = self._merge_events(cursor, chunk.events)
            reasons = self.rejects.write(cursor, self.ingest_id, self.source.name, chunk.rejects)
            cursor.execute(
                "update pgfeed.ingest_files set read_count = read_count + %s, loaded_count = loaded_count + %s,"
                " duplicate_count = duplicate_count + %s, rejected_count = rejected_count + %s where ingest_id = %s",
                (chunk.read, loaded, chunk.read - loaded - len(chunk.rejects), len(chunk.rejects), self.ingest_id),
            )
        self.rejects.note(reasons)
        self.moments.append(recorded_at)
        self._remember_posts(new_posts)
        self.keys.remember(chunk.keys)
        return loaded, updated, added_posts, across

    def _merge_records(self, cursor: psycopg2.extensions.cursor, chunk: _Chunk) -> tuple[int, int]:
        stage, count_known, merge = MERGE[self.source.kind]
        cursor.execute(stage)
        cursor.copy_expert(f"copy pg_temp.ingest_{self.source.kind} from stdin", io.BytesIO(chunk.copied), 1 << 20)
        cursor.execute(count_known)
        present_count = cursor.fetchone()[0]
        if self.source.kind == "posts":
            cursor.execute(STALE_TOPICS)
        cursor.execute(merge)
        return cursor.rowcount, cursor.rowcount - (chunk.count - present_count)

    def _merge_events(self, cursor: psycopg2.extensions.cursor, rows: Events) -> tuple[int, int, Repeats]:
        """Merge events some of which may be there already; note those that came earlier in this very load."""
        cursor.execute(STAGE_EVENTS)
        cursor.copy_expert(COPY_STAGE, io.BytesIO(binary_rows(rows, True, self.actions)), 1 << 20)
        cursor.execute(DROP_KNOWN, (self.moments,))
        updated, present_count, exact, first_exact, differing, first_differing = cursor.fetchone()
        cursor.execute(MERGE_EVENTS)
        self.is_direct = not present_count
        across = Repeats(exact, differing, (first_exact, None), (first_differing, None))
        return cursor.rowcount, updated, across

    def _ensure_partitions(self, rows: Events) -> None:
        """Make the months of which there are many events; the default partition takes the others."""
        months, counts = np.unique(rows.event_at.astype("datetime64[us]").astype("datetime64[M]"), return_counts=True)
        if self.months is None or (counts[~np.isin(months, self.months)] >= OWN_MONTH_ROWS).any():
            self._create_partitions(months[counts >= OWN_MONTH_ROWS])
        is_loose = ~np.isin(months, self.months)
        self.loose_rows += int(counts[is_loose].sum())

    def _arrange_partitions(self) -> None:
        """Give the months that have become large in the default partition one of their own."""
        with outside_transaction(self.connection), self.connection.cursor() as cursor:
            cursor.execute("call pgfeed.arrange_partitions()")
        self._create_partitions([])
        self.loose_rows = 0

    def _create_partitions(self, months: Sequence[np.datetime64]) -> None:
        """Make these months, and note which there are."""
        # One at a time: others wait until a transaction that makes months ends.
        with outside_transaction(self.connection), self.connection.cursor() as cursor:
            for month in months:
                cursor.execute("call pgfeed.create_event_partitions(%(at)s, %(at)s)", {"at": f"{month}-01 00:00+00"})
            cursor.execute(MONTHS)
            self.months = np.array([month for month, in cursor.fetchall()], "datetime64[M]")

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
