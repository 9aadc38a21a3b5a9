"""Embeddings in the database: what is embedded when, which embedder answers, similar posts, search."""

import hashlib
from contextlib import closing

import numpy as np
import psycopg2
import psycopg2.errors
import pytest

from loader.data import embed as module
from loader.data.embed import embed
from loader.data.embedders import UniversalSentenceEncoder
from loader.errors import PgfeedError
from migrations.objects import compose
from tests.db.conftest import autocommit, queries

TEXTS = {
    1: ("oil", "Oil prices rise as the barrel gets dearer"),
    2: ("oil", "Crude oil and the price of a barrel"),
    3: ("oil", "Цена нефти выросла, баррель подорожал"),
    4: ("cup", "The striker scored and won the football match"),
    5: ("cup", "A football team celebrates the goal of its striker"),
    6: ("cup", "Футбольный матч: нападающий забил гол ⚽"),
    7: ("none", None),
    8: ("none", ""),
    9: ("none", " \n\t "),
}


class Words:
    """An embedder of word counts, hashed; `fail` makes it stop at a text."""

    def __init__(self, name: str = "words", dimensions: int = 16, fail: str | None = None):
        self.name, self.checkpoint, self.dimensions, self.characters, self.fail = name, "1", dimensions, 100_000, fail
        self.seen: list[str] = []

    def encode(self, texts):
        if self.fail in texts:
            raise KeyboardInterrupt
        self.seen.extend(texts)
        result = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(result, texts):
            for word in text.lower().split():
                row[int(hashlib.md5(word.encode()).hexdigest(), 16) % self.dimensions] += 1
        return result


class Constant(Words):
    """An embedder that gives one vector for everything."""

    def __init__(self, vector):
        super().__init__("constant", len(vector))
        self.vector = vector

    def encode(self, texts):
        return np.tile(np.float32(self.vector), (len(texts), 1))


@pytest.fixture
def posts(query, dsn):
    """A connection for embed(), in a database with nine posts of which six have a text."""
    for post_id, (topic, text) in TEXTS.items():
        query("insert into pgfeed.posts (post_id, topic, text) values (%s, %s, %s)", post_id, topic, text)
    with closing(psycopg2.connect(dsn)) as connection:
        yield connection


def stored(query) -> list[int]:
    return [row[0] for row in query("select post_id from pgfeed.post_embeddings order by 1")]


def test_first_run(posts, query):
    done = embed(posts, Words())
    assert (done.post_count, done.embedded_count, done.without_text_count, done.is_refitted) == (6, 6, 3, True)
    assert 0.99 < done.explained_variance <= 1.0001
    assert stored(query) == [1, 2, 3, 4, 5, 6]
    assert query(
        "select count(*), min(vector_dims(components)), max(vector_dims(components)) from pgfeed.post_components"
    ) == [(6, 25, 25)]
    assert "6 posts have embeddings of words, 16 numbers each" in done.text()
    assert done.text().endswith("Next, to take the components into the features: pgfeed refresh")


def test_only_new_and_changed_texts_are_embedded(posts, query):
    embed(posts, Words())
    before = query("select * from pgfeed.post_components order by 1")
    again = Words()
    assert embed(posts, again).embedded_count == 0 and again.seen == []
    assert query("select * from pgfeed.post_components order by 1") == before
    query("update pgfeed.posts set text = 'another text' where post_id = 4")
    query("update pgfeed.posts set topic = 'moved' where post_id = 5")
    query("insert into pgfeed.posts (post_id, text) values (-9223372036854775808, 'lowest'), (9223372036854775807,"
          " 'highest')")
    third = Words()
    done = embed(posts, third)
    assert sorted(third.seen) == ["another text", "highest", "lowest"] and not done.is_refitted
    # The axes stay, so what did not change keeps its components.
    after = query("select * from pgfeed.post_components where post_id in (1, 2, 3, 5, 6) order by 1")
    assert after == [row for row in before if row[0] != 4]
    assert embed(posts, Words(), is_refitted=True).is_refitted
    assert query("select fitted_post_count from pgfeed.embedders") == [(8,)]


