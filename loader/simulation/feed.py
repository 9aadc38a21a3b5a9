"""What the facts are computed from: the simulated network, read back or generated again.

Kinds of users and levels of posts cannot be seen in events, so those labels are taken from schema simulation.
"""

import io
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import psycopg2.extensions

from loader.errors import PgfeedError
from loader.simulation import worlds
from loader.simulation.population import COUNTRIES, FULL_POSTS, TOPICS, city_names
from loader.simulation.world import DAYS, World

SAMPLE_USERS = 6_000  # whose complete histories are looked at
COPY_OUT = np.dtype(  # one row of COPY's binary format
    [
        ("fields", ">i2"), ("at_size", ">i4"), ("at", ">i8"), ("user_size", ">i4"), ("user", ">i8"),
        ("post_size", ">i4"), ("post", ">i8"), ("like_size", ">i4"), ("like", "u1"),
    ]
)


@dataclass
class Feed:
    """What the facts are computed from. Columns of users and posts are parallel to their ids."""

    users: dict[str, np.ndarray]  # user_id, gender, age, country, city, exp_group, os, source, is_b
    posts: dict[str, np.ndarray]  # post_id, topic, length, text_hash, level; of all events: views, likes, liker_age
    at: np.ndarray  # of the sample's events, in order of user and time: seconds since 1970
    user: np.ndarray  # row in users
    post: np.ndarray  # row in posts
    is_like: np.ndarray
    first_at: datetime
    last_at: datetime


def loaded_feed(connection: psycopg2.extensions.connection) -> Feed:
    """Read the simulated network back from the database."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('simulation.days')")
        if cursor.fetchone()[0] is None:
            raise PgfeedError(
                "this database holds no simulated network", "nothing to report on",
                "pgfeed simulate --users 3000 --report",
            )
        users = _columns(
            cursor,
            "select user_id, gender, age, country, city, exp_group, os, source, coalesce(kind = 'B', false) as is_b"
            " from pgfeed.users join simulation.users using (user_id) order by user_id",
        )
        posts = _columns(
            cursor,
            "select post_id, topic, length(text) as length, hashtextextended(text, 0) as text_hash, level,"
            " coalesce(views, 0) as views, coalesce(likes, 0) as likes, coalesce(liker_age, 0) as liker_age"
            " from pgfeed.posts join simulation.posts using (post_id) left join ("
            "   select post_id, count(*) filter (where action = 'view') as views,"
            "   count(*) filter (where action = 'like') as likes, sum(age) filter (where action = 'like') as liker_age"
            "   from pgfeed.feed_events join pgfeed.users using (user_id) group by post_id"
            " ) as counts using (post_id) order by post_id",
        )
        cursor.execute("select min(event_at), max(event_at) from pgfeed.feed_events")
        first_at, last_at = cursor.fetchone()
        sample = users["user_id"][_sample(len(users["user_id"]))].tolist()
        events = io.BytesIO()
        query = cursor.mogrify(
            "select extract(epoch from event_at)::bigint, user_id, post_id, action = 'like' from pgfeed.feed_events"
            " where user_id = any(%s) order by user_id, event_at, action desc",
            [sample],
        )
        cursor.copy_expert(b"copy (" + query + b") to stdout (format binary)", events)
    rows = np.frombuffer(events.getbuffer()[19:-2], COPY_OUT)
    user, post = (
        np.searchsorted(ids, rows[name]) for ids, name in ((users["user_id"], "user"), (posts["post_id"], "post"))
    )
    return Feed(users, posts, rows["at"].astype(np.int64), user, post, rows["like"] == 1, first_at, last_at)


def generated_feed(
    user_count: int, seed: int, post_count: int = FULL_POSTS, days: int = DAYS, name: str = worlds.DEFAULT
) -> Feed:
    """Generate the events again, for a network that was written to files."""
    world = World(seed, user_count, post_count, name)
    users, posts, count = world.users, world.posts, post_count
    texts = world.texts
    in_sample = np.zeros(len(users), bool)
    in_sample[_sample(len(users))] = True
    totals = np.zeros((3, count))
    parts, edges = [], []
    for events in world.days(days):
        midnight = 1_633_046_400 + 86_400 * events.day
        edges += [midnight + events.second[[0, -1]].astype(np.int64)] if len(events.second) else []
        views = ~events.is_like
        totals += [
            np.bincount(events.post[views], minlength=count), np.bincount(events.post[events.is_like], minlength=count),
            np.bincount(events.post[events.is_like], users.age[events.user[events.is_like]], count),
        ]
        kept = in_sample[events.user]
        at = midnight + events.second[kept].astype(np.int64)
        parts.append((at, events.user[kept], events.post[kept], events.is_like[kept]))
    at, user, post, is_like = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((is_like, at, user))
    first_at, last_at = (datetime.fromtimestamp(int(moment), UTC) for moment in (edges[0][0], edges[-1][1]))
    profile = {
        "user_id": users.user_id, "gender": users.gender, "age": users.age,
        "country": np.array(list(COUNTRIES))[users.country],
        "city": np.array(city_names()[0])[users.city], "exp_group": users.exp_group,
        "os": np.where(users.is_android, "Android", "iOS"),
        "source": np.where(users.is_ads, "ads", "organic"), "is_b": users.kind == 1,
    }
    catalogue = {
        "post_id": posts.post_id, "topic": np.array(TOPICS)[posts.topic],
        "length": np.array([len(text) for text in texts]),
        "text_hash": np.array([hash(text) for text in texts]), "level": posts.level, "views": totals[0],
        "likes": totals[1], "liker_age": totals[2],
    }
    return Feed(profile, catalogue, at[order], user[order], post[order], is_like[order], first_at, last_at)


def _sample(count: int) -> np.ndarray:
    return np.arange(0, count, -(-count // SAMPLE_USERS))


def _columns(cursor: psycopg2.extensions.cursor, query: str) -> dict[str, np.ndarray]:
    cursor.execute(query)
    names = [column.name for column in cursor.description]
    values = zip(*cursor.fetchall(), strict=True)
    kinds = {"liker_age": float}
    return {name: np.array(column, kinds.get(name)) for name, column in zip(names, values, strict=True)}
