"""Lists without a model, as functions and as variants: newest, trending, popular by a feature; and similar users."""

from contextlib import closing

import psycopg2
import pytest

from loader.learning import registry
from migrations.objects import compose
from tests.db.conftest import autocommit, queries

END = "2021-12-13 12:00+00"
LIST = "select post_id from pgfeed.recommend_posts(7, %s, 80, %s) order by rank"
EVENT = "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (%s, %s, %s, %s)"
KINDS = ("newest", "trending", "trending:6h", "popular_by:user.gender", "popular_by:user.gender=1")


def ids(rows):
    return [row[0] for row in rows]


@pytest.fixture(params=[False, True], ids=["small", "large"])
def catalogue(request, network):
    """The network, as a catalogue that is scored whole, and as one that counts as large."""
    if request.param:
        network(compose("functions/_is_large").replace("> 25000", "> 0"))
        network(compose("functions/_shortlist").replace("BEST_OF_ALL = 2_000", "BEST_OF_ALL = 6"))
        network("call pgfeed.refresh_features()")
    return network


def test_the_newest_come_first(catalogue):
    catalogue("update pgfeed.posts set created_at = timestamptz '2021-12-11' - post_id * interval '1 hour'"
              " where post_id <= 40")
    catalogue("call pgfeed.refresh_features()")
    rows = catalogue("select post_id, score from pgfeed.newest_posts(80, %s)", END)
    assert ids(rows)[:40] == list(range(1, 41)) and len(rows) == 80
    assert dict(rows)[1] == pytest.approx(-2.5 - 1 / 24, abs=1e-4)
    before = "2021-12-10 12:00+00"
    assert ids(catalogue("select post_id from pgfeed.newest_posts(3, %s)", before)) == [13, 14, 15]


def test_what_rises_is_what_is_liked_more_than_it_was(catalogue):
    """Post 3 gets 30 likes from 30 views in the last hour, post 4 as many views without a like."""
    for post_id in (3, 4):
        catalogue("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                  " select %s::timestamptz - interval '1 hour', u, %s, 'view' from generate_series(200, 229) as u",
                  END, post_id)
    before = catalogue("select post_id, score from pgfeed.trending_posts(80, ts => %s)", END)
    catalogue("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
              " select %s::timestamptz - interval '30 minutes', u, 3, 'like' from generate_series(200, 229) as u", END)
    for half_life in ("1 hour", "6 hours", "1 day", "3 days", "7 days"):
        rows = catalogue("select post_id, score from pgfeed.trending_posts(80, %s, %s)", half_life, END)
        assert ids(rows)[0] == 3 and rows[0][1] > 3 and dict(rows)[4] < 0
    assert dict(before)[3] < 0
    assert catalogue("select post_id, score from pgfeed.trending_posts(80, ts => %s::timestamptz - interval '1 hour')",
                     END) == catalogue("select post_id, score from pgfeed.trending_posts(80, '24:00',"
                                       " %s::timestamptz - interval '1 hour')", END)
    catalogue(EVENT, END, 300, 5, "like")
    assert rows == catalogue("select post_id, score from pgfeed.trending_posts(80, '7 days', %s)", END)


def test_the_first_likes_prove_little(network):
    for user_id, post_id in [(200, 3), *((user_id, 4) for user_id in range(200, 210))]:
        network(EVENT, "2021-12-13 11:00+00", user_id, post_id, "like")
    scores = dict(network("select post_id, score from pgfeed.trending_posts(80, ts => %s)", END))
    assert scores[3] < scores[4] and scores[3] < 3


def test_a_feed_of_likes_alone_has_rising_posts(network):
    network("create table likes as select event_at, user_id, post_id from pgfeed.feed_events where target")
    network("truncate pgfeed.feed_events, pgfeed.rollup_days, pgfeed.post_days, pgfeed.liked_posts")
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select event_at, user_id, post_id, 'like' from likes")
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select '2021-12-12 20:00+00', u, 3, 'like' from generate_series(100, 119) as u")
    network("call pgfeed.refresh_features()")
    rows = network("select post_id, score from pgfeed.trending_posts(80, ts => %s)", END)
    assert ids(rows)[0] == 3 and rows[0][1] > 3 > rows[1][1]


