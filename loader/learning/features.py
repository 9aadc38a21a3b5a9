"""Features at past moments, by the SQL functions and the PL/Python modules that serve recommend_posts."""

import re
from collections.abc import Collection
from datetime import date, datetime, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from loader.learning.split import midnight
from plpy.columns import CATEGORICAL, CATEGORY_LENGTH, HALF_LIFE_HOURS, needs_factors, needs_preferences
from plpy.features import feature_values, request_columns, with_history
from plpy.fresh import join_with, spread_factors
from plpy.moment import Events, Neighbours
from plpy.pack import Pack
from plpy.preferences import Preferences
from plpy.recent import located, unpacked
from plpy.statements import STATEMENTS

CATEGORY_PRIOR_VIEWS = 100
HALF_LIVES = {f"{hours} h" if hours < 24 else f"{hours // 24} d": name for name, hours in HALF_LIFE_HOURS.items()}
MAX_CATEGORIES = 2_000
FIT_DAYS = 7
MOST_FRESH = 1000  # as in _fresh_posts()
OF_KIND = {
    "post": {"days": "post_days", "relation": "posts", "key": "post_id", "fewest": 1},
    # What only few users have would tell in a model who they are.
    "user": {"days": "user_topic_days", "relation": "users", "key": "user_id", "fewest": 5},
}
VALUES = {
    "category": f"select left(r.attributes ->> %(name)s, {CATEGORY_LENGTH})",
    "tags": (
        f"select distinct left(t.tag, {CATEGORY_LENGTH}) from jsonb_array_elements_text("
        "case when jsonb_typeof(r.attributes -> %(name)s) = 'array' then r.attributes -> %(name)s"
        " when jsonb_typeof(r.attributes -> %(name)s) <> 'null' then jsonb_build_array(r.attributes -> %(name)s) end"
        ") as t (tag)"
    ),
}
ATTRIBUTE_COUNTS = """
    select v.value, sum(c.view_count), sum(c.like_count)
    from (
        select d.{key}, sum(d.view_count) as view_count, sum(d.like_count) as like_count
        from pgfeed.{days} as d where d.day < %(before)s group by d.{key}
    ) as c
    join pgfeed.{relation} as r on r.{key} = c.{key}
    cross join lateral ({values}) as v (value)
    where v.value is not null
    group by v.value having count(*) >= {fewest} order by sum(c.view_count) desc, v.value collate "C" limit %(most)s
"""
Encoders = dict[str, dict[str, float]]  # feature, category, code


def load_encoders(connection: Connection, before: date) -> Encoders:
    """Return codes of categories by feature: their smoothed like rate on the days before one, in percent.

    Of an own feature's categories or tags the 2,000 with the most views have a code; of users' those that five have.
    """
    encoders = {}
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
            encoders[name] = smoothed_rates(cursor.fetchall())
        for name, kind in load_attributes(cursor).items():
            if kind in ("category", "tags"):
                cursor.execute(ATTRIBUTE_COUNTS.format(**OF_KIND[name.partition(".")[0]], values=VALUES[kind]), {
                    "name": name.partition(".")[2], "before": before, "most": MAX_CATEGORIES,
                })
                encoders[name] = smoothed_rates(cursor.fetchall())
    return encoders


def smoothed_rates(counts: list[tuple]) -> dict[str, float]:
    """Return the like rate in percent by category from (category, views, likes), smoothed by 100 average views."""
    counts = [(key, int(views), int(likes)) for key, views, likes in counts]
    overall = sum(c[2] for c in counts) / max(sum(c[1] for c in counts), 1)
    return {
        key: round(100 * (likes + CATEGORY_PRIOR_VIEWS * overall) / (views + CATEGORY_PRIOR_VIEWS), 4)
        for key, views, likes in counts
    }


def load_attributes(cursor) -> dict[str, str]:
    """Return the types of the own features of users and posts by name, as the last refresh packed them."""
    cursor.execute(
        "select a.key, a.value from pgfeed.feature_packs as k, jsonb_each_text(k.attributes -> 'types') as a"
        " where k.as_of = pgfeed._refresh_as_of() order by a.key collate \"C\""
    )
    return dict(cursor.fetchall())


