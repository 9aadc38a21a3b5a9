"""What candidates, posts to leave out and ranking add to a call: `./run bench feed [--calls 400] [--posts N]`.

Before that, random requests are compared with ranking everything and then filtering, with --before N at a past moment
too. --posts makes a network with such a catalogue for it, in a database of its own, which is dropped in the end.
"""

import argparse
import random
import statistics
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.data.refresh import refresh
from loader.errors import PgfeedError
from loader.learning import registry, train
from loader.server import db
from loader.server.remedies import told
from loader.simulation import simulate
from loader.terminal import out, progress, table
from tests.bench import temporary_database
from tests.bench._equality import FEED as SOME_FEED
from tests.bench._equality import SOME, Outcome, compare

PLAIN, PAGE = "plain call", "page 10"
WARM_UP = 20
USERS = 1000  # of a network that is made
FEED = "bench_feed"
EVERYTHING = f"""
    call pgfeed.create_feed(
        '{FEED}', 'post.view_count >= 0 and coalesce(created_at, timestamptz ''2020-01-01'') < ts',
        max_per => '{{"topic": 2}}', diversity => 0.3, boosts => '{{"post.topic:sport": 0.1}}', hide_viewed => '7 days'
    )
"""


def listed(ids: list[int]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def cases(post_ids: list[int]) -> dict[str, tuple[str, list[str]]]:
    """Return a call and its parameters after the user and the moment, by what it measures."""
    shuffled = random.Random(0).sample(post_ids, len(post_ids))
    call = "select * from pgfeed.recommend_posts(%s, %s{})"
    result: dict[str, tuple[str, list[str]]] = {PLAIN: (call.format(""), [])}
    for share in (1, 0.1, 0.01, 0.0001):
        some = shuffled[:max(round(len(post_ids) * share), 1)][:100_000]
        result[f"candidates: {len(some):,}, {share:.4g} of all"] = (
            call.format(", candidates => %s::bigint[]"), [listed(some)],
        )
    for count in (10, 5000):
        some = shuffled[:count]
        result[f"exclude of {len(some):,}"] = (call.format(", exclude => %s::bigint[]"), [listed(some)])
    result["hide_viewed of 7 days"] = (call.format(", hide_viewed => '7 days'"), [])
    result["max_per_topic of 2"] = (call.format(", max_per_topic => 2"), [])
    result["a feed with everything"] = (call.format(f", feed => '{FEED}'"), [])
    result[PAGE] = (call.format(", after => %s"), [])
    for count in (50, 500):
        some = shuffled[:count]
        result[f"rank_posts of {len(some)}"] = (
            "select * from pgfeed.rank_posts(%s, ts => %s, post_ids => %s::bigint[])", [listed(some)],
        )
    return result


def processor(pid: int) -> float:
    """Return the seconds that this process and a server process on this machine were on a processor so far."""
    file = Path(f"/proc/{pid}/schedstat")
    return time.process_time() + (int(file.read_text().split()[0]) / 1e9 if file.exists() else 0)


def measure(connection: Connection, users: list[int], calls: dict, count: int) -> dict[str, list[tuple[float, float]]]:
    """Return the milliseconds of each kind of call, by the clock and of both processes' processor time.

    Each user makes all of them, one after the other.
    """
    connection.autocommit = True
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    pid = connection.info.backend_pid
    with connection.cursor() as cursor, progress("calls", count) as advance:
        cursor.execute("select now()")
        moment = cursor.fetchone()[0]
        for number in range(count + WARM_UP):
            names = list(calls)
            random.Random(number).shuffle(names)
            user = users[number % len(users)]
            after = ninth_page(cursor, user, moment)
            for name in names:
                sql, parameters = calls[name]
                if name == PAGE:
                    parameters = [after]
                started = time.perf_counter(), processor(pid)
                cursor.execute(sql, [user, moment, *parameters])
                cursor.fetchall()
                if number >= WARM_UP:
                    ended = time.perf_counter(), processor(pid)
                    taken[name].append(((ended[0] - started[0]) * 1000, (ended[1] - started[1]) * 1000))
            if number >= WARM_UP:
                advance(1)
    return taken


def ninth_page(cursor: Cursor, user: int, moment: datetime) -> str | None:
    """Return the cursor after the ninth page of five."""
    after = None
    for _ in range(9):
        cursor.execute("select cursor from pgfeed.recommend_posts(%s, %s, after => %s) order by rank desc limit 1",
                       [user, moment, after])
        after = cursor.fetchone()[0]
    return after


def line(name: str, taken: dict[str, list[tuple[float, float]]]) -> tuple[str, ...]:
    """Return the row of the table about a kind of call."""
    over = ["", ""] if name == PLAIN else [
        f"{statistics.median(one - other for one, other in zip(*pair)):+.2f}"
        for pair in zip(zip(*taken[name]), zip(*taken[PLAIN]))
    ]
    by_clock, on_processor = (
        [f"{statistics.median(each):.2f}", f"{statistics.quantiles(each, n=100)[-1]:.2f}"] for each in zip(*taken[name])
    )
    return name, *by_clock, over[0], *on_processor, over[1]


def make_network(connection: Connection, posts: int) -> None:
    """Make a network with so many posts, and a model that serves it."""
    simulate.simulate(connection, USERS, 1, posts)
    refresh(connection)
    registry.activate(connection, "control", registry.store(connection, "control", train.train(connection, "control")))
    refresh(connection)  # the shortlist is the model's


def check(connection: Connection, users: list[int], ts: datetime, requests: int) -> dict[str, Outcome]:
    """Print how random requests at a moment went; return it."""
    outcomes = compare(connection, users, ts, requests)
    figures = ["requests", "other lists", "too short", "posts shared"]
    out.print(table(
        f"{requests} random requests at {ts:%Y-%m-%d %H:%M} beside ranking all posts and then filtering",
        ["with", *figures],
        [(kind, str(o.requests), str(o.different), str(o.short), f"{o.shared / o.requests:.1%}")
         for kind, o in outcomes.items()],
        figures,
    ))
    return outcomes


def check_and_measure(connection: Connection, requests: int, calls: int, before: list[int]) -> None:
    """Print how random requests went and how long calls take; an error says that lists are not what they should be.

    before: by how many days the past moments are earlier.
    """
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select user_id from pgfeed.user_features where view_count > 0 order by md5(user_id::text)")
        users = [row[0] for row in cursor.fetchall()]
        cursor.execute("select post_id from pgfeed.posts where hidden_at is null order by post_id")
        post_ids = [row[0] for row in cursor.fetchall()]
        cursor.execute("select pgfeed._refresh_as_of() + interval '12 hours', pgfeed._is_large()")
        ts, is_large = cursor.fetchone()
        if not users or not post_ids or ts is None:
            raise PgfeedError("there is nothing to serve", "the features were never refreshed", "pgfeed demo")
        cursor.execute(SOME)
        cursor.execute(EVERYTHING)
        try:
            checked = [check(connection, users, ts - timedelta(days=days), requests) for days in (0, *before)]
            taken = measure(connection, users, cases(post_ids), calls)
        finally:
            for feed in (FEED, SOME_FEED):
                cursor.execute("call pgfeed.drop_feed(%s)", [feed])
    headers = ["call", "median", "p99", "over plain", "of a core", "p99", "over plain"]
    out.print(table(
        f"calls for five of {len(post_ids):,} posts, {calls} of each kind, milliseconds",
        headers, [line(name, taken) for name in taken], headers[1:],
    ))
    # The shortlist of a large catalogue is a guess of what everything would give.
    if any(o.short or (o.different and not (is_large and kind == "neither")) for each in checked
           for kind, o in each.items()):
        raise PgfeedError("lists differ from ranking everything", "see the first table", "look for the first of them")


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench feed", description=__doc__)
    parser.add_argument("--calls", type=int, default=400, metavar="N", help="of each kind [default: %(default)s]")
    parser.add_argument("--requests", type=int, default=60, metavar="N", help="to be compared [default: %(default)s]")
    parser.add_argument("--posts", type=int, metavar="N", help="of a network that is made for it")
    parser.add_argument("--before", type=int, nargs="*", default=[], metavar="DAYS", help="past moments too")
    options = parser.parse_args()
    if options.posts is None:
        with closing(db.connect()) as connection:
            db.require_schema(connection)
            check_and_measure(connection, options.requests, options.calls, options.before)
    else:
        with temporary_database("feed") as connection:
            make_network(connection, options.posts)
            check_and_measure(connection, options.requests, options.calls, options.before)


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
