"""Own features: what users.attributes and posts.attributes hold, from the registry to an answer and back."""

import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import psycopg2
import pytest

from loader.learning import catalogue, features, impressions, registry, split, train
from loader.learning.feature_names import feature_names
from loader.report import document
from migrations.objects import compose
from plpy.features import feature_values
from plpy.seen import KEY
from tests.db.conftest import queries

FILL = """
    update pgfeed.users set attributes = jsonb_build_object(
        'plan', case when user_id % 3 = 0 then 'gold' when user_id % 3 = 1 then 'free' end,
        'is_staff', user_id % 10 = 0, 'logins', user_id * 1.5, 'born', date '1990-01-01' + user_id::integer,
        'likes_tags', case when user_id % 2 = 0 then '["ball", "goal"]' else '["actor"]' end::jsonb
    );
    update pgfeed.posts set attributes = jsonb_build_object(
        'author_id', post_id % 7, 'price', case when post_id <> 5 then post_id / 4.0 end, 'is_free', post_id % 4 = 0,
        'published', timestamptz '2021-11-01 12:00+00' + post_id * interval '1 day',
        'tags', case when post_id % 2 = 0 then '["ball", "goal"]' when post_id = 7 then '[]'
            else '["actor", "ball"]' end::jsonb
    );
"""
OWN = {
    "post.author_id": "category", "post.is_free": "boolean", "post.price": "number", "post.published": "date",
    "post.tags": "tags", "user.born": "date", "user.is_staff": "boolean", "user.likes_tags": "tags",
    "user.logins": "number", "user.plan": "category",
}


@pytest.fixture
def connection(network_dsn):
    connection = psycopg2.connect(network_dsn)
    yield connection
    connection.close()


