"""A hot standby beside its primary: answers, conflicts with a refresh, throughput: `./run bench replica`.

Both servers are made for it, in a temporary folder, and removed afterwards.
"""

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import click
import psycopg2

from loader.data import refresh
from loader.errors import PgfeedError
from loader.learning import recipes, registry, split, train
from loader.server.remedies import told
from loader.simulation import simulate
from loader.terminal import console, out, progress, table
from tests import servers
from tests.servers import Server

DATABASE = "feed"
SEED = 1
ANSWERED_USERS = 200
CHECKED_USERS = 50
CLIENTS = 4
REPORT_SECONDS = 10
SETTINGS = (("off", "0"), ("off", "30s"), ("on", "0"), ("on", "30s"))
CALL = (
    "select post_id, round(score::numeric, 5), model_version, features_as_of from pgfeed.recommend_posts(%s, %s)"
    " order by rank"
)
REFRESHED = "pgfeed.user_features, pgfeed.user_topic_features, pgfeed.post_features, pgfeed.post_text_features"
VACUUM = f"vacuum {REFRESHED}, pgfeed.feature_packs, pgfeed.post_vectors, pgfeed.user_vectors"
REPORT = "select count(*), sum(view_count) from pgfeed.user_topic_features"


@dataclass
class Calls:
    """What clients met: answers, failures by kind, answers that no single version gives; reports and their failures."""

    count: int = 0
    mixed: int = 0
    failures: Counter = field(default_factory=Counter)
    reports: int = 0
    failed_reports: int = 0
    rounds: int = 0
    lags: list[float] = field(default_factory=list)


class World:
    """A network on the primary with two versions of a model, and what they answer before and after a refresh."""

    def __init__(self, primary: Server, users: int):
        self.primary = primary
        dsn = primary.dsn(DATABASE)
        primary.verb(DATABASE, "migrate")
        with closing(psycopg2.connect(dsn)) as connection:
            simulate.simulate(connection, users, SEED)
            refresh.refresh(connection)
            days, recipe = split.load(connection), recipes.recipe_of("control")
            history = train.load_history(connection, days, recipes.feature_names(connection, "control", days), recipe)
            for iterations in (recipe.parameters["iterations"], 60):
                parameters = recipe.parameters | {"iterations": iterations}
                booster, metrics = train.fit(history.training, history.validation, parameters)
                registry.store(connection, "control", train.new_model(history, booster, metrics, parameters))
        self.run("call pgfeed.activate_model('control', 1)")
        self.end = self.run("select max(as_of) from pgfeed.feature_refreshes")[0][0]
        self.at = self.run("select %s + interval '12 hours'", self.end)[0][0]
        found = [user for user, in self.run("select user_id from pgfeed.user_features where view_count > 0")]
        random.Random(SEED).shuffle(found)
        self.users = found
        self.expected: dict[tuple, dict[int, list[tuple]]] = {}

    def run(self, statement: str, *parameters: object) -> list[tuple]:
        return self.primary.run(DATABASE, statement, *parameters)

    def changes(self) -> Iterator[None]:
        """Change the features, the model, the features, the model: each yield is after one commit."""
        for version, days in ((2, 1), (1, 0)):
            self.run("call pgfeed.refresh_features(%s - %s * interval '1 day')", self.end, days)
            yield
            self.run(VACUUM)  # as autovacuum would, sooner or later
            self.run("call pgfeed.activate_model('control', %s)", version)
            yield

    def learn(self) -> None:
        """Go through all versions and note what the primary answers."""
        with progress("answers of each version", 4) as advance:
            for _ in self.changes():
                answers = {user: self.run(CALL, user, self.at) for user in self.users[:CHECKED_USERS]}
                self.expected[next(iter(answers.values()))[0][2:]] = answers
                advance(1)

    def is_mixed(self, user: int, rows: list[tuple]) -> bool:
        """Return whether an answer is not exactly that of the one version that it names."""
        return len({row[2:] for row in rows}) != 1 or self.expected[rows[0][2:]][user] != rows


def loop(until: threading.Event, dsn: str, one: Callable, failed: Callable) -> None:
    """Do something with a session until an event; tell of failures and go on, with a new session if it was ended."""
    connection = psycopg2.connect(dsn)
    while not until.is_set():
        try:
            one(connection)
        except psycopg2.Error as error:
            failed(error)
            if connection.closed:
                connection = psycopg2.connect(dsn)
            connection.rollback()
    connection.close()


def call(world: World, calls: Calls, users: Iterator[int], connection) -> None:
    """Make one checked call."""
    user = next(users)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(CALL, [user, world.at])
        rows = cursor.fetchall()
    calls.count += 1
    calls.mixed += world.is_mixed(user, rows)


def report(calls: Calls, connection) -> None:
    """Read the same twice in one snapshot, as a long report does."""
    connection.set_session(isolation_level="REPEATABLE READ")
    calls.reports += 1
    with connection, connection.cursor() as cursor:
        cursor.execute(REPORT)
        cursor.execute("select pg_sleep(%s)", [REPORT_SECONDS])
        cursor.execute(REPORT)


def count_failed_report(calls: Calls, error: psycopg2.Error) -> None:
    calls.failed_reports += 1


def count_failure(calls: Calls, error: psycopg2.Error) -> None:
    calls.failures[type(error).__name__] += 1


def endless(values: list[int], seed: int) -> Iterator[int]:
    chosen = random.Random(seed)
    while True:
        yield chosen.choice(values)


