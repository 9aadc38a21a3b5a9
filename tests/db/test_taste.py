"""The stage 3 model, vectors of taste, explanations, and catalogues too large to score whole."""

import json
import re
import shutil
import subprocess
import tempfile
from contextlib import closing
from datetime import datetime
from itertools import product
from pathlib import Path

import numpy as np
import psycopg2
import pytest
from psycopg2.extras import RealDictCursor

from loader.data.embed import embed
from loader.errors import PgfeedError
from loader.learning import features, registry, train
from loader.measuring import compare
from migrations.objects import compose
from plpy import kernel
from plpy.factors import factorise, like_matrix, solve_side
from plpy.features import feature_values, fold_in, request_columns
from plpy.pack import Pack
from plpy.preferences import Preferences
from plpy.seen import seen_effects
from tests.db.conftest import autocommit, clone, copy_of, dsn_of, queries
from tests.db.test_embed import Words

END = "2021-12-13 12:00+00"
EARLIER = "2021-12-09 15:00+00"
CALL = "select post_id, score from pgfeed.recommend_posts(%s, %s, %s, 'test') order by rank"
SETTINGS_OF_SCORING = """
    do language plpython3u $$
    plpy.execute("select pgfeed._library()")
    from plpy import kernel, tables
    from plpy.session import current_session
    tables.SAMPLED_POSTS = {sampled}
    kernel.sum_cells = kernel.c_function("{library}") if "{library}" else None
    current_session(plpy).models.clear()
    current_session(plpy).packs.clear()
    $$
"""
SEEN_EFFECTS = {
    "times: 1": -0.1, "times: 3": -0.2, "days: 1": 0.05, "only served": 0.2, "viewed": -0.3, "rule: days": 5,
    "rule: effect": -1.0, "rule: share": 0.1,
}
OF_ALL = """
    select r.* from pgfeed._recommend_users(%s, %s, %s, %s) as l cross join lateral unnest(
        l.list_user_ids, l.ranks, l.post_ids, l.scores, l.variants, l.sources, l.model_versions, l.features_as_of
    ) as r
"""
OF_EACH = """
    select u, r.rank, r.post_id, r.score, r.variant, r.source, r.model_version, r.features_as_of
    from unnest(%s) with ordinality as o (u, number)
    cross join lateral pgfeed.recommend_posts(u, %s, %s, %s) as r order by o.number, r.rank
"""


@pytest.fixture(scope="module")
def stage_3_template(network_template):
    """Name of a copy of the network with embeddings and an active model `test`."""
    with copy_of(network_template, "stage3") as name:
        with closing(psycopg2.connect(dsn_of(name))) as connection:
            embed(connection, Words())
            with connection, connection.cursor() as cursor:
                cursor.execute("call pgfeed.refresh_features()")
            registry.activate(connection, "test", registry.store(connection, "test", train.train(connection, "test")))
            with connection, connection.cursor() as cursor:
                cursor.execute("call pgfeed.refresh_features()")
        yield name


@pytest.fixture
def stage_3_dsn(stage_3_template):
    """Connection string of a fresh copy of the network with the model `test`."""
    with clone(stage_3_template) as result:
        yield result


@pytest.fixture
def stage_3(stage_3_dsn):
    """A function that runs one statement in a fresh copy of the network with the model `test`."""
    with autocommit(stage_3_dsn) as connection:
        yield queries(connection)


def test_components_are_needed(network_dsn):
    with closing(psycopg2.connect(network_dsn)) as connection, pytest.raises(PgfeedError, match="no text components"):
        train.train(connection, "test")


