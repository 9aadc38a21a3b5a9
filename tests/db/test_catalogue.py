"""Models that choose from the whole catalogue: as of the moment, the same in SQL and in Python."""

from contextlib import closing

import numpy as np
import psycopg2
import pytest
from catboost import CatBoost, Pool

from loader.errors import PgfeedError
from loader.learning import catalogue, features, registry, requests, train
from loader.learning.split import midnight
from loader.measuring import full
from migrations.objects import compose
from tests.db.conftest import autocommit, clone, copy_of, dsn_of, queries

END = "2021-12-13 12:00+00"
EARLIER = "2021-12-09 15:00+00"
CALL = "select post_id, score from pgfeed.recommend_posts(7, %s, 80) order by rank"


@pytest.fixture(scope="module")
def choosing_template(network_template):
    """Name of the network with a model of variant test that was trained with negatives."""
    with copy_of(network_template, "choosing") as name:
        connection = psycopg2.connect(dsn_of(name))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(catalogue, "MAX_REQUESTS", 500)
            patch.setattr(catalogue, "MAX_VALIDATION_REQUESTS", 100)
            patch.setattr(catalogue, "TREES", (30, 60))
            trained = catalogue.train(connection, 30)
        registry.activate(connection, "control", registry.store(connection, "control", trained))
        connection.close()
        yield name


@pytest.fixture
def choosing_dsn(choosing_template):
    with clone(choosing_template) as result:
        yield result


@pytest.fixture
def network(choosing_dsn):
    """A function that runs one statement in a fresh copy of the network and returns its rows."""
    with autocommit(choosing_dsn) as connection:
        yield queries(connection)


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_equals_what_python_computes(network, choosing_dsn, ts):
    connection = psycopg2.connect(choosing_dsn)
    model = registry.load_active(connection, "control")
    with connection.cursor() as cursor:
        cursor.execute("select extract(epoch from %s::timestamptz)::float8", [ts])
        at = cursor.fetchone()[0]
    score = requests.model_scorer(model.booster, model.feature_names, model.encoders)
    request, pack, columns, _ = next(
        requests.with_features(connection, [requests.Request(7, at, np.array([1]))], model.encoders, "test")
    )
    expected = dict(zip(pack.post_ids.tolist(), score(request, pack, columns)))
    connection.close()
    got = network(CALL, ts)
    assert len(got) > 40 and {
        row[0] for row in network("select source from pgfeed.recommend_posts(7, %s)", ts)
    } == {"model"}
    for post_id, value in got:
        assert value == pytest.approx(expected[post_id], abs=1e-6)


