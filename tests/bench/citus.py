"""One network in plain tables and spread by Citus over 1, 2 and 3 nodes: `./run bench citus`."""

import os
import random
import time
from contextlib import closing

import click
import psycopg2
from psycopg2.extensions import connection as Connection

from loader.data import refresh
from loader.errors import PgfeedError
from loader.learning import registry, train
from loader.learning.model import NewModel
from loader.server import db
from loader.simulation import simulate
from loader.terminal import console, out, progress, table
from tests.bench.serve import percentile
from tests.citus.nodes import DATABASE, nodes, require_citus, spread

NODES = {"not spread": 0, "1 node": 1, "2 nodes": 2, "3 nodes": 3}
REQUESTS = 1000
EVENTS = "select count(*) from pgfeed.feed_events"
USERS = "select array_agg(user_id order by user_id) from pgfeed.users"
RECOMMEND = "select post_id from pgfeed.recommend_posts(%s, %s) order by rank"


def timed(function, *arguments) -> tuple[float, object]:
    """Return the seconds that a call took, and its result."""
    started = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - started, result


def value(connection: Connection, statement: str) -> object:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def request(connection: Connection, user_ids: list[int], moment: str) -> tuple[list[float], list[list[int]]]:
    """Return seconds and posts of one request of each user, in one session that is warm."""
    seconds, posts = [], []
    connection.autocommit = True
    with connection.cursor() as cursor, progress("requests", len(user_ids)) as advance:
        for user_id in user_ids[:50] + user_ids:
            started = time.perf_counter()
            cursor.execute(RECOMMEND, [user_id, moment])
            found = [row[0] for row in cursor.fetchall()]
            seconds.append(time.perf_counter() - started)
            posts.append(found)
            advance(1)
    return seconds[50:], posts[50:]


def measure(connection: Connection, size: tuple[int, int, int, int], model: NewModel | None) -> dict:
    """Load, roll up, refresh and serve; return seconds, posts, the model and the number of events."""
    users, seed, posts, days = size
    loaded, _ = timed(simulate.simulate, connection, users, seed, posts, days)
    rolled_up, _ = timed(refresh.roll_up, connection)
    refreshed, done = timed(refresh.refresh, connection)
    model = model or train.train(connection, "control")
    registry.activate(connection, "control", registry.store(connection, "control", model))
    user_ids = value(connection, USERS)
    random.Random(0).shuffle(user_ids)
    seconds, found = request(connection, user_ids[:REQUESTS], done.as_of)
    return {
        "load": loaded, "roll up": rolled_up, "refresh": refreshed, "requests": seconds, "posts": found, "model": model,
        "events": value(connection, EVENTS),
    }


@click.command()
@click.option("--users", default=1500, show_default=True, help="Size of the simulated network.")
@click.option("--posts", default=simulate.FULL_POSTS, show_default=True)
@click.option("--days", default=simulate.DAYS, show_default=True)
def main(users: int, posts: int, days: int) -> None:
    """Time the same work in plain tables and on 1, 2 and 3 nodes, and compare what users get."""
    try:
        require_citus(db.dsn())
    except PgfeedError as error:
        raise click.ClickException(str(error)) from error
    size = users, 1, posts, days
    results = {}
    for name, count in NODES.items():
        console.print(name)
        with nodes(max(count, 1)) as servers:
            servers[0].verb(DATABASE, "migrate")
            if count:
                spread(servers[0], with_coordinator=True)
            with closing(psycopg2.connect(servers[0].dsn(DATABASE))) as connection:
                results[name] = measure(connection, size, results["not spread"]["model"] if count else None)
    plain = results["not spread"]
    rows = [
        (
            name, f"{r['load']:.1f} s", f"{r['roll up']:.1f} s", f"{r['refresh']:.1f} s",
            f"{percentile(r['requests'], 0.5) * 1000:.1f} ms",
            f"{percentile(r['requests'], 0.99) * 1000:.1f} ms",
            f"{sum(map(list.__eq__, r['posts'], plain['posts'])):,}",
        )
        for name, r in results.items()
    ]
    headers = ["where", "load", "roll up", "refresh", "request, median", "p99", "same posts"]
    out.print(table(
        f"{users:,} users, {plain['events']:,} events, {days} days, {len(plain['posts']):,} requests,"
        f" {os.cpu_count()} cores for all nodes", headers, rows, headers[1:]
    ))


if __name__ == "__main__":
    main()
