"""What candidates, posts to leave out and ranking add to a call: `./run bench feed [--calls 400]`."""

import argparse
import random
import statistics
import sys
import time
from contextlib import closing

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.server import db
from loader.server.remedies import told
from loader.terminal import out, progress, table

PLAIN = "plain call"
WARM_UP = 20


def listed(ids: list[int]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def cases(post_ids: list[int]) -> dict[str, tuple[str, list[str]]]:
    """Return a call and its parameters after the user and the moment, by what it measures."""
    shuffled = random.Random(0).sample(post_ids, len(post_ids))
    call = "select * from pgfeed.recommend_posts(%s, %s{})"
    result: dict[str, tuple[str, list[str]]] = {PLAIN: (call.format(""), [])}
    for share in (1, 0.1, 0.01, 0.0001):
        some = shuffled[:max(round(len(post_ids) * share), 1)][:100_000]
        result[f"{share:.2%} of the posts as candidates: {len(some):,}"] = (
            call.format(", candidates => %s::bigint[]"), [listed(some)],
        )
    for count in (10, 5000):
        some = shuffled[:count]
        result[f"exclude of {len(some):,}"] = (call.format(", exclude => %s::bigint[]"), [listed(some)])
    result["hide_viewed of 7 days"] = (call.format(", hide_viewed => '7 days'"), [])
    result["max_per_topic of 2"] = (call.format(", max_per_topic => 2"), [])
    for count in (50, 500):
        some = shuffled[:count]
        result[f"rank_posts of {len(some)}"] = (
            "select * from pgfeed.rank_posts(%s, ts => %s, post_ids => %s::bigint[])", [listed(some)],
        )
    return result


def measure(connection: Connection, users: list[int], calls: dict, count: int) -> dict[str, list[float]]:
    """Return the milliseconds of each kind of call; each user makes all of them, one after the other."""
    connection.autocommit = True
    taken: dict[str, list[float]] = {name: [] for name in calls}
    with connection.cursor() as cursor, progress("calls", count) as advance:
        cursor.execute("select now()")
        moment = cursor.fetchone()[0]
        for number in range(count + WARM_UP):
            names = list(calls)
            random.Random(number).shuffle(names)
            for name in names:
                sql, parameters = calls[name]
                started = time.perf_counter()
                cursor.execute(sql, [users[number % len(users)], moment, *parameters])
                cursor.fetchall()
                if number >= WARM_UP:
                    taken[name].append((time.perf_counter() - started) * 1000)
            if number >= WARM_UP:
                advance(1)
    return taken


def line(name: str, taken: dict[str, list[float]]) -> tuple[str, ...]:
    """Return the row of the table about a kind of call."""
    values, plain = taken[name], taken[PLAIN]
    over = statistics.median(one - other for one, other in zip(values, plain))
    p99 = statistics.quantiles(values, n=100)[-1]
    return name, f"{statistics.median(values):.2f}", f"{p99:.2f}", "" if name == PLAIN else f"{over:+.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench feed", description=__doc__)
    parser.add_argument("--calls", type=int, default=400, metavar="N", help="of each kind [default: %(default)s]")
    options = parser.parse_args()
    with closing(db.connect()) as connection:
        db.require_schema(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute("select user_id from pgfeed.user_features where view_count > 0 order by md5(user_id::text)")
            users = [row[0] for row in cursor.fetchall()]
            cursor.execute("select post_id from pgfeed.posts where hidden_at is null order by post_id")
            post_ids = [row[0] for row in cursor.fetchall()]
        if not users or not post_ids:
            raise PgfeedError("there is nothing to serve", "the features were never refreshed", "pgfeed demo")
        taken = measure(connection, users, cases(post_ids), options.calls)
    out.print(table(
        f"calls for five of {len(post_ids):,} posts, {options.calls} of each kind, milliseconds",
        ["call", "median", "p99", "median over the plain call"], [line(name, taken) for name in taken],
        ["median", "p99", "median over the plain call"],
    ))


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
