"""A training that pgfeed.train_model() asks for: by the same functions as `pgfeed train`."""

import re
from datetime import date
from functools import partial

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import room
from loader.learning.recipes import read_text
from loader.learning.training import train_and_store

EVENTS = "insert events into pgfeed.feed_events, or load them in a shell: pgfeed ingest"
IN_SQL = (
    (r"pgfeed ingest FILE\.\.\.(?: with newer events)?", EVENTS),
    (r"pgfeed embed && ", "call pgfeed.ask_for_embedding(); when a worker has done it: "),
    (r"(?: &&|, then) (?=pgfeed )", "; then: "),
    (r"pgfeed refresh\b", "call pgfeed.refresh_features()"),
    (r"pgfeed train (\S+) --recipe (\w+) --set \.\.\.", "call pgfeed.train_model('{0}', '{1}', seed => 1)"),
    (r"pgfeed train (\S+) --recipe (\w+)", "call pgfeed.train_model('{0}', '{1}')"),
    (r"pgfeed train (\S+) --negatives 100", "call pgfeed.train_model('{0}', 'negatives')"),
    (r"pgfeed train (\S+)(?: --activate)?", "call pgfeed.train_model('{0}')"),
    (r"^(?!.*in a shell)(.*: )?(?=pgfeed \w)", "{0}in a shell, "),
)


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
        raise PgfeedError(error.what, error.cause and in_sql(error.cause), error.next and in_sql(error.next)) from error
    return version


def in_sql(remedy: str) -> str:
    """Return a remedy with statements in place of verbs; those that only a shell has say so."""
    for verb, statement in IN_SQL:
        while match := re.search(verb, remedy):
            remedy = remedy[: match.start()] + statement.format(*match.groups("")) + remedy[match.end() :]
    return remedy
