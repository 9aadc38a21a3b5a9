"""`pgfeed simulate`: generate a world day by day, into the database or into files of the seed's format."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import compress
from pathlib import Path

import numpy as np
import psycopg2.extensions
from psycopg2.extras import execute_values

from loader.data.checked import Events
from loader.data.copying import binary_rows
from loader.data.values import LIKED, NOT_LIKED
from loader.data.writing import columns_writer
from loader.errors import PgfeedError
from loader.server import db
from loader.simulation import population, worlds
from loader.simulation.population import FULL_POSTS, FULL_USERS, TOPICS
from loader.simulation.world import ARRIVAL_DAYS, DAYS, FIRST_DAY, IDENTITY, LIFE, VERSION, DayEvents, Life, World
from loader.terminal import progress

TABLES = Path(__file__).with_name("simulation.sql")
LOCK = 7_023_163_205
FEWEST_POSTS = 300  # a session shows up to 38 different ones
Identity = tuple[int, int, int, int, str]  # seed, users, posts, version, name


@dataclass
class Simulation:
    """What a run did; `loaded_days` is 0 if everything was there."""

    users: int
    posts: int
    days: int
    loaded_days: int
    views: int
    likes: int


def check_sizes(users: int, posts: int, days: int) -> None:
    """Raise unless a world of this size can be made."""
    if not 1 <= users <= FULL_USERS:
        raise PgfeedError(
            f"cannot simulate {users} users", f"a world has 1 to {FULL_USERS}", "pgfeed simulate --users 3000"
        )
    if not FEWEST_POSTS <= posts <= 1_000_000:
        raise PgfeedError(
            f"cannot simulate {posts} posts", f"a world has {FEWEST_POSTS} to 1000000",
            f"leave out --posts for the original {FULL_POSTS}",
        )
    if not 1 <= days <= 3_650:
        raise PgfeedError(
            f"cannot simulate {days} days", "a world lasts 1 to 3650", f"leave out --days for the original {DAYS}"
        )


def simulate(
    connection: psycopg2.extensions.connection, users: int, seed: int, posts: int = FULL_POSTS, days: int = DAYS,
    name: str = worlds.DEFAULT, life: Life | None = None,
) -> Simulation:
    """Load a world into the database, each day in its own transaction; what is loaded already is left alone.

    life: the posts and users that come with the days are beside the others.
    """
    check_sizes(users, posts, days)
    worlds.named(name)
    life = life or Life()
    users, posts = users + life.new_users * ARRIVAL_DAYS, posts + life.new_posts * ARRIVAL_DAYS
    identity = seed, users, posts, VERSION, name
    connection.commit()
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise PgfeedError(
                "another simulation is loading this database", "only one can", "wait for it, then the same command"
            )
    try:
        with connection:
            is_new = _claim(connection, identity, life)
        with connection.cursor() as cursor:
            cursor.execute("select coalesce(array_agg(day_date), '{}') from simulation.days")
            done = {(day - FIRST_DAY).days for day in cursor.fetchone()[0]}
        missing = [day for day in range(days) if day not in done]
        if is_new or missing:
            world = World(seed, users, posts, name, life) if is_new else World.load(connection)
            if is_new:
                with connection:
                    _load_entities(connection, world, identity)
            _load_days(connection, world, missing)
        with connection, connection.cursor() as cursor:
            cursor.execute("select sum(view_count)::bigint, sum(like_count)::bigint from simulation.days")
            views, likes = cursor.fetchone()
    finally:
        connection.rollback()
        with connection, connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s)", [LOCK])
    return Simulation(users, posts, days, len(missing), views, likes)


def _claim(connection: psycopg2.extensions.connection, identity: Identity, life: Life) -> bool:
    """Return whether the database is empty; raise if it holds anything but the wanted world."""
    with connection.cursor() as cursor:
        cursor.execute("set local client_min_messages = warning")
        cursor.execute(TABLES.read_text(encoding="utf-8"))
        cursor.execute(IDENTITY)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "select exists (select 1 from pgfeed.users) or exists (select 1 from pgfeed.posts)"
                " or exists (select 1 from pgfeed.feed_events)"
            )
            if cursor.fetchone()[0]:
                raise PgfeedError("this database holds real data", "a simulated network needs an empty one",
                                   db.emptying())
        elif row != identity:
            names = "seed", "users", "posts", "version", "world"
            pairs = zip(names, row, identity, strict=True)
            other = ", ".join(f"{name} {has} instead of {want}" for name, has, want in pairs if has != want)
            raise PgfeedError("this database holds another simulated network", other,
                              db.emptying(db.holds_only_ours(cursor)))
        else:
            cursor.execute(LIFE)
            has = Life.of(cursor.fetchone()[0])
            if (has.new_posts, has.new_users) != (life.new_posts, life.new_users):
                other = f"{has.new_posts} new posts and {has.new_users} new users a day"
                raise PgfeedError("this database holds another simulated network", f"one with {other}",
                                  db.emptying(db.holds_only_ours(cursor)))
    return row is None


def _load_entities(
    connection: psycopg2.extensions.connection, world: World, identity: Identity
) -> None:
    """Insert users, posts and their truth."""
    with connection.cursor() as cursor, progress("Users and posts", len(world.users) + len(world.posts)) as advance:
        cursor.execute(
            "insert into simulation.worlds (seed, user_count, post_count, version, name, life)"
            " values (%s, %s, %s, %s, %s, %s)",
            [*identity, json.dumps(asdict(world.life))],
        )
        profiles = user_columns(world, None if world.joined is None else world.joined < 0)
        _insert(cursor, "pgfeed.users", list(profiles), zip(*profiles.values(), strict=True), advance)
        of_users, of_posts = world.mechanism.truth()
        ids = {"user_id": world.users.user_id.tolist()}, {"post_id": world.posts.post_id.tolist()}
        for table, columns in zip(("users", "posts"), (ids[0] | of_users, ids[1] | of_posts), strict=True):
            _insert(cursor, f"simulation.{table}", list(columns), zip(*columns.values(), strict=True))
        if world.mechanism.created is None:
            columns = post_columns(world)
            _insert(cursor, "pgfeed.posts", list(columns), zip(*columns.values(), strict=True), advance)


def _insert(
    cursor: psycopg2.extensions.cursor, table: str, columns: list[str], rows: Iterator[tuple],
    advance: Callable[[float], None] = lambda count: None,
) -> None:
    page = 5_000

    def counted() -> Iterator[tuple]:
        for count, row in enumerate(rows, 1):
            yield row
            if count % page == 0:
                advance(page)
        advance(count % page)

    execute_values(cursor, f"insert into {table} ({', '.join(columns)}) values %s", counted(), page_size=page)


def _load_days(connection: psycopg2.extensions.connection, world: World, days: list[int]) -> None:
    """Copy the events of the days, in order."""
    if not days:
        return
    first, last = (datetime.combine(FIRST_DAY + timedelta(days=day), time(), UTC) for day in (days[0], days[-1]))
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.create_event_partitions(%s, %s)", [first, last])
    with progress("Days of events", len(days)) as advance:
        for day in days:
            with connection, connection.cursor() as cursor:
                load_day(cursor, world, world.day_events(day))
            advance(1)
    with connection, connection.cursor() as cursor:
        cursor.execute("analyze pgfeed.posts, pgfeed.users, pgfeed.feed_events")


def load_day(cursor: psycopg2.extensions.cursor, world: World, events: DayEvents) -> tuple[int, int]:
    """Copy a day's events, after the posts and users that came on it; return its numbers of views and likes."""
    if world.joined is not None:
        profiles = user_columns(world, world.joined == events.day)
        _insert(cursor, "pgfeed.users", list(profiles), zip(*profiles.values(), strict=True))
    if world.mechanism.created is not None:
        came = np.floor(world.mechanism.created).clip(min=0) == events.day  # older ones come with the first day
        columns = post_columns(world, came)
        _insert(cursor, "pgfeed.posts", list(columns), zip(*columns.values(), strict=True))
    cursor.copy_expert(
        "copy pgfeed.feed_events (event_at, user_id, post_id, action, target) from stdin (format binary)",
        io.BytesIO(copy_rows(world, events)), 1 << 20,
    )
    likes = int(events.is_like.sum())
    views = len(events.second) - likes
    cursor.execute(
        "insert into simulation.days (day_date, view_count, like_count) values (%s, %s, %s)",
        [FIRST_DAY + timedelta(days=events.day), views, likes],
    )
    return views, likes


