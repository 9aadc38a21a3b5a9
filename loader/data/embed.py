"""Embeddings of the posts' texts in pgvector, and their 25 principal components.

Only new and changed texts are embedded, a batch per transaction, so interrupted work goes on where it stopped. Another
embedder's vectors are built beside the active one's, which answer until the new ones take over in one transaction.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from loader.data.components import COMPONENTS, fit_axes, rebuild
from loader.data.embedders import Embedder
from loader.data.vector_index import build_component_index, build_index, index_name
from loader.errors import PgfeedError
from loader.server.db import placed
from loader.terminal import progress, status

BATCH = 128
# A text of white space alone is no text.
OF_TEXT = r"p.text ~ '[^[:space:]]'"
TODO = f"""
    select p.post_id
    from pgfeed._post_texts() as p
    left join pgfeed.post_embeddings as e on e.embedder_id = %s and e.post_id = p.post_id
    where {OF_TEXT} and e.text_digest is distinct from md5(p.text)::uuid
    order by p.post_id
"""
TEXTS = f"""
    select p.post_id, left(p.text, %s), md5(p.text) from pgfeed._post_texts(%s) as p where {OF_TEXT} order by p.post_id
"""
STORE = """
    insert into pgfeed.post_embeddings as e (embedder_id, dimensions, post_id, text_digest, embedding)
    select v.embedder_id, v.dimensions, p.post_id, v.text_digest::uuid, v.embedding::public.halfvec
    from (values %s) as v (embedder_id, dimensions, post_id, text_digest, embedding)
    inner join pgfeed.posts as p on p.post_id = v.post_id
    for key share of p
    on conflict (embedder_id, post_id) do update set text_digest = excluded.text_digest, embedding = excluded.embedding
"""


@dataclass
class Embedding:
    """What one run did."""

    embedder: str
    checkpoint: str
    dimensions: int
    post_count: int
    embedded_count: int
    removed_count: int
    without_text_count: int
    seconds: float
    explained_variance: float | None
    fitted_post_count: int | None
    is_refitted: bool
    is_indexed: bool
    replaced: str | None

    as_dict = asdict

    def text(self) -> str:
        """Return what a person wants to know."""
        if not self.post_count:
            return "no post has a text yet. Next: pgfeed ingest FILE..."
        rate = f" ({self.embedded_count / self.seconds:,.0f} a second)" if self.embedded_count else ""
        share = "no variance" if self.explained_variance is None else f"{self.explained_variance:.1%} of the variance"
        axes = "the principal axes are new: models trained with components must be trained again"
        following = "Next, to take the components into the features: pgfeed refresh"
        return "\n".join(filter(None, [
            f"{self.post_count:,} posts have embeddings of {self.embedder}, {self.dimensions} numbers each",
            f"embedded {self.embedded_count:,}, removed {self.removed_count:,},"
            f" without text {self.without_text_count:,}; {self.seconds:.1f} s{rate}",
            f"{COMPONENTS} principal components, fitted on {self.fitted_post_count:,} posts, keep {share}",
            axes if self.is_refitted else None,
            f"replaced the embeddings of {self.replaced}" if self.replaced else None,
            following if self.embedded_count or self.removed_count or self.is_refitted else None,
        ]))


def unit_vectors(vectors: np.ndarray, dimensions: int, post_ids: list[int]) -> np.ndarray:
    """Return the vectors (posts, dimensions) at length 1; refuse what has no direction."""
    if vectors.shape != (len(post_ids), dimensions):
        raise PgfeedError(
            f"the embedder gave vectors of shape {vectors.shape} instead of {(len(post_ids), dimensions)}",
            "its dimensions are not what it says", "choose another embedder",
        )
    vectors = vectors.astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1)
    bad = ~np.isfinite(norms) | (norms == 0)
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        what = "a zero vector" if norms[place] == 0 else "NaN or infinity"
        raise PgfeedError(
            f"the text of post {post_ids[place]} cannot be embedded", f"the embedder gave {what}",
            "choose another embedder; what was embedded before stays",
        )
    return vectors / norms[:, None]


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Hold the lock of embedding; refuse when another session has it."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext('pgfeed.embed'))")
        if not cursor.fetchone()[0]:
            raise PgfeedError("posts are being embedded already", "another session is at it",
                              "run the same command when it has ended")
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()
            with connection, connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(hashtext('pgfeed.embed'))")


def register(connection: Connection, embedder: Embedder) -> int:
    """Return the embedder's id; make its row if it has none."""
    key = [embedder.name, embedder.checkpoint]
    with connection, connection.cursor() as cursor:
        cursor.execute("select embedder_id, dimensions from pgfeed.embedders where name = %s and checkpoint = %s", key)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "insert into pgfeed.embedders (name, checkpoint, dimensions) values (%s, %s, %s)"
                " returning embedder_id, dimensions",
                [*key, embedder.dimensions],
            )
            row = cursor.fetchone()
    if row[1] != embedder.dimensions:
        raise PgfeedError(
            f"the embedder {embedder.name} gives {embedder.dimensions} dimensions", f"its stored vectors have {row[1]}",
            "give the changed model another name",
        )
    return row[0]


