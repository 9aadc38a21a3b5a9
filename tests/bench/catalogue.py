"""Large catalogues, embeddings and similar posts: `./run bench catalogue [--posts 1000000] [--recommend]`.

The articles of the BBC (real texts with topics), the 7,023 texts of a simulated network, and, with --posts, generated
vectors of two kinds. Lifelike ones behave as texts do: each is between an article and one of its neighbours, with noise
that has the spectrum of what articles do not share with their neighbours. Normal ones have the articles' mean and
covariance, so less structure to find neighbours by.
"""

import argparse
import csv
import functools
import gzip
import io
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor, execute_values

from loader.data import components, embed, refresh, vector_index
from loader.data.embedders import UniversalSentenceEncoder
from loader.errors import PgfeedError
from loader.learning import features, registry, train
from loader.learning.features import run_plan
from loader.server.remedies import told
from loader.simulation import simulate
from loader.terminal import console, out, progress, table
from plpy.pack import Pack
from plpy.ranking import rank
from tests.bench import data_folder, temporary_database

CALLS = 300
NETWORK_USERS = 1000
TRUTH_USERS = 100
MULTIPLY = """
    create temp table originals on commit drop as
    select row_number() over (order by p.post_id) - 1 as number, p.post_id, p.topic, sum(d.view_count) as views,
        sum(d.like_count)::float8 / sum(d.view_count) as rate
    from pgfeed.posts as p join pgfeed.post_days as d on d.post_id = p.post_id group by p.post_id
        having sum(d.view_count) > 0;
    create temp table copies on commit drop as
    select 100000 + n as post_id, o.topic, o.rate, date '2021-12-01' - (n %% 30)::integer as day,
        ceil(o.views * (0.5 + random())) as views
    from generate_series(1, %(count)s) as n join originals as o on o.number = n %% (select count(*) from originals);
    insert into pgfeed.posts (post_id, topic) select c.post_id, c.topic from copies as c;
    insert into pgfeed.post_days (post_id, day, view_count, like_count)
    select c.post_id, c.day, c.views,
        greatest(c.views * c.rate + sqrt(c.views * c.rate * (1 - c.rate))
                * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()), 0)
    from copies as c;
    insert into pgfeed.post_components (post_id, components)
    select p.post_id, (
        select array_agg(hashtext(p.topic || i) / 4e9 + (random() - 0.5) / 2)::real[] from generate_series(1, 25) as i
            where p.post_id > 0
    )::public.vector
    from pgfeed.posts as p;
"""
PROBES = 200
BLOCK = 20_000
NEAREST = 10
NEIGHBOURS = 5


def load_articles(connection: Connection, path: Path) -> None:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        articles = [(number, row["topic"], row["text"]) for number, row in enumerate(csv.DictReader(file), 1)]
    with connection, connection.cursor() as cursor:
        execute_values(cursor, "insert into pgfeed.posts (post_id, topic, text) values %s", articles)


def topic_share(connection: Connection) -> float:
    """Return the share of the five nearest posts, of every post, that have its topic."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select avg((n.topic = p.topic)::integer) from pgfeed.posts as p"
            " cross join lateral pgfeed.similar_posts(p.post_id, 5) as n"
        )
        return float(cursor.fetchone()[0])


def stored_vectors(connection: Connection) -> np.ndarray:
    """Return the embeddings of the active embedder, float64 (posts, d), of length 1."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select embedder_id, dimensions from pgfeed.embedders where is_active")
        vectors = np.concatenate(
            [block for _, block in components.blocks(cursor, *cursor.fetchone())]
        ).astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def root_of_covariance(vectors: np.ndarray) -> np.ndarray:
    """Return a square root (d, d) of the covariance of vectors, float32."""
    variances, axes = np.linalg.eigh(np.cov(vectors, rowvar=False))
    return (axes * np.sqrt(variances.clip(0))).astype(np.float32)


