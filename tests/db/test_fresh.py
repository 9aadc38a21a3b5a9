"""Posts that came after the last refresh are recommended at once."""

import json
from contextlib import closing

import numpy as np
import psycopg2
import pytest
from catboost import CatBoost, Pool

from loader.learning import registry
from migrations.objects import compose
from tests.db.conftest import autocommit, clone, copy_of, dsn_of, queries

END = "2021-12-13 12:00+00"
CALL = "select post_id, score from pgfeed.recommend_posts(%s, %s, 200, %s) order by rank"
INSERT = "insert into pgfeed.posts (post_id, topic, text, created_at) values (%s, %s, %s, %s)"
WORDS = "красивый футбольный матч"
OF_THE_MOMENT = [
    "fresh.like_1d", "fresh.age_days", "pair.co_like", "pair.view_count", "post.topic", "post.quality",
    "text.tfidf_max", "text.text_length", "match.factors", "post.decayed_like_rate_7d",
    "user_topic.like_rate", "taste.like_rate",
]
OF_THE_DAY = [name for name in OF_THE_MOMENT if not name.startswith(("fresh.", "pair."))]
CONTENT = (
    "select text_length, term_count, tfidf_sum, tfidf_mean, tfidf_max from pgfeed.{relation} where post_id = any(%s)"
    " order by post_id"
)


def ids(rows):
    return [row[0] for row in rows]


def import_model(dsn, path, variant, names, depth=4):
    """Activate a model of this variant whose scores any of the features changes."""
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(1000, len(names))) * 3
    labels = rows @ np.linspace(1, 2, len(names)) + np.sin(rows).sum(axis=1) > 0
    booster = CatBoost({"iterations": 40, "depth": depth, "verbose": False, "allow_writing_files": False,
                        "loss_function": "Logloss"})
    booster.fit(Pool(rows, labels, feature_names=names)).save_model(str(path / "model.cbm"))
    with closing(psycopg2.connect(dsn)) as connection:
        registry.activate(connection, variant, registry.import_model(connection, variant, path / "model.cbm"))


@pytest.fixture(scope="module")
def models_template(network_template, tmp_path_factory):
    """Name of the network with models of features of the moment and of the day."""
    path = tmp_path_factory.mktemp("models")
    with copy_of(network_template, "fresh") as name:
        for variant, names in (("moment", OF_THE_MOMENT), ("day", OF_THE_DAY)):
            import_model(dsn_of(name), path, variant, names, 6)
        with autocommit(dsn_of(name)) as connection:
            queries(connection)("call pgfeed.refresh_features()")
        yield name


@pytest.fixture(scope="module")
def large_template(models_template):
    """Name of the same as a catalogue that counts as large."""
    with copy_of(models_template, "large") as name:
        with autocommit(dsn_of(name)) as connection:
            run = queries(connection)
            run(compose("functions/_is_large").replace("> 25000", "> 0"))
            run(compose("functions/_shortlist").replace("BEST_OF_ALL = 2_000", "BEST_OF_ALL = 6"))
            run("call pgfeed.refresh_features()")
        yield name


@pytest.fixture
def models_dsn(models_template):
    with clone(models_template) as result:
        yield result


@pytest.fixture
def models(models_dsn):
    """A function that runs one statement in a fresh copy of the network with the models."""
    with autocommit(models_dsn) as connection:
        yield queries(connection)


@pytest.fixture(params=["models_template", "large_template"], ids=["small", "large"])
def catalogue(request):
    """The same, as a catalogue that is scored whole, and as one that counts as large."""
    with clone(request.getfixturevalue(request.param)) as dsn, autocommit(dsn) as connection:
        yield queries(connection)


@pytest.mark.parametrize("variant", ["moment", "day", "control", "popular", "random", "newest", "trending"])
def test_a_post_is_recommended_at_once(catalogue, variant):
    before = catalogue(CALL, 7, END, variant)
    assert {row[0] for row in catalogue("select source from pgfeed.recommend_posts(7, %s, 1, %s)", END, variant)} == {
        variant if variant in ("popular", "random", "newest", "trending") else "model"
    }
    catalogue(INSERT, 900, "sport", WORDS, "2021-12-13 11:00+00")
    catalogue(INSERT, -1, None, None, None)
    catalogue(INSERT, 901, "sport", WORDS, "2021-12-13 12:00+00")
    catalogue(INSERT, 902, "sport", WORDS, "2021-12-09 11:00+00")
    after = catalogue(CALL, 7, END, variant)
    assert {*ids(after)} - {*ids(before)} == {900, -1, 902} and len(after) == len(before) + 3
    catalogue("call pgfeed.hide_post(900)")
    assert {*ids(catalogue(CALL, 7, END, variant))} - {*ids(before)} == {-1, 902}
    catalogue("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
              " values ('2021-12-13 11:30+00', 7, -1, 'like')")
    assert {*ids(catalogue(CALL, 7, END, variant))} - {*ids(before)} == {902}
    catalogue("delete from pgfeed.posts where post_id = 902")
    assert {*ids(catalogue(CALL, 7, END, variant))} == {*ids(before)}


