"""Features that functions of the application compute as of any moment."""

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from loader.learning import features, impressions, registry, split, train
from loader.learning.feature_names import feature_names
from loader.server import check
from migrations.objects import compose
from tests.db.conftest import autocommit, queries

# A post's author is its number modulo 7.
FUNCTIONS = """
    create schema app;
    grant usage on schema app to pgfeed_owner;
    create function app.author_rate(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql stable as $$
        with authors as (
            select d.post_id % 7 as author, sum(d.like_count)::real / nullif(sum(d.view_count), 0) as rate
            from pgfeed.post_days as d where d.day < ts::date group by 1
        )
        select i.id, a.rate from unnest(ids) as i (id) join authors as a on a.author = i.id % 7
    $$;
    create function app.author_rate_ahead(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql stable as $$
        select e.post_id, count(*) from pgfeed.feed_events as e
        where e.event_at <= ts + interval '1 day' and e.post_id = any(ids) group by 1
    $$;
    create function app.days_ahead(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql stable as $$
        select d.user_id, sum(d.view_count)::real from pgfeed.user_topic_days as d
        where d.day <= ts::date and d.user_id = any(ids) group by 1
    $$;
    create function app.age(ts timestamptz, ids bigint[]) returns table (id bigint, value double precision)
    language sql stable as $$
        select l.user_id, extract(epoch from ts - max(l.liked_at))::double precision / 3600 from pgfeed.liked_posts as l
        where l.liked_at < ts and l.user_id = any(ids) group by 1
    $$;
    create function app.fails(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql stable as $$ select i.id, 1 / (case when ts < '2021-12-13' then 1 else 0 end)
        from unnest(ids) as i (id) $$;
    create function app.extreme(ts timestamptz, ids bigint[]) returns table (id bigint, value double precision)
    language sql stable as $$ values (1, 1e-300), (2, 'NaN'), (3, 'infinity'), (4, 1e300), (5, -2), (5, -3), (6, null),
        (900, 5), (null, 6) $$;
    create function app.plain(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql stable as $$ select i.id, 1::real from unnest(ids) as i (id) $$;
    create table app.secrets (id bigint);
    create function app.secret(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql stable as $$ select s.id, 1::real from app.secrets as s $$;
    create function app.unqualified(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language plpgsql stable as $$ begin return query select s.id, 1::real from secrets as s; end $$;
    create function app.writes(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql as $$ select 1::bigint, 1::real $$;
    create function app.gives_text(ts timestamptz, ids bigint[]) returns table (id bigint, value text)
    language sql stable as $$ select 1::bigint, ''::text $$;
    create function app.forbidden(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql stable as $$ select 1::bigint, 1::real $$;
    revoke execute on function app.forbidden from public;
    create schema closed;
    create function closed.f(ts timestamptz, ids bigint[]) returns table (id bigint, value real)
    language sql stable as $$ select 1::bigint, 1::real $$;
"""


@pytest.fixture
def own(network):
    network(FUNCTIONS)
    return network


@pytest.fixture
def connection(own, network_dsn):
    connection = psycopg2.connect(network_dsn)
    yield connection
    connection.close()


def rates(query, ts):
    """Return what app.author_rate should give, by post."""
    return dict(query(
        "select i, (select sum(like_count)::real / sum(view_count) from pgfeed.post_days"
        " where day < %s::timestamptz::date and post_id %% 7 = i %% 7) from generate_series(1, 80) as i", ts,
    ))


def test_a_feature_is_refreshed_packed_trained_served_and_explained(own, connection, network_dsn):
    own("call pgfeed.add_feature('post.author_rate', 'app.author_rate')")
    own("call pgfeed.add_feature('user.hours_since_like', 'app.age')")
    assert not [n for n in feature_names(connection, "control", split.load(connection)) if "author" in n]
    connection.commit()
    own("call pgfeed.refresh_features()")
    names = feature_names(connection, "control", split.load(connection))
    assert names[-2:] == ["post.author_rate", "user.hours_since_like"]
    connection.commit()
    stored = dict(own("select id, value from pgfeed.own_feature_values where name = 'post.author_rate'"))
    assert stored == pytest.approx(rates(own, "2021-12-13"))
    assert own("select count(*), min(duration_seconds) >= 0 from pgfeed.own_features") == [(2, True)]

    model = train.train(connection, "control")
    registry.activate(connection, "own", registry.store(connection, "own", model))
    for ts, as_of in (("2021-12-14 15:00+00", "2021-12-13"), ("2021-12-09 15:00+00", "2021-12-09")):
        post_id, score, source = own(
            "select post_id, score, source from pgfeed.recommend_posts(8, %s, 1, 'own')", ts
        )[0]
        assert source == "model"
        shares = own(
            "select feature, value, contribution from pgfeed.explain_recommendation(8, %s, %s, 'own')", post_id, ts
        )
        assert sum(share for *_, share in shares) == pytest.approx(score, abs=1e-5)
        values = {name: value for name, value, _ in shares}
        assert values["post.author_rate"] == pytest.approx(rates(own, as_of)[post_id])
        hours = own(
            "select extract(epoch from %s::timestamptz - max(liked_at))::float8 / 3600 from pgfeed.liked_posts"
            " where user_id = 8 and liked_at < %s::timestamptz", as_of if ts > "2021-12-13" else ts, ts
        )[0][0]
        assert values["user.hours_since_like"] == pytest.approx(hours, rel=1e-5)