def copy_rows(world: World, events: DayEvents) -> bytes:
    """Return a day's events as the input of a binary COPY."""
    midnight = datetime.combine(FIRST_DAY + timedelta(days=events.day), time(), UTC)
    at = (int(midnight.timestamp()) + events.second.astype(np.int64)) * 1_000_000
    user_id, post_id = world.users.user_id[events.user], world.posts.post_id[events.post]
    target = np.where(events.target, LIKED, NOT_LIKED)
    return binary_rows(Events(at, user_id, post_id, events.is_like.astype(np.int64), target, line=np.arange(len(at))))


def user_columns(world: World, chosen: np.ndarray | None = None) -> dict[str, list]:
    """Return the profiles as columns of pgfeed.users; chosen: of these users only, bool (users,)."""
    users = world.users
    columns = {
        "user_id": users.user_id.tolist(), "gender": users.gender.astype(int).tolist(), "age": users.age.tolist(),
        "country": np.array(list(population.COUNTRIES))[users.country].tolist(),
        "city": np.array(population.city_names()[0])[users.city].tolist(),
        "exp_group": users.exp_group.tolist(), "os": np.where(users.is_android, "Android", "iOS").tolist(),
        "source": np.where(users.is_ads, "ads", "organic").tolist(),
    }
    return taken(columns, chosen)


