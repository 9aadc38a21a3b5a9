"""A training that pgfeed.train_model() asks for: by the same functions as `pgfeed train`."""

from datetime import date
from functools import partial

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import room
from loader.learning.recipes import read_text
from loader.learning.training import train_and_store

EVENTS = "insert events into pgfeed.feed_events, or load them by pgfeed ingest"
IN_SQL = {
    "pgfeed ingest FILE...": EVENTS,
    "pgfeed ingest FILE... && pgfeed refresh": f"{EVENTS}; then: call pgfeed.refresh_features()",
    "pgfeed embed && pgfeed refresh":
        "call pgfeed.ask_for_embedding(); when a worker has done it: call pgfeed.refresh_features()",
    "pgfeed train VARIANT --negatives 100": "call pgfeed.train_model(VARIANT, 'negatives')",
    "pgfeed train control": "call pgfeed.train_model('control')",
}


def train(
    connection: Connection, variant: str, recipe: str | None, until: str | None, seed: int | None, memory: int
) -> int:
    """Train a variant and store it, inactive; return its version.

    recipe: by name or as TOML; None: the variant's own, else the one that suits the feed. until: a day, ISO. memory:
    bytes that it may take; PgfeedError before anything is loaded if it needs more.
    """
    try:
        version, _ = train_and_store(
            connection, variant, recipe, () if seed is None else (f"random_seed={seed}",), read=read_text,
            until=date.fromisoformat(until) if until else None, require=partial(room.require, most=memory),
        )
    except PgfeedError as error:
        raise PgfeedError(error.what, error.cause, IN_SQL.get(error.next or "", error.next)) from error
    return version