def test_popular_with_users_of_a_kind(catalogue):
    """Users of gender 0 like even posts, the others odd ones."""
    for value in (0, 1):
        rows = catalogue("select post_id from pgfeed.popular_posts(10, 'user.gender', %s, %s)", str(value), END)
        assert {post_id % 2 for post_id in ids(rows)} == {value}
        rows = catalogue("select post_id, source from pgfeed.recommend_posts(%s, %s, 5, 'popular_by:user.gender')",
                         value + 10, END)
        assert {row[0] % 2 for row in rows} == {value} and {row[1] for row in rows} == {"popular_by:user.gender"}
    popular = catalogue("select post_id, score from pgfeed.popular_posts(80, ts => %s)", END)
    assert {post_id % 2 for post_id in ids(popular)[:20]} == {0, 1}
    without = "select post_id, score from pgfeed.recommend_posts(777, %s, 80, 'popular_by:user.gender') order by rank"
    assert [row[0] for row in catalogue(without, END)] == ids(popular)
    catalogue("update pgfeed.users set city = 'Tver' where user_id in (2, 4, 6, 8)")
    of_four = catalogue("select post_id, score from pgfeed.popular_posts(80, 'user.city', 'Tver', %s)", END)
    assert of_four == popular  # four people are too few to be told from


def test_popular_with_a_kind_of_posts(catalogue):
    rows = catalogue("select post_id, topic from pgfeed.popular_posts(80, 'post.topic', 'sport', %s)", END)
    everything = ids(catalogue("select post_id from pgfeed.popular_posts(80, ts => %s)", END))
    assert ids(rows) == [post_id for post_id in everything if post_id % 2 == 0] and len(rows) == 40
    assert catalogue("select post_id from pgfeed.popular_posts(80, 'post.topic', 'no such', %s)", END) == []


def test_own_features_group_users(network):
    kinds = {"plan": '"gold"', "is_member": "true", "level": "3", "tags": '["a", "b"]'}
    values = {"plan": "gold", "is_member": "true", "level": "3.0", "tags": "b"}
    for name, value in kinds.items():
        network("update pgfeed.users set attributes = coalesce(attributes, '{}') || jsonb_build_object(%s, %s::jsonb)"
                " where user_id %% 2 = 1", name, value)
        network("update pgfeed.users set attributes = coalesce(attributes, '{}') || jsonb_build_object(%s, %s::jsonb)"
                " where user_id %% 2 = 0", name, {"is_member": "false", "level": "4"}.get(name, '["c", "d"]'
                if name == "tags" else '"none"'))
    network("call pgfeed.refresh_features()")
    for name, value in values.items():
        rows = network("select post_id from pgfeed.popular_posts(10, %s, %s, %s)", f"user.{name}", value, END)
        assert {post_id % 2 for post_id in ids(rows)} == {1}, name
        rows = network(LIST, END, f"popular_by:user.{name}")
        assert {post_id % 2 for post_id in ids(rows)[:10]} == {1}, name
    assert network("select count(*) from pgfeed.popular_posts(10, 'user.level', 'no number', %s)", END) == [(10,)]


@pytest.mark.parametrize("variant", KINDS)
def test_variants_leave_out_what_is_liked_and_hidden(catalogue, variant):
    before = ids(catalogue(LIST, END, variant))
    assert len(before) == len(set(before)) > 40
    liked = ids(catalogue("select post_id from pgfeed.likes where user_id = 7"))
    assert not set(before) & set(liked)
    catalogue(EVENT, "2021-12-13 11:59+00", 7, before[0], "like")
    catalogue("call pgfeed.hide_post(%s)", before[1])
    after = ids(catalogue(LIST, END, variant))
    assert not set(after) & set(before[:2]) and len(after) == len(before) - 2
    explained = "select contribution from pgfeed.explain_recommendation(7, %s, %s, %s)"
    score = catalogue("select score from pgfeed.recommend_posts(7, %s, 1, %s)", END, variant)[0][0]
    assert catalogue(explained, after[0], END, variant) == [(pytest.approx(score),)]


def test_an_experiment_compares_them(network):
    variants = ["control", *KINDS]
    network("call pgfeed.create_experiment('lists', %s, %s)", variants, [5000, 1000, 1000, 1000, 1000, 1000])
    network("call pgfeed.start_experiment('lists')")
    arms = dict(network("select arm, variant from pgfeed.experiment_arms"))
    assert arms == dict(zip(["control", "newest", "trending", "trending_6h", "popular_by_user_gender",
                             "popular_by_user_gender_1"], variants))
    for arm, variant in arms.items():
        user_id = network("select min(u) from generate_series(1, 5000) u where pgfeed.experiment_arm(u, 'lists') = %s",
                          arm)[0][0]
        rows = network("select distinct variant from pgfeed.serve_posts(%s, %s)", user_id, END)
        assert rows == [(variant,)]
    for bad in ("trending:2h", "popular_by:", "popular_by:post.topic", "newest@2", "trending:6h@2", "newest:1"):
        with pytest.raises(psycopg2.Error, match="a name is not usable"):
            network("call pgfeed.create_experiment('bad', %s)", ["control", bad])
    with pytest.raises(psycopg2.Error, match="no posts are popular by user.nope: there is no such feature"):
        network("call pgfeed.create_experiment('bad', %s)", ["control", "popular_by:user.nope"])


