"""Scores that another program computed, in a relation of this database: user_id, post_id, ts, score."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.impressions import Impressions
from loader.learning.requests import Request, Scorer
from loader.terminal import counted
from plpy.pack import Pack

COLUMNS = {"user_id": "bigint", "post_id": "bigint", "ts": "timestamptz", "score": "float8"}


@dataclass
class Outside:
    """The scores of a relation by user, post and moment (unix seconds); the higher, the better."""

    relation: str
    scores: dict[tuple[int, int, float], float]

    def of_views(self, rows: Impressions) -> np.ndarray:
        """Return the score of each impression, whose ts is the moment of the view."""
        keys = list(zip(rows.user_ids.tolist(), rows.post_ids.tolist(), rows.at.tolist()))
        missing = [key for key in keys if key not in self.scores]
        if missing:
            user_id, post_id, at = missing[0]
            raise self.unmatched(
                f"it has no score for {len(missing):,} of {counted(len(keys), 'view')}, such as that of post {post_id}"
                f" by user {user_id} at {moment_of(at)}",
                "pgfeed evaluate --help",
            )
        return np.array([self.scores[key] for key in keys])

    def scorer(self, at: float, user_ids: list[int]) -> Scorer:
        """Return a scorer of requests at a moment; posts without a score come last, but each user must have some."""
        by_user: dict[int, tuple[list[int], list[float]]] = {}
        for (user_id, post_id, moment), value in self.scores.items():
            if moment == at:
                post_ids, values = by_user.setdefault(user_id, ([], []))
                post_ids.append(post_id)
                values.append(value)
        missing = [user_id for user_id in user_ids if user_id not in by_user]
        if missing:
            raise self.unmatched(
                f"full ranks all posts as of {moment_of(at)}, and it has no score of that ts for {len(missing):,} of"
                f" {counted(len(user_ids), 'user')}, such as {missing[0]}",
                "score all posts for them, or pgfeed evaluate logged",
            )

        def score(request: Request, pack: Pack, columns: dict) -> np.ndarray:
            post_ids, values = by_user[request.user_id]
            places = pack.locate(np.array(post_ids))
            found = np.full(len(pack), -np.finfo(np.float64).max)
            found[places[places >= 0]] = np.array(values)[places >= 0]
            return found

        return score

    def unmatched(self, cause: str, following: str) -> PgfeedError:
        """Return the error about rows that are not there."""
        return PgfeedError(f"the scores of {self.relation} do not match", cause, following)


def moment_of(at: float) -> str:
    """Return unix seconds as a moment in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")


def load(connection: Connection, relation: str, since: datetime) -> Outside:
    """Return the scores of a relation from a moment on."""
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
            cursor.execute(sql.SQL(
                "select s.user_id::bigint, s.post_id::bigint, extract(epoch from s.ts::timestamptz)::float8,"
                " s.score::float8 from {} as s where s.ts::timestamptz >= %s"
            ).format(table), [since])
            rows = cursor.fetchall()
        except (psycopg2.DataError, psycopg2.errors.CannotCoerce) as error:
            cause = error.diag.message_primary
            raise PgfeedError(what, cause, f"its columns are {', '.join(COLUMNS)}, of numbers and a moment") from error
    if any(None in row or not np.isfinite(row[3]) for row in rows):
        raise PgfeedError(what, "a row has a null or a score that is no number", "leave such rows out in a view")
    scores = {row[:3]: row[3] for row in rows}
    if len(scores) < len(rows):
        raise PgfeedError(what, f"it has {counted(len(rows) - len(scores), 'row')} of the same user, post and ts as"
                                " another row", "keep one score of each")
    return Outside(relation, scores)
