"""Recommendations of all users: speed, memory, and a kill -9 in the middle: `./run bench batch`."""

import subprocess
import sys
import time

import click
from psycopg2.extensions import connection as Connection

from loader import batch
from loader.measuring.live import process_megabytes
from loader.server import db
from loader.terminal import out, table
from tests.bench import ROOT

K = 5
SESSIONS = (
    "select pid from pg_stat_activity where query like '%pgfeed._fill_recommendation_chunk%'"
    " and pid <> pg_backend_pid() and datname = current_database()"
)
DONE = (
    "select coalesce(sum(cardinality(user_ids)) filter (where finished_at is not null), 0), sum(cardinality(user_ids))"
    " from pgfeed.recommendation_chunks"
)
ROWS = (
    "select count(*), count(*) - count(distinct (user_id, rank)), count(distinct user_id),"
    " (select count(*) from pgfeed.user_features) from pgfeed.recommendations where batch_id = %s"
)


def one_row(connection: Connection, statement: str, *parameters: object) -> tuple:
    """Return the only row of a statement."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchone()


def run_to_half(connection: Connection, worker_count: int) -> tuple[int, float, float, float]:
    """Run the command and kill it with signal 9 when half of the users are done.

    Return the users that its finished transactions hold, the seconds, and the most private memory of a session and of
    the command in MB.
    """
    command = [sys.executable, "-m", "loader.cli", "recommend", "--batch", "-k", str(K), "--workers", str(worker_count)]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    session_mb = client_mb = 0.0
    done, total = 0, None
    while process.poll() is None and (not total or done < total / 2):
        time.sleep(0.2)
        done, total = one_row(connection, DONE)
        with connection, connection.cursor() as cursor:
            cursor.execute(SESSIONS)
            session_mb = max([session_mb, *(process_megabytes(pid) or 0 for pid, in cursor.fetchall())])
        client_mb = max(client_mb, process_megabytes(process.pid) or 0)
    seconds = time.monotonic() - started
    process.kill()
    process.wait()
    while one_row(connection, f"select count(*) from ({SESSIONS}) as s")[0]:
        time.sleep(0.1)
    return one_row(connection, DONE)[0], seconds, session_mb, client_mb


@click.command()
@click.option("--workers", "worker_count", default=2, show_default=True)
def main(worker_count: int) -> None:
    connection = db.connect()
    db.require_schema(connection)
    one_row(connection, "with d as (delete from pgfeed.recommendation_batches where finished_at is null returning 1)"
            " select count(*) from d")
    killed_at, seconds, session_mb, client_mb = run_to_half(connection, worker_count)
    resumed = batch.refresh_recommendations(connection, None, K, None, None, worker_count)
    rows, duplicates, users, known = one_row(connection, ROWS, resumed.batch_id)
    seconds += resumed.seconds
    out.print(table(f"{resumed.user_count:,} users, {K} posts each, {worker_count} sessions", ["what", "value"], [
        ("the batch, both parts", f"{seconds:.0f} s, {resumed.user_count / seconds:,.0f} users/s"),
        ("memory of a session, private", f"{session_mb:.0f} MB"),
        ("memory of the command, private", f"{client_mb:.0f} MB"),
        ("killed with signal 9 after", f"{killed_at:,} users"),
        ("done before when started again", f"{resumed.resumed_count:,} users"),
        ("then rows, duplicates, users; users known", f"{rows:,}, {duplicates:,}, {users:,}; {known:,}"),
    ], ["value"]))


if __name__ == "__main__":
    main()
