"""`pgfeed simulate --serve`: simulated users live with the recommender, day after day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.data.refresh import refresh
from loader.errors import PgfeedError
from loader.metrics import TOP
from loader.simulation.served import Lists, read_lists
from loader.simulation.simulate import load_day
from loader.simulation.world import FIRST_DAY, World
from loader.terminal import progress


@dataclass
class ServedDay:
    """One day: how many exposures were logged, and the views and likes of all sessions."""

    day: str
    exposures: int
    views: int
    likes: int


@dataclass(frozen=True)
class Plan:
    """What happens on days of the loop, counted from its first one, 1."""

    stopped: Collection[int] = ()  # nights after these days in which nothing is done
    bad: Collection[int] = ()  # days that begin with a model whose scores are inverted
    changes: Collection[int] = ()  # days from which on users like as others did
    outbreaks: Collection[tuple[int, str]] = ()  # days and the topics that break out on them


def next_day(connection: Connection) -> int:
    """Return the first day, counted from FIRST_DAY, that is not loaded."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select max(day_date) from simulation.days")
        last = cursor.fetchone()[0]
    if last is None:
        raise PgfeedError("the simulated world has no days yet", "its load was interrupted",
                          "the same pgfeed simulate again")
    return (last - FIRST_DAY).days + 1


def midnight_of(day: int) -> datetime:
    """Return the moment at which a day, counted from FIRST_DAY, begins."""
    return datetime.combine(FIRST_DAY + timedelta(days=day), time(), UTC)


def serve_day(
    connection: Connection, world: World, day: int, feed: str | None = None, feeds: dict[int, str] | None = None
) -> ServedDay:
    """Let the day's sessions begin with the posts that serve_posts gives, and load what was viewed and liked.

    feeds: of the users with these ids, who open another named feed. PgfeedError: a named feed has too few posts for
    somebody.
    """
    midnight = midnight_of(day)

    def recommend(users: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        shown = np.empty((len(users), TOP), np.int64)
        with progress(f"requests of {midnight:%Y-%m-%d}", len(users)) as advance:
            for number, (user_id, second) in enumerate(zip(world.users.user_id[users].tolist(), seconds.tolist())):
                cursor.execute(
                    "select post_id from pgfeed.serve_posts(%s, %s, %s, feed => %s) order by rank",
                    [user_id, midnight + timedelta(seconds=second), TOP, (feeds or {}).get(user_id, feed)],
                )
                post_ids = [row[0] for row in cursor.fetchall()]
                if len(post_ids) < TOP:
                    raise PgfeedError(f"there are {len(post_ids)} posts for user {user_id} on {midnight:%Y-%m-%d}",
                                      f"a session begins with {TOP}: the feed lets in too few", "pgfeed feed list")
                shown[number] = post_ids
                advance(1)
        return world.post_rows(shown.ravel()).reshape(shown.shape)

    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.create_event_partitions(%s, %s)", [midnight, midnight])
        views, likes = load_day(cursor, world, world.day_events(day, recommend))
        cursor.execute(
            "select count(*) from pgfeed.exposures where served_at >= %s and served_at < %s",
            [midnight, midnight + timedelta(days=1)]
        )
        return ServedDay(f"{midnight:%Y-%m-%d}", cursor.fetchone()[0], views, likes)


def serve(connection: Connection, days: int, feed: str | None = None) -> list[ServedDay]:
    """Serve the next days; the features are refreshed before each of them and after the last.

    All posts of a day are chosen before its events are there: nobody opens the feed twice a day.
    """
    world = World.load(connection)
    first = next_day(connection)
    served = []
    for day in range(first, first + days):
        refresh(connection, str(midnight_of(day)))
        served.append(serve_day(connection, world, day, feed))
    refresh(connection, str(midnight_of(first + days)))
    return served


def lists_of(connection: Connection, days: int) -> Lists | None:
    """Return the lists that serve_posts gave on the last days that are loaded."""
    world = World.load(connection)
    end = next_day(connection)
    return read_lists(connection, world, midnight_of(end - days), midnight_of(end))