@pytest.mark.parametrize("variant", ["moment", "day"])
def test_the_others_keep_their_scores(catalogue, variant):
    before = dict(catalogue(CALL, 7, END, variant))
    for post_id, topic in ((-5, "sport"), (40_000, "movie"), (900, "a new topic"), (901, "another")):
        catalogue(INSERT, post_id, topic, WORDS, "2021-12-13 11:00+00")
        after = dict(catalogue(CALL, 7, END, variant))
        assert {post: after[post] for post in before} == before and post_id in after


def test_what_is_computed_at_once_is_what_the_refresh_computes(models, models_dsn):
    """Content, topic and quality: the same scores before and after the refresh, in this and in other sessions."""
    posts = [(900, "sport", WORDS + " матч"), (901, "a new topic", "Ничего подобного 2021"), (902, None, None),
             (903, "movie", "")]
    for post in posts:
        models(INSERT, *post, "2021-12-12 12:00+00")
    at_once = models(CONTENT.format(relation="_fresh_text_features(%s)"), [post[0] for post in posts],
                     [post[0] for post in posts])
    computed = dict(models(CALL, 7, END, "day"))
    with autocommit(models_dsn) as other:
        assert dict(queries(other)(CALL, 7, END, "day")) == computed
    models("call pgfeed.refresh_features()")
    assert models(CONTENT.format(relation="post_text_features"), [post[0] for post in posts]) == at_once
    assert models("select count(*) from pgfeed.posts where is_new") == [(0,)]
    refreshed = dict(models(CALL, 7, END, "day"))
    for post_id, _, _ in posts:
        assert refreshed[post_id] == pytest.approx(computed[post_id], abs=1e-9)
    assert at_once[0][0] == len(WORDS + " матч") and at_once[2] == (None,) * 5


def test_own_features_are_known_at_once(models, models_dsn, tmp_path):
    models("update pgfeed.posts set attributes = jsonb_build_object('stars', post_id % 3)")
    models("create function public.stars_of(ts timestamptz, ids bigint[]) returns table (id bigint, value float8)"
           " language sql stable as 'select i, (i % 7)::float8 from unnest(ids) as i'")
    models("call pgfeed.add_feature('post.sevenths', 'public.stars_of')")
    models("call pgfeed.refresh_features()")
    names = ["post.stars", "post.sevenths", "post.age_days"]
    import_model(models_dsn, tmp_path, "own", names)
    models("insert into pgfeed.posts (post_id, attributes) values (900, '{\"author\": \"a3\", \"stars\": 2}'),"
           " (903, '{\"author\": \"new\"}')")
    values = {}
    for post_id in (900, 903):
        explained = models("select feature, value from pgfeed.explain_recommendation(7, %s, %s, 'own')", post_id, END)
        values[post_id] = {name: value for name, value in explained if name in names}
    assert values[900] == {"post.stars": 2, "post.sevenths": 4, "post.age_days": None}
    assert values[903] == {"post.stars": None, "post.sevenths": 0, "post.age_days": None}


def test_categories_are_those_of_every_model(models, models_dsn, tmp_path):
    models("update pgfeed.posts set attributes = jsonb_build_object('author', 'a' || post_id % 5, 'tags', array['t1'])")
    models("call pgfeed.refresh_features()")
    models("insert into pgfeed.posts (post_id, attributes) values (900, '{\"author\": \"a3\", \"tags\": [\"t2\"]}'),"
           " (901, '{\"author\": \"new\"}')")
    for number, encoder in enumerate(({"a3": 5, "a1": 1}, {"a3": 2})):
        import_model(models_dsn, tmp_path, f"own_{number}", ["post.author", "post.tags"])
        models("update pgfeed.models set encoders = %s where variant = %s",
               json.dumps({"post.author": encoder, "post.tags": {"t2": 7}}), f"own_{number}")
    for _ in range(2):
        for number, code in ((0, 5), (1, 2)):
            explained = "select feature, value from pgfeed.explain_recommendation(7, %s, %s, %s)"
            values = dict(models(explained, 900, END, f"own_{number}"))
            assert (values["post.author"], values["post.tags"]) == (code, 7)
            values = dict(models(explained, 901, END, f"own_{number}"))
            assert (values["post.author"], values["post.tags"]) == (-1, None)


def test_an_edited_post_is_computed_anew(models):
    models(INSERT, 900, "sport", WORDS, None)
    before = dict(models(CALL, 7, END, "day"))
    models("update pgfeed.posts set text = text || ' и ещё много слов', topic = 'movie' where post_id = 900")
    after = dict(models(CALL, 7, END, "day"))
    assert before.pop(900) != after.pop(900) and before == after