def test_a_request_chooses_from_the_posts_that_came_on_its_day_too(network, choosing_dsn):
    """Posts 900 and 901 came before and after it; what is known of the first is what the service knows."""
    network("insert into pgfeed.posts (post_id, topic, text, created_at) values"
            " (900, 'sport', 'football', '2021-12-09 12:00+00'), (901, 'sport', 'goal', '2021-12-09 16:00+00')")
    for user in range(1, 11):
        network("insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (%s, %s, 900, 'like')",
                f"2021-12-09 13:{user:02}:00+00", user + 20)
    with closing(psycopg2.connect(choosing_dsn)) as connection:
        model = registry.load_active(connection, "control")
        score = requests.model_scorer(model.booster, model.feature_names, model.encoders)
        with connection.cursor() as cursor:
            cursor.execute("select extract(epoch from %s::timestamptz)::float8", [EARLIER])
            at = cursor.fetchone()[0]
        asked = [requests.Request(7, at, np.array([900])), requests.Request(8, at + 7200, np.array([901]))]
        found = requests.with_features(connection, asked, model.encoders, "test")
        request, pack, columns, excluded = next(found)
        expected = dict(zip(pack.post_ids.tolist(), score(request, pack, columns)))
        later = next(found)
        choices = catalogue.load_choices(connection, asked[:1], model.feature_names, model.encoders, 30, "test")
    assert 901 in pack.post_ids[excluded] and 900 not in pack.post_ids[excluded]
    assert 901 in later[1].post_ids and 901 not in later[1].post_ids[later[3]]
    got = dict(network(CALL, EARLIER))
    assert 900 in got and 901 not in got
    for post_id, value in got.items():
        assert value == pytest.approx(expected[post_id], abs=1e-6), post_id
    assert choices.is_liked.sum() == 1


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_events_at_or_after_ts_change_nothing(network, choosing_dsn, ts):
    before = network(CALL, ts)
    network("""
        insert into pgfeed.feed_events (event_at, user_id, post_id, action)
        select %s::timestamptz + n * interval '1 second', u, p, a
        from generate_series(0, 3) n, generate_series(6, 9) u, generate_series(1, 40) p, unnest(array['view', 'like']) a
    """, ts)
    with autocommit(choosing_dsn) as other:
        assert queries(other)(CALL, ts) == before
    network("call pgfeed.roll_up_events()")
    network("call pgfeed.refresh_features(%s)", ts)
    with autocommit(choosing_dsn) as other:
        refreshed = queries(other)(CALL, ts)
    network("delete from pgfeed.feed_events where event_at >= %s", ts)
    network("call pgfeed.recount_days(%s::timestamptz::date, '2021-12-13')", ts)
    network("call pgfeed.refresh_features(%s)", ts)
    with autocommit(choosing_dsn) as other:
        assert queries(other)(CALL, ts) == refreshed


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_events_of_the_last_minute_change_scores(network, ts):
    before = network(CALL, ts)
    network(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " select %s::timestamptz - interval '1 minute', u, 3, 'like' from generate_series(100, 160) u",
        ts,
    )
    assert network(CALL, ts) != before


def test_refresh_stores_the_neighbours_that_a_model_needs(network):
    network("call pgfeed.refresh_features()")
    pairs = (
        "select length(neighbours) / 20, neighbours = pgfeed._post_neighbours(as_of, post_ids)"
        " from pgfeed.feature_packs order by pack_id desc limit 1"
    )
    count, is_same = network(pairs)[0]
    assert count > 1000 and is_same


def test_neighbours_know_only_the_likes_before(network):
    query = (
        "select pgfeed._post_neighbours('2021-12-09', post_ids) from pgfeed.feature_packs order by pack_id desc"
        " limit 1"
    )
    before = network(query)
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select '2021-12-09 00:00+00', u, p, 'like' from generate_series(1, 60) u, generate_series(1, 9) p")
    assert network(query) == before


