"""The contract of recommend_posts."""

import hashlib
from datetime import datetime

import numpy as np
import psycopg2
import pytest
from psycopg2.extras import RealDictCursor

from loader.learning import features, registry, train
from plpy.columns import CATEGORICAL
from plpy.features import request_columns
from plpy.pack import Pack
from plpy.seen import KEY, seen_effects
from plpy.trees import Trees
from tests.db.conftest import autocommit, queries

END = "2021-12-13 12:00+00"
EARLIER = "2021-12-09 15:00+00"
CALL = "select post_id, score from pgfeed.recommend_posts(%s, %s, %s) order by rank"


def test_five_distinct_posts_best_first(network):
    rows = network("select rank, post_id, topic, text, score, variant, source, model_version, features_as_of::text"
                   " from pgfeed.recommend_posts(7, %s)", END)
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    assert len({row[1] for row in rows}) == 5
    assert [row[4] for row in rows] == sorted((row[4] for row in rows), reverse=True)
    assert {row[5:8] for row in rows} == {("control", "model", 1)}
    assert {row[8] for row in rows} == {"2021-12-13 00:00:00+00"}
    assert all(row[3].startswith(f"post {row[1]} ") for row in rows)


@pytest.mark.parametrize(("user_id", "topic"), [(7, "movie"), (8, "sport")])
def test_each_kind_of_user_gets_what_it_likes(network, user_id, topic):
    topics = [row[0] for row in network("select topic from pgfeed.recommend_posts(%s, %s, 10)", user_id, END)]
    assert topics.count(topic) >= 9


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_liked_posts_never_return(network, ts):
    liked = {row[0] for row in network("select post_id from pgfeed.likes where user_id = 7 and liked_at < %s", ts)}
    shown = {row[0] for row in network(CALL, 7, ts, 1000)}
    assert liked and not liked & shown
    assert len(shown) == 80 - len(liked)


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_equals_what_python_computes(network, network_dsn, ts):
    connection = psycopg2.connect(network_dsn)
    model = registry.load_active(connection, "control")
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("select hour, weekday, features_as_of from pgfeed._serving_state(%s, null)", [ts])
        state = cursor.fetchone()
        posts = Pack.unpack(features.run_plan(cursor, "computed pack", state["features_as_of"])[0])
    posts.encode(model.encoders)
    users = features.load_users(connection, ts, [7])
    requests = request_columns(users, posts, model.encoders)
    requests["time.hour"], requests["time.weekday"] = np.float32([state["hour"]]), np.float32([state["weekday"]])
    matrix = features.feature_matrix(model.feature_names, posts, requests, np.arange(len(posts)))
    scores = model.booster.predict(matrix, prediction_type="RawFormulaVal")
    user = users[0] | {"exposed_post_ids": np.empty(0, np.int64), "exposed_at": np.empty(0)}
    scores += seen_effects(user, posts, model, datetime.fromisoformat(f"{ts}:00").timestamp())
    expected = dict(zip(posts.post_ids.tolist(), scores))
    connection.close()
    got = network(CALL, 7, ts, 1000)
    assert len(got) > 40
    for post_id, score in got:
        assert score == pytest.approx(expected[post_id], abs=1e-6)


def test_ties_go_to_the_smaller_post_id(network):
    network("update pgfeed.posts set topic = 'movie'")
    network("insert into pgfeed.posts (post_id, topic) select p, 'new' from generate_series(1000, 1020) as p")
    network("call pgfeed.refresh_features()")
    rows = network("select post_id, score from pgfeed.recommend_posts(7, %s, 1000) where post_id >= 1000 order by rank",
                   END)
    assert len(rows) == 21
    assert rows == sorted(rows, key=lambda row: (-row[1], row[0]))
    assert len({score for _, score in rows}) == 1


def test_a_user_read_in_one_statement_is_the_same(network):
    rows = network("select (select to_jsonb(r) from pgfeed._request_user(f.user_id, m) as r), to_jsonb(r)"
                   " from pgfeed.user_features as f cross join unnest(array[timestamptz %s, now()]) as m"
                   " cross join pgfeed._request_users(m, array[f.user_id], true) as r where f.user_id < 60", END)
    assert len(rows) > 100
    assert all(found == expected for found, expected in rows)
    network("update pgfeed.actions set sign = -1, hides = true where action = 'like'")
    assert network("select count(*) from pgfeed._request_user(7, now())") == [(0,)]


