"""Rolling up and refreshing the features, some days at a time."""

import time
from dataclasses import asdict, dataclass

from psycopg2.extensions import connection as Connection

from loader.server.db import interruptible, outside_transaction
from loader.terminal import progress, status


@dataclass
class Refresh:
    """What one refresh did: cut-off, days rolled up, posts and users with features, seconds."""

    as_of: str
    day_count: int
    post_count: int
    user_count: int
    roll_up_seconds: float
    refresh_seconds: float

    as_dict = asdict


@interruptible()
def roll_up(connection: Connection) -> int:
    """Roll up all days with new events, each or many thin ones in a transaction of their own; return how many."""
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.roll_up_events(0)")
        cursor.execute("select count(*) from pgfeed.rollup_days where is_stale or event_count is null")
        stale = cursor.fetchone()[0]
    if stale:
        # A call finds a user's events in the index alone where vacuum has seen the rows.
        with outside_transaction(connection), connection.cursor() as cursor:
            with status("arranging months"):
                cursor.execute("call pgfeed.arrange_partitions()")
            with status("vacuuming new events"):
                cursor.execute("vacuum (analyze) pgfeed.feed_events, pgfeed.liked_posts")
        with progress("rolling up days", stale) as advance:
            while days := _roll_up_some(connection):
                advance(days)
    return stale


def _roll_up_some(connection: Connection) -> int:
    """Roll up as many days as one statement does; return how many."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select cardinality(pgfeed._stale_days(1000))")
        days = cursor.fetchone()[0]
        if days:
            cursor.execute("call pgfeed.roll_up_events(%s)", [days])
    return days


@interruptible()
def refresh(connection: Connection, as_of: str | None = None) -> Refresh:
    """Roll up new events and refresh all features as one version."""
    started = time.monotonic()
    days = roll_up(connection)
    rolled_up = time.monotonic()
    with connection, connection.cursor() as cursor, status("collecting statistics"):
        cursor.execute("analyze pgfeed.post_days, pgfeed.user_topic_days, pgfeed.liked_posts")
    with connection, connection.cursor() as cursor, status("refreshing features"):
        cursor.execute("call pgfeed.refresh_features(%s)", [as_of])
        refresh_id = cursor.fetchone()[0]
    with connection, connection.cursor() as cursor:
        cursor.execute("analyze pgfeed.user_features, pgfeed.user_topic_features, pgfeed.post_features")
        cursor.execute(
            "select to_char(r.as_of at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC', k.post_count,"
            " (select count(*) from pgfeed.user_features)"
            " from pgfeed.feature_refreshes as r join pgfeed.feature_packs as k on k.as_of = r.as_of"
            " where r.refresh_id = %s",
            [refresh_id],
        )
        newest, posts, users = cursor.fetchone()
    return Refresh(newest, days, posts, users, round(rolled_up - started, 2), round(time.monotonic() - rolled_up, 2))