def remove_stale(connection: Connection, embedder_id: int) -> int:
    """Delete vectors of posts that no longer have a text; return how many. (Those of deleted posts went with them.)"""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "delete from pgfeed.post_embeddings as e using pgfeed._post_texts() as p"
            f" where e.embedder_id = %s and p.post_id = e.post_id and ({OF_TEXT}) is not true",
            [embedder_id],
        )
        removed = cursor.rowcount
        if removed:
            cursor.execute("update pgfeed.embedders set finished_at = null where embedder_id = %s", [embedder_id])
    return removed


def embed_texts(connection: Connection, embedder: Embedder, embedder_id: int) -> int:
    """Embed new and changed texts, a batch per transaction; return how many."""
    with connection, connection.cursor() as cursor:
        cursor.execute(TODO, [embedder_id])
        todo = [post_id for (post_id,) in cursor.fetchall()]
    done = 0
    with progress("embedding posts", len(todo)) as advance:
        for start in range(0, len(todo), BATCH):
            with connection, connection.cursor() as cursor:
                cursor.execute(TEXTS, [embedder.characters, todo[start:start + BATCH]])
                rows = cursor.fetchall()
            if not rows:  # they are gone
                continue
            post_ids = [row[0] for row in rows]
            vectors = unit_vectors(embedder.encode([row[1] for row in rows]), embedder.dimensions, post_ids)
            with connection, connection.cursor() as cursor:
                cursor.execute("update pgfeed.embedders set finished_at = null where embedder_id = %s", [embedder_id])
                execute_values(cursor, placed(cursor, STORE), [
                    (embedder_id, embedder.dimensions, post_id, digest,
                     "[" + ",".join(f"{x:.6g}" for x in vector) + "]")
                    for (post_id, _, digest), vector in zip(rows, vectors)
                ], page_size=BATCH)
            done += len(rows)
            advance(len(rows))
    return done


def take_over(cursor, embedder_id: int) -> str | None:
    """Let this embedder answer and delete the others' vectors; return the name of the one that answered before."""
    cursor.execute("select name from pgfeed.embedders where is_active and embedder_id <> %s", [embedder_id])
    replaced = cursor.fetchone()
    cursor.execute("delete from pgfeed.embedders where embedder_id <> %s returning embedder_id", [embedder_id])
    others = cursor.fetchall()
    cursor.execute("update pgfeed.embedders set is_active = true where embedder_id = %s and not is_active",
                   [embedder_id])
    for (other,) in others:
        cursor.execute(f"drop index if exists pgfeed.{index_name(other)}")
    return replaced and replaced[0]


def embed(connection: Connection, embedder: Embedder, is_refitted: bool = False) -> Embedding:
    """Bring embeddings and components up to date with the posts' texts, and let this embedder answer."""
    started = time.monotonic()
    with alone(connection):
        embedder_id = register(connection, embedder)
        removed = remove_stale(connection, embedder_id)
        embedded = embed_texts(connection, embedder, embedder_id)
        with connection, connection.cursor() as cursor:
            cursor.execute("analyze pgfeed.post_embeddings")
        is_indexed = build_index(connection, embedder_id, embedder.dimensions)
        replaced = None
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "select finished_at is not null, is_active, coalesce(fitted_post_count, 0) = 0, explained_variance"
                " from pgfeed.embedders where embedder_id = %s", [embedder_id],
            )
            is_finished, is_active, is_unfitted, explained = cursor.fetchone()
            is_refitted = is_refitted or is_unfitted
            if not is_finished or not is_active or is_refitted:
                with status("computing the principal components"):
                    if is_refitted:
                        fit_axes(cursor, embedder_id, embedder.dimensions)
                    explained = rebuild(cursor, embedder_id, embedder.dimensions)
                replaced = take_over(cursor, embedder_id)
                cursor.execute("select clock_timestamp()")  # Citus takes no volatile function in the update
                cursor.execute(
                    "update pgfeed.embedders set finished_at = %s, explained_variance = %s where embedder_id = %s",
                    [cursor.fetchone()[0], explained, embedder_id],
                )
        build_component_index(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute("analyze pgfeed.post_components")
            cursor.execute(
                "select (select count(*) from pgfeed.post_embeddings as e where e.embedder_id = %(id)s),"
                f" (select count(*) from pgfeed._post_texts() as p where ({OF_TEXT}) is not true),"
                " (select e.fitted_post_count from pgfeed.embedders as e where e.embedder_id = %(id)s)",
                {"id": embedder_id},
            )
            posts, without_text, fitted = cursor.fetchone()
    return Embedding(
        embedder.name, embedder.checkpoint, embedder.dimensions, posts, embedded, removed, without_text,
        round(time.monotonic() - started, 2), explained, fitted, is_refitted, is_indexed, replaced,
    )
