"""Scores that another program computed, in a relation of this database: user_id, post_id, ts, score."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.impressions import Impressions
from loader.learning.requests import Request, Scorer
from loader.terminal import counted
from plpy.columns import int8s
from plpy.pack import Pack

COLUMNS = {"user_id": "bigint", "post_id": "bigint", "ts": "timestamptz", "score": "float8"}
ROWS = (
    "(select user_id::bigint as user_id, post_id::bigint as post_id, ts::timestamptz as ts, score::float8 as score"
    " from {}) as s"
)
CHECKED = f"""
    select
        count(*) filter (where num_nulls(s.user_id, s.post_id, s.ts, s.score) > 0
            or s.score in ('NaN', 'Infinity', '-Infinity')),
        count(*) - count(distinct (s.user_id, s.post_id, s.ts))
    from {ROWS} where s.ts >= %s or s.ts is null
"""
AT = "extract(epoch from s.ts)::float8"
OF_VIEWS = f"""
    select v.number, s.score
    from unnest(%s::bigint[], %s::bigint[], %s::float8[]) with ordinality as v (user_id, post_id, at, number)
    join {ROWS} on s.user_id = v.user_id and s.post_id = v.post_id and {AT} = v.at
    where s.ts >= %s::date::timestamp at time zone 'UTC'
"""
USERS_AT = f"select distinct s.user_id from {ROWS} where {AT} = %s"
OF_USERS = f"""
    select s.user_id, string_agg(int8send(s.post_id), ''), string_agg(float8send(s.score), '')
    from {ROWS} where {AT} = %s and s.user_id = any(%s) group by s.user_id order by s.user_id
"""


@dataclass
class Outside:
    """The scores of a relation by user, post and ts; the higher, the better. They are read as they are asked for."""

    connection: Connection
    relation: str
    table: sql.SQL

    def of_views(self, rows: Impressions) -> np.ndarray:
        """Return the score of each impression, whose ts is the moment of the view."""
        scores = np.full(len(rows.at), np.nan)
        for day in np.unique(rows.days):
            of_day = np.flatnonzero(rows.days == day)
            keys = (rows.user_ids, rows.post_ids, rows.at)
            with self.connection, self.connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL(OF_VIEWS).format(self.table), [*(key[of_day].tolist() for key in keys), day.item()]
                )
                for number, score in cursor.fetchall():
                    scores[of_day[number - 1]] = score
        missing = np.flatnonzero(np.isnan(scores))
        if len(missing):
            first = missing[0]
            raise self.unmatched(
                f"it has no score for {len(missing):,} of {counted(len(scores), 'view')}, such as that of post"
                f" {rows.post_ids[first]} by user {rows.user_ids[first]} at {moment_of(rows.at[first])}",
                "pgfeed evaluate --help",
            )
        return scores

    def scorer(self, at: float, user_ids: list[int]) -> Scorer:
        """Return a scorer of requests at a moment; posts without a score come last, but each user must have some.

        The requests come in the ascending order of their users, one of each.
        """
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(sql.SQL(USERS_AT).format(self.table), [at])
            known = {user_id for (user_id,) in cursor.fetchall()}
        missing = [user_id for user_id in user_ids if user_id not in known]
        if missing:
            raise self.unmatched(
                f"full ranks all posts as of {moment_of(at)}, and it has no score of that ts for {len(missing):,} of"
                f" {counted(len(user_ids), 'user')}, such as {missing[0]}",
                "score all posts for them, or pgfeed evaluate logged",
            )
        of_users = self.of_users(at, user_ids)

        def score(request: Request, pack: Pack, columns: dict) -> np.ndarray:
            post_ids, values = next(found for user_id, *found in of_users if user_id == request.user_id)
            places = pack.locate(int8s(post_ids))
            found = np.full(len(pack), -np.finfo(np.float64).max)
            found[places[places >= 0]] = np.frombuffer(values, ">f8")[places >= 0]
            return found

        return score

    def of_users(self, at: float, user_ids: list[int]) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield the users in ascending order: their posts and scores of a moment, as int8send() and float8send()."""
        with self.connection.cursor(f"scores_{uuid4().hex}", withhold=True) as cursor:
            cursor.execute(sql.SQL(OF_USERS).format(self.table), [at, user_ids])
            self.connection.commit()
            while rows := cursor.fetchmany(10):
                yield from rows

    def unmatched(self, cause: str, following: str) -> PgfeedError:
        """Return the error about rows that are not there."""
        return PgfeedError(f"the scores of {self.relation} do not match", cause, following)


def moment_of(at: float) -> str:
    """Return unix seconds as a moment in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")


def load(connection: Connection, relation: str, since: datetime) -> Outside:
    """Return the scores of a relation, which are checked from a moment on."""
    what = f"cannot take scores from {relation}"
    with connection, connection.cursor() as cursor:
        cursor.execute("set local timezone = 'UTC'")
        cursor.execute("select pgfeed._relation_named(%s)::oid", [relation])
        oid = cursor.fetchone()[0]
        if oid is None:
            raise PgfeedError(what, "there is no such table or view", "name it with its schema: app.scores")
        cursor.execute(
            "select attname from pg_attribute where attrelid = %s and attnum > 0 and not attisdropped", [oid]
        )
        present = {name for (name,) in cursor.fetchall()}
        lacking = [name for name in COLUMNS if name not in present]
        if lacking:
            columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
            raise PgfeedError(what, f"it has no column {', '.join(lacking)}", f"make a view with {columns}")
        cursor.execute("select %s::regclass::text", [oid])
        table = sql.SQL(cursor.fetchone()[0].replace("%", "%%"))
        try:
            cursor.execute(sql.SQL(CHECKED).format(table), [since])
            unusable, repeated = cursor.fetchone()
        except (psycopg2.DataError, psycopg2.errors.CannotCoerce) as error:
            cause = error.diag.message_primary
            raise PgfeedError(what, cause, f"its columns are {', '.join(COLUMNS)}, of numbers and a moment") from error
    if unusable:
        raise PgfeedError(what, "a row has a null or a score that is no number", "leave such rows out in a view")
    if repeated:
        raise PgfeedError(what, f"it has {counted(repeated, 'row')} of the same user, post and ts as another row",
                          "keep one score of each")
    return Outside(connection, relation, table)