def run_plan(cursor: RealDictCursor, name: str, *arguments: object) -> list[dict]:
    """Run a statement of the serving code, by its name there; return its rows."""
    numbered = {f"argument_{number}": value for number, value in enumerate(arguments, 1)}
    cursor.execute(re.sub(r"\$(\d+)", r"%(argument_\1)s", STATEMENTS[name][0]), numbered)
    return cursor.fetchall()


def load_pack(
    connection: Connection, day: date, encoders: Encoders, names: Collection[str] = (), has_neighbours: bool = False
) -> Pack:
    """Return the post pack as of the day's midnight, made if not there yet, with what features of these names need.

    Who likes what is learned as of fewer days, see fit_day().
    """
    at = midnight(day)
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        # A refresh that deletes old packs at the same time is waited for, or waits.
        cursor.execute(
            "select k.pack_id from pgfeed._serving_state(%s, null) as s"
            " join pgfeed.feature_packs as k on k.pack_id = s.pack_id"
            " where s.features_as_of = %s for key share of k", [at, at],
        )
        row = cursor.fetchone()
        if row is None:
            cursor.execute("call pgfeed._pack_features(%s)", [at])
            cursor.execute("select pack_id from pgfeed.feature_packs where as_of = %s", [at])
            row = cursor.fetchone()
        pack = Pack.unpack(run_plan(cursor, "stored pack", row["pack_id"])[0])
        if needs_factors(names):
            cursor.execute(
                "update pgfeed.feature_packs set factors = pgfeed._post_factors(as_of, post_ids)"
                " where pack_id = %s and factors is null", [row["pack_id"]],
            )
            pack.take_factors(run_plan(cursor, "stored factors", row["pack_id"])[0]["factors"])
        if needs_preferences(names):
            pack.take_preferences(load_preferences(cursor, day, row["pack_id"]))
        if has_neighbours:
            cursor.execute(
                "update pgfeed.feature_packs set neighbours = pgfeed._post_neighbours(as_of, post_ids)"
                " where pack_id = %s and neighbours is null", [row["pack_id"]],
            )
            neighbours = run_plan(cursor, "stored neighbours", row["pack_id"])[0]["neighbours"]
            pack.neighbours = Neighbours.unpack(neighbours, len(pack))
    pack.encode(encoders)
    return pack


def join_fresh_posts(connection: Connection, pack: Pack, day: date, post_ids: np.ndarray) -> Pack:
    """Return a day's pack joined with those of other posts that came on the day, as a request on the day has them.

    A request has at most the 1,000 newest; what is learned from has all that were viewed.
    """
    if not len(post_ids):
        return pack
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select p.post_id from pgfeed.posts as p where p.post_id = any(%s)"
            " and p.created_at >= %s and p.created_at < %s",
            [post_ids.tolist(), midnight(day), midnight(day) + timedelta(days=1)],
        )
        fresh_ids = [post_id for (post_id,) in cursor.fetchall()]
    return joined_with(connection, pack, day, fresh_ids)


