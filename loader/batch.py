"""Recommendations of all users, computed by several sessions into the table recommendations."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict, dataclass
from threading import Event

from psycopg2.extensions import connection as Connection

from loader import db
from loader.terminal import progress


@dataclass
class Batch:
    """What a run did: the batch, its users, how many an interrupted run had done before, seconds."""

    batch_id: int
    user_count: int
    resumed_count: int
    seconds: float

    as_dict = asdict

    def text(self) -> str:
        """Return one line for people."""
        mine = self.user_count - self.resumed_count
        before = f" ({self.resumed_count:,} of them were done before)" if self.resumed_count else ""
        return f"recommendations of {self.user_count:,} users{before}, batch {self.batch_id}, in {self.seconds:.1f} s: {mine / self.seconds:,.0f} users/s"


def start(connection: Connection, ts: str | None, k: int, variant: str | None, active_days: int | None) -> tuple[int, int, int]:
    """Start a batch or go on with an interrupted one; return its id, its users and how many of them are done."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pgfeed._start_recommendation_batch(%s, %s, %s, %s)", [ts, k, variant, active_days])
        batch_id = cursor.fetchone()[0]
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select b.user_count, coalesce(sum(cardinality(c.user_ids)) filter (where c.finished_at is not null), 0)"
            " from pgfeed.recommendation_batches as b left join pgfeed.recommendation_chunks as c on c.batch_id = b.batch_id"
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
) -> Batch:
    """Fill the table recommendations as the procedure of that name does, in several sessions; end with the first error."""
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
    return Batch(batch_id, users, done, round(time.monotonic() - started, 2))
