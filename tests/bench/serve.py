"""How fast recommend_posts answers: `./run bench serve`."""

import random
import time

from psycopg2.extensions import connection as Connection

from loader import db
from loader.live import private_megabytes
from loader.terminal import out, progress, table

CALLS = 3000
PAIRS = 1000
CALL = "select * from pgfeed.recommend_posts(%s)"


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def first_call(users: list[int]) -> float:
    """Return the seconds of the first call in a new session."""
    connection = db.connect()
    with connection, connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(CALL, [users[0]])
        cursor.fetchall()
        seconds = time.perf_counter() - started
    connection.close()
    return seconds


def logging_seconds(connection: Connection, users: list[int]) -> list[float]:
    """Return how much longer serve_posts takes than recommend_posts, of calls in pairs; its exposures are deleted again."""
    with connection.cursor() as cursor, progress("pairs of calls", PAIRS) as advance:
        cursor.execute("select now()")
        moment = cursor.fetchone()[0]
        differences = []
        for number in range(PAIRS + 50):
            seconds = {}
            for name in ("recommend_posts", "serve_posts")[:: 1 if number % 2 else -1]:
                started = time.perf_counter()
                cursor.execute(f"select * from pgfeed.{name}(%s, %s)", [users[number % len(users)], moment])
                cursor.fetchall()
                seconds[name] = time.perf_counter() - started
            if number >= 50:
                differences.append(seconds["serve_posts"] - seconds["recommend_posts"])
                advance(1)
        cursor.execute("delete from pgfeed.exposures where served_at = %s", [moment])
    return differences


def main() -> None:
    connection = db.connect()
    db.require_schema(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("select user_id from pgfeed.user_features order by user_id")
        users = [row[0] for row in cursor.fetchall()]
        cursor.execute("select post_count from pgfeed.feature_packs order by pack_id desc limit 1")
        posts = cursor.fetchone()[0]
    random.Random(0).shuffle(users)
    firsts = [first_call(users) for _ in range(5)]
    connection.autocommit = True
    seconds = []
    with connection.cursor() as cursor, progress("warm calls", CALLS) as advance:
        for number in range(CALLS + 50):
            started = time.perf_counter()
            cursor.execute(CALL, [users[number % len(users)]])
            rows = cursor.fetchall()
            if number >= 50:
                seconds.append(time.perf_counter() - started)
                advance(1)
    memory = private_megabytes(connection.info.backend_pid)
    logging = logging_seconds(connection, users)
    milliseconds = [(f"warm call, {name}", f"{percentile(seconds, share) * 1000:.1f} ms") for name, share in (("median", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1))]
    out.print(table(
        f"recommend_posts, {posts:,} posts, {rows[0][6]}, one client, {CALLS:,} calls", ["what", "value"],
        [
            *milliseconds,
            ("serve_posts over recommend_posts, median", f"{percentile(logging, 0.5) * 1000:.2f} ms"),
            ("first call of a session, median of 5", f"{percentile(firsts, 0.5) * 1000:.0f} ms"),
            ("private memory of the session", "not readable" if memory is None else f"{memory:.0f} MB"),
        ],
        ["value"],
    ))


if __name__ == "__main__":
    main()
