"""Cancels and timeouts at random moments of calls: how long until the error, and is the session right after it."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg2
from psycopg2.extensions import connection as Connection

from loader.terminal import console, progress
from tests.bench._crashes import Network
from tests.bench._load import CALL
from tests.servers import Server, queries

POSTS = (7_023, 25_000, 1_000_000)  # the original's; the most that every call scores; served by a shortlist
TRIES = 40
PAST_DAYS = 30
LONGEST_SECONDS = 5
KINDS = ("warm", "first of a session", "for a past day")


def cancelled(connection: Connection, statement: str, parameters: list, delay: float) -> float | None:
    """Run a statement and cancel it after so many seconds; return the seconds until the error, None if it was done."""
    ended: list[float] = []

    def run() -> None:
        try:
            queries(connection)(statement, *parameters)
        except psycopg2.errors.QueryCanceled:
            ended.append(time.perf_counter())

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(delay)
    started = time.perf_counter()
    connection.cancel()
    thread.join()
    return ended[0] - started if ended else None


def timed_out(connection: Connection, statement: str, parameters: list, delay: float) -> float | None:
    """Run a statement with a timeout; return how much later than that the error came, None if it was done before."""
    query = queries(connection)
    milliseconds = max(1, round(delay * 1000))
    query("select set_config('statement_timeout', %s, false)", str(milliseconds))
    started = time.perf_counter()
    try:
        query(statement, *parameters)
    except psycopg2.errors.QueryCanceled:
        return time.perf_counter() - started - milliseconds / 1000
    finally:
        query("set statement_timeout = 0")
    return None


class Calls:
    """The calls of a kind: what each one asks, in which session, and how long it takes when nothing stops it."""

    def __init__(self, server: Server, database: str, network: Network, kind: str):
        self.server, self.database, self.network, self.kind = server, database, network, kind
        self.number = 0
        self.connection = server.session(database)
        (self.moment,), = queries(self.connection)(
            "select as_of from pgfeed.feature_refreshes order by refresh_id desc limit 1"
        )
        self.expected = self.ask()

    def ask(self) -> list[tuple]:
        return queries(self.connection)(CALL, self.network.asked[0], self.moment)

    def next(self) -> list:
        """Return the arguments of the next call; give it its session."""
        self.number += 1
        if self.kind == "first of a session":
            self.connection.close()
            self.connection = self.server.session(self.database)
        days = 1 + self.number % PAST_DAYS if self.kind == "for a past day" else 0
        return [self.network.asked[self.number % len(self.network.asked)], self.moment - timedelta(days=days)]

    def seconds(self) -> float:
        """Return how long the next call takes, at most LONGEST_SECONDS."""
        arguments, started = self.next(), time.perf_counter()
        timed_out(self.connection, CALL, arguments, LONGEST_SECONDS)
        return min(time.perf_counter() - started, LONGEST_SECONDS)


def delays(calls: Calls, stop: Callable, rng: random.Random) -> tuple[list[float], list[str]]:
    """Stop calls at random moments; return the seconds until the error of each and what was wrong afterwards."""
    found, wrong = [], []
    span = calls.seconds()
    for _ in range(TRIES):
        arguments = calls.next()
        seconds = stop(calls.connection, CALL, arguments, rng.random() * span)
        if seconds is not None:
            found.append(seconds)
        if calls.ask() != calls.expected:
            wrong.append(f"after a stopped call, {calls.kind}, the session answered differently")
    return found, wrong


def grow(server: Server, database: str, count: int) -> None:
    """Fill the catalogue up to so many posts."""
    with server.connect(database) as query, console.status(f"a catalogue of {count:,} posts"):
        query(
            "insert into pgfeed.posts (post_id, topic) select 100000 + p, 'other'"
            " from generate_series((select count(*) from pgfeed.posts) + 1, %s) as p",
            count,
        )
        query("analyze pgfeed.posts")
        query("call pgfeed.refresh_features()")


def stops(server: Server, template: str, network: Network, rng: random.Random) -> Iterator[
    tuple[str, list[float], list[str]]
]:
    """Stop calls in catalogues of several sizes; yield what was tried, seconds, and what was wrong."""
    server.clone(template, "f_stop")
    ways = (("cancel", cancelled), ("statement_timeout", timed_out))
    with progress("kinds of stopped calls", len(POSTS) * len(ways) * len(KINDS)) as advance:
        for posts in POSTS:
            grow(server, "f_stop", posts)
            for way, stop in ways:
                for kind in KINDS:
                    calls = Calls(server, "f_stop", network, kind)
                    yield f"{way} of calls, {kind}, {posts:,} posts", *delays(calls, stop, rng)
                    calls.connection.close()
                    advance(1)
