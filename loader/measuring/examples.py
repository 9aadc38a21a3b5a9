"""What a recipe learns from and is measured on, as a file for any other program."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.data.writing import columns_writer
from loader.errors import PgfeedError
from loader.learning.feature_names import feature_names
from loader.learning.impressions import Impressions
from loader.learning.recipes import Recipe
from loader.learning.registry import ENCODERS_KEY
from loader.learning.split import load as load_split
from loader.learning.train import load_history, logit, nuisance
from loader.measuring.logged import load_held_out, with_enough_views

SUFFIXES = (".parquet", ".csv")


@dataclass
class Part:
    """The impressions of one split, with the offset of each: its log-odds without what belongs to the post."""

    split: str
    rows: Impressions
    offset: np.ndarray


def require_path(path: Path) -> None:
    """Raise unless examples can be written to this file."""
    if path.suffix not in SUFFIXES:
        raise PgfeedError(f"cannot write {path}", f"its name ends with none of {', '.join(SUFFIXES)}",
                          "name a file such as train.parquet")
    if not path.resolve().parent.is_dir():
        raise PgfeedError(f"cannot write {path}", "its folder is not there", "name another file")


def collect(connection: Connection, variant: str, recipe: Recipe) -> tuple[list[Part], dict]:
    """Return the examples of a recipe by split (train, validation, held_out), and the codes of categories.

    The held-out days are as evaluate logged takes them. Their offset knows no label of theirs: it lacks the effect of
    the day.
    """
    split = load_split(connection)
    names = feature_names(connection, variant, split, recipe)
    history = load_history(connection, split, names, recipe)
    held_out = with_enough_views(load_held_out(connection, split, names, history.encoders))
    offset, effects = nuisance(history.training, offsets=recipe.offsets)
    of_validation, _ = nuisance(history.validation, effects, recipe.offsets)
    of_held_out, _ = nuisance(held_out, effects, [name for name in recipe.offsets if name != "day"])
    of_held_out += logit(history.training.is_liked.mean()) - logit(held_out.is_liked.mean())
    parts = [
        Part("train", history.training, offset), Part("validation", history.validation, of_validation),
        Part("held_out", held_out, of_held_out),
    ]
    return parts, history.encoders


def tables(parts: list[Part]) -> Iterator:
    """Yield a pyarrow table of each part; request numbers the user-days of all of them."""
    import pyarrow as pa

    first = 0
    for part in parts:
        rows = part.rows
        request = np.unique(rows.request, return_inverse=True)[1] + first
        first = int(request[-1]) + 1
        columns = {
            "split": pa.array(np.full(len(request), part.split)), "request": pa.array(request),
            "user_id": pa.array(rows.user_ids), "post_id": pa.array(rows.post_ids),
            "ts": pa.array(np.round(rows.at * 1e6).astype(np.int64)).cast(pa.timestamp("us", tz="UTC")),
            "position": pa.array(rows.position), "is_liked": pa.array(rows.is_liked), "weight": pa.array(rows.weight),
            "offset": pa.array(part.offset),
        }
        columns |= {name: pa.array(rows.column(name)) for name in rows.names}
        yield pa.table(columns)


def write(path: Path, parts: list[Part], encoders: dict) -> None:
    """Write examples to a .parquet file, with the codes of categories in its metadata, or to a .csv file."""
    schema = next(tables(parts[:1])).schema.with_metadata({ENCODERS_KEY: json.dumps(encoders, ensure_ascii=True)})
    with columns_writer(path, schema) as writer:
        for table in tables(parts):
            writer.write_table(table.cast(schema))
