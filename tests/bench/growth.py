"""What grows faster than its work with users, posts and days: `./run bench growth`.

Each size is a database of its own, dropped when it is measured. The figures are kept in the database pgfeed_growth, so
that a run that was interrupted goes on where it stopped.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, astuple, dataclass
from statistics import median

import click
import numpy as np
import psycopg2
import psycopg2.extras
from psycopg2.extensions import connection as Connection

from loader.data import refresh
from loader.errors import PgfeedError
from loader.learning import registry, train
from loader.server.remedies import told
from loader.simulation import simulate
from loader.terminal import console, out, table
from tests.bench import create_database, drop_database
from tests.bench._full_size import core_seconds
from tests.bench.scale import memory_of, rows_of
from tests.bench.serve import CALL

KEPT = "pgfeed_growth"
SEED, VARIANT = 1, "control"
CALLS, WARM_UP = 100, 10
TOLERANCE = 0.15
NOTES = """
    create schema if not exists bench;
    create table if not exists bench.growth (
        users integer, posts integer, days integer, name text, value double precision not null,
        primary key (users, posts, days, name)
    );
    create table if not exists bench.empty (bytes bigint not null);
    insert into bench.empty select pg_database_size(current_database())
"""
COLUMNS = (
    "variant, version, artifact, sha256, feature_names, encoders, trained_from, trained_until, parameters, metrics,"
    " golden_matrix, golden_scores, evaluation_artifact, evaluated_from, evaluated_until, trees"
)
BY_MODEL = """
    select
        (select count(*) from pgfeed.recommendations as r where r.source = 'model'),
        pg_database_size(current_database()) / 1048576.0::float8
"""
EMPTY = "select min(b.bytes) / 1048576.0::float8 from bench.empty as b"
MEASURES = {"call": "call ms", "roll_up": "day's roll-up s", "refresh": "refresh s", "batch": "batch s",
            "memory": "session MB", "disk": "disk MB more"}

# How each may grow at most. A call reads its user's events and scores all posts, a batch does for all users.
WORK = {
    "users": {"call": 0, "roll_up": 1, "refresh": 1, "batch": 1, "memory": 0, "disk": 1},
    "posts": {"call": 1, "roll_up": 0, "refresh": 1, "batch": 1, "memory": 1, "disk": 1},
    "days": {"call": 1, "roll_up": 0, "refresh": 1, "batch": 1, "memory": 0, "disk": 1},
}


@dataclass(frozen=True)
class Size:
    """A network: users, posts, and days of events, of which the last is loaded on its own."""

    users: int
    posts: int
    days: int

    @property
    def name(self) -> str:
        return "_".join(map(str, (KEPT, *astuple(self))))


def spent(connection: Connection, act: Callable[[], object]) -> float:
    """Return the seconds on a core of a session for what act does."""
    before = core_seconds(connection)
    act()
    return core_seconds(connection) - before


def calls(connection: Connection) -> float:
    """Return the median milliseconds on a core of warm calls."""
    users = [user for user, in rows_of(connection, "select user_id from pgfeed.user_features order by 1")]
    chosen = random.Random(SEED).choices(users, k=CALLS + WARM_UP)
    seconds = [spent(connection, lambda user=user: rows_of(connection, CALL, user)) for user in chosen]
    return median(seconds[WARM_UP:]) * 1000


def model_of(connection: Connection, kept: Connection) -> None:
    """Activate the model that serves all sizes; the first one trains it."""
    stored = rows_of(kept, f"select {COLUMNS} from pgfeed.models where variant = %s", VARIANT)
    if not stored:
        registry.store(connection, VARIANT, train.train(connection, VARIANT))
        stored = rows_of(connection, f"select {COLUMNS} from pgfeed.models where variant = %s", VARIANT)
        insert_model(kept, stored[0])
    else:
        insert_model(connection, stored[0])
    registry.activate(connection, VARIANT, None)


def insert_model(connection: Connection, row: tuple) -> None:
    values = [psycopg2.extras.Json(each) if isinstance(each, dict) else each for each in row]
    with connection, connection.cursor() as cursor:
        cursor.execute(f"insert into pgfeed.models ({COLUMNS}) values ({', '.join(['%s'] * len(values))})", values)


def measured(connection: Connection, kept: Connection, size: Size) -> Iterator[tuple[str, float]]:
    """Yield the name and value of each figure of a size."""
    simulate.simulate(connection, size.users, SEED, size.posts, size.days - 1)
    with connection, connection.cursor() as cursor:
        cursor.execute("set max_parallel_workers_per_gather = 0; set max_parallel_maintenance_workers = 0")
    refresh.roll_up(connection)
    simulate.simulate(connection, size.users, SEED, size.posts, size.days)
    yield "events", rows_of(connection, "select count(*) from pgfeed.feed_events")[0][0]
    yield "roll_up", spent(connection, lambda: refresh.roll_up(connection))
    yield "refresh", spent(connection, lambda: refresh.refresh(connection))
    model_of(connection, kept)
    yield "call", calls(connection)
    yield "memory", memory_of(connection.info.backend_pid).get("RssAnon", 0.0)
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield "batch", spent(connection, lambda: cursor.execute("call pgfeed.refresh_recommendations()"))
    by_model, megabytes = rows_of(connection, BY_MODEL)[0]
    if not by_model:
        raise PgfeedError("no list is by the model", "the features lack something", "run the same command with --again")
    yield "disk", megabytes - rows_of(kept, EMPTY)[0][0]


def measure(kept: Connection, size: Size) -> dict[str, float]:
    """Return the figures of a size, from before or measured now."""
    statement = "select name, value from bench.growth where (users, posts, days) = (%s, %s, %s)"
    found = dict(rows_of(kept, statement, *astuple(size)))
    if found.keys() >= MEASURES.keys():
        return found
    console.print(f"{time.strftime('%H:%M:%S')} {size.users:,} users, {size.posts:,} posts, {size.days} days")
    with closing(psycopg2.connect(create_database(size.name))) as connection:
        found = dict(measured(connection, kept, size))
    with kept, kept.cursor() as cursor:
        cursor.executemany(
            "insert into bench.growth values (%s, %s, %s, %s, %s) on conflict do nothing",
            [(*astuple(size), name, value) for name, value in found.items()],
        )
    drop_database(size.name)
    return found


def exponent(sizes: list[float], values: list[float]) -> float:
    """Return the slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-9)), 1)[0])