def test_posts_that_lose_their_text_or_are_deleted_lose_their_embedding(posts, query):
    embed(posts, Words())
    query("delete from pgfeed.posts where post_id = 1")
    assert stored(query) == [2, 3, 4, 5, 6]
    assert query("select count(*) from pgfeed.post_components") == [(5,)]
    assert 1 not in {row[0] for row in query("select post_id from pgfeed.similar_posts(2, 10)")}
    query("update pgfeed.posts set text = null where post_id = 2")
    assert embed(posts, Words()).removed_count == 1
    assert stored(query) == [3, 4, 5, 6]
    assert query("select post_id from pgfeed.post_components order by 1") == [(3,), (4,), (5,), (6,)]


def test_interrupted_work_goes_on_where_it_stopped(posts, query, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)
    with pytest.raises(KeyboardInterrupt):
        embed(posts, Words(fail=TEXTS[5][1]))
    assert stored(query) == [1, 2, 3, 4]
    assert query("select is_active, finished_at from pgfeed.embedders") == [(False, None)]
    rest = Words()
    embed(posts, rest)
    assert rest.seen == [TEXTS[5][1], TEXTS[6][1]]
    assert query("select count(*) from pgfeed.post_components") == [(6,)]


def test_interrupted_before_the_components(posts, query, monkeypatch):
    embed(posts, Words())
    query("update pgfeed.posts set text = 'another text' where post_id = 4")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "rebuild", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        embed(posts, Words())
    before = query("select components from pgfeed.post_components where post_id = 4")
    assert embed(posts, Words()).embedded_count == 0
    assert query("select components from pgfeed.post_components where post_id = 4") != before


def test_another_embedder_takes_over_when_it_is_complete(posts, query, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)
    embed(posts, Words())
    before = query("select post_id, similarity from pgfeed.similar_posts(1)")
    with pytest.raises(KeyboardInterrupt):
        embed(posts, Words("larger", 64, fail=TEXTS[5][1]))
    assert query("select name, is_active from pgfeed.embedders order by 1") == [("larger", False), ("words", True)]
    assert query("select post_id, similarity from pgfeed.similar_posts(1)") == before
    done = embed(posts, Words("larger", 64))
    assert done.replaced == "words" and done.is_refitted and "replaced the embeddings of words" in done.text()
    assert query("select name, is_active, dimensions from pgfeed.embedders") == [("larger", True, 64)]
    assert query("select distinct dimensions, vector_dims(embedding) from pgfeed.post_embeddings") == [(64, 64)]
    assert query("select count(*) from pgfeed.post_components") == [(6,)]


def test_changed_dimensions_under_the_same_name(posts):
    embed(posts, Words())
    with pytest.raises(PgfeedError, match="gives 8 dimensions: its stored vectors have 16"):
        embed(posts, Words(dimensions=8))


@pytest.mark.parametrize(("vector", "what"), [([0, 0, 0], "a zero vector"), ([1, float("nan"), 0], "NaN")])
def test_vectors_without_direction_are_never_stored(posts, query, vector, what):
    with pytest.raises(PgfeedError, match=f"post 1 cannot be embedded: the embedder gave {what}"):
        embed(posts, Constant(vector))
    assert stored(query) == []
    # The lock of the failed run is gone.
    assert embed(posts, Words()).post_count == 6


@pytest.mark.parametrize(("dimensions", "vector", "error"), [
    (3, "[0,0,0]", psycopg2.errors.CheckViolation),
    (3, "[NaN,0,0]", psycopg2.errors.DataException),
    (3, "[1,0]", psycopg2.errors.CheckViolation),
    (2, "[1,0]", psycopg2.errors.ForeignKeyViolation),
])
def test_the_table_refuses_bad_vectors(posts, query, dimensions, vector, error):
    query("insert into pgfeed.embedders (name, checkpoint, dimensions) values ('x', '1', 3)")
    with pytest.raises(error):
        query(
            "insert into pgfeed.post_embeddings (embedder_id, dimensions, post_id, text_digest, embedding)"
            " select embedder_id, %s, 1, md5('')::uuid, %s from pgfeed.embedders", dimensions, vector,
        )