def normal(vectors: np.ndarray) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Return a function that draws vectors with the mean and covariance of others."""
    mean, root = vectors.mean(axis=0).astype(np.float32), root_of_covariance(vectors)
    return lambda rng, count: mean + rng.standard_normal((count, len(mean)), np.float32) @ root.T


def lifelike(vectors: np.ndarray) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Return a function that draws vectors between others and their neighbours, with noise as between those.

    There is so much of it that as many drawn vectors are as near to each other as the others are.
    """
    neighbours = np.argpartition(-likeness(vectors), NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    root = root_of_covariance(vectors - vectors[neighbours].mean(axis=1))
    base, low, high = vectors.astype(np.float32), 0.0, 2.0

    def draw(rng: np.random.Generator, count: int, noise: float) -> np.ndarray:
        chosen = rng.integers(len(base), size=count)
        other = neighbours[chosen, rng.integers(NEIGHBOURS, size=count)]
        share = rng.random((count, 1), np.float32)
        between = base[chosen] + share * (base[other] - base[chosen])
        return between + noise * (rng.standard_normal(between.shape, np.float32) @ root.T)

    for _ in range(10):
        middle = (low + high) / 2
        drawn = draw(np.random.default_rng(2), len(base), middle)
        is_nearer = nearness(drawn / np.linalg.norm(drawn, axis=1, keepdims=True)) > nearness(vectors)
        low, high = (middle, high) if is_nearer else (low, middle)
    return lambda rng, count: draw(rng, count, np.float32(high))


def likeness(vectors: np.ndarray) -> np.ndarray:
    """Return the cosine of each pair of vectors of length 1, -2 of a vector with itself."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    return cosines


def nearness(vectors: np.ndarray) -> float:
    """Return the mean cosine of vectors of length 1 with their nearest ones."""
    return float(-np.partition(-likeness(vectors), NEAREST, axis=1)[:, :NEAREST].mean())


def generate(connection: Connection, count: int, draw: Callable[[np.random.Generator, int], np.ndarray]) -> np.ndarray:
    """Store drawn embeddings of new posts 1 to count as an active embedder's; return them: float16 (count, d)."""
    rng = np.random.default_rng(0)
    dimensions = draw(rng, 1).shape[1]
    vectors = np.empty((count, dimensions), np.float16)
    row = np.dtype([
        ("fields", ">i2"), ("l1", ">i4"), ("embedder_id", ">i4"), ("l2", ">i4"), ("dimensions", ">i2"), ("l3", ">i4"),
        ("post_id", ">i8"),
        ("l4", ">i4"), ("digest", "S16"), ("l5", ">i4"), ("d", ">i2"), ("unused", ">i2"), ("vector", ">f2", dimensions),
    ])
    with connection, connection.cursor() as cursor, progress("generating vectors", count) as advance:
        cursor.execute(
            "insert into pgfeed.embedders (name, checkpoint, dimensions, is_active, finished_at)"
            " values ('generated', '', %s, true, now())"
            " returning embedder_id", [dimensions],
        )
        embedder_id = cursor.fetchone()[0]
        cursor.execute("insert into pgfeed.posts (post_id, topic) select p, 'generated'"
                       " from generate_series(1, %s) as p", [count])
        for start in range(0, count, BLOCK):
            block = vectors[start : start + BLOCK]
            sample = draw(rng, len(block))
            block[:] = sample / np.linalg.norm(sample, axis=1, keepdims=True)
            rows = np.zeros(len(block), row)
            for name, value in {"fields": 5, "l1": 4, "l2": 2, "l3": 8, "l4": 16, "l5": 4 + 2 * dimensions}.items():
                rows[name] = value
            rows["embedder_id"], rows["dimensions"], rows["d"] = embedder_id, dimensions, dimensions
            rows["post_id"], rows["vector"] = np.arange(start + 1, start + 1 + len(block)), block
            content = b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"
            cursor.copy_expert(
                "copy pgfeed.post_embeddings (embedder_id, dimensions, post_id, text_digest,"
                " embedding) from stdin (format binary)",
                io.BytesIO(content),
            )
            advance(len(block))
    return vectors


def true_neighbours(vectors: np.ndarray, probes: np.ndarray) -> list[set[int]]:
    """Return the post_ids of the NEAREST posts of each probed row, the post itself left out."""
    queries = vectors[probes].astype(np.float32)
    scores = np.concatenate([queries @ vectors[start : start + BLOCK].astype(np.float32).T
                             for start in range(0, len(vectors), BLOCK)], axis=1)
    scores[np.arange(len(probes)), probes] = -2
    return [set((row + 1).tolist()) for row in np.argpartition(-scores, NEAREST, axis=1)[:, :NEAREST]]


def milliseconds(connection: Connection, post_ids: list[int]) -> tuple[str, list[set[int]]]:
    """Return the median and p99 of similar_posts over warm calls, and what the calls gave."""
    seconds, found = [], []
    with connection, connection.cursor() as cursor:
        cursor.execute("select pgfeed.similar_posts(%s)", [post_ids[0]])
        for post_id in post_ids:
            started = time.perf_counter()
            cursor.execute("select post_id from pgfeed.similar_posts(%s, %s)", [post_id, NEAREST])
            rows = cursor.fetchall()
            seconds.append(time.perf_counter() - started)
            found.append({row[0] for row in rows})
    low, high = np.percentile(np.array(seconds) * 1000, [50, 99])
    return f"{low:.1f} ms, {high:.1f} ms", found


def plan(connection: Connection, post_id: int) -> str:
    """Return the plan of the search inside similar_posts, as auto_explain sees it."""
    with connection, connection.cursor() as cursor:
        cursor.execute("load 'auto_explain'")
        cursor.execute("set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;"
                       " set auto_explain.log_analyze = on")
        cursor.execute("set auto_explain.log_level = notice; set client_min_messages = notice")
        del connection.notices[:]
        cursor.execute("select pgfeed.similar_posts(%s, 5)", [post_id])
        cursor.execute("set auto_explain.log_min_duration = -1")
    text = next(notice for notice in connection.notices if "with candidates" in notice)
    return re.sub(r"'\[[^]]*]'", "$1", text[text.index("Sort") :]).rstrip()


def measure_texts(connection: Connection) -> tuple[embed.Embedding, str, str]:
    """Embed the database's texts; return what was done, median and p99 of similar_posts, and its plan."""
    done = embed.embed(connection, UniversalSentenceEncoder())
    with connection, connection.cursor() as cursor:
        cursor.execute("select post_id from pgfeed.post_embeddings order by md5(post_id::text) limit %s", [CALLS])
        post_ids = [row[0] for row in cursor.fetchall()]
    return done, milliseconds(connection, post_ids)[0], plan(connection, post_ids[0])


def measure_generated(connection: Connection, name: str, count: int, draw: Callable) -> tuple[str, str, str]:
    """Return how the nearest of so many generated vectors are found and how well, median and p99, and the plan."""
    vectors = generate(connection, count, draw)
    probes = np.random.default_rng(1).choice(count, min(PROBES, count), replace=False)
    truth = true_neighbours(vectors, probes)
    with connection, connection.cursor() as cursor:
        cursor.execute("select embedder_id, dimensions from pgfeed.embedders where is_active")
        embedder = cursor.fetchone()
        cursor.execute("analyze pgfeed.post_embeddings, pgfeed.posts")
    started = time.monotonic()
    is_indexed = vector_index.build_index(connection, *embedder)
    seconds = time.monotonic() - started
    with connection, connection.cursor() as cursor:
        cursor.execute("select coalesce(pg_relation_size(to_regclass(%s)), 0)",
                       [f"pgfeed.{vector_index.index_name(embedder[0])}"])
        megabytes = cursor.fetchone()[0] / 2**20
    took, found = milliseconds(connection, (probes + 1).tolist())
    recall = sum(len(a & b) for a, b in zip(truth, found)) / NEAREST / len(truth)
    out.print(f"index of {count:,} {name} vectors: {seconds:.0f} s, {megabytes:,.0f} MB")
    search = f"{'HNSW' if is_indexed else 'exact'}, recall@{NEAREST} {recall:.3f}"
    return search, took, plan(connection, int(probes[0]) + 1)


def all_posts(connection: Connection) -> Pack:
    """Return the features of all posts as of the last refresh."""
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("select pgfeed._refresh_as_of() as as_of, array(select post_id from pgfeed.posts"
                       " order by 1) as ids")
        found = cursor.fetchone()
        cursor.execute("select topics from pgfeed.feature_packs order by pack_id desc limit 1")
        topics = cursor.fetchone()["topics"]
        with progress("features of all posts", len(found["ids"])) as advance:
            parts = []
            for start in range(0, len(found["ids"]), BLOCK):
                ids = found["ids"][start : start + BLOCK]
                parts.append(Pack.unpack(run_plan(cursor, "chosen pack", found["as_of"], ids, topics)[0]))
                advance(len(ids))
    return functools.reduce(Pack.join, parts)


def recall_of_shortlist(connection: Connection, user_ids: list[int], moment) -> float:
    """Return the share of the five best posts of the whole catalogue that recommend_posts gives."""
    model, posts, found = registry.load_active(connection, "control"), all_posts(connection), 0
    posts.encode(model.encoders)
    with progress("scoring the whole catalogue", len(user_ids)) as advance:
        for row in features.load_users(connection, moment, user_ids):
            columns = features.columns_at(row, posts, model.encoders, moment)
            matrix = features.feature_matrix(model.feature_names, posts, columns, np.arange(len(posts)))
            scores = model.booster.predict(np.asfortranarray(matrix), prediction_type="RawFormulaVal")
            scores[posts.places(row["liked_post_ids"])] = -np.inf
            best = posts.post_ids[rank(scores, posts.post_ids, 5)]
            with connection, connection.cursor() as cursor:
                cursor.execute("select post_id from pgfeed.recommend_posts(%s, %s)", [row["user_id"], moment])
                found += len({post for (post,) in cursor.fetchall()} & set(best.tolist()))
            advance(1)
    return found / 5 / len(user_ids)


def recommend(connection: Connection, count: int) -> None:
    """Print how fast and how right recommend_posts is with `count` posts, copied with noise from simulated ones."""
    simulate.simulate(connection, NETWORK_USERS, 1)
    refresh.refresh(connection)
    registry.activate(connection, "control", registry.store(connection, "control", train.train(connection, "control")))
    with connection, connection.cursor() as cursor, console.status("copying posts"):
        cursor.execute("select setseed(0.5)")
        cursor.execute(MULTIPLY, {"count": count - 7023})
    vector_index.build_component_index(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("analyze")
        cursor.execute("select user_id from pgfeed.user_features where view_count > 0 order by md5(user_id::text)"
                       " limit %s", [CALLS])
        user_ids = [user for (user,) in cursor.fetchall()]
    started = time.monotonic()
    refresh.refresh(connection)
    refreshed = time.monotonic() - started
    seconds = []
    with connection, connection.cursor() as cursor:
        cursor.execute("select max(as_of) + interval '12 hours' from pgfeed.feature_refreshes")
        moment = cursor.fetchone()[0]
        cursor.execute("select post_count, is_shortlist from pgfeed.feature_packs order by pack_id desc limit 1")
        scored, is_shortlist = cursor.fetchone()
        for number, user_id in enumerate([*user_ids[:20], *user_ids]):
            started = time.perf_counter()
            cursor.execute("select * from pgfeed.recommend_posts(%s, %s)", [user_id, moment])
            cursor.fetchall()
            if number >= 20:
                seconds.append(time.perf_counter() - started)
    recall = recall_of_shortlist(connection, user_ids[:TRUTH_USERS], moment)
    low, high = np.percentile(np.array(seconds) * 1000, [50, 99])
    out.print(table(
        f"recommend_posts, control, {count:,} posts", ["what", "figure"],
        [
            ("median, p99 of 300 warm calls", f"{low:.1f} ms, {high:.1f} ms"),
            ("posts scored at each call",
             f"{scored:,} and the user's own candidates" if is_shortlist else f"all {scored:,}"),
            (f"recall of the true five best, {TRUTH_USERS} users", f"{recall:.3f}"),
            ("refresh", f"{refreshed:.0f} s"),
        ],
    ))


def options() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="./run bench catalogue",
                                     description="Embeddings and similar posts by size of the catalogue.")
    parser.add_argument("--posts", type=int, default=0, metavar="N",
                        help="also measure N generated vectors, such as 1000000")
    parser.add_argument("--recommend", action="store_true", help="measure recommend_posts with N posts instead")
    return parser.parse_args()


def main() -> None:
    arguments = options()
    count = arguments.posts
    if arguments.recommend:
        with temporary_database("recommend") as connection:
            recommend(connection, count or 7023)
        return
    rows, plans = [], []
    with temporary_database("articles") as connection:
        load_articles(connection, data_folder("bbc") / "articles.csv.gz")
        done, median, _ = measure_texts(connection)
        share, base = topic_share(connection), stored_vectors(connection)
        rows.append((f"{done.post_count:,} articles",
                     f"{done.seconds:.0f} s, {done.embedded_count / done.seconds:.0f}/s",
                     f"{done.explained_variance:.1%}", f"{share:.1%}", "exact", median))
    with temporary_database("simulated") as connection:
        simulate.simulate(connection, 50, 1, days=1)
        done, median, text = measure_texts(connection)
        rows.append((f"{done.post_count:,} simulated",
                     f"{done.seconds:.0f} s, {done.embedded_count / done.seconds:.0f}/s",
                     f"{done.explained_variance:.1%}", f"{topic_share(connection):.1%}", "exact", median))
        plans.append((done.post_count, text))
    for name, kind in (("lifelike", lifelike), ("normal", normal)) if count else ():
        with temporary_database("generated") as connection:
            search, took, text = measure_generated(connection, name, count, kind(base))
            rows.append((f"{count:,} generated, {name}", "", "", "", search, took))
            plans.append((count, text))
    for posts, text in plans:
        out.print(f"plan at {posts:,} posts:\n{text}\n", soft_wrap=True)
    out.print(table("similar_posts by size of the catalogue",
                    ["posts", "embedding", "25 components keep", "topic of the top 5", "search", "median, p99"], rows))


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