def series(sizes: list[Size], dimension: str, found: dict[Size, dict[str, float]]) -> list[tuple[str, ...]]:
    """Return a row for each measure along a dimension: its exponent beside that of its work, see WORK."""
    along, rows = [asdict(size)[dimension] for size in sizes], []
    for name, title in MEASURES.items():
        grows, of_work = exponent(along, [found[size][name] for size in sizes]), WORK[dimension][name]
        verdict = "faster" if grows > of_work + TOLERANCE else ""
        rows.append((dimension, title, f"{grows:.2f}", str(of_work), verdict))
    return rows


def numbers(context: click.Context, parameter: click.Parameter, text: str) -> list[int]:
    try:
        found = sorted({int(each) for each in text.split(",")})
    except ValueError:
        raise click.BadParameter(f"{text!r} are no numbers; give them like 1000,3000,10000") from None
    if len(found) < 2 or found[0] < 2:
        raise click.BadParameter("give two numbers or more, each at least 2")
    return found


@click.command()
@click.option("--users", default="1000,3000,10000", show_default=True, callback=numbers,
              help="Sizes; the others stay at their least. At most 163205.")
@click.option("--posts", default="1000,3000,10000", show_default=True, callback=numbers, help="At most 1000000.")
@click.option("--days", default="3,6,12", show_default=True, callback=numbers, help="Days of events.")
@click.option("--again", is_flag=True, help="Forget the figures of runs before.")
def main(users: list[int], posts: list[int], days: list[int], again: bool) -> None:
    """Measure networks that grow in users, in posts and in days, and fit the exponent of each measure.

    Seconds are those of one session on a core, without parallel workers, so that other work on the machine counts
    little. The model is trained once, on the least size. The disk is what the database has more than an
    empty one. faster: the exponent is larger than that of the work by .15.

    \b
    Example:
      ./run bench growth --users 1000,10000,100000 --posts 1000,10000,100000 --days 3,10,30
    """
    if again:
        drop_database(KEPT)
    with closing(psycopg2.connect(create_database(KEPT))) as kept:
        with kept, kept.cursor() as cursor:
            cursor.execute(NOTES)
        ways = {
            "users": [Size(each, posts[0], days[0]) for each in users],
            "posts": [Size(users[0], each, days[0]) for each in posts],
            "days": [Size(users[0], posts[0], each) for each in days],
        }
        found = {size: measure(kept, size) for sizes in ways.values() for size in sizes}
    rows = [
        (*(f"{each:,}" for each in (*astuple(size), int(of["events"]))), *(f"{of[name]:,.2f}" for name in MEASURES))
        for size, of in found.items()
    ]
    headers = ["users", "posts", "days", "events", *MEASURES.values()]
    out.print(table("growth", headers, rows, headers))
    headers = ["along", "measure", "exponent", "of its work", "grows"]
    out.print(table("exponents", headers, [row for name, sizes in ways.items() for row in series(sizes, name, found)],
                    headers[2:4]))


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