def test_equal_texts_have_no_variance(posts, query):
    done = embed(posts, Constant([1, 2, 2]))
    assert done.explained_variance is None
    assert query("select distinct components::real[] from pgfeed.post_components") == [([0.0] * 25,)]
    assert [row[0] for row in query("select post_id from pgfeed.similar_posts(3, 10)")] == [1, 2, 4, 5, 6]


def test_no_posts_at_all(db, query, dsn):
    with closing(psycopg2.connect(dsn)) as connection:
        done = embed(connection, Words())
        assert (done.post_count, done.explained_variance) == (0, None) and "no post has a text yet" in done.text()
        assert query("select post_id from pgfeed.similar_posts(1)") == []
        query("insert into pgfeed.posts (post_id, text) values (1, 'a b'), (2, 'a c'), (3, 'd e')")
        assert embed(connection, Words()).is_refitted
    assert query(
        "select count(*) from pgfeed.post_components where components <> %s::real[]::vector", [0.0] * 25
    ) == [(3,)]


def test_one_run_at_a_time(posts, dsn):
    with autocommit(dsn) as other:
        queries(other)("select pg_advisory_lock(hashtext('pgfeed.embed'))")
        with pytest.raises(PgfeedError, match="posts are being embedded already"):
            embed(posts, Words())


def test_a_post_deleted_while_it_is_embedded(posts, query):
    class Slow(Words):
        def encode(self, texts):
            query("delete from pgfeed.posts where post_id = 2")
            return super().encode(texts)

    assert embed(posts, Slow()).post_count == 5


def test_similar_posts_are_the_nearest_by_cosine(posts, query):
    embed(posts, Words())
    rows = query("select rank, post_id, topic, text, similarity from pgfeed.similar_posts(4, 100)")
    vectors = unit(Words().encode([text for _, text in list(TEXTS.values())[:6]]))
    expected = sorted(((float(vectors[3] @ vectors[i]), i + 1) for i in range(6) if i != 3),
                      key=lambda pair: (-round(pair[0], 5), pair[1]))
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    assert [row[4] for row in rows] == pytest.approx([similarity for similarity, _ in expected], abs=1e-3)
    assert all((row[2], row[3]) == TEXTS[row[1]] for row in rows) and 4 not in {row[1] for row in rows}


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_similar_posts_without_an_answer(posts, query):
    with pytest.raises(psycopg2.Error, match="the posts have no embeddings yet") as raised:
        query("select * from pgfeed.similar_posts(1)")
    assert raised.value.pgcode == "55000" and raised.value.diag.message_hint == "Run: pgfeed embed"
    embed(posts, Words())
    for post_id in (7, 8, 9, 12345, None):
        assert query("select * from pgfeed.similar_posts(%s)", post_id) == []
    for k in (0, -1, 101, None):
        with pytest.raises(psycopg2.Error, match="k is") as raised:
            query("select * from pgfeed.similar_posts(1, %s)", k)
        assert raised.value.pgcode == "22023"


def test_readers_may_ask(posts, query):
    embed(posts, Words())
    query("set role pgfeed_reader")
    assert len(query("select * from pgfeed.similar_posts(1)")) == 5
    assert len(
        query("select p.post_id, c.components from pgfeed.posts as p join pgfeed.post_components as c using (post_id)")
    ) == 6
    query("reset role")
    query("set default_transaction_read_only = on")
    assert len(query("select * from pgfeed.similar_posts(1)")) == 5


