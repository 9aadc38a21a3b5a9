"""The application's own tables: changes at random, the cost of a write, bytes: `./run bench attach`."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import click
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.server.remedies import told
from loader.simulation.population import FULL_USERS
from loader.simulation.world import DAYS
from loader.terminal import out, table
from tests import servers
from tests.bench import _full_size, temporary_database
from tests.servers import program, queries
from tests.site import INDEXES, SITE, STATE, attach, detach, live, live_together, state_of_a_fresh_attach

SYNCS = ("trigger", "mixed", "pull")
SECTIONS = ("changes", "kills", "writes", "bytes")
FULL_SIZE = ("keys", "erase")
KILLS = 10
# One transaction of a site: somebody reads an article.
WRITE = """
    \\set member random(1, 20)
    \\set slug random(1, 30)
    insert into app.reads values (md5(:member::text)::uuid, 'post-' || :slug, clock_timestamp(), random() * 120);
"""
CLIENTS = 8
ERASED = ["user", "events", "erase_user", "slowest call meanwhile", "slowest insert meanwhile"]
HEADERS = ["sync", "seed", "operations", "statements failed", "rows that differ"]
MORE_READS = """
    insert into app.reads
    select
        md5((1 + i %% 20000)::text)::uuid, 'post-' || 1 + (i::bigint * 7919) %% 5000,
        date_trunc('day', now()) - (i %% 90) * interval '1 day' - i %% 80000 * interval '1 second', i %% 120
    from generate_series(1, %s) as i;
    insert into app.articles (slug, title, body, section, published_at, author_id, lang, price)
    select
        'post-' || i, 'Title ' || i, (select string_agg(md5(i::text || j), ' ') from generate_series(1, 60) as j),
        'section ' || i %% 20, now() - interval '100 days', i %% 700, 'en', i
    from generate_series(31, 5000) as i
"""
RATIOS = """
    select 'events', sum(pg_total_relation_size(i.inhrelid)), pg_total_relation_size('app.reads')
    from pg_inherits as i where i.inhparent = 'pgfeed.feed_events'::regclass
    union all
    select 'posts with texts', pg_total_relation_size('pgfeed.posts'), pg_total_relation_size('app.articles')
"""


def changes(connection: Connection, sync: str, seed: int, operations: int) -> tuple[int, int]:
    """Let two sessions change the tables; return what failed and how many rows differ from a fresh attach then."""
    query = queries(connection)
    query("drop schema if exists app cascade")
    query(SITE)
    attach(query, sync)
    failures = live_together(connection.dsn, seed, operations, [lambda: query("call pgfeed.refresh_features()")] * 5)
    query("call pgfeed.sync_attachments(complete => %s)", sync != "trigger")
    query("call pgfeed.refresh_features()")
    followed = set(query(STATE))
    fresh = set(state_of_a_fresh_attach(query, sync))
    detach(query)
    return len(failures), len(followed ^ fresh)


def killed(sync: str, seed: int, operations: int, kills: int) -> tuple[int, int]:
    """Kill a server's postmaster this often while two sessions and refreshes work, and go on each time; return as
    changes() does.
    """
    rng = random.Random(seed)
    failures: list[str] = []
    with servers.primary() as server:
        server.run("postgres", "create database site")
        server.verb("site", "migrate")
        with server.connect("site") as query:
            query(SITE)
            attach(query, sync)
        for number in range(seed, seed + kills):
            each = operations // kills // 2
            sessions = [
                threading.Thread(target=live, args=(server.dsn("site"), 2 * number + i, each, failures)) for i in (0, 1)
            ]
            refresh = server.command("site", ["-m", "loader.cli", "refresh"])
            for session in sessions:
                session.start()
            time.sleep(rng.uniform(0.2, 2))
            server.stop(signal.SIGKILL)
            for session in sessions:
                session.join()
            refresh.communicate()
            server.start()
        with server.connect("site") as query:
            query("call pgfeed.sync_attachments(complete => %s)", sync != "trigger")
            query("call pgfeed.refresh_features()")
            followed = set(query(STATE))
            return len(failures), len(followed ^ set(state_of_a_fresh_attach(query, sync)))


def transactions(dsn: str, seconds: int) -> float:
    """Return the transactions a second of pgbench's clients that insert into app.reads."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(WRITE)
        script.flush()
        said = program(
            "pgbench", "--no-vacuum", f"--client={CLIENTS}", "--jobs=2", f"--time={seconds}",
            f"--file={script.name}", dsn,
        )
    return float(next(line.split()[2] for line in said.splitlines() if line.startswith("tps")))


def written(connection: Connection, sync: str | None, seconds: int) -> tuple[float, float]:
    """Return the transactions a second with an attachment (None: without), and the servers' processor us for each."""
    query = queries(connection)
    query("truncate app.reads")
    if sync:
        attach(query, sync, ["reads"])
    query("checkpoint")
    before = processor_seconds(connection)
    rate = transactions(connection.dsn, seconds)
    time.sleep(0.5)  # until its sessions have ended
    used = processor_seconds(connection) - before
    if sync:
        detach(query, ["reads"])
    return rate, 1e6 * used / (rate * seconds)


