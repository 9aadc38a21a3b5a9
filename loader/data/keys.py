"""Keys that are not integers: the ids of users and posts that have them, and the keys to keep."""

import hashlib
from collections.abc import Callable
from uuid import UUID

import numpy as np
import psycopg2.extensions
import pyarrow as pa

from loader.data.batches import Batch, Source
from loader.data.values import parse_short, shown
from loader.errors import PgfeedError

KINDS = {"user_id": "users", "post_id": "posts"}
CHOICES = {"text": ("users", "posts"), "users": ("users",), "posts": ("posts",)}
INTEGERS = ("smallint", "integer", "bigint")
KEY_BYTES = 2000
KEPT_LIMIT = 5_000_000
# Citus cannot plan a list of no columns.
STATE = """
    select k.kind, pgfeed._key_type(k.kind), exists (select 1 from pgfeed.feed_events) or case k.kind
        when 'users' then exists (select 1 from pgfeed.users) else exists (select 1 from pgfeed.posts) end
    from (values ('users'), ('posts')) as k (kind)
"""
# Those of users and posts that are not there yet, too: of users, events are all that is known.
KEEP = {
    "users": """
        insert into pgfeed.users as t (user_id, key)
        select n.id, n.key from unnest(%s::bigint[], %s::text[]) as n (id, key) order by n.id
        on conflict (user_id) do update set key = excluded.key where t.key is null
    """,
    "posts": """
        insert into pgfeed.posts as t (post_id, key)
        select n.id, n.key from unnest(%s::bigint[], %s::text[]) as n (id, key)
        where not exists (select from pgfeed.deleted_posts as d where d.post_id = n.id)
        order by n.id
        on conflict (post_id) do update set key = excluded.key where t.key is null
    """,
}
CLASH = """
    select n.key, t.key
    from unnest(%s::bigint[], %s::text[]) as n (id, key) join pgfeed.{kind} as t on t.{id} = n.id and t.key <> n.key
    limit 1
"""


def key_id(key: str) -> int:
    """Return the id of a key that is not an integer, as pgfeed._key_id() does."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") & (2**63 - 1)


def parse_text(value: object) -> str:
    key = parse_short(value, KEY_BYTES)
    if key is None:
        raise ValueError("is missing")
    return key


def parse_uuid(value: object) -> str:
    """Return a uuid as Postgres writes it."""
    text = parse_text(value)
    try:
        return str(UUID(text.strip()))
    except ValueError:
        raise ValueError(f"{shown(text)} is not a uuid") from None


def with_ids(batch: Batch, types: dict[str, str], name: str) -> tuple[Batch, dict[str, dict[int, str]]]:
    """Return a batch of the source `name` with ids for the keys of `types`, and the keys by kind and id.

    types: uuid or text, by column. Rows without such a key are malformed.
    """
    columns, malformed = dict(batch.columns), list(batch.malformed)
    kept, keys = np.ones(len(batch.lines), bool), {}
    for column, type_ in types.items():
        if not pa.types.is_string(columns[column].type) and not pa.types.is_null(columns[column].type):
            raise PgfeedError(
                f"{column} of {name} has the type {columns[column].type}",
                f"the {KINDS[column]} of this database have keys of the type {type_}", "write the keys as texts",
            )
        ids, keys[KINDS[column]], reasons = ids_of(columns[column], parse_uuid if type_ == "uuid" else parse_text)
        for i, reason in reasons.items():
            if kept[i]:
                malformed.append((int(batch.lines[i]), f"{column}: {reason}", batch.content(i)))
        kept[list(reasons)] = False
        columns[column] = pa.array(ids)
    places = np.flatnonzero(kept)
    columns = {column: values.take(pa.array(places)) for column, values in columns.items()}
    return Batch(
        columns, batch.lines[places], lambda i: batch.content(int(places[i])), malformed, batch.advance
    ), keys


def ids_of(array: pa.Array, parse: Callable[[object], str]) -> tuple[np.ndarray, dict[int, str], dict[int, str]]:
    """Return ids, int64, of an array of texts, their keys by id, and the reasons why some have none, by place."""
    encoded = array.cast(pa.string()).dictionary_encode()
    ids: list[int] = []
    keys: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for value in [*encoded.dictionary.to_pylist(), None]:
        try:
            key = parse(value)
            if keys.setdefault(key_id(key), key) != key:
                raise ValueError(f"{shown(key)} has the id of {shown(keys[key_id(key)])}")
            ids.append(key_id(key))
        except ValueError as error:
            reasons[len(ids)] = str(error)
            ids.append(0)
    codes = encoded.indices.fill_null(len(ids) - 1).to_numpy(zero_copy_only=False)
    bad = np.flatnonzero(np.isin(codes, list(reasons)))
    return np.array(ids, np.int64)[codes], keys, {int(i): reasons[int(codes[i])] for i in bad}


class Keys:
    """The keys of one load: their types, and which are kept already."""

    def __init__(self, choice: str | None) -> None:
        self.choice = choice
        self.types: dict[str, str] = {}  # by column
        self.may_be_text = False
        self.kept: dict[str, set[int]] = {kind: set() for kind in KINDS.values()}

    def open(self, cursor: psycopg2.extensions.cursor, source: Source) -> None:
        """Find the types of a source's keys; raise if there are integers where texts are asked for."""
        cursor.execute(STATE)
        asked = CHOICES[self.choice] if self.choice else ()
        for kind, type_, has_rows in cursor.fetchall():
            column = f"{kind[:-1]}_id"
            if column not in source.header:
                continue
            if type_ not in INTEGERS:
                self.types[column] = type_
            elif kind in asked and has_rows:
                raise PgfeedError(
                    f"the {kind} of this database have integer keys", f"--keys {self.choice} would mix texts with them",
                    "leave --keys away, or name whose keys are texts: --keys users or --keys posts",
                )
            elif kind in asked:
                self.types[column] = "text"
            else:
                self.may_be_text |= not has_rows
        source.text_keys = frozenset(self.types)

    def keep(self, cursor: psycopg2.extensions.cursor, keys: dict[str, dict[int, str]]) -> None:
        """Write the keys of loaded rows; raise if two keys have one id."""
        for kind, by_id in keys.items():
            new = [i for i in by_id if i not in self.kept[kind]]
            values = (new, [by_id[i] for i in new])
            if new:
                cursor.execute(KEEP[kind], values)
                cursor.execute(CLASH.format(kind=kind, id=f"{kind[:-1]}_id"), values)
                for mine, other in cursor.fetchall():
                    raise PgfeedError(f"the keys {shown(mine)} and {shown(other)} of {kind} have one id",
                                      "63 bits of their SHA-256 are equal", "give one of the two another key")

    def remember(self, keys: dict[str, dict[int, str]]) -> None:
        """Note keys that are committed."""
        for kind, by_id in keys.items():
            if len(self.kept[kind]) > KEPT_LIMIT:
                self.kept[kind].clear()
            self.kept[kind] |= by_id.keys()


def require_integers(name: str, rejects: list[tuple[int, str, str]], count: int) -> None:
    """Raise if no row of a chunk has integer keys."""
    wrong = [r for r in rejects if r[1].startswith(("user_id: ", "post_id: ")) and r[1].endswith("is not an integer")]
    if count and len(wrong) == count:
        line, reason, _ = min(wrong)
        raise PgfeedError(f"the keys of {name} are not integers", f"at {line}, {reason}",
                          "run the same command with --keys text")
