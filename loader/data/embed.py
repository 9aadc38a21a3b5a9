"""Embeddings of the posts' texts in pgvector, and their 25 principal components.

Only new and changed texts are embedded, a batch per transaction, so interrupted work goes on where it stopped. Another
embedder's vectors are built beside the active one's, which answer until the new ones take over in one transaction.
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from loader.data.embedders import Embedder
from loader.errors import PgfeedError
from loader.server.db import outside_transaction
from loader.terminal import console, progress

COMPONENTS = 25
BATCH = 128
BLOCK = 20_000
FIT_POSTS = 50_000
INDEX_FROM = 25_000
COMPONENT_INDEX = "post_components_hnsw"
INDEX_MEMORY_MB = 4096
INDEX_LINK_BYTES = 900  # measured
LEAST_VARIANCE = 1e-9  # of an axis, relative to the first one; below it there is only rounding

# A text of white space alone is no text.
OF_TEXT = r"p.text ~ '\S'"
TODO = f"""
    from pgfeed.posts as p
    left join pgfeed.post_embeddings as e on e.embedder_id = %(embedder_id)s and e.post_id = p.post_id
    where {OF_TEXT} and e.text_digest is distinct from md5(p.text)::uuid
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
        return "\n".join(filter(None, [
            f"{self.post_count:,} posts have embeddings of {self.embedder}, {self.dimensions} numbers each",
            f"embedded {self.embedded_count:,}, removed {self.removed_count:,}, without text {self.without_text_count:,};"
            f" {self.seconds:.1f} s{rate}",
            f"{COMPONENTS} principal components, fitted on {self.fitted_post_count:,} posts, keep {share}",
            "the principal axes are new: models trained with components must be trained again" if self.is_refitted else None,
            f"replaced the embeddings of {self.replaced}" if self.replaced else None,
            "Next, to take the components into the features: pgfeed refresh" if self.embedded_count or self.removed_count or self.is_refitted else None,
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
            raise PgfeedError("posts are being embedded already", "another session is at it", "run the same command when it has ended")
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
                "insert into pgfeed.embedders (name, checkpoint, dimensions) values (%s, %s, %s) returning embedder_id, dimensions",
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
            "delete from pgfeed.post_embeddings as e using pgfeed.posts as p"
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
        cursor.execute(f"select count(*) {TODO}", {"embedder_id": embedder_id})
        todo = cursor.fetchone()[0]
    if not todo:
        return 0
    done, last = 0, -(2**63)
    with progress("embedding posts", todo) as advance:
        while True:
            with connection, connection.cursor() as cursor:
                cursor.execute(
                    f"select p.post_id, left(p.text, %(characters)s), md5(p.text) {TODO} and p.post_id >= %(first)s"
                    " order by p.post_id limit %(batch)s",
                    {"embedder_id": embedder_id, "characters": embedder.characters, "first": last, "batch": BATCH},
                )
                rows = cursor.fetchall()
            if not rows:
                return done
            post_ids = [row[0] for row in rows]
            vectors = unit_vectors(embedder.encode([row[1] for row in rows]), embedder.dimensions, post_ids)
            with connection, connection.cursor() as cursor:
                cursor.execute("update pgfeed.embedders set finished_at = null where embedder_id = %s", [embedder_id])
                execute_values(cursor, STORE, [
                    (embedder_id, embedder.dimensions, post_id, digest, "[" + ",".join(f"{x:.6g}" for x in vector) + "]")
                    for (post_id, _, digest), vector in zip(rows, vectors)
                ], page_size=BATCH)
            done += len(rows)
            advance(len(rows))
            if post_ids[-1] == 2**63 - 1:
                return done
            last = post_ids[-1] + 1


def binary_rows(content: bytes, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids and float32 vectors of a binary COPY of (bigint, halfvec)."""
    row = np.dtype([
        ("fields", ">i2"), ("id_bytes", ">i4"), ("post_id", ">i8"), ("vector_bytes", ">i4"),
        ("dimensions", ">i2"), ("unused", ">i2"), ("vector", ">f2", dimensions),
    ])
    rows = np.frombuffer(content, row, offset=19, count=(len(content) - 21) // row.itemsize)
    return rows["post_id"].astype(np.int64), rows["vector"].astype(np.float32)


def read_vectors(cursor, embedder_id: int, dimensions: int, rest: str) -> tuple[np.ndarray, np.ndarray]:
    """Return ids (n,) and vectors (n, dimensions), float32, of the embeddings that `rest` (SQL) chooses."""
    content = io.BytesIO()
    cursor.copy_expert(
        "copy (select e.post_id, e.embedding from pgfeed.post_embeddings as e"
        f" where e.embedder_id = {embedder_id:d} {rest}) to stdout (format binary)", content,
    )
    return binary_rows(content.getvalue(), dimensions)


def blocks(cursor, embedder_id: int, dimensions: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield ids and vectors of all embeddings by post_id, in blocks."""
    condition = ""
    while True:
        ids, vectors = read_vectors(cursor, embedder_id, dimensions, f"{condition} order by e.post_id limit {BLOCK}")
        if not len(ids):
            return
        yield ids, vectors
        condition = f"and e.post_id > {ids[-1]:d}"


def principal_axes(vectors: np.ndarray) -> np.ndarray:
    """Return the mean and the 25 principal axes of vectors (n, d), n > 0: float32 (26, d).

    Each axis's largest number is positive, so equal vectors give equal axes; axes without variance are 0.
    """
    vectors = vectors.astype(np.float64)
    mean = vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(vectors, rowvar=False, bias=True))
    variances, axes = variances[::-1][:COMPONENTS], axes.T[::-1][:COMPONENTS]
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    axes = axes * np.sign(largest)[:, None]
    axes[variances <= max(variances[0], 0) * LEAST_VARIANCE + 1e-12] = 0
    basis = np.zeros((COMPONENTS + 1, vectors.shape[1]), np.float32)
    basis[0], basis[1 : len(axes) + 1] = mean, axes
    return basis


def fit(cursor, embedder_id: int, dimensions: int) -> None:
    """Fit the principal axes on all posts, or on 50,000 of a larger catalogue, and store them."""
    cursor.execute("select count(*) from pgfeed.post_embeddings where embedder_id = %s", [embedder_id])
    sample = "" if cursor.fetchone()[0] <= FIT_POSTS else f"order by md5(e.post_id::text) limit {FIT_POSTS}"
    _, vectors = read_vectors(cursor, embedder_id, dimensions, sample or "order by e.post_id")
    basis = principal_axes(vectors) if len(vectors) else None
    cursor.execute(
        "update pgfeed.embedders set fitted_at = now(), fitted_post_count = %s, component_basis = %s where embedder_id = %s",
        [len(vectors), basis if basis is None else basis.astype(">f4").tobytes(), embedder_id],
    )


def rebuild_components(cursor, embedder_id: int, dimensions: int) -> float | None:
    """Write the components of all posts anew; return the share of variance that they keep."""
    cursor.execute("select component_basis from pgfeed.embedders where embedder_id = %s", [embedder_id])
    content = cursor.fetchone()[0]
    cursor.execute("delete from pgfeed.post_components")
    cursor.execute(f"drop index if exists pgfeed.{COMPONENT_INDEX}")
    # Packs of past days are made again with the new components.
    cursor.execute("delete from pgfeed.feature_packs as k where k.as_of <> pgfeed._refresh_as_of()")
    if content is None:
        return None
    basis = np.frombuffer(content, ">f4").reshape(COMPONENTS + 1, dimensions).astype(np.float64)
    kept = total = 0.0
    cursor.execute("create temp table embed_components (post_id bigint, components public.vector) on commit drop")
    for ids, vectors in blocks(cursor, embedder_id, dimensions):
        centred = vectors - basis[0]
        components = centred @ basis[1:].T
        kept += float((components**2).sum())
        total += float((centred**2).sum())
        lines = (f"{i}\t[{','.join(f'{x:.7g}' for x in row)}]\n" for i, row in zip(ids.tolist(), components.tolist()))
        cursor.copy_expert("copy pg_temp.embed_components from stdin", io.StringIO("".join(lines)))
    cursor.execute("""
        insert into pgfeed.post_components (post_id, components)
        select c.post_id, c.components
        from pg_temp.embed_components as c
        inner join pgfeed.posts as p on p.post_id = c.post_id
        order by c.post_id
        for key share of p
    """)
    # Of rounding alone there is no share.
    return kept / total if total > 1e-6 else None


def index_name(embedder_id: int) -> str:
    return f"post_embeddings_{embedder_id:d}_hnsw"


def build_index(connection: Connection, embedder_id: int, dimensions: int) -> bool:
    """Index a large catalogue's embeddings by HNSW; return whether there is an index."""
    vector = f"(embedding::public.halfvec({dimensions:d})) public.halfvec_cosine_ops"
    return build_hnsw(connection, index_name(embedder_id), "post_embeddings", vector, 2 * dimensions, f"embedder_id = {embedder_id:d}")


def build_component_index(connection: Connection) -> bool:
    """Index a large catalogue's components by HNSW; return whether there is an index."""
    return build_hnsw(connection, COMPONENT_INDEX, "post_components", "components public.vector_cosine_ops", 4 * COMPONENTS)


def build_hnsw(connection: Connection, name: str, table: str, vector: str, vector_bytes: int, condition: str = "") -> bool:
    """Make an index of the 25,000 or more rows of a table that meet a condition, if it is missing or invalid.

    vector: what is indexed, an expression and its operator class. Users are not blocked. Return whether there is an index.
    """
    where = f" where {condition}" if condition else ""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*) from pgfeed.{table}{where}")
        count = cursor.fetchone()[0]
        cursor.execute("select i.indisvalid from pg_index as i where i.indexrelid = to_regclass(%s)", [f"pgfeed.{name}"])
        is_valid = cursor.fetchone()
    if is_valid == (True,) or count < INDEX_FROM:
        return is_valid == (True,)
    with outside_transaction(connection), connection.cursor() as cursor, console.status(f"indexing {count:,} vectors"):
        cursor.execute(f"drop index if exists pgfeed.{name}")
        # Parallel builds of pgvector before 0.8.2 can overflow.
        cursor.execute("set max_parallel_maintenance_workers = 0")
        # The whole graph in memory, where it fits: many times faster.
        megabytes = min(count * (vector_bytes + INDEX_LINK_BYTES) // 10**6 + 64, INDEX_MEMORY_MB)
        cursor.execute(
            "select set_config('maintenance_work_mem', %s || 'MB', false)"
            " where pg_size_bytes(current_setting('maintenance_work_mem')) < %s * 1048576", [megabytes, megabytes],
        )
        cursor.execute(f"create index concurrently {name} on pgfeed.{table} using hnsw ({vector}){where}")
        cursor.execute("reset max_parallel_maintenance_workers")
        cursor.execute("reset maintenance_work_mem")
    return True


def take_over(cursor, embedder_id: int) -> str | None:
    """Let this embedder answer and delete the others' vectors; return the name of the one that answered before."""
    cursor.execute("select name from pgfeed.embedders where is_active and embedder_id <> %s", [embedder_id])
    replaced = cursor.fetchone()
    cursor.execute("delete from pgfeed.embedders where embedder_id <> %s returning embedder_id", [embedder_id])
    others = cursor.fetchall()
    cursor.execute("update pgfeed.embedders set is_active = true where embedder_id = %s and not is_active", [embedder_id])
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
                with console.status("computing the principal components"):
                    if is_refitted:
                        fit(cursor, embedder_id, embedder.dimensions)
                    explained = rebuild_components(cursor, embedder_id, embedder.dimensions)
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
                f" (select count(*) from pgfeed.posts as p where ({OF_TEXT}) is not true),"
                " (select e.fitted_post_count from pgfeed.embedders as e where e.embedder_id = %(id)s)", {"id": embedder_id},
            )
            posts, without_text, fitted = cursor.fetchone()
    return Embedding(
        embedder.name, embedder.checkpoint, embedder.dimensions, posts, embedded, removed, without_text,
        round(time.monotonic() - started, 2), explained, fitted, is_refitted, is_indexed, replaced,
    )