def test_a_comparison_keeps_to_the_recipe(stage_3_dsn, monkeypatch):
    monkeypatch.setattr(compare, "TREES", {"max_depth": []})
    monkeypatch.setattr(compare, "FORESTS", {"min_samples_leaf": []})
    monkeypatch.setattr(compare, "BOOSTERS",
                        [{"loss_function": loss, "depth": 3, "iterations": 20} for loss in ("Logloss", "YetiRank")])
    monkeypatch.setattr(compare, "LIVE_REQUESTS", 5)
    histories, rivals = [], []
    load_history, contenders = train.load_history, compare.contenders
    monkeypatch.setattr(train, "load_history",
                        lambda *arguments: histories.append(load_history(*arguments)) or histories[-1])
    monkeypatch.setattr(compare, "contenders", lambda *arguments: rivals.extend(contenders(*arguments)) or rivals)
    with closing(psycopg2.connect(stage_3_dsn)) as connection:
        before = registry.stored_versions(connection)
        rows = compare.compare(connection, "test")
        assert registry.stored_versions(connection) == before
        first_day = train.train(connection, "test").trained_from
    assert [row.method for row in rows] == ["CatBoost Logloss", "CatBoost YetiRank"]
    assert histories[0].first_day == first_day
    assert all(rival.parameters["l2_leaf_reg"] == 50 and rival.parameters["depth"] == 3 for rival in rivals)


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_equals_what_python_computes(stage_3, stage_3_dsn, ts):
    with closing(psycopg2.connect(stage_3_dsn)) as connection:
        model = registry.load_active(connection, "test")
        with connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute("select hour, weekday, features_as_of from pgfeed._serving_state(%s, null)", [ts])
            state = cursor.fetchone()
            row = features.run_plan(cursor, "computed pack", state["features_as_of"])[0]
            posts = Pack.unpack(row)
            factors = features.run_plan(cursor, "computed factors", state["features_as_of"],
                                        row["post_ids"])[0]["factors"]
            as_of = state["features_as_of"]
            fits = [features.run_plan(cursor, f"{name} preferences", as_of) for name in ("earlier", "computed")]
            preferences = (fits[0] or fits[1])[0]["preferences"]
        posts.take_factors(factors)
        posts.take_preferences(Preferences.unpack(preferences))
        posts.encode(model.encoders)
        users = features.load_users(connection, ts, [7])
        requests = request_columns(users, posts, model.encoders)
    requests["time.hour"], requests["time.weekday"] = np.float32([state["hour"]]), np.float32([state["weekday"]])
    names, count = model.feature_names, len(posts)
    matrix = np.column_stack(
        [feature_values(name, posts, requests, np.arange(count), np.zeros(count, int)) for name in names]
    )
    assert np.isfinite(matrix[:, names.index("match.factors")]).all()
    assert {name.partition("@")[0] for name in names} > {"match.text", "match.text_last", "post.quality",
            "taste.popularity_like_rate", "match.score", "match.appeal"}
    scores = model.booster.predict(matrix, prediction_type="RawFormulaVal")
    user = users[0] | {"exposed_post_ids": np.empty(0, np.int64), "exposed_at": np.empty(0)}
    scores += seen_effects(user, posts, model, datetime.fromisoformat(f"{ts}:00").timestamp())
    expected = dict(zip(posts.post_ids.tolist(), scores))
    got = stage_3(CALL, 7, ts, 1000)
    assert len(got) > 40
    for post_id, score in got:
        assert score == pytest.approx(expected[post_id], abs=1e-6)


def test_a_like_changes_the_next_call_of_an_open_session_and_one_after_ts_does_not(stage_3, stage_3_dsn):
    like = "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (%s, 600, %s, 'like')"
    stage_3("insert into pgfeed.users (user_id, age) values (600, 30)")
    before = stage_3(CALL, 600, END, 80)
    with autocommit(stage_3_dsn) as other:
        queries(other)(like, "2021-12-13 12:00:01+00", 2)
        assert stage_3(CALL, 600, END, 80) == before
        queries(other)(like, "2021-12-13 11:59:00+00", 4)
    after = stage_3(CALL, 600, END, 80)
    assert 4 not in dict(after)
    common = dict(before).keys() & dict(after).keys()
    assert any(dict(before)[post] != dict(after)[post] for post in common)


def test_factors_tell_who_likes_what(stage_3):
    rows = stage_3("""
        select u.user_id % 2 = v.post_id % 2 as is_kind, avg(-(u.factors operator(public.<#>) v.factors))
        from pgfeed.user_vectors as u cross join pgfeed.post_vectors as v group by 1 order by 1
    """)
    assert rows[1][1] > rows[0][1] + 0.1


