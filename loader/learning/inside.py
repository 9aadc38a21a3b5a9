"""A training that pgfeed.train_model() asks for: by the same functions as `pgfeed train`."""

from datetime import date
from functools import partial

from psycopg2.extensions import connection as Connection

from loader.learning import room
from loader.learning.recipes import read_text
from loader.learning.training import train_and_store


def train(
    connection: Connection, variant: str, recipe: str | None, until: str | None, seed: int | None, memory: int
) -> int:
    """Train a variant and store it, inactive; return its version.

    recipe: by name or as TOML; None: the variant's own, else the one that suits the feed. until: a day, ISO. memory:
    bytes that it may take; PgfeedError before anything is loaded if it needs more.
    """
    version, _ = train_and_store(
        connection, variant, recipe, () if seed is None else (f"random_seed={seed}",), read=read_text,
        until=date.fromisoformat(until) if until else None, require=partial(room.require, most=memory),
    )
    return version