def test_a_large_catalogue_is_searched_by_index(query, dsn):
    is_large = compose("functions/_is_large")
    query(is_large.replace("> 25000", "> 500"))
    query("insert into pgfeed.posts (post_id, text) select p, md5(p::text) || ' ' || md5((p / 2)::text)"
          " from generate_series(1, 3000) as p")

    class Noise(Words):
        def encode(self, texts):
            words = [sum(np.random.default_rng(int(word, 16) % 2**32).standard_normal(self.dimensions)
                         for word in text.split()) for text in texts]
            return np.float32(words)

    with closing(psycopg2.connect(dsn)) as connection:
        assert embed(connection, Noise("noise", 32)).is_indexed
        name = "post_embeddings_1_hnsw"
        assert query("select indisvalid from pg_index where indexrelid = %s::regclass", f"pgfeed.{name}") == [(True,)]
        query("set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off")
        exact = (
            "select o.post_id from pgfeed.post_embeddings as e"
            " join pgfeed.post_embeddings as o on o.post_id <> e.post_id"
            " where e.post_id = %s order by e.embedding <=> o.embedding limit 100"
        )
        expected = {post_id: query(exact, post_id) for post_id in (2, 500, 2998)}
        query("set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off")
        for post_id, nearest in expected.items():
            found = query("select post_id from pgfeed.similar_posts(%s, 100)", post_id)
            assert len(found) == 100 and found[:5] == nearest[:5] and len(set(found) & set(nearest)) >= 95
        query("select pg_stat_force_next_flush()")
        assert query("select idx_scan from pg_stat_user_indexes where indexrelname = %s", name) == [(3,)]
        # Posts that the index gives and may not be shown do not make a list short.
        query("update pgfeed.posts set hidden_at = now() where post_id = any(%s)",
              [post_id for post_id, in expected[2][:90]])
        few = query("select pg_get_functiondef('pgfeed._nearest_posts(halfvec, integer, bigint)'::regprocedure)")[0][0]
        for most in (20000, 5):
            query(few.replace("20000", str(most)))
            found = query("select post_id from pgfeed.similar_posts(2, 50)")
            assert found[:10] == expected[2][90:] and len(found) == 50
        query(few)
        # The next run keeps the index; another embedder's run drops it.
        assert embed(connection, Noise("noise", 32)).is_indexed
        query(is_large)
        assert not embed(connection, Noise("other", 20)).is_indexed
        assert query("select to_regclass(%s)", f"pgfeed.{name}") == [(None,)]


def test_default_embedder_and_search(posts, query):
    query("insert into pgfeed.posts (post_id, topic, text) values (20, 'long', %s), (21, 'emoji', '😀🎬')",
          "слово word " * 2273)
    done = embed(posts, UniversalSentenceEncoder())
    assert (done.embedder, done.dimensions, done.post_count) == ("use", 512, 8)
    for post_id in (1, 4):
        found = query("select topic from pgfeed.similar_posts(%s, 2)", post_id)
        assert found == [(TEXTS[post_id][0],)] * 2
    assert query("select post_id from pgfeed.search_posts('нефть')")[0][0] in (1, 2, 3)
    assert query("select topic from pgfeed.search_posts('football goal', 3)") == [("cup",)] * 3
    # The session's embedding of a post's own text is the stored one.
    assert query(
        "select post_id, round(similarity::numeric, 2) from pgfeed.search_posts(%s, 1)", TEXTS[3][1]
    ) == [(3, 1)]
    assert query("select * from pgfeed.search_posts('  ')") == query("select * from pgfeed.search_posts(null)") == []
    query("set role pgfeed_reader")
    assert len(query("select * from pgfeed.search_posts('oil', 2)")) == 2
    query("reset role")
    ranked = [row[0] for row in query("select post_id from pgfeed.search_posts('football goal', 8)")]
    query("call pgfeed.hide_post(%s)", ranked[0])
    query("delete from pgfeed.posts where post_id = %s", ranked[1])
    assert [row[0] for row in query("select post_id from pgfeed.search_posts('football goal', 3)")] == ranked[2:5]


def test_search_needs_the_default_embedder(posts, query):
    embed(posts, Words())
    with pytest.raises(psycopg2.Error, match="no embeddings that a session can search") as raised:
        query("select * from pgfeed.search_posts('oil')")
    assert raised.value.diag.message_hint == "Run: pgfeed embed --embedder use"
