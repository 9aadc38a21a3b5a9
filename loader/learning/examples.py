"""Labelled examples: impressions of a day with the features as of the midnight before it.

Every feature comes from the SQL functions and the PL/Python module that serve recommend_posts;
every label lies at or after the cut-off of its features.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from loader.errors import PgfeedError
from loader.terminal import progress
from plpy.recommend_posts import (
    CATEGORICAL,
    PLANS,
    encode_topics,
    feature_values,
    locate,
    needs_moment,
    request_columns,
    unpack_factors,
    unpack_posts,
)

HELD_OUT_SHARE = 0.2
CATEGORY_PRIOR_VIEWS = 100


@dataclass
class Examples:
    """Impressions with their features, one row each, in the order of day, user and position.

    features is float32 of shape (rows, names); request numbers the user-days from 0; position is
    the impression's place in its user's day, from 0.
    """

    names: list[str]
    features: np.ndarray
    user_ids: np.ndarray
    post_ids: np.ndarray
    days: np.ndarray
    request: np.ndarray
    position: np.ndarray
    is_liked: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """Return one feature of all rows."""
        return self.features[:, self.names.index(name)]

    def take(self, mask: np.ndarray) -> "Examples":
        """Return those rows where the mask is true."""
        arrays = (self.features, self.user_ids, self.post_ids, self.days, self.request, self.position, self.is_liked)
        return Examples(self.names, *(array[mask] for array in arrays))


def midnight(day: date) -> datetime:
    """Return the start of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def day_views(connection: Connection) -> list[tuple[date, int]]:
    """Return the days with views and how many, in order; PgfeedError if there are too few to hold some out."""
    with connection.cursor() as cursor:
        cursor.execute("select day, view_count from pgfeed.rollup_days where view_count > 0 and not is_stale and day <= now()::date order by day")
        days = cursor.fetchall()
    if len(days) < 3:
        raise PgfeedError(
            "there is too little to learn from", f"the feed has views on {len(days)} days that are rolled up, training needs 3",
            "pgfeed ingest FILE..., then pgfeed refresh",
        )
    return days


def split_day(connection: Connection) -> date:
    """Return the first held-out day: from it on lies the share of the views nearest to 20%."""
    days = day_views(connection)
    after = np.cumsum([views for _, views in days][::-1])[::-1]
    shares = after / after[0]
    nearest = int(np.argmin(np.abs(shares[1:] - HELD_OUT_SHARE))) + 1
    return days[nearest][0]


def spread(days: list[date], count: int) -> list[date]:
    """Return at most `count` of the days, evenly spread, the last one included."""
    if len(days) <= count:
        return days
    return [days[i] for i in np.unique(np.linspace(0, len(days) - 1, count).round().astype(int))]


def encoders(connection: Connection, before: date) -> dict[str, dict[str, float]]:
    """Return codes of categories by feature: their smoothed like rate on the days before one, in percent."""
    result = {}
    with connection.cursor() as cursor:
        for name in CATEGORICAL:
            relation, column = name.split(".")
            if relation == "post":
                category, join = "d.topic", ""
            else:
                category, join = f"u.{column}", "join pgfeed.users as u on u.user_id = d.user_id"
            cursor.execute(
                f"select {category}, sum(d.view_count), sum(d.like_count) from pgfeed.user_topic_days as d {join}"
                f" where d.day < %s and {category} <> '' group by 1",
                [before],
            )
            counts = [(key, int(views), int(likes)) for key, views, likes in cursor.fetchall()]
            overall = sum(c[2] for c in counts) / max(sum(c[1] for c in counts), 1)
            result[name] = {
                key: round(100 * (likes + CATEGORY_PRIOR_VIEWS * overall) / (views + CATEGORY_PRIOR_VIEWS), 4)
                for key, views, likes in counts
            }
    return result


def run_plan(cursor: RealDictCursor, name: str, *arguments: object) -> list[dict]:
    """Run a statement of the serving code, by its name there; return its rows."""
    numbered = {f"argument_{number}": value for number, value in enumerate(arguments, 1)}
    cursor.execute(re.sub(r"\$(\d+)", r"%(argument_\1)s", PLANS[name][0]), numbered)
    return cursor.fetchall()


def feature_matrix(names: list[str], posts: dict, columns: dict, rows: np.ndarray) -> np.ndarray:
    """Return the named features of the posts at `rows` of the pack for one request, float32 (rows, names)."""
    zeros = np.zeros(len(rows), np.int64)
    return np.column_stack([feature_values(name, posts, columns, rows, zeros) for name in names])


