"""Cancels and timeouts at random moments of calls: how long until the error, and whether the session is right afterwards."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import psycopg2
from psycopg2.extensions import connection as Connection

from loader.terminal import progress
from tests.bench._crashes import Network
from tests.bench._load import CALL
from tests.servers import Server, queries

LARGEST_UNCUT_CATALOGUE = 25_000  # larger ones are served by a shortlist
TRIES = 40
PAST_DAYS = 30
KINDS = ("warm", "first of a session", "for a past day")


def cancelled(connection: Connection, statement: str, parameters: list, delay: float) -> float | None:
    """Run a statement and cancel it after so many seconds; return the seconds until the error, None if it was done before."""
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


def delays(server: Server, database: str, network: Network, stop: Callable, kind: str, rng: random.Random) -> tuple[list[float], list[str]]:
    """Stop calls of a kind at random moments; return the seconds until the error of each and what was wrong afterwards."""
    found: list[float] = []
    wrong = []
    day = datetime.fromisoformat(network.moment).replace(hour=0, minute=0, second=0)
    connection = server.session(database)
    try:
        expected = queries(connection)(CALL, network.asked[0], network.moment)
        started = time.perf_counter()
        queries(connection)(CALL, network.asked[0], network.moment)
        longest = time.perf_counter() - started
        for number in range(TRIES):
            moment, span = network.moment, longest
            if kind != "warm":
                span = 0.5
            if kind == "first of a session":
                connection.close()
                connection = server.session(database)
            if kind == "for a past day":
                moment = str(day - timedelta(days=1 + number % PAST_DAYS))
            seconds = stop(connection, CALL, [network.asked[number % len(network.asked)], moment], rng.random() * span)
            if seconds is not None:
                found.append(seconds)
            if queries(connection)(CALL, network.asked[0], network.moment) != expected:
                wrong.append(f"after a stopped call, {kind}, the session answered differently")
    finally:
        connection.close()
    return found, wrong


def grow(server: Server, database: str) -> None:
    """Fill the catalogue up to the largest size at which every call scores all posts."""
    with server.connect(database) as query:
        query(
            "insert into pgfeed.posts (post_id, topic) select p, 'other' from generate_series(100001, 100000 + %s - (select count(*) from pgfeed.posts)) as p",
            LARGEST_UNCUT_CATALOGUE,
        )
        query("call pgfeed.refresh_features()")


def stops(server: Server, template: str, network: Network, rng: random.Random) -> Iterator[tuple[str, list[float], list[str]]]:
    """Stop calls in a catalogue of the usual size and in a large one; yield what was tried, seconds, and what was wrong."""
    server.clone(template, "f_stop")
    ways = (("cancel", cancelled), ("statement_timeout", timed_out))
    with progress("kinds of stopped calls", 2 * len(ways) * len(KINDS)) as advance:
        for is_large in (False, True):
            if is_large:
                grow(server, "f_stop")
            with server.connect("f_stop") as query:
                posts = query("select count(*) from pgfeed.posts")[0][0]
            for way, stop in ways:
                for kind in KINDS:
                    yield f"{way} of calls, {kind}, {posts:,} posts", *delays(server, "f_stop", network, stop, kind, rng)
                    advance(1)