def test_training_sees_the_values_of_the_day(own, connection):
    own("call pgfeed.add_feature('post.author_rate', 'app.author_rate')")
    own("call pgfeed.refresh_features()")
    day = list(split.load(connection).history)[4]
    rows = impressions.load(connection, [day], ["post.author_rate"], features.load_encoders(connection, day))
    expected = rates(own, str(day))
    assert rows.features[:, 0].tolist() == pytest.approx([expected[post_id] for post_id in rows.post_ids])


def test_a_shortlist_and_its_candidates_have_them(own, connection):
    own("call pgfeed.add_feature('post.author_rate', 'app.author_rate')")
    own("call pgfeed.refresh_features()")
    registry.activate(connection, "own", registry.store(connection, "own", train.train(connection, "control")))
    call = "select post_id, score from pgfeed.recommend_posts(8, %s, %s, 'own')"
    whole = {ts: dict(own(call, ts, 80)) for ts in ("2021-12-13", "2021-12-09")}
    own(compose("functions/_is_large").replace("> 25000", "> 0"))
    own(compose("functions/_shortlist").replace("BEST_OF_ALL = 2_000", "BEST_OF_ALL = 6")
        .replace("TYPICAL_USERS = 64", "TYPICAL_USERS = 4").replace("BEST_OF_A_USER = 300", "BEST_OF_A_USER = 4"))
    own("call pgfeed.refresh_features()")
    for ts, scores in whole.items():
        few = own(call, ts, 10)
        assert [score for _, score in few] == pytest.approx([scores[post_id] for post_id, _ in few], abs=1e-6)


def test_a_removed_feature_leaves_the_fallback(own, connection):
    own("call pgfeed.add_feature('user.hours_since_like', 'app.age')")
    own("call pgfeed.refresh_features()")
    registry.activate(connection, "own", registry.store(connection, "own", train.train(connection, "control")))
    own("call pgfeed.remove_feature('user.hours_since_like')")
    call = "select distinct source from pgfeed.recommend_posts(8, '2021-12-13', 5, 'own')"
    assert own(call) == [("model",)]
    own("call pgfeed.refresh_features()")
    assert own(call) == [("popular",)]
    assert own("select count(*) from pgfeed.own_feature_values") == [(0,)]
    with pytest.raises(psycopg2.Error, match="there is no feature user.hours_since_like"):
        own("call pgfeed.remove_feature('user.hours_since_like')")


def test_values_that_no_number_of_four_bytes_holds_are_unknown(own):
    own("call pgfeed.add_feature('post.extreme', 'app.extreme')")
    own("call pgfeed.refresh_features()")
    assert own("select id, value from pgfeed.own_feature_values order by id") == [(1, 0.0), (5, -2.0)]


def test_an_erased_user_has_none(own):
    own("call pgfeed.add_feature('user.hours_since_like', 'app.age')")
    own("call pgfeed.add_feature('post.author_rate', 'app.author_rate')")
    own("call pgfeed.refresh_features()")
    of_user = "select name from pgfeed.own_feature_values where id = 8 order by name"
    assert own(of_user) == [("post.author_rate",), ("user.hours_since_like",)]
    own("call pgfeed.erase_user(8::bigint)")
    assert own(of_user) == [("post.author_rate",)]


