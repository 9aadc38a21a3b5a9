"""How cost grows with the network, from loading it to one day more: `./run bench scale`.

The work is in a database of its own, which stays. What was measured is noted there in the schema bench, so that a run
that was interrupted goes on where it stopped.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from unittest.mock import patch

import click
import psycopg2
from psycopg2.extensions import connection as Connection

from loader.data import embed, embedders, refresh
from loader.errors import PgfeedError
from loader.learning import registry, train
from loader.server import db
from loader.server.remedies import told
from loader.simulation import simulate
from loader.simulation.population import FULL_USERS
from loader.simulation.world import DAYS
from loader.terminal import console, out, table
from tests.bench import ROOT, create_database, drop_database
from tests.bench.serve import CALL, percentile

SEED = 1
CALLS = 500
LOOK_SECONDS = 0.1
NOTES = """
    create schema if not exists bench;
    create table if not exists bench.days (
        day integer primary key,
        events bigint not null,
        copy_seconds double precision not null,
        seconds double precision not null
    );
    create table if not exists bench.steps (
        number integer generated always as identity,
        name text primary key,
        row_count bigint not null,
        unit text not null,
        seconds double precision not null,
        client_mb double precision not null,
        session_mb double precision not null,
        private_mb double precision not null,
        note text not null
    );
"""
FROM_SCRATCH = """
    truncate pgfeed.post_days, pgfeed.user_topic_days, pgfeed.rollup_days, pgfeed.liked_posts;
    update pgfeed.rollup_watermarks set watermark_at = '-infinity';
"""
SESSIONS = (
    "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and backend_type in ('client backend', 'parallel worker')"
)
SIZES = """
    select
        case
            when c.relname like 'feed_events%' then 'events'
            when c.relname in ('post_days', 'user_topic_days', 'rollup_days', 'liked_posts') then 'rollups'
            when c.relname = 'models' then 'models'
            when c.relkind = 'm' or c.relname in ('feature_packs', 'post_vectors', 'user_vectors') then 'features'
            else 'users, posts, embeddings and others'
        end,
        sum(pg_table_size(c.oid))::bigint,
        sum(pg_indexes_size(c.oid))::bigint
    from pg_class as c
    where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'm')
    group by 1
    order by 2 desc
"""


def load(connection: Connection, users: int, days: int) -> tuple[int, str, str]:
    """Simulate and copy the days that are missing; note each in the transaction that loads it."""
    load_day, ended = simulate.load_day, time.perf_counter()

    def noted(cursor, world, events) -> tuple[int, int]:
        nonlocal ended
        before, started = ended, time.perf_counter()
        counts = load_day(cursor, world, events)
        ended = time.perf_counter()
        cursor.execute("insert into bench.days values (%s, %s, %s, %s)",
                       [events.day, sum(counts), ended - started, ended - before])
        return counts

    with patch.object(simulate, "load_day", noted):
        done = simulate.simulate(connection, users, SEED, days=days)
    return done.views + done.likes, "events", ""


def roll_up(connection: Connection) -> tuple[int, str, str]:
    days = refresh.roll_up(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("select sum(view_count) from (select view_count from pgfeed.rollup_days"
                       " order by rolled_up_at desc limit %s) as d", [days])
        return cursor.fetchone()[0], "views", f"{days} days"


def roll_up_all(connection: Connection) -> tuple[int, str, str]:
    with connection, connection.cursor() as cursor:
        cursor.execute(FROM_SCRATCH)
    return roll_up(connection)


def refresh_features(connection: Connection) -> tuple[int, str, str]:
    done = refresh.refresh(connection)
    return done.user_count, "users", f"{done.post_count:,} posts"


def embed_posts(connection: Connection) -> tuple[int, str, str]:
    return embed.embed(connection, embedders.open_embedder()).embedded_count, "posts", ""


def train_variant(connection: Connection, variant: str) -> tuple[int, str, str]:
    trained = train.train(connection, variant)
    registry.activate(connection, variant, registry.store(connection, variant, trained))
    metrics = trained.metrics
    return metrics["row_count"], "rows", f"{metrics['user_share']:.1%} of the users, fit {metrics['fit_seconds']:.0f} s"


def serve(connection: Connection) -> tuple[int, str, str]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select user_id from pgfeed.user_features")
        users = random.Random(0).sample([user for user, in cursor.fetchall()], CALLS + 1)
        seconds = []
        for user in users:
            started = time.perf_counter()
            cursor.execute(CALL, [user])
            cursor.fetchall()
            seconds.append(time.perf_counter() - started)
    first, low, high = (value * 1000
                        for value in (seconds[0], percentile(seconds[1:], 0.5), percentile(seconds[1:], 0.99)))
    return CALLS, "calls", f"median {low:.1f} ms, p99 {high:.1f} ms, first {first:.0f} ms"


def steps(users: int) -> dict[str, Callable[[Connection], tuple[int, str, str]]]:
    """Return the steps in order: functions that give the rows they worked on, their unit and a note."""
    return {
        "load": lambda connection: load(connection, users, DAYS),
        "embed": embed_posts,
        "roll up": roll_up_all,
        "refresh": refresh_features,
        "train control": lambda connection: train_variant(connection, "control"),
        "train test": lambda connection: train_variant(connection, "test"),
        "serve": serve,
        "one day: load": lambda connection: load(connection, users, DAYS + 1),
        "one day: roll up": roll_up,
        "one day: refresh": refresh_features,
        "one day: serve": serve,
    }


def run_step(users: int, name: str) -> None:
    """Run one step in this process; print what it did as JSON."""
    with closing(db.connect()) as connection:
        started = time.perf_counter()
        row_count, unit, note = steps(users)[name](connection)
        seconds = time.perf_counter() - started
    click.echo(json.dumps({"row_count": row_count, "unit": unit, "note": note, "seconds": seconds}))


def memory_of(pid: int) -> dict[str, float]:
    """Return a process's memory in MB by its names in /proc, nothing if it cannot be read."""
    try:
        with open(f"/proc/{pid}/status") as file:
            fields = (line.split() for line in file)
            return {field[0].rstrip(":"): int(field[1]) / 1024 for field in fields
                    if field[0] in ("VmHWM:", "RssAnon:")}
    except OSError:
        return {}