def test_they_can_be_the_default_but_not_a_models_name(network, network_dsn):
    network("set pgfeed.default_variant = 'trending:6h'")
    assert network("select distinct variant, source from pgfeed.recommend_posts(7, %s)", END) == [("trending:6h",) * 2]
    assert network("select status from pgfeed.health() where name = 'default variant'") == [("ok",)]
    with closing(psycopg2.connect(network_dsn)) as connection:
        for name in ("newest", "trending"):
            with pytest.raises(Exception, match=f"no model can be of variant '{name}'"):
                registry.require_name(connection, name)


@pytest.mark.parametrize(("call", "message", "hint"), [
    ("pgfeed.trending_posts(half_life => '2 hours')", "half_life is 02:00:00", "6 hours"),
    ("pgfeed.trending_posts(half_life => null)", "half_life is null", "6 hours"),
    ("pgfeed.trending_posts(0)", "k is 0", "1 to 1000"),
    ("pgfeed.newest_posts(1001)", "k is 1001", "1 to 1000"),
    ("pgfeed.popular_posts(by => 'user.city')", "value is null", "user.city"),
    ("pgfeed.popular_posts(value => 'x')", "by is null", "user.city"),
    ("pgfeed.popular_posts(by => 'user.nope', value => 'x')", "no posts are popular by user.nope", "user.city, "),
    ("pgfeed.popular_posts(by => 'post.nope', value => 'x')", "no posts are popular by post.nope", "post.topic, "),
    ("pgfeed.popular_posts(by => 'city', value => 'x')", "no posts are popular by city", "user.city, "),
    ("pgfeed.recommend_posts(7, variant => 'popular_by:user.nope')", "no posts are popular by user.nope", "user.city"),
    ("pgfeed.recommend_posts(7, variant => 'trending:2h')", "there is no variant 'trending:2h'", "Variants"),
    ("pgfeed.similar_users(7, 101)", "k is 101", "1 to 100"),
    ("pgfeed.similar_users(7, null)", "k is null", "1 to 100"),
])
def test_bad_input_is_one_clear_error(network, call, message, hint):
    with pytest.raises(psycopg2.Error) as caught:
        network(f"select * from {call}")
    assert caught.value.diag.message_primary.startswith(message) and hint in caught.value.diag.message_hint


def test_similar_users_like_the_same(network):
    for user_id in (7, 8):
        rows = network("select rank, user_id, similarity from pgfeed.similar_users(%s, 10)", user_id)
        assert ids(rows) == list(range(1, 11)) and {row[1] % 2 for row in rows} == {user_id % 2}
        assert rows[0][2] <= 1 and [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)
        stored = network(
            "select v.user_id, 1 - (v.factors operator(public.<=>) o.factors) from pgfeed.user_vectors as o"
            " inner join pgfeed.user_vectors as v on v.user_id <> o.user_id where o.user_id = %s"
            " order by 2 desc, 1 limit 10", user_id,
        )
        assert [row[1] for row in rows] == ids(stored)
        assert [row[2] for row in rows] == pytest.approx([row[1] for row in stored], abs=1e-4)
    for user_id in (777, None):
        assert network("select * from pgfeed.similar_users(%s)", user_id) == []
    # A new user's likes count at once.
    for post_id in (2, 4, 6):
        network(EVENT, "2021-12-13 11:00+00", 777, post_id, "like")
    assert {row[0] % 2 for row in network("select user_id from pgfeed.similar_users(777)")} == {0}


def test_similar_users_by_the_applications_keys(network):
    network("update pgfeed.users set key = 'user ' || user_id where user_id < 30")
    key = network("select pgfeed.user_key_of(7)")[0][0]
    keyed = network("select rank, user_key, similarity from pgfeed.similar_users_for(%s, 20)", key)
    plain = network("select rank, pgfeed.user_key_of(user_id), similarity from pgfeed.similar_users(%s, 20)",
                    network("select pgfeed.user_id_of(%s)", key)[0][0])
    assert keyed == plain


def test_who_may_see_users_may_see_similar_ones(network, network_dsn):
    for role, is_allowed in (("pgfeed_reader", True), ("pgfeed_operator", True), ("pgfeed_writer", False)):
        with autocommit(network_dsn) as connection:
            run = queries(connection)
            run(f"set role {role}")
            assert len(run("select * from pgfeed.trending_posts(3)")) == 3
            if is_allowed:
                assert len(run("select * from pgfeed.similar_users(7)")) == 5
                assert len(run("select * from pgfeed.similar_users_for(7)")) == 5
            else:
                with pytest.raises(psycopg2.Error, match="permission denied for function similar_users"):
                    run("select * from pgfeed.similar_users(7)")