@pytest.mark.parametrize(("name", "function", "error"), [
    ("post.views", "app.author_rate_ahead", "post.views looks ahead: as of 2021-12-0. it is .* for post .*, and .*"),
    ("user.views", "app.days_ahead", "user.views looks ahead: as of"),
    ("post.like_rate", "app.author_rate", "the feature post.like_rate is there already"),
    ("user.age", "app.age", "the feature user.age is there already"),
    ("author_rate", "app.author_rate", "a feature cannot be called author_rate"),
    ("text.rate", "app.author_rate", "a feature cannot be called text.rate"),
    ("post.a b", "app.author_rate", "a b cannot be the name of a feature"),
    (None, "app.author_rate", "name is null"),
    ("post.rate", None, "function is null"),
    ("post.rate", "author_rate", "author_rate does not name a function in a schema"),
    ("post.rate", "app.nothing", "there is no function app.nothing"),
    ("post.rate", "app.writes", "the function app.writes is volatile"),
    ("post.rate", "app.gives_text", r"the function app.gives_text returns TABLE\(id bigint, value text\)"),
    ("post.rate", "app.forbidden", "pgfeed_owner may not call the function app.forbidden"),
    ("post.rate", "closed.f", "pgfeed_owner may not use the schema closed"),
    ("post.rate", "app.secret", "post.rate cannot be computed: permission denied for table secrets"),
    ("post.rate", "app.unqualified", 'post.rate cannot be computed: relation "secrets" does not exist'),
])
def test_what_cannot_be_a_feature(own, name, function, error):
    rows = "select (select count(*) from pgfeed.feed_events), (select sum(view_count) from pgfeed.post_days)"
    before = own(rows)
    with pytest.raises(psycopg2.Error, match=error) as raised:
        own("call pgfeed.add_feature(%s, %s)", name, function)
    assert raised.value.diag.message_hint
    assert own("select count(*) from pgfeed.own_features") == [(0,)]
    assert own(rows) == before


def test_a_failing_function_leaves_the_old_version(own):
    own("call pgfeed.add_feature('post.rate', 'app.fails')")
    before = own("select count(*) from pgfeed.feature_refreshes")
    with pytest.raises(psycopg2.Error, match="the feature post.rate cannot be computed: division by zero") as raised:
        own("call pgfeed.refresh_features('2021-12-14')")
    assert "remove_feature('post.rate')" in raised.value.diag.message_hint
    assert own("select count(*) from pgfeed.feature_refreshes") == before
    assert own("select distinct source from pgfeed.recommend_posts(8, '2021-12-13')") == [("model",)]


def test_a_function_of_another_owner_runs_with_its_rights_only(own, network_dsn):
    name = "pgfeed_test_scientist"
    own(f"create role {name} login password '{name}'")
    try:
        own(f"grant pgfeed_operator to {name}; alter function app.plain owner to {name}")
        with autocommit(make_dsn(network_dsn, user=name, password=name)) as login:
            query, add = queries(login), "call pgfeed.add_feature('post.plain', 'app.plain')"
            refused = "the function app.plain would give pgfeed_test_scientist, its owner, all rights of pgfeed_owner"
            with pytest.raises(psycopg2.Error, match=refused):
                query(add)
            own("alter function app.plain security definer")
            query(add)
            assert query("select name, function_name, added_by from pgfeed.own_features") == [
                ("post.plain", "app.plain", name)
            ]
            own("alter function app.plain security invoker")
            with pytest.raises(psycopg2.Error, match=f"the feature post.plain cannot be computed: {refused}"):
                query("call pgfeed.refresh_features()")
    finally:
        own(f"drop owned by {name}; drop role {name}")


def test_check_finds_a_function_that_looks_ahead_now_and_one_that_is_gone(own, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    own("call pgfeed.add_feature('post.author_rate', 'app.author_rate')")
    own("call pgfeed.refresh_features()")

    def probes():
        return {probe.name: (probe.status, probe.found) for probe in check.look()}

    assert probes()["look ahead"] == ("ok", "none changes when later events are deleted")
    assert probes()["own features"][0] == "ok"
    own("update pgfeed.own_features set duration_seconds = 31.2")
    status, found = probes()["own features"]
    assert status == "warn" and found.startswith("the feature post.author_rate took 31.2 s of the last refresh")
    own("create or replace function app.author_rate(ts timestamptz, ids bigint[]) returns table (id bigint, value real)"
        " language sql stable as $$ select * from app.author_rate_ahead(ts, ids) $$")
    status, found = probes()["look ahead"]
    assert status == "fail" and "post.author_rate looks ahead" in found
    own("drop function app.author_rate")
    status, found = probes()["own features"]
    assert status == "fail" and "the function app.author_rate of the feature post.author_rate is gone" in found
