"""Groups of users by what is known of them: a column of users, or an own feature."""

import numpy as np
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.features import load_attributes

COLUMNS = ("gender", "age", "country", "city", "exp_group", "os", "source")
MOST_GROUPS = 10
UNKNOWN = "unknown"


def require(connection: Connection, name: str) -> None:
    """Raise unless users can be grouped by this feature."""
    with connection, connection.cursor() as cursor:
        attributes = [attribute for attribute in load_attributes(cursor) if attribute.startswith("user.")]
    known = [*(f"user.{column}" for column in COLUMNS), *attributes]
    if name not in known:
        raise PgfeedError(f"users cannot be grouped by {name}", f"known: {', '.join(known)}", "pgfeed evaluate --help")


def groups_of(connection: Connection, name: str, user_ids: np.ndarray) -> np.ndarray:
    """Return the name of each user's group: the value, a quarter of many numbers, or one of the ten most frequent."""
    column = name.partition(".")[2]
    value = sql.Identifier(column) if column in COLUMNS else sql.SQL("attributes ->> {}").format(sql.Literal(column))
    with connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("select user_id, ({})::text from pgfeed.users where user_id = any(%s)").format(value),
            [np.unique(user_ids).tolist()],
        )
        values = {user_id: text for user_id, text in cursor.fetchall() if text}
    return np.array(named([values.get(user_id) for user_id in user_ids.tolist()]))


def named(values: list[str | None]) -> list[str]:
    """Return the names of groups for values, None: unknown."""
    known = [value for value in values if value is not None]
    names, counts = np.unique(known, return_counts=True) if known else (np.empty(0, str), np.empty(0, int))
    if len(names) <= MOST_GROUPS:
        return [UNKNOWN if value is None else value for value in values]
    try:
        numbers = np.array([np.nan if value is None else float(value) for value in values])
    except ValueError:
        kept = set(names[np.argsort(-counts, kind="stable")[:MOST_GROUPS]])
        return [UNKNOWN if value is None else value if value in kept else "others" for value in values]
    ends = np.unique(np.nanquantile(numbers, [0, 0.25, 0.5, 0.75, 1], method="lower"))
    quarter = np.searchsorted(ends[1:-1], numbers, "right")
    return [UNKNOWN if np.isnan(n) else f"{ends[q]:g} to {ends[q + 1]:g}" for n, q in zip(numbers, quarter)]
