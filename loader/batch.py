"""Recommendations of all users, computed by several sessions into the table recommendations."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict, dataclass
from threading import Event

import psycopg2
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.server import db
from loader.server.remedies import program
from loader.terminal import counted, progress, status

# The table as it is here, for a server that needs no extension and no role of pgfeed.
DEFINITION = """
    select array_to_string(array_agg(attname order by attnum), ', '),
        format('create schema if not exists pgfeed;'
            ' create table pgfeed.recommendations (%s, primary key (user_id, rank));',
            string_agg(format('%I %s', attname, format_type(atttypid, atttypmod))
                || case when attnotnull then ' not null' else '' end, ', ' order by attnum))
        || format('comment on table pgfeed.recommendations is %L;',
            obj_description('pgfeed.recommendations'::regclass, 'pg_class'))
        || string_agg(format('comment on column pgfeed.recommendations.%I is %L;', attname,
            col_description(attrelid, attnum)), '')
    from pg_attribute
    where attrelid = 'pgfeed.recommendations'::regclass and attnum > 0 and not attisdropped
"""
HAS_KEYS = """
    select exists (select 1 from pgfeed.users where key is not null)
        or exists (select 1 from pgfeed.posts where key is not null)
"""
WITH_KEYS = """
    copy (
        select {columns}, coalesce(u.key, r.user_id::text), coalesce(p.key, r.post_id::text)
        from pgfeed.recommendations as r
        left join pgfeed.users as u on u.user_id = r.user_id
        left join pgfeed.posts as p on p.post_id = r.post_id
    ) to stdout
"""
ADD_KEYS = """
    alter table pgfeed.recommendations add column if not exists user_key text, add column if not exists post_key text;
    create index if not exists recommendations_user_key_idx on pgfeed.recommendations (user_key);
    comment on column pgfeed.recommendations.user_key is 'The application''s key; user_id, if that is it';
    comment on column pgfeed.recommendations.post_key is 'The application''s key; post_id, if that is it';
"""


@dataclass
class Tally:
    """What a run did: the batch, its users, how many an interrupted run had done before, seconds."""

    batch_id: int
    user_count: int
    resumed_count: int
    seconds: float

    as_dict = asdict

    def text(self) -> str:
        """Return one line for people."""
        mine = self.user_count - self.resumed_count
        before = f" ({self.resumed_count:,} done before)" if self.resumed_count else ""
        speed = f"{self.seconds:.1f} s, {mine / max(self.seconds, 0.01):,.0f} users/s"
        return f"batch {self.batch_id}: {counted(self.user_count, 'user')}{before} in {speed}"


def start(
    connection: Connection, ts: str | None, k: int, variant: str | None, active_days: int | None
) -> tuple[int, int, int]:
    """Start a batch or go on with an interrupted one; return its id, its users and how many of them are done."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pgfeed._start_recommendation_batch(%s, %s, %s, %s)", [ts, k, variant, active_days])
        batch_id = cursor.fetchone()[0]
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select b.user_count, coalesce(sum(cardinality(c.user_ids)) filter (where c.finished_at is not null), 0)"
            " from pgfeed.recommendation_batches as b"
            " left join pgfeed.recommendation_chunks as c on c.batch_id = b.batch_id"
            " where b.batch_id = %s group by b.batch_id",
            [batch_id],
        )
        return batch_id, *cursor.fetchone()


def fill_chunks(connection: Connection, batch_id: int) -> Iterator[int]:
    """Compute chunk after chunk, each in a transaction of its own, until none is left; yield the users of each."""
    while True:
        with connection, connection.cursor() as cursor:
            cursor.execute("select pgfeed._fill_recommendation_chunk(%s)", [batch_id])
            count = cursor.fetchone()[0]
        if count is None:
            return
        yield count


def work(batch_id: int, advance: Callable[[float], None], stop: Event) -> None:
    """Compute chunks in a session of its own until none is left or stop is set."""
    with closing(db.connect()) as connection:
        for count in fill_chunks(connection, batch_id):
            advance(count)
            if stop.is_set():
                return


def refresh_recommendations(
    connection: Connection, ts: str | None, k: int, variant: str | None, active_days: int | None, worker_count: int
) -> Tally:
    """Fill the table recommendations as the procedure does, in several sessions; end with the first error."""
    started = time.monotonic()
    batch_id, users, done = start(connection, ts, k, variant, active_days)
    stop = Event()
    with progress("users", users) as advance, ThreadPoolExecutor(worker_count) as pool:
        advance(done)
        try:
            for task in as_completed([pool.submit(work, batch_id, advance, stop) for _ in range(worker_count)]):
                task.result()
        finally:
            stop.set()
    return Tally(batch_id, users, done, round(time.monotonic() - started, 2))


def open_target(url: str) -> Connection:
    """Connect to the server of --to; raise if it cannot be reached or has pgfeed itself."""
    try:
        target = psycopg2.connect(url, connect_timeout=10, application_name="pgfeed")
    except psycopg2.Error as error:
        raise PgfeedError("cannot connect to the server of --to", str(error).strip().splitlines()[0],
                          "mend the address and run the same command again") from error
    with target, target.cursor() as cursor:
        cursor.execute("select to_regclass('pgfeed.alembic_version') is not null")
        if cursor.fetchone()[0]:
            raise PgfeedError(f"database {target.info.dbname} of --to has pgfeed itself",
                              "its own batches fill the table there", f"PGFEED_DSN=... {program()} recommend --batch")
    return target


def publish(connection: Connection, url: str) -> int:
    """Copy the table recommendations to another server, in place of what it has there; return its rows.

    That server needs neither plpython3u nor pgvector. Its readers see the old rows until all new ones are there.
    Where users or posts have keys that are not integers, the copy has both in two columns more.
    """
    with closing(open_target(url)) as target, tempfile.TemporaryFile() as file, status("copying the table"):
        with connection, connection.cursor() as cursor:
            cursor.execute(DEFINITION)
            columns, definition = cursor.fetchone()
            cursor.execute(HAS_KEYS)
            has_keys = cursor.fetchone()[0]
            statement = f"copy pgfeed.recommendations ({columns}) to stdout"
            if has_keys:
                statement = WITH_KEYS.format(columns=", ".join(f"r.{name}" for name in columns.split(", ")))
            cursor.copy_expert(statement, file)
        file.seek(0)
        with target, target.cursor() as cursor:
            cursor.execute("select to_regclass('pgfeed.recommendations') is not null")
            cursor.execute("delete from pgfeed.recommendations" if cursor.fetchone()[0] else definition)
            if has_keys:
                cursor.execute(ADD_KEYS)
                columns += ", user_key, post_key"
            cursor.copy_expert(f"copy pgfeed.recommendations ({columns}) from stdin", file)
            return cursor.rowcount
