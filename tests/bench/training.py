"""Training in the server, and what is left of one that is stopped: `./run bench training [VARIANT...]`.

The trainings are in the present database, which needs a network, and their models stay there. The cancels and kills are
in a server of its own.
"""

import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import psycopg2
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.server import db
from loader.terminal import console, out, status, table
from plpy.train_model import START
from tests.bench._load import CALL
from tests.bench.serve import percentile
from tests.servers import primary, queries

NETWORK = ("--users", 100, "--posts", 500, "--days", 20)
TRIES = 10
LOOK_SECONDS = 0.02
CALLS = 300
GONE_SECONDS = 1.0
TRAIN = "call pgfeed.train_model(%s)"
SESSION = """
    select pid, application_name from pg_stat_activity
    where datname = current_database() and application_name like 'pgfeed training%'
"""
LEFT = """
    select 'a lock' from pgfeed._job_sessions('pgfeed.train_model')
    union all select 'a model' from pgfeed.models as m where m.created_at > %s
    union all select 'a name' from pg_stat_activity where application_name like 'pgfeed training%%'
"""


@dataclass
class Watch:
    """What is seen of a training: the most memory of its process and of its session (kB), seconds by step."""

    process_kb: int = 0
    session_kb: int = 0
    steps: dict[str, float] = field(default_factory=dict)


def processes() -> set[int]:
    """Return the processes that train."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if START.encode() in path.read_bytes():
                found.add(int(path.parent.name))
    return found


def kilobytes(pid: int, name: str) -> int:
    """Return a figure of a process, 0 if it has ended."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
        return int(match[1]) if match else 0
    return 0


def watch(query, thread: threading.Thread) -> Watch:
    """Look at a training until its thread ends."""
    seen = Watch()
    while thread.is_alive():
        time.sleep(LOOK_SECONDS)
        for pid, step in query(SESSION):
            name = re.sub(r", \d+ of \d+$", "", step.partition(": ")[2])
            seen.steps[name] = seen.steps.get(name, 0) + LOOK_SECONDS
            seen.session_kb = max(seen.session_kb, kilobytes(pid, "RssAnon"))
        for pid in processes():
            seen.process_kb = max(seen.process_kb, kilobytes(pid, "VmHWM"))
    return seen


def running(connection: Connection, statement: str, *parameters: object) -> tuple[threading.Thread, list]:
    """Run a statement in a thread; return it, and a list that gets the rows or the error, and the moment."""
    outcome: list = []

    def run() -> None:
        try:
            outcome.append(queries(connection)(statement, *parameters))
        except psycopg2.Error as error:
            outcome.append(error)
        outcome.append(time.perf_counter())

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def call_seconds(query, users: list[int], moment, is_on) -> list[float]:
    """Return how long calls take, one after the other, while a function says so."""
    seconds = []
    while is_on(len(seconds)):
        started = time.perf_counter()
        query(CALL, users[len(seconds) % len(users)], moment)
        seconds.append(time.perf_counter() - started)
    return seconds


def train(variant: str) -> list[str]:
    """Train a variant in the present database beside calls; return the line of a table."""
    connections = [db.connect() for _ in range(3)]
    for connection in connections:
        connection.autocommit = True
    caller, looker, trainer = connections
    query = queries(caller)
    (moment,), = query("select as_of from pgfeed.feature_refreshes order by refresh_id desc limit 1")
    users = [user for user, in query("select user_id from pgfeed.user_features order by md5(user_id::text) limit 100")]
    call_seconds(query, users, moment, lambda count: count < 20)
    without = call_seconds(query, users, moment, lambda count: count < CALLS)
    started = time.perf_counter()
    thread, outcome = running(trainer, TRAIN, variant)
    beside: list[float] = []
    calls = threading.Thread(
        target=lambda: beside.extend(call_seconds(query, users, moment, lambda count: thread.is_alive()))
    )
    calls.start()
    seen = watch(queries(looker), thread)
    calls.join()
    if isinstance(outcome[0], psycopg2.Error):
        raise PgfeedError(f"{variant} cannot be trained", str(outcome[0]), "call pgfeed.train_model(...)")
    for connection in connections:
        connection.close()
    console.print(", ".join(f"{name} {seconds:.0f} s" for name, seconds in seen.steps.items()))
    return [
        variant, f"{outcome[1] - started:.0f} s", f"{seen.process_kb // 1024} MB", f"{seen.session_kb // 1024} MB",
        *(f"{1000 * percentile(values, share):.1f} ms" for values in (without, beside) for share in (0.5, 0.99)),
    ]


def stopped(server, stop: str, rng: random.Random) -> Iterator[tuple[float, list[str]]]:
    """Stop trainings at random moments; yield seconds until the error and what was left a second later."""
    with closing(server.session("feed")) as connection:
        started = time.perf_counter()
        queries(connection)(TRAIN, "control")
        span = time.perf_counter() - started
    for _ in range(TRIES):
        (before,), = server.run("feed", "select clock_timestamp()")
        connection = server.session("feed")
        pid = connection.info.backend_pid
        thread, outcome = running(connection, TRAIN, "control")
        time.sleep(rng.random() * span)
        ours, at = processes(), time.perf_counter()
        if stop == "cancel":
            connection.cancel()
        else:
            os.kill(pid, signal.SIGKILL)
        thread.join()
        is_error = isinstance(outcome[0], psycopg2.Error)
        time.sleep(GONE_SECONDS)
        server.wait()
        left = [name for name, in server.run("feed", LEFT, before)] if is_error else []
        left += ["a process"] if processes() & ours else []
        left += [path.name for path in Path("/tmp").glob("tmp*") if path.stat().st_mtime > before.timestamp()]  # noqa: S108
        connection.close()
        if is_error:
            yield outcome[1] - at, left


@click.command()
@click.argument("variants", nargs=-1)
@click.option("--stops/--no-stops", "has_stops", default=True, help="Cancel and kill trainings, too.")
def main(variants: tuple[str, ...], has_stops: bool) -> None:
    """Measure trainings in the server, and what stopped ones leave.

    \b
    Example:
      ./run bench training control test
    """
    rows = [train(variant) for variant in variants]
    headers = ["variant", "took", "process", "session", "call p50", "p99", "beside p50", "p99"]
    if rows:
        out.print(table("trainings in the server", headers, rows, headers[1:]))
    if has_stops:
        with primary() as server:
            server.clone(None, "feed")
            for arguments in (("migrate",), ("simulate", *NETWORK), ("refresh",)):
                with status(arguments[0]):
                    server.verb("feed", *arguments)
            lines = []
            for stop in ("cancel", "kill -9 of the session"):
                found = list(stopped(server, stop, random.Random(1)))
                worst = max((seconds for seconds, _ in found), default=0)
                left = ", ".join(sorted({name for _, names in found for name in names})) or "nothing"
                lines.append([stop, len(found), f"{1000 * worst:.0f} ms", left])
            out.print(table("stopped at random moments", ["stop", "tried", "longest until the error", "left"], lines))


if __name__ == "__main__":
    main()