def test_a_pack_of_the_day_and_its_events_equal_a_pack_of_the_moment(choosing_dsn):
    connection = psycopg2.connect(choosing_dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("select post_id, decayed_like_count_1h, decayed_like_count_6h"
                       " from pgfeed.post_features_as_of('2021-12-09 15:00+00') order by post_id")
        exact = np.array(cursor.fetchall())
        cursor.execute("select timestamptz '2021-12-09 15:00+00'")
        moment = cursor.fetchone()[0]
    day = moment.date()
    pack = features.load_pack(connection, day, {}, has_neighbours=True)
    events = features.load_events(connection, pack, day, moment)
    none = np.empty(0, np.int64)
    nobody = {"liked_post_ids": none, "liked_at": none, "viewed_post_ids": none}
    fresh = requests.moment_columns(
        nobody, pack, events, moment.timestamp(), midnight(day).timestamp(), ()
    )
    connection.close()
    for column, name in ((1, "fresh.like_1h"), (2, "fresh.like_6h")):
        assert fresh[name][0] == pytest.approx(np.log(exact[:, column] / exact[:, column].max() + 1e-4), abs=1e-4)


def test_full_protocol(network, choosing_dsn):
    connection = psycopg2.connect(choosing_dsn)
    model = registry.load_active(connection, "control")
    evaluation = full.evaluate(connection, model)
    assert {r.method for r in evaluation.results} == {"model", "random", "most popular", "best like rate",
                                                      "newest first", "decayed popularity"}
    hit = {r.method: r.value for r in evaluation.results if r.metric == "HitRate@5"}
    assert hit["model"] > hit["random"]
    evaluation.store(connection)
    connection.close()
    assert network("select count(*) from pgfeed.evaluations where protocol = 'full'") == [(42,)]


@pytest.mark.parametrize(("names", "has_neighbours"),
                         [(["pair.co_like", "user.age"], True), (["fresh.like_1d", "user.age"], False)])
def test_a_refresh_stores_neighbours_for_models_that_need_them(network, choosing_dsn, tmp_path, names, has_neighbours):
    network("truncate pgfeed.model_decisions, pgfeed.model_activations")
    rows = np.random.default_rng(0).random((100, 2))
    booster = CatBoost({"iterations": 2, "verbose": False, "allow_writing_files": False, "loss_function": "Logloss"})
    booster.fit(Pool(rows, rows[:, 0] > 0.5, feature_names=names)).save_model(str(tmp_path / "model.cbm"))
    with closing(psycopg2.connect(choosing_dsn)) as connection:
        version = registry.import_model(connection, "imported", tmp_path / "model.cbm")
        registry.activate(connection, "imported", version)
    network("call pgfeed.refresh_features()")
    stored = "select neighbours is not null from pgfeed.feature_packs order by pack_id desc limit 1"
    assert network(stored) == [(has_neighbours,)]
    assert network("select source from pgfeed.recommend_posts(7, %s, 1, 'imported')", END) == [("model",)]


@pytest.mark.parametrize("ts", [END, EARLIER])
def test_a_post_outside_the_shortlist_is_scored_and_explained_by_the_model(network, ts):
    network(compose("functions/_is_large").replace("> 25000", "> 0"))
    shortlist = compose("functions/_shortlist").replace("BEST_OF_ALL = 2_000", "BEST_OF_ALL = 6")
    network(shortlist.replace("TYPICAL_USERS = 64", "TYPICAL_USERS = 8").replace("_A_USER = 300", "_A_USER = 4"))
    network("call pgfeed.refresh_features()")
    shortlisted = {row[0] for row in network("select unnest(pgfeed._shortlist(%s))", ts)}
    rows = network("select post_id, score, source from pgfeed.recommend_posts(7, %s, 80)", ts)
    outside = [row for row in rows if row[0] not in shortlisted]
    assert outside and {row[2] for row in rows} == {"model"}
    explained = "select feature, contribution from pgfeed.explain_recommendation(7, %s, %s)"
    for post_id, score, _ in (*rows[:3], *outside[:3]):
        assert sum(row[1] for row in network(explained, post_id, ts)) == pytest.approx(score, abs=1e-5)
    network("call pgfeed.hide_post(%s)", outside[0][0])
    for post_id in (777777, outside[0][0]):
        with pytest.raises(psycopg2.Error, match=f"post {post_id} cannot be recommended at this moment"):
            network(explained, post_id, ts)


def test_a_feed_of_likes_alone_is_trained_on_and_measured(network, choosing_dsn, monkeypatch):
    for name, value in (("MAX_REQUESTS", 300), ("MAX_VALIDATION_REQUESTS", 60), ("TREES", (30,))):
        monkeypatch.setattr(catalogue, name, value)
    network("create table likes as select event_at, user_id, post_id from pgfeed.feed_events where target")
    network("truncate pgfeed.feed_events, pgfeed.rollup_days, pgfeed.liked_posts, pgfeed.feature_packs")
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select event_at, user_id, post_id, 'like' from likes")
    network("call pgfeed.refresh_features()")
    with closing(psycopg2.connect(choosing_dsn)) as connection:
        model = catalogue.train(connection, 30, is_refitted=True)
        held_out, metrics = model.held_out, model.metrics
        assert "2021-12-06" < held_out.first_day.isoformat() < "2021-12-12" and metrics["request_count"] > 100
        assert model.trained_until.isoformat() == "2021-12-13" and 0 <= metrics["held_out_hit_rate_5"] <= 1
        assert metrics["refit_request_count"] >= metrics["request_count"] and model.booster is not held_out.booster
        registry.activate(connection, "control", registry.store(connection, "control", model))
        evaluation = full.evaluate(connection, registry.load_active(connection, "control"))
        assert f"likes from {held_out.first_day} on" in evaluation.detail
        hit = {r.method: r.value for r in evaluation.results if r.metric == "HitRate@5"}
        assert hit["model"] > hit["random"]
        with pytest.raises(PgfeedError, match="no impressions to learn from.*--negatives"):
            train.train(connection, "control")
    assert {row[0] for row in network("select source from pgfeed.recommend_posts(7, %s)", END)} == {"model"}


def test_a_view_before_each_like_does_not_give_it_away(network, choosing_dsn, monkeypatch):
    """Likes at random: what a model finds before the views is what it finds without them, no more than chance."""
    for name, value in (("MAX_REQUESTS", 400), ("MAX_VALIDATION_REQUESTS", 150), ("TREES", (30,))):
        monkeypatch.setattr(catalogue, name, value)
    network("truncate pgfeed.feed_events, pgfeed.rollup_days, pgfeed.liked_posts, pgfeed.feature_packs")
    network("select setseed(0.5)")
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select timestamptz '2021-12-01' + random() * interval '12 days', u, p, 'like'"
            " from generate_series(1, 60) u, generate_series(1, 80) p where random() < 0.3")
    hit_rates = []
    for view in (False, True):
        if view:
            network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                    " select event_at - interval '20 s', user_id, post_id, 'view' from pgfeed.feed_events")
        network("call pgfeed.roll_up_events()")
        network("call pgfeed.refresh_features()")
        with closing(psycopg2.connect(choosing_dsn)) as connection:
            hit_rates.append(catalogue.train(connection, 30).metrics["validation_hit_rate_5"])
            network("truncate pgfeed.feature_packs")
    assert hit_rates[1] == pytest.approx(hit_rates[0], abs=0.1) and max(hit_rates) < 0.3