@pytest.fixture
def filled(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute(FILL)
        cursor.execute("call pgfeed.refresh_features()")
    return connection


def test_types_are_found_from_values_and_values_follow_them(filled):
    with filled.cursor() as cursor:
        assert features.load_attributes(cursor) == OWN
    days = split.load(filled).history
    encoders = features.load_encoders(filled, list(days)[5])
    assert {name: set(codes) for name, codes in encoders.items() if name in OWN} == {
        "post.author_id": set("0123456"), "post.tags": {"ball", "goal", "actor"}, "user.plan": {"gold", "free"},
        "user.likes_tags": {"ball", "goal", "actor"},
    }
    day = list(days)[6]
    pack = features.load_pack(filled, day, encoders)
    users = features.load_users(filled, features.midnight(day), [3, 10, 20])
    requests = features.request_columns(users, pack, encoders)
    places = pack.locate(np.array([4, 5, 7]))

    def value(name):
        rows = np.zeros(3, int) if name.startswith("post.") else np.arange(3)
        return feature_values(name, pack, requests, places, rows).tolist()

    codes = encoders["post.author_id"]
    assert value("post.author_id") == np.float32([codes["4"], codes["5"], codes["0"]]).tolist()
    assert value("post.price")[::2] == [1.0, 1.75] and np.isnan(value("post.price")[1])
    assert value("post.is_free") == [1, 0, 0]
    age = (features.midnight(day).date() - features.date(2021, 11, 1)).days - 0.5
    assert value("post.published") == [age - 4, age - 5, age - 7]
    tags = encoders["post.tags"]
    means = [(tags["ball"] + tags["goal"]) / 2, (tags["actor"] + tags["ball"]) / 2]
    assert value("post.tags")[:2] == pytest.approx(means)
    assert np.isnan(value("post.tags")[2])
    plan = encoders["user.plan"]
    assert value("user.plan")[:2] == pytest.approx([plan["gold"], plan["free"]]) and np.isnan(value("user.plan")[2])
    assert value("user.is_staff") == [0, 1, 1] and value("user.logins") == [4.5, 15, 30]
    born = (day - features.date(1990, 1, 1)).days
    assert value("user.born") == [born - 3, born - 10, born - 20]


def test_types_are_found_anew_only_after_a_change(filled):
    query = queries(filled)
    basis = "select kind, inferred_from from pgfeed.attributes group by 1, 2 order by 1"
    found = [kind for kind, _ in query(basis)]
    assert found == ["post", "user"]
    query("call pgfeed.refresh_features()")
    first = query(basis)
    filled.commit()
    query("update pgfeed.attributes set type = 'category' where name = 'logins'")  # seen if it is found anew
    logins = "select type from pgfeed.attributes where name = 'logins'"
    filled.commit()
    for change, type_ in [
        ("select", "category"),
        ("update pgfeed.users set attributes = attributes where user_id = 3", "number"),
        ("delete from pgfeed.users where user_id = 60", "number"),
        ("update pgfeed.users set attributes = null where user_id = 59", "number"),
        ("insert into pgfeed.users (user_id) values (1000)", "category"),
        ("insert into pgfeed.users (user_id, attributes) values (1001, '{\"logins\": 1}')", "number"),
    ]:
        query("update pgfeed.attributes set type = 'category' where name = 'logins'")
        query(change)
        filled.commit()
        query("call pgfeed._infer_attributes()")
        assert query(logins) == [(type_,)], change
        filled.commit()
    assert first[1] != query(basis)[1]


@pytest.mark.parametrize("trainer", ["control", "negatives"])
def test_a_model_with_own_features_serves_and_explains(filled, trainer, monkeypatch):
    for name, value in (("MAX_REQUESTS", 400), ("MAX_VALIDATION_REQUESTS", 100), ("TREES", (30,))):
        monkeypatch.setattr(catalogue, name, value)
    assert feature_names(filled, "control", split.load(filled))[-len(OWN):] == list(OWN)
    if trainer == "control":
        model = train.train(filled, "control")
    else:
        model = catalogue.train(filled, 20)
    assert set(OWN) < set(model.feature_names)
    registry.activate(filled, "own", registry.store(filled, "own", model))
    query = queries(filled)
    rows = query("select post_id, score, source from pgfeed.recommend_posts(7, '2021-12-12 15:00+00', 80, 'own')")
    assert {row[2] for row in rows} == {"model"}
    post_id, score, _ = rows[0]
    shares = query(f"select feature, value, contribution from pgfeed.explain_recommendation(7, {post_id},"
                   " '2021-12-12 15:00+00', 'own')")
    assert sum(share for _, _, share in shares) == pytest.approx(score, abs=1e-5)
    by_name = {name: value for name, value, _ in shares}
    assert by_name["user.logins"] == 10.5 and by_name["post.price"] == pytest.approx(post_id / 4)
    assert by_name["user.plan"] == pytest.approx(model.encoders["user.plan"]["free"])
    assert by_name["post.author_id"] == pytest.approx(model.encoders["post.author_id"][str(post_id % 7)])


def test_scores_in_sql_are_those_of_training(filled):
    names = feature_names(filled, "control", split.load(filled))
    model = train.train(filled, "control")
    del model.encoders[KEY]  # what was shown before is no feature
    registry.activate(filled, "own", registry.store(filled, "own", model))
    day = list(split.load(filled).history)[-1]
    rows = impressions.load(filled, [day], names, model.encoders)
    of_user = rows.user_ids == 8
    scores = dict(queries(filled)(
        "select post_id, score from pgfeed.recommend_posts(8, %s, 80, 'own')", features.midnight(day)
    ))
    matrix = rows.features[of_user].copy()
    matrix[:, names.index("time.hour")] = 0
    for post_id, score in zip(rows.post_ids[of_user], train.predict(model.booster, matrix)):
        assert scores.get(post_id, score) == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize("ts", ["2021-12-13", "2021-12-09"])
def test_a_large_catalogue_has_the_same_scores(filled, ts):
    model = train.train(filled, "control")
    del model.encoders[KEY]  # its rule counts a quarter of the posts that are compared
    registry.activate(filled, "own", registry.store(filled, "own", model))
    query = queries(filled)
    call = f"select post_id, score from pgfeed.recommend_posts(8, '{ts}', %s, 'own')"
    whole = dict(query(call, 80))
    query(compose("functions/_is_large").replace("> 25000", "> 0"))
    shortlist = compose("functions/_shortlist").replace("TYPICAL_USERS = 64", "TYPICAL_USERS = 8")
    shortlist = shortlist.replace("BEST_OF_A_USER = 300", "BEST_OF_A_USER = 4").replace("OF_ALL = 2_000", "OF_ALL = 6")
    query(shortlist.replace("POSTS_AT_ONCE = 50_000", "POSTS_AT_ONCE = 13"))
    query("call pgfeed.refresh_features()")
    filled.commit()
    assert query("select is_shortlist from pgfeed.feature_packs order by pack_id desc limit 1") == [(True,)]
    few = query(call, 20)
    assert len(few) == 20
    for post_id, score in few:
        assert score == pytest.approx(whole[post_id], abs=1e-6)


def test_a_model_whose_feature_is_gone_is_not_used(filled):
    registry.activate(filled, "own", registry.store(filled, "own", train.train(filled, "control")))
    query = queries(filled)
    for change, missing in (
        ("update pgfeed.users set attributes = attributes - 'plan'", "user.plan"),
        ("update pgfeed.posts set attributes = attributes - 'author_id'", "post.author_id, user.plan"),
    ):
        with filled.cursor() as cursor:
            cursor.execute(change)
            cursor.execute("call pgfeed.refresh_features()")
        sources = query("select distinct source from pgfeed.recommend_posts(7, '2021-12-13', 5, 'own')")
        assert sources == [("popular",)]
        problems = query("select pgfeed._model_problems(max(model_id)) from pgfeed.models")[0][0]
        assert problems == [f"features that this database does not have: {missing}"]


def test_without_own_features_nothing_changes(connection):
    query = queries(connection)
    names = feature_names(connection, "control", split.load(connection))
    assert not [name for name in names if name in OWN]
    assert query("select distinct attributes is null from pgfeed.feature_packs") == [(True,)]


@pytest.mark.parametrize(("kind", "attributes", "error"), [
    ("user", {"age": "integer"}, "the feature user.age is there already"),
    ("post", {"like_rate": "real"}, "the feature post.like_rate is there already"),
    ("post", {"topic": "text"}, "the feature post.topic is there already"),
    ("post", {"quality": "text"}, "the feature post.quality is there already"),
    ("post", {"a b": "text"}, "a b cannot be the name of a feature"),
    ("post", {"place": "point"}, "the feature place cannot be of type point"),
    ("post", {"place": None}, "the feature place cannot be of type null"),
    ("event", {"place": "text"}, "features are of a user or a post, not of event"),
])
def test_features_that_cannot_be_registered(query, kind, attributes, error):
    with pytest.raises(psycopg2.Error, match=error) as raised:
        query("call pgfeed._register_attributes(%s, %s)", kind, json.dumps(attributes))
    assert raised.value.diag.message_hint


def test_sql_types_that_can_be_registered(query):
    types = {
        "a": "smallint", "b": "numeric(10,2)", "c": "double precision", "d": "boolean", "e": "uuid", "f": "text",
        "g": "character varying(10)", "h": "date", "i": "timestamp with time zone", "j": "text[]",
        "author_id": "bigint", "id": "integer", "k": "category",
    }
    query("call pgfeed._register_attributes('post', %s)", json.dumps(types))
    assert dict(query("select name, type from pgfeed.attributes")) == {
        "a": "number", "b": "number", "c": "number", "d": "boolean", "e": "category", "f": "category", "g": "category",
        "h": "date", "i": "date", "j": "tags", "author_id": "category", "id": "category", "k": "category",
    }


def test_a_refresh_names_what_cannot_be_a_feature(connection):
    queries(connection)("update pgfeed.posts set attributes = '{\"like_rate\": 1, \"a b\": 1, \"price\": 2}'")
    queries(connection)("call pgfeed.refresh_features()")
    warnings = "".join(connection.notices)
    assert "the feature post.like_rate is there already: posts.attributes with this name are not used" in warnings
    assert "a b cannot be the name of a feature" in warnings
    with connection.cursor() as cursor:
        assert features.load_attributes(cursor) == {"post.price": "number"}


WRONG = (
    "[1]", '"text"', "7", "null", '{"author_id": {"a": [1]}, "price": "dear", "is_free": 3, "published": "yesterday"}',
    '{"price": 1e400, "published": "2021-02-30", "tags": "ball"}', '{"price": 1e-400, "tags": [null, {"a": 1}, 5]}',
    '{"price": -1e300, "published": "infinity", "tags": [[]]}', '{"author_id": "ä😀", "published": 5}',
    f'{{"author_id": "{"x" * 10_000}", "tags": ["{"y" * 10_000}"]}}', '{"published": "9999999-01-01"}',
)


def test_wrong_values_of_a_few_are_unknown(filled):
    """Whoever may write posts and users may write anything into attributes."""
    registry.activate(filled, "own", registry.store(filled, "own", train.train(filled, "control")))
    query = queries(filled)
    names = {"author_id": "plan", "price": "logins", "published": "born", "tags": "likes_tags", "is_free": "is_staff"}
    for number, value in enumerate(WRONG):
        if number < 7:
            query("update pgfeed.posts set attributes = %s where post_id = %s", value, 10 + number)
        of_user = re.sub("|".join(names), lambda found: names[found[0]], value)
        query("update pgfeed.users set attributes = %s where user_id = 30", of_user)
        query("update pgfeed.posts set attributes = %s where post_id = 10", value)
        for ts in ("2021-12-13", "2021-12-08"):
            rows = query(f"select source from pgfeed.recommend_posts(30, '{ts}', 5, 'own')")
            assert rows == [("model",)] * 5
        query("truncate pgfeed.feature_packs")
        query("call pgfeed.refresh_features()")
        with filled.cursor() as cursor:
            assert features.load_attributes(cursor) == OWN
    train.train(filled, "control")


def test_many_categories_stay_few_codes(filled, monkeypatch):
    monkeypatch.setattr(features, "MAX_CATEGORIES", 3)
    day = list(split.load(filled).history)[5]
    views = queries(filled)(
        "select p.attributes ->> 'author_id' from pgfeed.post_days as d join pgfeed.posts as p on p.post_id = d.post_id"
        " where d.day < %s group by 1 order by sum(d.view_count) desc, 1 limit 3", day
    )
    assert list(features.load_encoders(filled, day)["post.author_id"]) == [author for author, in views]


def test_the_report_has_their_like_rates(filled, tmp_path):
    filled.commit()
    document.write_report(filled, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    body = " ".join(" ".join(ElementTree.fromstring(page).find("body").itertext()).split())
    for name, value in (("user.plan", "gold"), ("post.author_id", "6"), ("post.is_free", "true"), ("post.price", "20")):
        assert name in body and re.search(rf"Like rate by {name}: lowest [^\"]*", page), name
        assert value in body


def test_what_few_users_have_has_no_code(filled):
    queries(filled)("update pgfeed.users set attributes = attributes || '{\"plan\": \"secret\"}' where user_id <= 4")
    day = list(split.load(filled).history)[5]
    assert set(features.load_encoders(filled, day)["user.plan"]) == {"gold", "free"}
    queries(filled)("update pgfeed.users set attributes = attributes || '{\"plan\": \"secret\"}' where user_id = 5")
    assert set(features.load_encoders(filled, day)["user.plan"]) == {"gold", "free", "secret"}


ATTACHED = """
    create schema app;
    create type app.level as enum ('low', 'high');
    create table app.members (id bigint primary key, plan text, level app.level, age integer, joined date);
    insert into app.members select u, 'free', 'high', 30, date '2021-01-01' + u from generate_series(1, 60) as u;
    create table app.articles (slug text primary key, author_id bigint, price numeric(10, 2), tags text[],
        is_free boolean, published timestamptz, section text);
    insert into app.articles select 'post-' || p, p % 7, p / 4.0, array['a', 'b' || p % 3], p % 2 = 0,
        timestamptz '2021-11-01 12:00+00' + p * interval '1 hour', 'news' from generate_series(1, 40) as p;
"""


def test_features_of_attached_tables(query):
    query(ATTACHED)
    query("call pgfeed.attach_users('app.members', key => 'id', features => %s)", '["plan", "level", "age", "joined"]')
    query(
        "call pgfeed.attach_posts('app.articles', key => 'slug', topic => 'section', features => %s)",
        '["author_id", "price", "tags", "is_free", "published", {"year": "extract(year from published)"}]',
    )
    query("insert into pgfeed.feed_events (event_at, user_id, post_id, action) select timestamptz '2021-12-01' +"
          " u * interval '1 minute', u, pgfeed.post_id_of('post-1'), 'view' from generate_series(1, 60) as u")
    query("call pgfeed.refresh_features()")
    types = {
        "post.author_id": "category", "post.is_free": "boolean", "post.price": "number", "post.published": "date",
        "post.tags": "tags", "post.year": "number", "user.joined": "date", "user.level": "category",
        "user.plan": "category",
    }
    attributes = query("select attributes from pgfeed.feature_packs order by pack_id desc limit 1")[0][0]
    assert attributes["types"] == types
    assert attributes["values"]["post.author_id"] == list("0123456")
    assert [json.loads(value) for value in attributes["values"]["post.tags"]] == [["a", "b0"], ["a", "b1"], ["a", "b2"]]
    assert query("select age from pgfeed.users where user_id = 7") == [(30,)]
    query("call pgfeed.detach('app.articles')")
    query("call pgfeed.refresh_features()")
    assert query("select name from pgfeed.attributes order by name") == [("joined",), ("level",), ("plan",)]