def join_posts_of_day(connection: Connection, pack: Pack, day: date, until: datetime) -> tuple[Pack, np.ndarray]:
    """Return a day's pack joined with the 1,000 newest posts that came on the day before a moment, and since when each
    post is there, unix seconds: -inf before the day.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select p.post_id, extract(epoch from p.created_at)::float8 from pgfeed.posts as p"
            " where p.created_at >= %s and p.created_at < %s and p.hidden_at is null"
            " order by p.created_at desc limit %s", [midnight(day), until, MOST_FRESH],
        )
        rows = cursor.fetchall()
    post_ids, created_at = np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows])
    joined = joined_with(connection, pack, day, post_ids[pack.locate(post_ids) < 0].tolist())
    there_since = np.full(len(joined), -np.inf)
    there_since[joined.locate(post_ids)] = created_at
    return joined, there_since


def joined_with(connection: Connection, pack: Pack, day: date, fresh_ids: list[int]) -> Pack:
    """Return a day's pack joined with posts that are not in it, whose features are as of its midnight, too."""
    if not fresh_ids:
        return pack
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        row = run_plan(cursor, "fresh pack", midnight(day), fresh_ids, pack.topics)[0]
    fresh = Pack.unpack(row, pack.scale.with_topics(pack, len(row["topics"])))
    fresh.encode(pack.encoders)
    joined = join_with(pack, fresh)
    if pack.factors is not None:
        spread_factors(joined)
    if pack.preference_sides is not None:
        joined.take_preferences(pack.preferences)
    if pack.neighbours is not None:
        joined.neighbours = pack.neighbours.spread(joined.locate(pack.post_ids), len(joined))
    return joined


def load_preferences(cursor: RealDictCursor, day: date, pack_id: int) -> Preferences | None:
    """Return who likes what for the pack of a day, as of the newest fit_day(); where there is a trend, of the day."""
    cursor.execute("select min(day) as first from pgfeed.rollup_days")
    fitted = midnight(fit_day(day, cursor.fetchone()["first"] or day))
    cursor.execute("select preferences from pgfeed.feature_packs where pack_id = %s", [pack_id])
    blob = cursor.fetchone()["preferences"]
    if blob is None:
        earlier = run_plan(cursor, "earlier preferences", midnight(day))
        if earlier and earlier[0]["preferences"] and Preferences.unpack(earlier[0]["preferences"]).has_trend:
            fitted = midnight(day)
        cursor.execute("select preferences from pgfeed.feature_packs where as_of = %s", [fitted])
        row = cursor.fetchone()
        if row is None or row["preferences"] is None:
            cursor.execute("select pgfeed._preferences(%s) as preferences", [fitted])
            row = cursor.fetchone()
        blob = row["preferences"]
        cursor.execute(
            "update pgfeed.feature_packs set preferences = %s"
            " where preferences is null and (pack_id = %s or as_of = %s)",
            [blob, pack_id, fitted],
        )
    return Preferences.unpack(blob) if blob else None


def fit_day(day: date, first: date) -> date:
    """Return the newest day, at most this one, as of which it is learned who likes what, in a feed with a first day.

    In the first twelve days every day, then after ever more days, at last every seventh.
    """
    age = max((day - first).days, 0)
    return day - timedelta(days=age % min(max(age // 6, 1), FIT_DAYS))


def load_users(connection: Connection, moment: datetime, user_ids: list[int]) -> list[dict]:
    """Return the user rows as of a moment, see with_history(), in the order of user_ids."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        rows = {row["user_id"]: with_history(row) for row in run_plan(cursor, "users", moment, user_ids, False)}
    return [rows[user_id] for user_id in user_ids]


def load_events(connection: Connection, pack: Pack, day: date, moment: datetime) -> Events:
    """Return the events from the day's midnight until before the moment."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        seconds = (moment - midnight(day)).total_seconds()
        row = run_plan(cursor, "events", midnight(day), 0.0, seconds)[0]
    return located(unpacked(row), pack, seconds)


def columns_at(row: dict, pack: Pack, encoders: Encoders, moment: datetime) -> dict:
    """Return what belongs to one request, by feature name: the user's row as of the moment, its hour and weekday."""
    since = (moment - midnight(moment.date())) / timedelta(days=1)
    columns = request_columns([row], pack, encoders, since=since)
    columns["time.hour"], columns["time.weekday"] = np.float32([moment.hour]), np.float32([moment.isoweekday()])
    return columns


def feature_matrix(names: list[str], pack: Pack, columns: dict, rows: np.ndarray) -> np.ndarray:
    """Return the named features of the posts at `rows` of the pack for one request, float32 (rows, names)."""
    zeros = np.zeros(len(rows), np.int64)
    return np.column_stack([feature_values(name, pack, columns, rows, zeros) for name in names])