def columns_at(row: dict, posts: dict, codes: dict[str, dict[str, float]], moment: datetime) -> dict:
    """Return what belongs to one request, by feature name: the user's row as of the moment, and the moment's hour and weekday."""
    columns = request_columns([row], posts, codes)
    columns["time.hour"], columns["time.weekday"] = np.float32([moment.hour]), np.float32([moment.isoweekday()])
    return columns


def load_posts(connection: Connection, day: date, codes: dict[str, dict[str, float]], has_factors: bool = False) -> dict:
    """Return the post pack as of the day's midnight, with factor vectors if wanted; made and kept if not there yet."""
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        # A refresh that deletes old packs at the same time is waited for, or waits.
        cursor.execute(
            "select k.pack_id from pgfeed._serving_state(%s, null) as s join pgfeed.feature_packs as k on k.pack_id = s.pack_id"
            " where s.features_as_of = %s for key share of k", [midnight(day)] * 2,
        )
        row = cursor.fetchone()
        if row is None:
            cursor.execute("call pgfeed._pack_features(%s)", [midnight(day)])
            cursor.execute("select pack_id from pgfeed.feature_packs where as_of = %s", [midnight(day)])
            row = cursor.fetchone()
        posts = unpack_posts(run_plan(cursor, "stored pack", row["pack_id"])[0])
        if has_factors:
            cursor.execute(
                "update pgfeed.feature_packs set factors = pgfeed._post_factors(as_of, post_ids)"
                " where pack_id = %s and factors is null", [row["pack_id"]],
            )
            factors = run_plan(cursor, "stored factors", row["pack_id"])[0]["factors"]
            posts["vectors"]["match.factors"], posts["gram"] = unpack_factors(factors)
    encode_topics(posts, codes)
    return posts


def load_users(connection: Connection, moment: datetime, user_ids: list[int]) -> list[dict]:
    """Return the user rows as of a moment, in the order of user_ids."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        rows = {row["user_id"]: row for row in run_plan(cursor, "user", moment, user_ids, False)}
    return [rows[user_id] for user_id in user_ids]


def load_day(connection: Connection, day: date, user_share: float) -> list[np.ndarray]:
    """Return user_ids, post_ids, hours, positions and labels of a day's impressions, by user and time.

    user_share: the share of the users, chosen by a hash of the id, whose impressions are taken.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select user_id, post_id, extract(hour from viewed_at at time zone 'UTC')::integer,
                row_number() over (partition by user_id order by viewed_at, post_id) - 1, is_liked
            from pgfeed.impressions
            where viewed_at >= %(start)s and viewed_at < %(end)s
                and (%(share)s >= 1 or (hashint8extended(user_id, 0) & 1048575) < %(share)s * 1048576)
            order by user_id, viewed_at, post_id
            """,
            {"start": midnight(day), "end": midnight(day) + timedelta(days=1), "share": user_share},
        )
        rows = cursor.fetchall()
    return list(np.array(rows, np.int64).reshape(len(rows), 5).T)


def load_examples(
    connection: Connection,
    days: list[date],
    names: list[str],
    codes: dict[str, dict[str, float]],
    user_share: float = 1.0,
    title: str = "features",
) -> Examples:
    """Return the impressions of these days with the named features as of each day's midnight."""
    if needs_moment(names):
        raise PgfeedError(
            "the model has features of a request's moment", "views of the past have none; --negatives trains such models",
            "pgfeed evaluate full VARIANT",
        )
    parts, first_request = [], 0
    with progress(title, len(days)) as advance:
        for day in days:
            user_ids, post_ids, hours, positions, labels = load_day(connection, day, user_share)
            posts = load_posts(connection, day, codes, "match.factors" in names)
            post_rows = locate(posts, post_ids)
            kept = post_rows >= 0
            users, first, request_rows = np.unique(user_ids, return_index=True, return_inverse=True)
            if len(users):
                requests = request_columns(load_users(connection, midnight(day), users.tolist()), posts, codes, names)
                requests["time.hour"] = hours[first].astype(np.float32)
                requests["time.weekday"] = np.full(len(users), day.isoweekday(), np.float32)
                features = np.column_stack([feature_values(n, posts, requests, post_rows, request_rows) for n in names])
                numbers = request_rows + first_request
                first_request += len(users)
                parts.append([a[kept] for a in (features, user_ids, post_ids, np.full(len(kept), np.datetime64(day)), numbers, positions, labels.astype(bool))])
            advance(1)
    connection.commit()  # nothing is held open while a model is fitted
    if not parts:
        raise PgfeedError("there are no impressions to learn from", f"none from {days[0]} to {days[-1]}", "pgfeed ingest FILE...")
    return Examples(names, *(np.concatenate(column) for column in zip(*parts)))