def test_events_since_the_insert_count(models):
    models(INSERT, 900, "sport", WORDS, "2021-12-13 10:00+00")
    before = dict(models(CALL, 7, END, "moment"))
    models("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
           " select '2021-12-13 11:00+00', u, 900, 'like' from generate_series(100, 140) as u")
    assert dict(models(CALL, 7, END, "moment"))[900] != before[900]
    assert ids(models("select post_id from pgfeed.trending_posts(1, ts => %s)", END)) == [900]
    values = dict(models("select feature, value from pgfeed.explain_recommendation(7, 900, %s, 'moment')", END))
    assert values["fresh.age_days"] == pytest.approx(2 / 24, abs=1e-5) and values["match.factors"] == 0


def test_earlier_moments_have_what_there_was(models):
    models(INSERT, 900, "sport", WORDS, "2021-12-09 14:00+00")
    models("call pgfeed.refresh_features()")
    for ts, is_there in (("2021-12-09 15:00+00", True), ("2021-12-09 14:00+00", False), ("2021-12-10 09:00+00", True)):
        for variant in ("moment", "popular"):
            assert (900 in ids(models(CALL, 7, ts, variant))) == is_there


def test_a_rolled_back_insert_leaves_nothing(models, models_dsn):
    with closing(psycopg2.connect(models_dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(CALL, [7, END, "moment"])
        before = cursor.fetchall()
        cursor.execute(INSERT, [900, "sport", WORDS, None])
        cursor.execute(CALL, [7, END, "moment"])
        assert 900 in ids(cursor.fetchall()) and 900 not in ids(models(CALL, 7, END, "moment"))
        connection.rollback()
        cursor.execute(CALL, [7, END, "moment"])
        assert cursor.fetchall() == before
        cursor.execute("select pgfeed._fresh_posts(max(as_of), %s, true) from pgfeed.feature_refreshes", [END])
        assert cursor.fetchall() == [(None,)]


def test_posts_that_are_written_during_a_refresh_stay_new(models, models_dsn):
    with closing(psycopg2.connect(models_dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(INSERT, [900, "sport", WORDS, None])
        models(INSERT, 901, "sport", WORDS, None)
        models("call pgfeed.refresh_features()")
        connection.commit()
    assert models("select post_id from pgfeed.posts where is_new") == [(900,)]
    assert {900, 901} < {*ids(models(CALL, 7, END, "moment"))}


def test_a_post_of_tomorrow_comes_tomorrow(models):
    models(INSERT, 900, "sport", WORDS, "2021-12-14 09:00+00")
    models("call pgfeed.refresh_features()")
    assert 900 not in ids(models(CALL, 7, END, "moment"))
    assert 900 in ids(models(CALL, 7, "2021-12-14 09:00:01+00", "moment"))
    models("call pgfeed.refresh_features('2021-12-10')")
    models("call pgfeed.refresh_features()")
    assert models("select post_id from pgfeed.posts where is_new") == [(900,)]


def test_at_most_a_thousand_join(models):
    models("insert into pgfeed.posts (post_id, created_at, topic)"
           " select 1000 + i, timestamptz '2021-12-13 06:00+00' + i * interval '1 second', 'sport'"
           " from generate_series(1, 1500) as i")
    rows = models("select post_id from pgfeed.recommend_posts(7, %s, 1000, 'newest') order by rank", END)
    assert ids(rows) == list(range(2500, 1500, -1))
    models("call pgfeed.refresh_features()")
    assert len(models("select post_id from pgfeed.recommend_posts(7, %s, 1000, 'newest')", END)) == 1000


def test_posts_of_attached_tables_are_recommended_at_once(network):
    network("create table public.articles (id bigint primary key, section text, body text, stars integer,"
            " at timestamptz, is_public boolean default true)")
    network("insert into public.articles select post_id, topic, text, 3, '2021-12-01' from pgfeed.posts")
    network("call pgfeed.attach_posts('public.articles', key => 'id', text => 'body', topic => 'section',"
            " created_at => 'at', available => 'is_public', features => '[\"stars\"]')")
    network("call pgfeed.refresh_features()")
    before = ids(network(CALL, 7, END, "control"))
    network("insert into public.articles values (900, 'sport', %s, 5, '2021-12-13 11:00+00', true),"
            " (901, 'sport', 'x', 5, '2021-12-13 11:00+00', false)", WORDS)
    assert {*ids(network(CALL, 7, END, "control"))} - {*before} == {900}
    network("update public.articles set is_public = not is_public where id >= 900")
    assert {*ids(network(CALL, 7, END, "control"))} - {*before} == {901}
    network("drop table public.articles cascade")
