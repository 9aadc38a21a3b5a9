"""The principal components of the embeddings."""

import io
from collections.abc import Iterator

import numpy as np

from loader.server.db import placed

COMPONENTS = 25
BLOCK = 20_000
FIT_POSTS = 50_000
COMPONENT_INDEX = "post_components_hnsw"
LEAST_VARIANCE = 1e-9  # of an axis, relative to the first one; below it there is only rounding


def vectors_of_copy(content: bytes, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
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
    return vectors_of_copy(content.getvalue(), dimensions)


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


def fit_axes(cursor, embedder_id: int, dimensions: int) -> None:
    """Fit the principal axes on all posts, or on 50,000 of a larger catalogue, and store them."""
    cursor.execute("select count(*) from pgfeed.post_embeddings where embedder_id = %s", [embedder_id])
    sample = "" if cursor.fetchone()[0] <= FIT_POSTS else f"order by md5(e.post_id::text) limit {FIT_POSTS}"
    _, vectors = read_vectors(cursor, embedder_id, dimensions, sample or "order by e.post_id")
    basis = principal_axes(vectors) if len(vectors) else None
    cursor.execute(
        "update pgfeed.embedders set fitted_at = now(), fitted_post_count = %s, component_basis = %s"
        " where embedder_id = %s",
        [len(vectors), basis if basis is None else basis.astype(">f4").tobytes(), embedder_id],
    )


def rebuild(cursor, embedder_id: int, dimensions: int) -> float | None:
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
    table = "create temp table embed_components (post_id bigint, components public.vector) on commit drop"
    cursor.execute(placed(cursor, table))
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
