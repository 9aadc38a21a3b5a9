"""A user erased, and one merged into another: nothing is left, and counts are what they would be from scratch."""

import os
import subprocess

import psycopg2
import pytest

from loader.learning import registry, train
from tests.db.conftest import autocommit, queries

USER = 918273645546372819
NEW = "insert into pgfeed.feed_events (event_at, user_id, post_id, action, target) values (%s, %s, %s, %s, %s)"
ROLLUPS = """
    select 'post', p.post_id::text, p.day, p.view_count, p.like_count from pgfeed.post_days as p
    union all
    select 'user', concat_ws(' ', t.user_id, t.topic), t.day, t.view_count, t.like_count
    from pgfeed.user_topic_days as t
    union all
    select 'day', concat_ws(' ', d.event_count, d.missing_count), d.day, d.view_count, d.like_count
    from pgfeed.rollup_days as d
    order by 1, 2, 3
"""
PROFILE = {  # of the user, and of nobody else
    "country": "Zembla", "city": "Kalbadrath", "os": "Qwyjibo", "source": "Plugh", "plan": "Xyzzy", "tag": "Frotz",
}


def rolled_up(query):
    """Return the roll-ups as they are, which must be what they would be from scratch."""
    query("call pgfeed.roll_up_events()")
    before = query(ROLLUPS)
    query("call pgfeed.roll_up_events(from_day => '2021-01-01')")
    assert query(ROLLUPS) == before
    return before


def live(query, user, start=1):
    """Let a user view and like posts on three days, some within an hour of each other, and be served."""
    for day in range(start, start + 3):
        for post in range(1, 21):
            query(NEW, f"2021-12-0{day} 10:{post}:00+00", user, post, "view", post % 3 == 0)
        query(NEW, f"2021-12-0{day} 10:{start + 30}:30+00", user, 1, "view", None)
        query(NEW, f"2021-12-0{day} 11:40:00+00", user, 20 + day, "like", None)
    query("select from pgfeed.serve_posts(%s)", user)


@pytest.fixture
def person(network):
    """A function that runs a statement in a network with one more user, whose every value is this user's alone."""
    network(
        "insert into pgfeed.users (user_id, gender, age, country, city, exp_group, os, source, attributes)"
        " values (%s, 1, 77, %s, %s, 1, %s, %s, jsonb_build_object('plan', %s, 'tags', array[%s]))",
        USER, *PROFILE.values(),
    )
    live(network, USER)
    network("call pgfeed.refresh_features()")
    network("select pgfeed._start_recommendation_batch(null, 3, null, null)")
    network("insert into pgfeed.ingest_files (source_name, kind) values ('a', 'users')")
    network("""
        insert into pgfeed.ingest_rejects (ingest_id, source_name, line, reason, content)
        select f.ingest_id, 'a', 1, 'age: ''Frotz'' is not an integer', concat_ws(',', %s::text, 'x', 'Zembla')
        from pgfeed.ingest_files as f where f.source_name = 'a'
    """, USER)
    return network


def dump(dsn):
    """Return a plain dump of a database."""
    return subprocess.check_output(["pg_dump", "--dbname", dsn], text=True, env=os.environ)


def test_a_dump_has_nothing_of_an_erased_user(person, network_dsn):
    with autocommit(network_dsn) as connection:
        registry.store(connection, "control", train.train(connection, "control"))
        words = [str(USER), *PROFILE.values()]
        assert {word for word in words if word in dump(network_dsn)} == set(words)
        query = queries(connection)
        connection.notices.clear()
        query("call pgfeed.erase_user(%s::bigint)", USER)
        notice, = [line for line in connection.notices if line.startswith("NOTICE")]
        assert "these models have learned from this user: control 1, control 2" in notice
        assert {word for word in words if word in dump(network_dsn)} == set()
        for view in ("user_features", "user_topic_features"):
            assert query(f"select count(*) filter (where user_id = {USER}) from pgfeed.{view}") == [(0,)]
            assert query(f"select count(*) > 50 from pgfeed.{view}") == [(True,)]
        assert len(query("select post_id from pgfeed.recommend_posts(%s)", USER)) == 5
        connection.notices.clear()
        query("call pgfeed.erase_user(%s)", str(USER))  # again, by its text
        assert connection.notices == []
        query("call pgfeed.activate_model('control', 2)")
        assert query("select source from pgfeed.recommend_posts(7, k => 1)") == [("model",)]


def test_counts_lose_what_an_erased_user_added(network):
    before = rolled_up(network)
    live(network, USER)
    assert rolled_up(network) != before
    network("call pgfeed.erase_user(%s::bigint)", USER)
    assert network(ROLLUPS) == before
    assert network("select count(*) from pgfeed.rollup_days where is_stale or missing_count > 0") == [(0,)]
    assert rolled_up(network) == before


def test_an_erased_user_of_days_that_wait_for_a_roll_up(network):
    before = rolled_up(network)
    live(network, USER)
    network("call pgfeed.erase_user(%s::bigint)", USER)
    assert [row for row in rolled_up(network) if row[0] != "day"] == [row for row in before if row[0] != "day"]
    assert network("select count(*) from pgfeed.rollup_days where missing_count > 0") == [(0,)]