def test_factors_are_those_of_the_cut_off(stage_3):
    factors = (
        "select md5(pgfeed._post_factors(%s, (select post_ids from pgfeed.feature_packs order by pack_id desc"
        " limit 1)))"
    )
    before = stage_3(factors, EARLIER)
    stage_3("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " values ('2021-12-09 15:00+00', 7, 2, 'like')")
    assert stage_3(factors, EARLIER) == before
    assert stage_3(factors, END) != before


def test_folding_in_is_one_row_of_the_least_squares():
    rng = np.random.default_rng(0)
    users, posts = rng.integers(0, 30, 400), rng.integers(0, 20, 400)
    ids, matrix = like_matrix(users, posts, 20)
    vectors = factorise(matrix)
    assert np.array_equal(ids, np.arange(30)) and vectors.shape == (20, 16)
    whole = solve_side(matrix, vectors)
    for user in (0, 7, 29):
        assert fold_in(vectors[matrix[user].indices], vectors.T @ vectors) == pytest.approx(whole[user], abs=1e-4)


def test_other_axes_are_not_taken_for_the_models_own(stage_3, stage_3_dsn):
    assert {row[0] for row in stage_3("select source from pgfeed.recommend_posts(7, %s, 5, 'test')", END)} == {"model"}
    with closing(psycopg2.connect(stage_3_dsn)) as connection:
        embed(connection, Words("others", 24))
        # Until the next refresh the old components answer, then the model waits for its training.
        assert {
            row[0] for row in stage_3("select source from pgfeed.recommend_posts(7, %s, 5, 'test')", END)
        } == {"model"}
        stage_3("call pgfeed.refresh_features()")
        assert {
            row[0] for row in stage_3("select source from pgfeed.recommend_posts(7, %s, 5, 'test')", END)
        } == {"popular"}
        registry.activate(connection, "test", registry.store(connection, "test", train.train(connection, "test")))
    assert {row[0] for row in stage_3("select source from pgfeed.recommend_posts(7, %s, 5, 'test')", END)} == {"model"}


def test_a_post_deleted_between_refreshes_is_gone_and_its_likes_do_no_harm(stage_3):
    liked = stage_3("select post_id from pgfeed.likes where user_id = 7 order by liked_at desc limit 1")[0][0]
    best = stage_3(CALL, 7, END, 1)[0][0]
    stage_3("delete from pgfeed.posts where post_id in (%s, %s)", liked, best)
    assert best not in dict(stage_3(CALL, 7, END, 80))
    stage_3("call pgfeed.refresh_features()")
    assert len(stage_3(CALL, 7, END, 5)) == 5
    assert stage_3("select count(*) from pgfeed.post_vectors where post_id in (%s, %s)", liked, best) == [(0,)]


@pytest.mark.parametrize(("profile", "history", "source"), [
    (True, True, "model"), (True, False, "model"), (False, True, "model"), (False, False, "cold_start"),
])
def test_every_kind_of_cold_start_gets_five_posts(stage_3, profile, history, source):
    if profile:
        stage_3("insert into pgfeed.users (user_id, age) values (500, 20)")
    if history:
        stage_3("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                " values ('2021-12-12 12:00+00', 500, 2, 'view')")
        stage_3("call pgfeed.roll_up_events()")
    rows = stage_3("select post_id, source from pgfeed.recommend_posts(500, %s, 5, 'test')", END)
    assert len(rows) == 5 and {row[1] for row in rows} == {source}


def test_a_new_post_without_events_and_embedding_is_ranked(stage_3):
    stage_3("insert into pgfeed.posts (post_id, topic, text, created_at)"
            " values (900, 'sport', '🎉 привет football', '2021-12-12')")
    stage_3("call pgfeed.refresh_features()")
    assert 900 in dict(stage_3(CALL, 8, END, 80))
    assert 900 not in dict(stage_3(CALL, 8, EARLIER, 80))


@pytest.mark.parametrize("variant", ["control", "test"])
@pytest.mark.parametrize("ts", [END, EARLIER])
def test_an_explanation_sums_to_the_score(stage_3, variant, ts):
    post_id, score = stage_3("select post_id, score from pgfeed.recommend_posts(8, %s, 3, %s) where rank = 3",
                             ts, variant)[0]
    rows = stage_3("select rank, feature, value, contribution from pgfeed.explain_recommendation(8, %s, %s, %s)",
                   post_id, ts, variant)
    names = stage_3("select feature_names from pgfeed.models where variant = %s", variant)[0][0]
    assert sorted(row[1] for row in rows if row[1] != "(times shown before)") == sorted([*names, "(average)"])
    assert sum(row[3] for row in rows) == pytest.approx(score, abs=1e-5)
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert [abs(row[3]) for row in rows] == sorted((abs(row[3]) for row in rows), reverse=True)
    assert {row[1]: row[2] for row in rows}["user.age"] == 40


def test_an_explanation_in_words_is_true(stage_3):
    """A post has a lower score without the like that is named in it."""
    rows = stage_3(
        "select r.post_id, w.because from pgfeed.recommend_posts(7, %s, 20, 'test') as r, lateral"
        " pgfeed.explain_recommendation(7, r.post_id, %s, 'test') as w where w.rank = 1", END, END,
    )
    sentences = {post_id: sentence for post_id, sentence in rows if sentence}
    named = {
        post_id: int(found[1]) for post_id, sentence in sentences.items()
        if (found := re.search(r"you liked “.+” \(post (\d+)\)", sentence))
    }
    assert len(sentences) > 15 and len(named) > 3
    score = "select score from pgfeed.rank_posts(7, array[%s], %s, 'test')"
    for post_id, like in list(named.items())[:3]:
        before = stage_3(score, post_id, END)[0][0]
        stage_3("begin")
        stage_3("update pgfeed.feed_events set target = null where user_id = 7 and post_id = %s", like)
        stage_3("delete from pgfeed.feed_events where user_id = 7 and post_id = %s and action = 'like'", like)
        stage_3("delete from pgfeed.liked_posts where user_id = 7 and post_id = %s", like)
        assert stage_3(score, post_id, END)[0][0] < before
        stage_3("rollback")
    labels = dict(stage_3("select feature, label from pgfeed.explain_recommendation(7, %s, %s, 'test')", post_id, END))
    facts = stage_3("select 'city: ' || u.city, 'topic: ' || p.topic from pgfeed.users as u, pgfeed.posts as p"
                    " where u.user_id = 7 and p.post_id = %s", post_id)
    assert [(labels["user.city"], labels["post.topic"])] == facts


def test_what_no_model_scored_is_explained_by_what_it_was_ranked_by(stage_3):
    post_id, score = stage_3("select post_id, score from pgfeed.recommend_posts(999999, %s, 1)", END)[0]
    rows = stage_3("select feature, contribution from pgfeed.explain_recommendation(999999, %s, %s)", post_id, END)
    assert rows == [("post.decayed_like_rate_7d", pytest.approx(score))]
    assert stage_3("select because from pgfeed.explain_recommendation(999999, %s, %s)", post_id, END) == [
        ("Because it has been liked more than any other post of late.",)
    ]
    assert stage_3(
        "select feature from pgfeed.explain_recommendation(7, %s, %s, 'random')", post_id, END
    ) == [("(by lot)",)]


@pytest.mark.parametrize("arguments",
                         [(8, 777777, END), (None, 1, END), (8, None, END), (8, 1, None), (8, 1, "infinity")])
def test_what_cannot_be_explained_is_one_error_with_a_hint(stage_3, arguments):
    with pytest.raises(psycopg2.Error) as raised:
        stage_3("select * from pgfeed.explain_recommendation(%s, %s, %s)", *arguments)
    assert raised.value.diag.message_hint


@pytest.fixture
def large(stage_3):
    """The network with every catalogue taken for a large one, and a shortlist of few posts."""
    stage_3(compose("functions/_is_large").replace("> 25000", "> 0"))
    shortlist = compose("functions/_shortlist")
    for constant, value in (
        ("TYPICAL_USERS = 64", "TYPICAL_USERS = 8"), ("BEST_OF_A_USER = 300", "BEST_OF_A_USER = 4"),
        ("BEST_OF_ALL = 2_000", "BEST_OF_ALL = 6"), ("POSTS_AT_ONCE = 50_000", "POSTS_AT_ONCE = 13"),
    ):
        assert constant in shortlist
        shortlist = shortlist.replace(constant, value)
    stage_3(shortlist)
    return stage_3


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_a_large_catalogue_gives_the_best_of_a_shortlist_with_nearly_the_same_scores(large, ts):
    whole = dict(large(CALL, 8, ts, 80))
    large("call pgfeed.refresh_features()")
    assert large(
        "select is_shortlist, post_count < 50 from pgfeed.feature_packs order by pack_id desc limit 1"
    ) == [(True, True)]
    few = large(CALL, 8, ts, 5)
    for post_id, score in few:
        # What posts are compared with, as by their rank of views, is the shortlist, and at an earlier moment the
        # factors are of it alone.
        assert score == pytest.approx(whole[post_id], abs=0.3)
    assert sum(post_id in sorted(whole, key=whole.get, reverse=True)[:10] for post_id, _ in few) >= 4
    post_id, score = few[0]
    explained = large("select contribution, advantage from pgfeed.explain_recommendation(8, %s, %s, 'test')",
                      post_id, ts)
    assert sum(row[0] for row in explained) == pytest.approx(score, abs=1e-5)
    assert any(advantage not in (None, contribution) for contribution, advantage in explained)  # beside other posts


def test_later_likes_change_no_answer_of_a_large_catalogue_at_an_earlier_moment(large):
    large("call pgfeed.refresh_features()")
    before = large(CALL, 8, EARLIER, 80)
    large(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " select timestamptz '2021-12-11 20:00+00', u, p, 'like'"
        " from generate_series(1, 60) as u, generate_series(1, 80) as p where (u + p) % 5 = 0 on conflict do nothing"
    )
    large("call pgfeed.refresh_features()")
    assert large(CALL, 8, EARLIER, 80) == before


def test_a_shortlist_does_not_depend_on_how_many_posts_are_read_at_once(large):
    """The posts of the first block have far more views than the others."""
    large(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " select timestamptz '2021-12-11' + n * interval '1 second', 8, p, 'view'"
        " from generate_series(1, 13) as p, generate_series(1, 200) as n"
    )
    large("call pgfeed.roll_up_events()")
    found = large("select pgfeed._shortlist('2021-12-13')")
    shortlist = compose("functions/_shortlist").replace("TYPICAL_USERS = 64", "TYPICAL_USERS = 8")
    large(shortlist.replace("_A_USER = 300", "_A_USER = 4").replace("_ALL = 2_000", "_ALL = 6"))
    assert large("select pgfeed._shortlist('2021-12-13')") == found


def test_a_users_own_candidates_join_the_shortlist(large):
    large("insert into pgfeed.posts (post_id, topic, text, created_at)"
          " values (900, 'sport', 'post 900 football match', '2021-12-12')")
    large("call pgfeed.refresh_features()")
    assert 900 in dict(large(CALL, 8, END, 80))
    near = set(large("select pgfeed._user_candidates(%s, array[2]::bigint[])", END)[0][0])
    assert {2, 900} <= near and len(near) > 50
    absent = set(range(1, 81)) - set(large("select pgfeed._shortlist('2021-12-13')")[0][0])
    post_id = min(absent)
    rows = large("select sum(contribution) from pgfeed.explain_recommendation(999, %s, %s)", post_id, END)
    assert rows[0][0] is not None


def test_a_large_catalogue_has_its_cold_start(large):
    large("call pgfeed.refresh_features()")
    rows = large("select post_id, source from pgfeed.recommend_posts(999999, %s)", END)
    assert len(rows) == 5 and {row[1] for row in rows} == {"cold_start"}


def test_lists_of_a_large_catalogue_are_full_whatever_was_liked(large):
    large("call pgfeed.refresh_features()")
    large(
        "create table best_first as select row_number() over ("
        " order by p.post_id = any(pgfeed._shortlist('2021-12-13')) desc, p.post_id) as number, p.post_id"
        " from pgfeed.posts as p"
    )
    (post_count,) = large("select count(*) from pgfeed.posts")[0]
    for like_count in (0, 40, post_count - 4, post_count - 1, post_count):
        large("delete from pgfeed.feed_events where user_id = 8")
        large("delete from pgfeed.liked_posts where user_id = 8")
        large(
            "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select timestamptz '2021-12-11 20:00+00' + b.number * interval '1 second', 8, b.post_id, 'like'"
            " from best_first as b where b.number <= %s",
            like_count,
        )
        liked = {row[0] for row in large("select post_id from best_first where number <= %s", like_count)}
        calls = product((END, "2021-12-12 15:00+00"), (5, 1000), ("test", "control", "popular", "random"))
        for call in calls:
            rows = large("select rank, post_id from pgfeed.recommend_posts(8, %s, %s, %s)", *call)
            ids = {row[1] for row in rows}
            assert [row[0] for row in rows] == list(range(1, min(call[1], post_count - like_count) + 1)), call
            assert len(ids) == len(rows) and not ids & liked


def test_a_post_that_no_refresh_knows_does_not_break_a_list_that_is_just_full(large):
    large("call pgfeed.refresh_features()")
    large("delete from pgfeed.post_components")  # which would bring all posts into the first answer
    large("insert into pgfeed.posts (post_id, topic, text) values (901, 'sport', 'a post after the refresh')")
    large(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " select '2021-12-11 20:00+00', 8, unnest(pgfeed._shortlist('2021-12-13')), 'like' on conflict do nothing"
    )
    (left,) = large(
        "select count(*) from pgfeed.post_features as f where not exists (select from pgfeed.feed_events as e"
        " where e.user_id = 8 and e.post_id = f.post_id and (e.action = 'like' or e.target))"
    )[0]
    for variant, k in product(("control", "popular", "random"), (1, left - 1, left, left + 1, left + 2)):
        rows = large("select post_id from pgfeed.recommend_posts(8, %s, %s, %s)", END, k, variant)
        assert len(rows) == len(set(rows)) == min(k, left + 1)


@pytest.mark.parametrize("post_count", [24_999, 25_001])
def test_lists_are_full_on_both_sides_of_the_limit_of_large_catalogues(query, post_count):
    query("insert into pgfeed.posts (post_id, topic) select p, 'sport' from generate_series(1, %s) as p", post_count)
    query("call pgfeed.create_event_partitions('2021-12-01', '2021-12-12')")
    query(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " select timestamptz '2021-12-11' + p * interval '1 second', p % 3, p, 'like'"
        " from generate_series(1, 24000) as p"
    )
    query("call pgfeed.refresh_features()")
    for user_id, k in ((0, 1000), (1, 5), (2, 1)):
        rows = query("select post_id from pgfeed.recommend_posts(%s, '2021-12-13', %s)", user_id, k)
        assert len(rows) == k and all(row[0] % 3 != user_id or row[0] > 24_000 for row in rows)


@pytest.mark.parametrize("is_sample", [True, False])
def test_of_a_sample_of_users_the_appeal_of_posts_is_learned_from_the_counts_of_all(stage_3, is_sample):
    def appeal(post_id):
        arrays = Preferences.unpack(stage_3("select pgfeed._preferences(%s)", END)[0][0]).arrays
        return float(arrays["appeal"][arrays["post_ids"].tolist().index(post_id)])

    if is_sample:
        stage_3("update pgfeed.rollup_days set view_count = 2000000 where day = '2021-12-12'")
    before = appeal(7)
    stage_3("update pgfeed.post_days set view_count = view_count + 100, like_count = like_count + 60 where post_id = 7"
            " and day = '2021-12-10'")
    assert (appeal(7) > before + 0.1) == is_sample


@pytest.fixture(scope="module")
def compiled():
    """The library with the sums in C, where the server's user can read it; empty: there is no compiler."""
    folder = Path(tempfile.mkdtemp(prefix="pgfeed-kernel-"))
    folder.chmod(0o755)
    if shutil.which("cc"):
        source = Path(kernel.__file__).with_name("preload") / "sum_cells.c"
        subprocess.run(["cc", "-O2", "-fPIC", "-shared", source, "-o", folder / "sum_cells.so"], check=True)
        yield str(folder / "sum_cells.so")
    else:
        yield ""
    shutil.rmtree(folder)


def test_many_users_get_to_the_bit_what_each_of_them_gets(stage_3, compiled):
    stage_3("update pgfeed.models set encoders = encoders || %s where variant = 'test'",
            json.dumps({"seen": SEEN_EFFECTS}))
    stage_3("insert into pgfeed.exposures (user_id, served_at, post_ids, variant, source, features_as_of)"
            " select u, timestamptz '2021-12-13 09:00+00' - n * interval '11 hours', array[1 + (u * 7 + n * 11) % 80,"
            " 1 + (u + n) % 80], 'test', 'model', '2021-12-13' from generate_series(1, 40) as u,"
            " generate_series(1, 6) as n")
    stage_3("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select '2021-12-13 11:30+00', u, 1 + u % 80, 'like' from generate_series(1, 30) as u")
    stage_3("insert into pgfeed.posts (post_id, topic, text, created_at) values"
            " (901, 'sport', 'post 1', '2021-12-13 10:00+00'), (902, 'new', 'post 2', '2021-12-13 10:00+00')")
    best = stage_3("select post_id from pgfeed.recommend_posts(8, %s, 1, 'test')", END)[0][0]
    stage_3("delete from pgfeed.posts where post_id = %s", best)
    stage_3("call pgfeed.create_experiment('try', '{control,popular,test}')")
    stage_3("call pgfeed.start_experiment('try')")
    ids = [*range(60, 0, -1), 999]
    # Came after the refresh.
    stage_3("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " values ('2021-12-13 11:00+00', 998, 3, 'view')")
    assert stage_3(OF_ALL, [998], END, 5, "test") == stage_3(OF_EACH, [998], END, 5, "test") != []
    for library, sampled in ("", 2000), ("", 0), (compiled, 0):
        stage_3(SETTINGS_OF_SCORING.format(library=library, sampled=sampled))
        for ts, k, variant in (END, 100, "test"), (END, 3, None), (EARLIER, 5, None):
            assert stage_3(OF_ALL, ids, ts, k, variant) == stage_3(OF_EACH, ids, ts, k, variant)