def test_unknown_user_gets_a_full_list_by_cold_start(network):
    rows = network("select post_id, source from pgfeed.recommend_posts(999999999, %s)", END)
    assert len(rows) == 5 and {row[1] for row in rows} == {"cold_start"}


def test_user_with_profile_only_and_with_history_only_are_scored(network):
    network("insert into pgfeed.users (user_id, age) values (500, 20)")
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " values ('2021-12-12 12:00+00', 501, 2, 'view')")
    network("call pgfeed.roll_up_events()")
    for user_id in (500, 501):
        assert {
            row[0] for row in network("select source from pgfeed.recommend_posts(%s, %s)", user_id, END)
        } == {"model"}


@pytest.mark.parametrize("ts", [END, EARLIER, "2021-12-09 10:05+00"])
def test_events_at_or_after_ts_change_nothing(network, network_dsn, ts):
    with autocommit(network_dsn) as other:
        before = queries(other)(CALL, 7, ts, 80)
    network("""
        insert into pgfeed.feed_events (event_at, user_id, post_id, action)
        select %s::timestamptz + n * interval '1 second', u, p, a
        from generate_series(0, 3) n, generate_series(6, 9) u, generate_series(1, 40) p, unnest(array['view', 'like']) a
    """, ts)
    assert network(CALL, 7, ts, 80) == before
    network("call pgfeed.refresh_features(%s)", ts)
    with autocommit(network_dsn) as other:
        refreshed = queries(other)(CALL, 7, ts, 80)
    network("delete from pgfeed.feed_events where event_at >= %s", ts)
    network("call pgfeed.recount_days('2021-12-01', '2021-12-31')")
    network("call pgfeed.refresh_features(%s)", ts)
    with autocommit(network_dsn) as other:
        assert queries(other)(CALL, 7, ts, 80) == refreshed


def test_an_event_before_ts_does_change_scores(network):
    before = network(CALL, 7, EARLIER, 80)
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select '2021-12-08 12:00+00', u, 3, 'like' from generate_series(100, 160) u")
    network("call pgfeed.roll_up_events()")
    assert network(CALL, 7, EARLIER, 80) != before


def test_a_like_of_just_now_leaves_the_next_list(network):
    first = network(CALL, 7, END, 5)[0][0]
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " values ('2021-12-12 23:00+00', 7, %s, 'like')", first)
    assert first not in {row[0] for row in network(CALL, 7, END, 80)}


def test_a_deleted_post_is_gone_at_once(network):
    first = network(CALL, 7, END, 5)[0][0]
    network("delete from pgfeed.posts where post_id = %s", first)
    rows = network(CALL, 7, END, 5)
    assert len(rows) == 5 and first not in {row[0] for row in rows}


def test_without_a_model_the_best_recent_like_rate_serves(network):
    network("truncate pgfeed.model_activations")
    rows = network("select post_id, source, model_version from pgfeed.recommend_posts(7, %s)", END)
    assert len(rows) == 5 and {row[1:] for row in rows} == {("popular", None)}
    best = network("""
        select post_id from pgfeed.post_features where post_id not in (select post_id from pgfeed.likes
            where user_id = 7)
        order by decayed_like_rate_7d desc, post_id limit 5
    """)
    assert [row[0] for row in rows] == [row[0] for row in best]


def test_empty_catalogue_gives_no_rows(query):
    query("call pgfeed.refresh_features('2021-12-12')")
    assert query("select * from pgfeed.recommend_posts(1, '2021-12-12')") == []


def test_before_all_data_a_full_list(network):
    assert len(network("select * from pgfeed.recommend_posts(7, '2001-01-01 00:00+00')")) == 5
    assert len(network("select post_id from pgfeed.recommend_posts(7, '0044-03-15 00:00+00 BC')")) == 5


@pytest.mark.parametrize(("arguments", "code", "message"), [
    ("null, now()", "22004", "user_id is null"),
    ("7, null", "22004", "ts is null"),
    ("7, now(), null", "22004", "k is null"),
    ("7, now(), 0", "22023", "k is 0"),
    ("7, now(), 1001", "22023", "k is 1001"),
    ("7, 'infinity'", "22008", "ts is infinity"),
    ("7, now(), 5, 'nope'", "22023", "there is no variant 'nope'"),
])
def test_bad_arguments(network, arguments, code, message):
    with pytest.raises(psycopg2.Error, match=message) as raised:
        network(f"select * from pgfeed.recommend_posts({arguments})")
    assert raised.value.pgcode == code and raised.value.diag.message_hint