def post_columns(world: World, chosen: np.ndarray | None = None) -> dict[str, list]:
    """Return the catalogue with its texts, as columns of pgfeed.posts; chosen: of these posts only, bool (posts,)."""
    columns = {
        "post_id": world.posts.post_id.tolist(), "text": world.texts,
        "topic": np.array(TOPICS)[world.posts.topic].tolist(),
    }
    if world.created_at is not None:
        columns["created_at"] = world.created_at
    return taken(columns, chosen)


def taken(columns: dict[str, list], chosen: np.ndarray | None) -> dict[str, list]:
    """Return some of the rows of columns."""
    return columns if chosen is None else {name: list(compress(each, chosen)) for name, each in columns.items()}


# --------------------------------------------------------------------------------------------------------------- files


def simulate_to_files(
    directory: Path, users: int, seed: int, posts: int = FULL_POSTS, days: int = DAYS, format: str = "csv",
    name: str = worlds.DEFAULT,
) -> Simulation:
    """Write user_data, post_text_df and feed_data as CSV or Parquet; times are UTC without a zone."""
    import pyarrow as pa

    check_sizes(users, posts, days)
    paths = {name: directory / f"{name}.{format}" for name in ("user_data", "post_text_df", "feed_data")}
    for path in paths.values():
        if path.exists():
            raise PgfeedError(f"{path} is there already", "nothing is overwritten", "name another directory with --to")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PgfeedError(f"cannot write to {directory}", error.strerror, "name another directory with --to") from error
    world = World(seed, users, posts, name)
    for table, columns in (
        ("user_data", user_columns(world)), ("post_text_df", post_columns(world, world.mechanism.available(days))),
    ):
        with columns_writer(paths[table], pa.table(columns).schema) as writer:
            writer.write_table(pa.table(columns))
    actions = pa.array(["view", "like"])
    types = {"timestamp": pa.timestamp("s"), "user_id": pa.int64(), "post_id": pa.int64(), "action": pa.string()}
    schema = pa.schema([*types.items(), ("target", pa.int8())])
    views = likes = 0
    with columns_writer(paths["feed_data"], schema) as writer, progress("Days of events", days) as advance:
        for events in world.days(days):
            midnight = int(datetime.combine(FIRST_DAY + timedelta(days=events.day), time(), UTC).timestamp())
            columns = [
                pa.array(midnight + events.second.astype(np.int64), pa.timestamp("s")),
                pa.array(world.users.user_id[events.user]),
                pa.array(world.posts.post_id[events.post]), actions.take(pa.array(events.is_like.astype(np.int8))),
                pa.array(events.target.astype(np.int8)),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            likes += int(events.is_like.sum())
            views += int((~events.is_like).sum())
            advance(1)
    return Simulation(users, posts, days, days, views, likes)