def processor_seconds(connection: Connection) -> float:
    """Return the processor time that the postmaster's children have used and ended, those of pgbench's sessions too."""
    [(directory,)] = queries(connection)("select current_setting('data_directory')")
    postmaster = Path(directory, "postmaster.pid").read_text().split()[0]
    fields = Path("/proc", postmaster, "stat").read_text().rpartition(") ")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def writes(connection: Connection, rounds: int, seconds: int) -> list[tuple[str, float, float, float, float]]:
    """Insert by pgbench without an attachment and with each, in turns; return of each way the median transactions a
    second, the median and least processor us of a transaction, and the median of what its round has less than without.

    A second turn without is the noise floor.
    """
    queries(connection)(INDEXES.format("reads"))
    ways = {"without": None, "without again": None, **{sync: sync for sync in SYNCS}}
    rng = random.Random(1)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name in rng.sample(list(ways), len(ways)):
            found[name].append(written(connection, ways[name], seconds))
    base = [rate for rate, _ in found["without"]]
    return [
        (
            name,
            median(rate for rate, _ in turns),
            median(used for _, used in turns),
            min(used for _, used in turns),
            median(1 - rate / without for (rate, _), without in zip(turns, base, strict=True)),
        )
        for name, turns in found.items()
    ]


@click.command()
@click.option("--seeds", default=10, show_default=True, help="Of the changes, in each mode.")
@click.option("--first", default=1, show_default=True, help="Seed of the changes and kills.")
@click.option("--operations", default=1000, show_default=True, help="Of two sessions together, with each seed.")
@click.option("--rounds", default=6, show_default=True, help="Of pgbench beside and without, in turns.")
@click.option("--seconds", default=10, show_default=True, help="Of pgbench, each time.")
@click.option("--events", default=1_000_000, show_default=True, help="Whose bytes are compared, and of keys.")
@click.option("--users", default=FULL_USERS, show_default=True, help="Of keys and erase.")
@click.option("--days", default=DAYS, show_default=True, help="Of erase, which simulates events.")
@click.option("--only", type=click.Choice(SECTIONS + FULL_SIZE), multiple=True,
              help="This section [default: all but keys and erase].")
def main(
    seeds: int, first: int, operations: int, rounds: int, seconds: int, events: int, users: int, days: int,
    only: tuple[str, ...],
) -> None:
    """Attach a small site's tables: do they stay equal, what does a write cost, how large is what pgfeed keeps?

    \b
    Example:
      ./run bench attach --only changes --seeds 1
    """
    sections = only or SECTIONS
    with temporary_database("attach") as connection:
        connection.autocommit = True
        query = queries(connection)
        if "changes" in sections:
            rows = [
                (sync, seed, operations, *changes(connection, sync, seed, operations))
                for sync in SYNCS
                for seed in range(first, first + seeds)
            ]
            out.print(table("Changes at random by two sessions, against a fresh attach", HEADERS, rows, HEADERS[1:]))
        if "kills" in sections:
            rows = [(sync, first, operations, *killed(sync, first, operations, KILLS)) for sync in SYNCS]
            out.print(table(f"The same while the server is killed {KILLS} times", HEADERS, rows, HEADERS[1:]))
        if "keys" in sections:
            rows = [
                (call, *(f"{value:,.0f} us" for value in values))
                for call, *values in _full_size.keys(connection, users, events)
            ]
            headers = ["call", "median", "more than by id", "of a core"]
            out.print(table(f"Calls of one session, {users:,} users with uuids", headers, rows, headers[1:]))
            query("drop schema app cascade")
        if "erase" in sections:
            with temporary_database("erase") as network:
                rows = [
                    (title, f"{count:,}", *(f"{value:.2f}" for value in values))
                    for title, count, *values in _full_size.erase(network, users, days)
                ]
                words, left, stays = _full_size.left_in_dump(network)
            out.print(table(f"erase_user() of {users:,} users and {days} days, seconds", ERASED, rows, ERASED[1:]))
            out.print(f"A plain dump has {left} of {words} words of theirs, and the id of one who stays {stays} times")
        query("drop schema if exists app cascade")
        query(SITE)
        if "writes" in sections:
            rows = [
                (name, f"{rate:,.0f}", f"{100 * fewer:.1f} %", f"{used:.0f} us", f"{least:.0f} us")
                for name, rate, used, least, fewer in writes(connection, rounds, seconds)
            ]
            headers = ["sync", "tx/s", "fewer", "of a core each", "least"]
            out.print(table(f"Inserts into app.reads, {CLIENTS} clients", headers, rows, headers[1:]))
        if "bytes" in sections:
            query(MORE_READS, events)
            query("vacuum full app.reads, app.articles")
            attach(query, "trigger", ["members", "articles", "reads"])
            query("call pgfeed.refresh_features()")
            rows = [
                (name, f"{ours:,}", f"{theirs:,}", f"{ours / theirs:.2f}") for name, ours, theirs in query(RATIOS)
            ]
            headers = ["", "bytes in pgfeed", "bytes in the application", "ratio"]
            out.print(table("Disk, with indexes", headers, rows, headers[1:]))


if __name__ == "__main__":
    try:
        main()
    except (PgfeedError, subprocess.SubprocessError) as error:
        sys.exit(told(f"error: {error}"))