class ServerMemory(threading.Thread):
    """Watches the sessions of a database: the most that one ever had with shared buffers, and all at once without."""

    def __init__(self, dsn: str):
        super().__init__(daemon=True)
        self.dsn, self.is_done = dsn, threading.Event()
        self.session_mb = self.private_mb = 0.0

    def run(self) -> None:
        with closing(psycopg2.connect(self.dsn, application_name="pgfeed bench")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not self.is_done.wait(LOOK_SECONDS):
                    cursor.execute(SESSIONS)
                    found = [memory_of(pid) for pid, in cursor.fetchall()]
                    self.session_mb = max([self.session_mb, *(one.get("VmHWM", 0) for one in found)])
                    self.private_mb = max(self.private_mb, sum(one.get("RssAnon", 0) for one in found))


def measure(dsn: str, users: int, name: str) -> dict:
    """Run a step in a process of its own; return what it did and the memory that it took."""
    command = [sys.executable, "-m", "tests.bench.scale", "--users", str(users), "--step", name]
    memory = ServerMemory(dsn)
    memory.start()
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PGFEED_DSN": dsn}, stdout=subprocess.PIPE,
                          text=True) as process:
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    memory.is_done.set()
    memory.join()
    if process.returncode:
        raise PgfeedError(f"the step {name} failed", "see the lines above", "the same command goes on with this step")
    return {
        "name": name, **json.loads(printed), "client_mb": usage.ru_maxrss / 1024,
        "session_mb": memory.session_mb, "private_mb": memory.private_mb,
    }


def rows_of(connection: Connection, statement: str, *parameters: object) -> list[tuple]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()


def note(connection: Connection, step: dict) -> None:
    """Keep a measured step; a load's rows and seconds are those of its days, whenever they were loaded."""
    with connection, connection.cursor() as cursor:
        if step["name"].endswith("load"):
            is_last = step["name"] == "one day: load"
            cursor.execute(
                "select sum(events), sum(seconds), sum(events) / sum(copy_seconds) from bench.days"
                " where (day >= %s) = %s", [DAYS, is_last]
            )
            step["row_count"], step["seconds"], rate = cursor.fetchone()
            step["note"] = f"COPY alone {rate:,.0f} events/s"
            if not is_last:
                cursor.execute("select sum(events) / sum(copy_seconds) from bench.days where day >= %s and day < %s",
                               [DAYS - 10, DAYS])
                step["note"] += f", the last 10 days {cursor.fetchone()[0]:,.0f}"
        cursor.execute(
            "insert into bench.steps (name, row_count, unit, seconds, client_mb, session_mb, private_mb, note) values"
            " (%(name)s, %(row_count)s, %(unit)s, %(seconds)s, %(client_mb)s, %(session_mb)s, %(private_mb)s,"
            " %(note)s)", step,
        )