def test_an_erased_user_of_dropped_days_stays_in_counts_of_posts_only(network):
    live(network, USER)
    network("call pgfeed.refresh_features()")
    network("delete from pgfeed.feed_events where event_at < '2021-12-03'")
    network("call pgfeed.roll_up_events()")
    posts = network("select * from pgfeed.post_days where day < '2021-12-03' order by 1, 2")
    network("call pgfeed.erase_user(%s::bigint)", USER)
    assert network("select * from pgfeed.post_days where day < '2021-12-03' order by 1, 2") == posts
    assert network("select count(*) from pgfeed.user_topic_days where user_id = %s", USER) == [(0,)]


def test_every_relation_with_users_is_known(query):
    columns = query("""
        select distinct a.attname::text
        from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid and a.attname ~ 'user_id'
        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'p', 'm') order by 1
    """)
    assert columns == [("busy_user_ids",), ("user_id",), ("user_ids",)]
    assert query("""
        select c.relname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind = 'm' and a.attname = 'user_id' order by 1
    """) == [("user_features",), ("user_topic_features",)]


def test_a_user_whom_an_attached_table_still_has_is_refused(query):
    query("create schema app; create table app.members (name text primary key, plan text)")
    query("insert into app.members values ('ann', 'free'), ('bob', 'paid')")
    query("grant usage on schema app to pgfeed_operator")
    query("call pgfeed.attach_users('app.members', key => 'name', features => '[\"plan\"]')")
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="app.members still has rows of this user"):
        query("call pgfeed.erase_user('ann')")
    query(NEW, "2021-12-01", query("select pgfeed.user_id_of('ann')")[0][0], 1, "view", None)
    query("delete from app.members where name = 'ann'")
    query("call pgfeed.erase_user('ann')")
    assert query("select key from pgfeed.users") == [("bob",)] and query("select from pgfeed.feed_events") == []


@pytest.mark.parametrize(("statement", "words"), [
    ("call pgfeed.erase_user(null::text)", "the key is null"),
    ("call pgfeed.erase_user('x')", "'x' is the key of no user: it is not an integer"),
    ("call pgfeed.merge_users('1', null)", "a key is null"),
    ("call pgfeed.merge_users(1, 1)", "both keys are those of one user"),
])
def test_a_wrong_key_is_named_in_one_line(query, statement, words):
    with pytest.raises(psycopg2.Error) as error:
        query(statement)
    assert error.value.diag.message_primary.startswith(words)


def test_a_writer_may_erase_if_it_is_granted(network):
    network("set role pgfeed_writer")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        network("call pgfeed.erase_user('7')")
    network("reset role")
    network("grant execute on procedure pgfeed.erase_user(text) to pgfeed_writer")
    network("set role pgfeed_writer")
    network("call pgfeed.erase_user('7')")
    network("reset role")
    assert network("select count(*) from pgfeed.feed_events where user_id = 7") == [(0,)]


def test_a_visitor_who_signs_in_is_one_user_from_then_on(network):
    live(network, USER)
    live(network, 7, 2)
    network("call pgfeed.refresh_features()")
    likes = "select distinct post_id from pgfeed.liked_posts where user_id in (7, %s)"
    moments = "select distinct event_at, post_id, action from pgfeed.feed_events where user_id in (7, %s) order by 1, 2"
    liked, done = set(network(likes, USER)), network(moments, USER)
    shown = network("select count(*) from pgfeed.exposures where user_id in (7, %s)", USER)
    network("call pgfeed.merge_users(%s::bigint, 7::bigint)", USER)
    merged = network(ROLLUPS)
    assert network("select count(*) from pgfeed.rollup_days where is_stale or missing_count > 0") == [(0,)]
    assert rolled_up(network) == merged
    assert set(network(likes, USER)) == liked and network(moments, USER) == done
    assert network("select count(*) from pgfeed.exposures where user_id = 7") == shown
    for relation in ("users", "feed_events", "liked_posts", "exposures", "user_topic_days"):
        assert network(f"select count(*) from pgfeed.{relation} where user_id = {USER}") == [(0,)]
    network("call pgfeed.refresh_features()")
    assert not set(network("select post_id from pgfeed.recommend_posts(7, k => 80)")) & liked


def test_a_report_that_reads_the_features_makes_it_wait_and_then_changes_nothing(network, network_dsn):
    with autocommit(network_dsn) as other:
        queries(other)("begin; select count(*) from pgfeed.user_topic_features")
        with pytest.raises(psycopg2.errors.LockNotAvailable, match="the features of users are in use"):
            network("call pgfeed.erase_user(7)")
        assert network("select count(*) > 0 from pgfeed.feed_events where user_id = 7") == [(True,)]
        queries(other)("rollback")
    network("call pgfeed.erase_user(7)")
    assert network("select count(*) from pgfeed.user_topic_features where user_id = 7") == [(0,)]
