"""What a version that was never served would have had of likes, from lists of feeds that explore."""

from collections.abc import Sequence
from datetime import datetime

from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor
from rich.table import Table

from loader.terminal import table

PROTOCOL = "off-policy"
MOST = 20_000  # as in SQL


def judge(
    connection: Connection, model: str, feed: str | None, from_at: datetime | None = None, most: int = MOST,
) -> list[dict]:
    """Return the rows of off_policy_report() for VARIANT[@VERSION]."""
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(
            "select * from pgfeed.off_policy_report(%s, from_at => %s, feed => %s, most => %s)",
            [model, from_at, feed, most],
        )
        return [dict(row) for row in cursor.fetchall()]


def verdict(model: str, rows: Sequence[dict]) -> str:
    """Return in one sentence why nothing is known, or what is."""
    refusal = next((row["refusal"] for row in rows if row["refusal"]), None)
    if refusal:
        return f"{model} is not judged: {refusal}. See: docs/how-to/explore-and-judge-offline.md"
    best = next(row for row in rows if row["metric"] == "likes per list" and row["estimator"] == "doubly robust")
    served = next(row for row in rows if row["metric"] == "likes per list" and row["estimator"] == "logged")
    told = f"{model} would have had {best['value']:.3f} likes per list ({best['low']:.3f} to {best['high']:.3f})"
    return f"{told}; what was served had {served['value']:.3f}."


def has_figures(rows: Sequence[dict]) -> bool:
    """Return whether there is a figure at all: of what was served, if no other."""
    return any(row["value"] is not None for row in rows)


def figures(model: str, rows: Sequence[dict]) -> Table:
    """Return the estimates for a terminal."""
    lines = [
        (
            row["metric"], row["estimator"], f"{row['value']:.4f}", f"{row['low']:.4f} to {row['high']:.4f}",
        )
        for row in rows if row["value"] is not None
    ]
    first = rows[0]
    title = f"{model}: {first['list_count']:,} lists of {first['user_count']:,} users"
    if first["effective_size"] is not None:
        title += f", worth {first['effective_size']:,.0f} of its own; support {first['support']:.2f}"
    return table(title, ["metric", "estimator", "value", "95% interval"], lines, ["value", "95% interval"])