def megabytes(value: float) -> str:
    return f"{value:,.0f} MB"


def goals(measured: dict[str, dict], disk_mb: float) -> list[dict]:
    """Return what is wanted at full size, and what was measured."""
    ratio = measured["roll up"]["seconds"] / measured["one day: roll up"]["seconds"]
    peak = max(step["client_mb"] for name, step in measured.items() if name.startswith("train"))
    rate = measured["load"]["row_count"] / measured["load"]["seconds"]
    return [
        {"what": what, "goal": goal, "measured": round(value, 1)}
        for what, goal, value in (
            ("ingest, simulation included, events/s", "at least 150,000", rate),
            ("roll up, from scratch over one day", "at least 20", ratio),
            ("refresh after one day, s", "at most 60", measured["one day: refresh"]["seconds"]),
            ("memory of training, client, MB", "at most 4,096", peak),
            ("disk, database and WAL, MB", "at most 45,000", disk_mb),
        )
    ]


def show(connection: Connection, users: int, as_json: bool) -> None:
    """Print what is noted in the database, and its size on disk."""
    names = ["name", "row_count", "unit", "seconds", "client_mb", "session_mb", "private_mb", "note"]
    found = [dict(zip(names, row, strict=True))
             for row in rows_of(connection, f"select {', '.join(names)} from bench.steps order by number")]
    sizes = [(what, data / 2**20, index / 2**20) for what, data, index in rows_of(connection, SIZES)]
    total, wal = rows_of(connection, "select pg_database_size(current_database()), (select sum(size)"
                         " from pg_ls_waldir())::bigint")[0]
    reached = goals({step["name"]: step for step in found}, (total + wal) / 2**20)
    if as_json:
        disk = {what: {"data_mb": data, "index_mb": index} for what, data, index in sizes}
        space = disk | {"database_mb": total / 2**20, "wal_mb": wal / 2**20}
        out.print_json(json.dumps({"users": users, "steps": found, "disk": space, "goals": reached}))
        return
    rows = []
    for step in found:
        rate = "" if step["unit"] == "calls" else f"{step['row_count'] / step['seconds']:,.0f}"
        memory = (f"{step[name]:,.0f}" for name in ("client_mb", "session_mb", "private_mb"))
        rows.append((step["name"], f"{step['row_count']:,}", step["unit"], f"{step['seconds']:.1f}", rate, *memory))
    headers = ["step", "rows", "of", "seconds", "rate/s", "client", "session", "private"]
    out.print(table(f"{users:,} users, {DAYS} days and one more; memory in MB", headers, rows,
                    [header for header in headers if header not in ("step", "of")]))
    for step in found:
        if step["note"]:
            out.print(f"{step['name']}: {step['note']}")
    disk = [(what, megabytes(data), megabytes(index)) for what, data, index in sizes]
    disk += [("database", megabytes(total / 2**20), ""), ("WAL of the server", megabytes(wal / 2**20), "")]
    out.print(table("on disk", ["what", "data", "indexes"], disk, ["data", "indexes"]))
    out.print(table("goals at full size", ["what", "goal", "measured"],
                    [(row["what"], row["goal"], f"{row['measured']:,}") for row in reached], ["goal", "measured"]))


@click.command()
@click.option("--users", default=FULL_USERS, show_default=True,
              help="Size of the network; 1632 and 16320 are 1/100 and 1/10.")
@click.option("--drop", "is_dropped", is_flag=True, help="Drop the database afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--step", hidden=True)
def main(users: int, is_dropped: bool, as_json: bool, step: str | None) -> None:
    """Measure each step from loading a network to refreshing after one day more.

    A run that was interrupted goes on where it stopped. Memory is of the client; of the session: the most that one
    server process ever had, with the shared buffers that it touched; and private: the most that all of them had at once
    without these.

    \b
    Example:
      ./run bench scale --users 16320
    """
    if step:
        run_step(users, step)
        return
    simulate.check_sizes(users, simulate.FULL_POSTS, DAYS)
    name = f"pgfeed_scale_{users}"
    dsn = create_database(name)
    with closing(psycopg2.connect(dsn)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(NOTES)
        done = {name for name, in rows_of(connection, "select name from bench.steps")}
        for step in steps(users):
            if step not in done:
                console.print(f"{time.strftime('%H:%M:%S')} {step}")
                note(connection, measure(dsn, users, step))
        show(connection, users, as_json)
    if is_dropped:
        drop_database(name)
    else:
        console.print(f"kept: database {name}; the same command with --drop drops it")


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