def test_viewed_posts_come_last_where_that_is_better_for_them(network, choosing_dsn, monkeypatch):
    """Everybody views a dozen popular posts each day and never likes one of them; what is liked is viewed by nobody."""
    for name, value in (("MAX_REQUESTS", 300), ("MAX_VALIDATION_REQUESTS", 100), ("TREES", (0, 30))):
        monkeypatch.setattr(catalogue, name, value)
    monkeypatch.setattr(catalogue, "FEATURES", [name for name in catalogue.FEATURES if name != "pair.view_count"])
    network("update pgfeed.feed_events set target = false")
    network("call pgfeed.recount_days('2021-12-01', '2021-12-13')")
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select timestamptz '2021-12-01' + random() * interval '12 days', u, p, 'like'"
            " from generate_series(1, 60) u, generate_series(1, 80) p where random() < 0.3 and not exists ("
            "  select from pgfeed.feed_events as e where e.user_id = u and e.post_id = p)")
    network("truncate pgfeed.feature_packs")
    network("call pgfeed.refresh_features()")
    with closing(psycopg2.connect(choosing_dsn)) as connection:
        model = catalogue.train(connection, 30)
        assert model.parameters["hides_viewed"] is True and model.encoders["seen"] == {"viewed": -30}
        registry.activate(connection, "control", registry.store(connection, "control", model))
    rows = network("select post_id, exists (select from pgfeed.feed_events as e where e.user_id = 7 and"
                   " e.post_id = r.post_id and e.action = 'view' and e.event_at < %s)"
                   " from pgfeed.recommend_posts(7, %s, 80) as r order by r.rank", END, END)
    is_viewed = [row[1] for row in rows]
    assert is_viewed == sorted(is_viewed) and {False, True} <= set(is_viewed)
    explained = network("select feature, contribution from pgfeed.explain_recommendation(7, %s, %s)", rows[-1][0], END)
    assert ("(times shown before)", -30) in explained