def test_never_refreshed(query):
    with pytest.raises(psycopg2.Error, match="never refreshed") as raised:
        query("select * from pgfeed.recommend_posts(1)")
    assert raised.value.pgcode == "55000" and "refresh_features" in raised.value.diag.message_hint


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_session_settings_do_not_matter(network, network_dsn, ts):
    expected = network(CALL, 7, ts, 5)
    with autocommit(network_dsn) as connection:
        other = queries(connection)
        other("set timezone = 'Asia/Kathmandu'; set datestyle = 'SQL, DMY'; set search_path = ''")
        assert other(CALL, 7, ts, 5) == expected
        other("discard all")
        assert other(CALL, 7, ts, 5) == expected


def test_read_only_transaction(network):
    network("set default_transaction_read_only = on")
    assert len(network(CALL, 7, END, 5)) == 5
    assert len(network(CALL, 7, EARLIER, 5)) == 5


def test_reader_can_call_but_not_read_events(network):
    network("set role pgfeed_reader")
    assert len(network(CALL, 7, END, 5)) == 5
    for relation in ("feed_events", "users", "models", "impressions", "user_topic_days", "feature_packs"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            network(f"select 1 from pgfeed.{relation}")


@pytest.mark.parametrize("call",
                         ["recommend_posts(7, k => 0)", "search_posts('text', 0)", "explain_recommendation(7, null)"])
def test_planning_does_not_call(network, call):
    with pytest.raises(psycopg2.Error):
        network(f"select * from pgfeed.{call}")
    assert network(f"explain select * from pgfeed.{call}")


def test_activation_reaches_open_sessions(network, network_dsn):
    with autocommit(network_dsn) as other:
        call = "select distinct model_version from pgfeed.recommend_posts(7, %s)"
        assert queries(other)(call, END) == network(call, END) == [(1,)]
        connection = psycopg2.connect(network_dsn)
        registry.store(connection, "control", train.train(connection, "control"))
        connection.close()
        network("begin")
        network("call pgfeed.activate_model('control', 2)")
        assert network(call, END) == [(2,)]
        assert queries(other)(call, END) == [(1,)]
        network("rollback")
        assert network(call, END) == [(1,)]
        network("call pgfeed.activate_model('control', 2)")
        assert queries(other)(call, END) == network(call, END) == [(2,)]
        network("call pgfeed.activate_model('control', 2)")  # again: nothing to go back from
        assert network("call pgfeed.rollback_model('control')") == [(1,)]
        assert queries(other)(call, END) == network(call, END) == [(1,)]


@pytest.mark.parametrize(("change", "message"), [
    ("artifact = set_byte(artifact, 400, get_byte(artifact, 400) # 255)", "sha256"),
    ("artifact = '\\x8004950b', sha256 = encode(sha256('\\x8004950b'), 'hex')", "native CatBoost format"),
    ("feature_names = feature_names[2:]", "features, the table"),
    ("golden_scores[1] = golden_scores[1] + 0.001", "golden sample"),
    ("feature_names[1] = 'user.shoe_size'", "user.shoe_size"),
])
def test_a_broken_model_is_refused_and_the_old_one_serves(network, change, message):
    network("""
        insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, parameters, metrics,
            golden_matrix, golden_scores)
        select variant, 2, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix, golden_scores
            from pgfeed.models
    """)
    network(f"update pgfeed.models set {change} where version = 2")
    with pytest.raises(psycopg2.Error, match=message) as raised:
        network("call pgfeed.activate_model('control', 2)")
    assert raised.value.diag.message_hint
    assert network("select distinct model_version from pgfeed.recommend_posts(7, %s)", END) == [(1,)]


def test_a_model_that_needs_a_catboost_that_cannot_be_loaded_is_given_up_with_one_warning(network, network_dsn):
    ((trees, sha256),) = network("select trees, sha256 from pgfeed.models")
    artifact = b"CBM1" + bytes(60)
    other = hashlib.sha256(artifact).hexdigest()
    network("update pgfeed.models set artifact = %s, sha256 = %s, trees = %s", artifact, other,
            Trees.unpack(bytes(trees), sha256).pack(other))
    with autocommit(network_dsn) as connection:
        run = queries(connection)
        assert {row[0] for row in run("select source from pgfeed.recommend_posts(7, %s)", END)} == {"model"}
        run("""
            do $$
            import sys
            sys.modules["plpy.tables"].MOST_CELLS = 0
            sys.modules["plpy.session"]._session.models.clear()
            $$ language plpython3u
        """)
        connection.notices.clear()
        for _ in range(2):
            assert {row[0] for row in run("select source from pgfeed.recommend_posts(7, %s)", END)} == {"popular"}
        assert len(connection.notices) == 1 and "model 1 cannot be loaded" in connection.notices[0]


def test_encoders_hold_every_categorical(network, network_dsn):
    connection = psycopg2.connect(network_dsn)
    assert set(registry.load_active(connection, "control").encoders) == {*CATEGORICAL, KEY}
    connection.close()


def test_a_default_variant_that_does_not_exist_is_an_error(network):
    network("set pgfeed.default_variant = 'nope'")
    with pytest.raises(psycopg2.Error, match="there is no variant 'nope' .the setting pgfeed.default_variant"):
        network("select * from pgfeed.recommend_posts(7, %s)", END)


def test_a_pack_without_the_models_features_is_not_scored(network):
    network("update pgfeed.feature_packs set feature_names = array_replace(feature_names, 'text.tfidf_max',"
            " 'text.old')")
    assert {row[0] for row in network("select source from pgfeed.recommend_posts(7, %s)", END)} == {"popular"}
    network("call pgfeed.refresh_features()")
    assert {row[0] for row in network("select source from pgfeed.recommend_posts(7, %s)", END)} == {"model"}


def test_a_feed_of_likes_without_views_ranks_by_likes(query):
    query("call pgfeed.create_event_partitions('2021-12-01', '2021-12-01')")
    query("insert into pgfeed.posts (post_id) select generate_series(1, 9)")
    query("""
        insert into pgfeed.feed_events (event_at, user_id, post_id, action)
        select timestamptz '2021-12-01 10:00+00', u, p, 'like'
            from generate_series(1, 9) p, generate_series(1, 100 * p) u
    """)
    query("call pgfeed.refresh_features()")
    rows = query("select post_id from pgfeed.recommend_posts(99999, '2021-12-03')")
    assert [row[0] for row in rows] == [9, 8, 7, 6, 5]


def test_timeout_and_cancel_act_at_once(network, network_dsn):
    network("insert into pgfeed.posts (post_id, topic) select p, 'new' from generate_series(1000, 25000) as p")
    network("call pgfeed.refresh_features()")
    assert len(network(CALL, 7, END, 5)) == 5
    network("set statement_timeout = '2ms'")
    with pytest.raises(psycopg2.errors.QueryCanceled):
        network(CALL, 7, END, 5)
    network("set statement_timeout = 0")
    assert len(network(CALL, 7, END, 5)) == 5


@pytest.mark.parametrize(
    "call, message",
    [
        ("recommend_posts(1, '2021-12-13', 0)", "k is 0"),
        ("recommend_posts(null)", "user_id is null"),
        ("recommend_posts(1, 'infinity')", "ts is infinity"),
        ("recommend_posts(1, '2021-12-13', 5, 'nobody')", "there is no variant 'nobody'"),
        ("serve_posts(1, '2021-12-13', 1001)", "k is 1001"),
        ("explain_recommendation(1, 9999, '2021-12-13')", "post 9999"),
        ("explain_recommendation(1, null)", "post_id is null"),
        ("search_posts('film')", "the posts have no embeddings"),
        ("similar_posts(1)", "the posts have no embeddings"),
    ],
)
def test_an_error_in_sql_is_one_sentence_without_the_stack_of_python(network, call, message):
    with pytest.raises(psycopg2.Error) as caught:
        network(f"select * from pgfeed.{call}")
    diagnosis = caught.value.diag
    assert message in diagnosis.message_primary and "plpy" not in diagnosis.message_primary
    assert diagnosis.message_hint and diagnosis.sqlstate[:2] in ("22", "55")
    assert "Python" not in (diagnosis.context or "") and len((diagnosis.context or "").splitlines()) <= 5


def test_a_bug_keeps_its_stack_and_a_stopped_call_its_code(network):
    network("set statement_timeout = 1")
    with pytest.raises(psycopg2.errors.QueryCanceled, match="^canceling statement"):
        network("select r.* from generate_series(1, 60) as u cross join lateral pgfeed.recommend_posts(u,"
                " '2021-12-05') as r")
    network("set statement_timeout = 0")
    network("alter table pgfeed.posts rename column topic to subject")
    with pytest.raises(psycopg2.Error) as caught:
        network("select * from pgfeed.recommend_posts(1, '2021-12-13')")
    assert caught.value.pgcode == "42703"