def conflicts(world: World, feedback: str, delay: str, seconds: float) -> Calls:
    """Refresh, switch models and vacuum on the primary while clients call a standby with these settings."""
    calls, until = Calls(), threading.Event()
    settings = {"hot_standby_feedback": feedback, "max_standby_streaming_delay": delay,
                "wal_receiver_status_interval": "1s"}
    with servers.standby(world.primary, **settings) as standby, ThreadPoolExecutor(3) as pool:
        dsn = standby.dsn(DATABASE)
        jobs = [
            pool.submit(loop, until, dsn, partial(call, world, calls, endless(world.users[:CHECKED_USERS], seed)),
                        partial(count_failure, calls))
            for seed in range(2)
        ]
        jobs.append(pool.submit(loop, until, dsn, partial(report, calls), partial(count_failed_report, calls)))
        try:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                for _ in world.changes():
                    started = time.monotonic()
                    servers.wait_for_replay(world.primary, standby)
                    calls.lags.append(time.monotonic() - started)
                calls.rounds += 1
        finally:
            until.set()
        for job in jobs:
            job.result()
    return calls


def throughput(world: World, on: list[Server], seconds: float) -> float:
    """Return calls per second of clients spread over servers."""
    until, counted = threading.Event(), [Calls() for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        jobs = []
        for number, calls in enumerate(counted):
            users = endless(world.users[:CHECKED_USERS], number)
            jobs.append(pool.submit(loop, until, on[number % len(on)].dsn(DATABASE), partial(call, world, calls, users),
                                    partial(count_failure, calls)))
        time.sleep(2)  # first calls of the sessions
        before, started = sum(calls.count for calls in counted), time.monotonic()
        time.sleep(seconds)
        result = (sum(calls.count for calls in counted) - before) / (time.monotonic() - started)
        until.set()
        for job in jobs:
            job.result()
    return result


def same_answers(world: World, standby: Server) -> int:
    """Return for how many of 200 users both servers give the same rows."""
    users = world.users[:ANSWERED_USERS]
    statement = (
        "select u, r.* from unnest(%s) as u cross join lateral pgfeed.recommend_posts(u, %s) as r"
        " order by u, r.rank"
    )
    first, second = (
        {user: [row for row in rows if row[0] == user] for user in users}
        for rows in (server.run(DATABASE, statement, users, world.at) for server in (world.primary, standby))
    )
    return sum(bool(first[user]) and first[user] == second[user] for user in users)


def switch_seconds(world: World, standby: Server) -> float:
    """Return how long after a switch's commit an open session of the standby answers by the other model."""
    with closing(psycopg2.connect(standby.dsn(DATABASE))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        found = []
        for version in (2, 1) * 5:
            cursor.execute(CALL, [world.users[0], world.at])
            world.run("call pgfeed.activate_model('control', %s)", version)
            started = time.monotonic()
            while True:
                cursor.execute(CALL, [world.users[0], world.at])
                if cursor.fetchone()[2] == version:
                    break
            found.append(time.monotonic() - started)
    return sorted(found)[len(found) // 2]


@click.command()
@click.option("--users", default=1500, show_default=True, help="Size of the simulated network.")
@click.option("--seconds", default=45.0, show_default=True, help="How long refreshes go on for each pair of settings.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(users: int, seconds: float, as_json: bool) -> None:
    """Measure a physical replica that serves recommend_posts.

    \b
    Example:
      ./run bench replica --seconds 60
    """
    simulate.check_sizes(users, simulate.FULL_POSTS, 1)
    with servers.primary() as primary:
        primary.run("postgres", f"create database {DATABASE}")
        world = World(primary, users)
        world.learn()
        with servers.standby(primary, hot_standby_feedback="on") as standby:
            figures = {
                "same_answers": same_answers(world, standby), "switch_seconds": switch_seconds(world, standby),
                **{
                    name: throughput(world, on, seconds / 3)
                    for name, on in (("primary", [primary]), ("standby", [standby]), ("both", [primary, standby]))
                },
            }
        found = []
        for feedback, delay in SETTINGS:
            console.print(f"hot_standby_feedback {feedback}, max_standby_streaming_delay {delay}")
            found.append((feedback, delay, conflicts(world, feedback, delay, seconds)))
    if as_json:
        rows = [{"hot_standby_feedback": feedback, "max_standby_streaming_delay": delay, **vars(calls)}
                for feedback, delay, calls in found]
        out.print_json(json.dumps(figures | {"conflicts": rows}))
        return
    out.print(table(f"a primary and its standby, {users:,} users, {os.cpu_count()} cores", ["what", "figure"], [
        ("users with the same answer on both", f"{figures['same_answers']} of {ANSWERED_USERS}"),
        ("a model switch is visible on the standby after, median of 10", f"{figures['switch_seconds'] * 1000:.0f} ms"),
        *((f"{CLIENTS} clients, {name}", f"{figures[name]:.0f} calls/s") for name in ("primary", "standby", "both")),
    ], ["figure"]))
    rows = []
    for feedback, delay, calls in found:
        reports = f"{calls.failed_reports} of {calls.reports}"
        rows.append((feedback, delay, calls.rounds * 2, f"{calls.count:,}", calls.failures.total(), calls.mixed,
                     reports, f"{max(calls.lags):.1f} s"))
    headers = ["feedback", "delay", "refreshes", "calls", "failed", "mixed", "reports cut", "lag"]
    out.print(table("calls on the standby during refreshes, model switches and vacuum on the primary", headers,
                    rows, headers[2:]))
    failures = sum((calls.failures for _, _, calls in found), Counter())
    for name, count in failures.items():
        out.print(f"failed calls: {count} {name}")


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
