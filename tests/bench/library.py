"""Two revisions side by side in one run, on the same content: `./run bench library`.

The older one makes and fills a database; the present one takes a copy of it and migrates it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import click
import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from loader.errors import PgfeedError
from loader.measuring.live import process_megabytes
from loader.server import db
from loader.terminal import console, out, progress, table
from tests.bench import ROOT, administer, drop_database

CALLS, WARM_UP = 400, 20
FIRST_CALLS = 60
SESSIONS = 20
CALL = "select post_id from pgfeed.recommend_posts(%s, variant => %s, k => %s)"
EXPLAIN = "select from pgfeed.explain_recommendation(%s, %s)"
REFUSED = "select from pgfeed.recommend_posts(null)"
BYTES = """
    select sum(octet_length(p.prosrc)) from pg_proc as p join pg_language as l on l.oid = p.prolang
    where p.pronamespace = 'pgfeed'::regnamespace and l.lanname = 'plpython3u'
"""


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """Yield a folder with the files of a revision."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "-C", ROOT, "archive", revision], capture_output=True)
        if archive.returncode:
            raise PgfeedError(f"there is no revision {revision}", archive.stderr.decode().strip(), "git fetch --tags")
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)


@contextmanager
def databases(revision: str, users: int) -> Iterator[dict[str, str]]:
    """Yield connection strings of a simulated network in the two revisions, by their names."""
    names = {revision: f"pgfeed_bench_older_{os.getpid()}", "now": f"pgfeed_bench_now_{os.getpid()}"}
    dsns = {title: make_dsn(db.dsn(), dbname=name) for title, name in names.items()}

    def run(folder: Path, title: str, words: str) -> None:
        console.print(f"{title}: {words}")
        variables = {**os.environ, "PGFEED_DSN": dsns[title], "PYTHONPATH": str(folder)}
        command = [sys.executable, "-P", "-m", "loader.cli", *words.split()]
        subprocess.run(command, check=True, cwd=folder, env=variables, capture_output=True)

    try:
        with checkout(revision) as folder:
            administer(f'create database "{names[revision]}"')
            for words in ("migrate", f"simulate --users {users}", "refresh", "train control --activate"):
                run(folder, revision, words)
        administer(f'create database "{names["now"]}" template "{names[revision]}"')
        run(ROOT, "now", "migrate")
        yield dsns
    finally:
        for name in names.values():
            drop_database(name)


def ask(connection: Connection, statement: str, *arguments: object) -> list[tuple]:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []


def seconds(connection: Connection, statement: str, *arguments: object) -> float:
    started = time.perf_counter()
    with suppress(psycopg2.Error):
        ask(connection, statement, *arguments)
    return time.perf_counter() - started


def in_turns(dsns: dict[str, str], count: int, measure: Callable[[str], float], title: str) -> list[float]:
    """Return the median of each database, measured one after the other so many times."""
    found: dict[str, list[float]] = {name: [] for name in dsns}
    with progress(title, count) as advance:
        for number in range(count):
            for name in list(dsns)[:: 1 if number % 2 else -1]:
                found[name].append(measure(name))
            advance(1)
    return [statistics.median(values) for values in found.values()]


def warm_calls(dsns: dict[str, str], title: str, statement: str, *arguments: object) -> list[float]:
    """Return the median seconds of a call in a session that made some before."""
    with ExitStack() as stack:
        sessions = {name: stack.enter_context(closing(psycopg2.connect(dsn))) for name, dsn in dsns.items()}
        for session in sessions.values():
            for _ in range(WARM_UP):
                seconds(session, statement, *arguments)
        return in_turns(dsns, CALLS, lambda name: seconds(sessions[name], statement, *arguments), title)


def first_call(dsn: str, user: int) -> float:
    with closing(psycopg2.connect(dsn)) as connection:
        ask(connection, "select 1")
        return seconds(connection, CALL, user, "control", 5)


def memory(dsn: str, user: int) -> tuple[float, float]:
    """Return the private memory of a session that recommends and explains, and the proportional one of all 20."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(closing(psycopg2.connect(dsn))) for _ in range(SESSIONS)]
        for session in sessions:
            post = ask(session, CALL, user, "control", 5)[0][0]
            ask(session, EXPLAIN, user, post)
        pids = [session.info.backend_pid for session in sessions]
        private, proportional = ([process_megabytes(pid, field) for pid in pids] for field in ("Private_", "Pss:"))
    if None in private + proportional:
        raise PgfeedError("the memory of sessions cannot be read", "they are another user's", "run this as root")
    return statistics.median(private), sum(proportional)


def python_bytes(dsn: str) -> int:
    with closing(psycopg2.connect(dsn)) as connection:
        return ask(connection, BYTES)[0][0]


@click.command()
@click.option("--against", default="v0.1.0", show_default=True, help="An older revision.")
@click.option("--users", default=2000, show_default=True, help="Size of the simulated network.")
def main(against: str, users: int) -> None:
    """Measure what a call costs beside its work, in an older revision and now.

    \b
    Example:
      ./run bench library --against v0.1.0
    """
    with databases(against, users) as dsns:
        with closing(psycopg2.connect(dsns["now"])) as connection:
            user = ask(connection, "select min(user_id) from pgfeed.user_features where view_count > 0")[0][0]
        rows = [
            (title, "{:,.0f} us", [value * 1e6 for value in warm_calls(dsns, title, statement, *arguments)])
            for title, statement, *arguments in (
                ("a call that is refused: nothing but overhead", REFUSED),
                ("warm call, popular, 1 post", CALL, user, "popular", 1),
                ("warm call, a model, 5 posts", CALL, user, "control", 5),
            )
        ]
        firsts = in_turns(dsns, FIRST_CALLS, lambda name: first_call(dsns[name], user), "first calls")
        rows.append(("first call of a session", "{:.1f} ms", [value * 1000 for value in firsts]))
        private, together = zip(*(memory(dsn, user) for dsn in dsns.values()))
        rows.append(("private memory of a session that recommends and explains", "{:.1f} MB", private))
        rows.append((f"{SESSIONS} such sessions, proportional", "{:.0f} MB", together))
        rows.append(("Python in pg_proc", "{:.1f} kB", [python_bytes(dsn) / 1000 for dsn in dsns.values()]))
    lines = [(title, *map(form.format, values), f"{values[1] / values[0] - 1:+.1%}") for title, form, values in rows]
    headers = ["what", against, "now", "change"]
    title = f"{users:,} users, {os.cpu_count()} cores, medians of {CALLS} calls, {FIRST_CALLS} first calls"
    out.print(table(title, headers, lines, headers[1:]))


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(f"error: {error}")
