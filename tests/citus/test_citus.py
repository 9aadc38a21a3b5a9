"""Citus gives what one server gives, and says so when a worker is away."""

import math
import signal
import sys
from datetime import date

import numpy as np
import psycopg2
import pytest

from loader import batch
from loader.data.ingest import ingest
from loader.data.refresh import refresh
from loader.data.sources import open_sources
from loader.experiment import experiments
from loader.learning import impressions
from plpy.preferences import Preferences
from tests.citus.nodes import DATABASE
from tests.db.conftest import autocommit, queries
from tests.servers import ROOT, program

END = "2021-10-25 12:00+00"
PAST = "2021-10-20 18:30+00"
ALL_USERS = "select array_agg(user_id order by user_id) from pgfeed.users where user_id < 999999"
LISTS = """
    select u.user_id, array_agg(r.post_id order by r.rank), array_agg(r.score order by r.rank), min(r.source)
    from unnest(%s::bigint[]) as u (user_id)
    cross join lateral pgfeed.recommend_posts(u.user_id, %s) as r
    group by u.user_id order by u.user_id
"""
REPLAY = "select array_agg(post_id order by rank) from pgfeed.replay_exposure(%s)"
TABLES = {
    "users": "select * from pgfeed.users order by user_id",
    "events": "select event_at, user_id, post_id, action, target from pgfeed.feed_events order by 1, 2, 3, 4",
    "impressions": "select * from pgfeed.impressions order by user_id, viewed_at, post_id",
    "likes": "select * from pgfeed.likes order by 1, 2, 3",
    "post_days": "select * from pgfeed.post_days order by day, post_id",
    "user_topic_days": "select * from pgfeed.user_topic_days order by user_id, day, topic",
    "user_features": "select * from pgfeed.user_features order by user_id",
    "user_topic_features": "select * from pgfeed.user_topic_features order by user_id, topic",
    "rollup_days": "select day, is_stale, view_count, like_count from pgfeed.rollup_days order by day",
    "post_features": "select * from pgfeed.post_features order by post_id",
    "post_text_features": "select * from pgfeed.post_text_features order by post_id",
}


def is_close(one, other) -> bool:
    """Return whether values are equal; sums of fractions depend a little on the order of adding up."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-9)
    return one == other


def assert_close(plain, citus):
    assert len(plain) == len(citus)
    differing = [(one, other) for one, other in zip(plain, citus) if not all(map(is_close, one, other))]
    assert not differing, differing[:3]


def lists(dsn, ts):
    """Return user, posts, scores and source for all users."""
    with autocommit(dsn) as connection:
        query = queries(connection)
        return query(LISTS, query(ALL_USERS)[0][0], ts)


def assert_same_lists(both, ts):
    plain, citus = lists(both.plain, ts), lists(both.citus, ts)
    assert len(plain) == 300
    assert [(row[0], row[1], row[3]) for row in plain] == [(row[0], row[1], row[3]) for row in citus]
    assert np.allclose([row[2] for row in plain], [row[2] for row in citus], atol=1e-5)


def test_users_are_spread_and_each_has_all_on_one_worker(both):
    with autocommit(both.citus) as connection:
        query = queries(connection)
        assert {
            node for node, in query("select nodename from citus_shards where table_name = 'pgfeed.users'::regclass")
        } == {
            str(worker.folder) for worker in both.nodes[1:]
        }
        assert query(
            "select count(distinct colocation_id), count(*) from citus_tables where citus_table_type = 'distributed'"
            " and table_name not in (select inhrelid from pg_inherits)"
        ) == [(1, (ROOT / "sql/citus.sql").read_text("utf-8").count("create_distributed_table("))]
        assert query(
            "select citus_table_type from citus_tables where table_name = 'pgfeed.posts'::regclass"
        ) == [("reference",)]


@pytest.mark.parametrize("name", TABLES)
def test_what_was_loaded_rolled_up_and_refreshed_is_equal(both, name):
    plain, citus = both.each(TABLES[name])
    assert plain
    assert_close(plain, citus)


def test_training_sees_the_same_examples(both):
    names = ["post.like_rate", "user.like_rate", "post.decayed_like_count_1d"]
    encoders = {"post.topic": {}, "user.country": {}, "user.city": {}, "user.os": {}, "user.source": {}}
    found = [
        impressions.load(connection, [date(2021, 10, 12)], names, encoders) for connection in both.connections()
    ]
    assert len(found[0].is_liked) > 500
    assert np.array_equal(found[0].post_ids, found[1].post_ids) and np.array_equal(found[0].is_liked, found[1].is_liked)
    assert np.allclose(found[0].features, found[1].features, rtol=1e-5)


def test_who_likes_what_is_learned_alike(both):
    fits = [Preferences.unpack(rows[0][0]) for rows in both.each("select pgfeed._preferences('2021-10-20')")]
    assert len(fits[0].arrays["appeal"]) > 100
    assert np.array_equal(fits[0].arrays["post_ids"], fits[1].arrays["post_ids"])
    assert np.allclose(fits[0].arrays["appeal"], fits[1].arrays["appeal"], atol=1e-4)


@pytest.mark.parametrize("ts", [END, PAST])
def test_every_user_gets_the_same_posts(both, ts):
    assert_same_lists(both, ts)


def test_a_batch_fills_the_same_table(both, monkeypatch):
    for connection in both.connections():
        monkeypatch.setenv("PGFEED_DSN", connection.dsn)
        batch.refresh_recommendations(connection, END, 5, None, None, 2)
    for rows in ("pgfeed.recommendations", "pgfeed.current_recommendations"):
        plain, citus = both.each(f"select user_id, rank, post_id from {rows} order by 1, 2")
        assert len(plain) == 1500 and plain == citus
    for view in ("recommended_topics", "recommendation_lists", "popularity_deciles"):
        assert_close(*both.each(f"select * from pgfeed.{view} order by 1"))


def test_an_experiment_has_the_same_report(both):
    for connection in both.connections():
        experiments.create(connection, "lot", ["control", "lot=random"], "salt", 0.2)
    both.each("call pgfeed.start_experiment('lot')")
    for user_id in both.each(ALL_USERS)[0][0][0]:
        plain, citus = both.each("select post_id, variant from pgfeed.serve_posts(%s, %s)", user_id, END)
        assert plain == citus
    both.each(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " select x.served_at + interval '1 minute', x.user_id, x.post_ids[1], 'like' from pgfeed.exposures as x"
        " where x.user_id % 3 = 0 or x.arm = 'control' and x.user_id % 3 = 1"
    )
    for function in ("experiment_report('lot', until => '2021-10-26')", "experiment_days('lot', until => '2021-10-26')",
                     "experiment_checks('lot')"):
        plain, citus = both.each(f"select * from pgfeed.{function}")
        assert plain
        assert_close(plain, citus)
    both.each("call pgfeed.stop_experiment('lot')")
    assert both.each("call pgfeed.drop_exposures('2021-11-01')") == [[(1,)], [(1,)]]
    both.each("delete from pgfeed.feed_events where event_at = %s::timestamptz + interval '1 minute'", END)


def test_a_feed_that_explores_gives_the_same_lists_and_chances(both):
    both.each("call pgfeed.create_feed('lively', explore => 'normal')")
    for user_id in both.each(ALL_USERS)[0][0][0][:20]:
        both.each("select from pgfeed.serve_posts(%s, %s, feed => 'lively')", user_id, END)
    plain, citus = both.each("select user_id, post_ids, exploration, seed from pgfeed.exposures order by user_id")
    assert plain == citus and len(plain) == 20 and {row[2] for row in plain} == {"normal-1"}
    for query in both.sessions:
        for exposure_id, post_ids in query("select exposure_id, post_ids from pgfeed.exposures"):
            assert query(REPLAY, exposure_id) == [(post_ids,)]
    both.each("call pgfeed.drop_feed('lively')")
    both.each("call pgfeed.drop_exposures('2021-11-01')")


def test_the_events_of_this_minute_count_in_open_sessions(both):
    """Another session writes, of which nothing is to be seen on the coordinator alone."""
    trending = "select post_id, score from pgfeed.trending_posts(3, '1 hour', %s) order by rank"
    before = both.each(trending, END)
    assert_close(*before)
    post_id = both.each("select min(post_id) from pgfeed.posts where post_id <> all(%s)",
                        [row[0] for row in before[0]])[0][0][0]
    insert = (
        "insert into pgfeed.feed_events (user_id, post_id, event_at, action)"
        " values (%s, %s, %s::timestamptz - interval '30 minutes', 'like')"
    )
    user_ids = both.each(ALL_USERS)[0][0][0][:40]
    for dsn in (both.plain, both.citus):
        with autocommit(dsn) as other:
            for user_id in user_ids:
                queries(other)(insert, user_id, post_id, END)
    after = both.each(trending, END)
    both.each("delete from pgfeed.feed_events where event_at = %s::timestamptz - interval '30 minutes'", END)
    assert after[0][0][0] == after[1][0][0] == post_id
    assert_close(*after)


def test_a_table_that_is_spread_is_attached_when_it_was_granted_as_the_error_says(both):
    query = both.sessions[1]
    query("create schema app; create table app.clicks (member bigint, article bigint, at timestamptz)")
    query("select create_distributed_table('app.clicks', 'member')")
    (user_id, post_id), = query("select min(e.user_id), min(e.post_id) from pgfeed.feed_events as e")
    insert = "insert into app.clicks select %s, %s, now() - i * interval '1 hour' from generate_series(1, 9) as i"
    query(insert, user_id, post_id)
    attach = "call pgfeed.attach_events('app.clicks', 'member', 'article', 'at'{})"
    with pytest.raises(psycopg2.Error, match="with Citus no trigger"):
        query(attach.format(", sync => 'mixed'"))
    with pytest.raises(psycopg2.Error, match="app.clicks is spread by Citus") as error:
        query(attach.format(""))
    for statement in error.value.diag.message_hint.split(": ", 1)[1].rstrip(";").split("; "):
        query(statement)
    query(attach.format(""))
    count = "select count(*) from pgfeed.feed_events as e where e.attachment_id is not null"
    assert query(count) == [(9,)]
    query("delete from app.clicks where at < now() - interval '5 hours 30 minutes'")
    query("call pgfeed.sync_attachments()")
    assert query(count) == [(5,)]
    query("call pgfeed.detach('app.clicks')")
    assert query(count) == [(0,)]
    query("drop schema app cascade")
    query("call pgfeed.refresh_features()")


def test_what_a_pulled_table_has_counts_from_the_next_refresh_on(both):
    """The table is one of the coordinator's own; in plain tables it counts in the next call."""
    both.each("create table public.hearts (member bigint, article bigint, at timestamptz)")
    both.each("create index on public.hearts (member, at)")
    both.each("call pgfeed.attach_events('public.hearts', 'member', 'article', 'at', 'like', sync => 'pull')")
    user_id = both.each(ALL_USERS)[0][0][0][7]
    call = "select post_id from pgfeed.recommend_posts(%s, now() + interval '1 minute', 5) order by rank"
    before = both.each(call, user_id)
    both.each("insert into public.hearts values (%s, %s, now())", user_id, before[0][0][0])
    on_citus = both.sessions[1](call, user_id)
    both.each("call pgfeed.refresh_features()")
    after = both.each(call, user_id)
    both.each("call pgfeed.detach('public.hearts')")
    both.each("drop table public.hearts")
    both.each("call pgfeed.refresh_features()")
    assert before[0] == before[1] == on_citus and after[0] == after[1]
    assert before[0][0] not in after[0]
    assert both.each(call, user_id) == before


def test_new_and_corrected_events_are_rolled_up(both, tmp_path):
    """The first file is new, the second repeats it and knows of more likes."""
    rows = [f"2021-10-2{2 + user % 3} 10:00:{user % 60:02},{user},{post},view,"
            for user in both.each(ALL_USERS)[0][0][0] for post in (3, 301)]
    for name, target in (("new.csv", "0"), ("corrected.csv", "1")):
        path = tmp_path / name
        path.write_text("timestamp,user_id,post_id,action,target\n" + "\n".join(row + target for row in rows) + "\n")
        results = []
        for connection in both.connections():
            results.append([(r.loaded, r.updated, r.duplicates, r.added_posts)
                            for r in ingest(connection, open_sources([str(path)]))])
            refresh(connection)
        assert results[0] == results[1] == [(600, 600 if target == "1" else 0, 0, 0 if target == "1" else 1)]
    for name in ("events", "post_days", "user_topic_days", "user_features", "rollup_days"):
        assert_close(*both.each(TABLES[name]))
    assert_same_lists(both, END)


def test_events_do_not_bring_a_deleted_post_back(both, tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("timestamp,user_id,post_id,action,target\n2021-10-24 11:00:00,205,302,view,0\n")
    both.each("insert into pgfeed.posts (post_id, topic) values (302, 'travel')")
    for connection in both.connections():
        refresh(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute("delete from pgfeed.posts where post_id = 302")
        assert [outcome.added_posts for outcome in ingest(connection, open_sources([str(path)]))] == [0]
        refresh(connection)
    assert both.each("select post_id from pgfeed.posts where post_id = 302") == [[], []]
    assert_same_lists(both, END)


def test_tick_does_what_is_due_and_nothing_twice(both):
    both.each("call pgfeed.set_upkeep(recommend => '1 day')")
    first = both.each("call pgfeed.tick()")
    assert first == [[(["roll_up", "arrange", "refresh", "recommend"],)]] * 2
    assert both.each("call pgfeed.tick()") == [[(["roll_up"],)]] * 2
    assert_close(*both.each("select user_id, rank, post_id from pgfeed.recommendations order by 1, 2"))
    assert_close(*both.each(TABLES["post_features"]))


def test_roles_do_on_citus_what_they_may(both):
    with autocommit(both.citus) as connection:
        query = queries(connection)
        for role, statements in {
            "pgfeed_reader": ["select from pgfeed.recommend_posts(205)", "select from pgfeed.current_recommendations",
                              "select from pgfeed.health()"],
            "pgfeed_writer": [
                "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                " values ('2021-10-24 12:00+00', 999999, 3, 'view')",
                "insert into pgfeed.users (user_id, age) values (999999, 20)", "select from pgfeed.serve_posts(205)",
            ],
            "pgfeed_operator": ["call pgfeed.refresh_features()", "select from pgfeed.user_features_as_of(now())",
                                "select count(*) from pgfeed.exposures"],
        }.items():
            query(f"create role citus_{role} login in role {role}")
            query(f"set session authorization citus_{role}")
            for statement in statements:
                query(statement)
            query("reset session authorization")


def test_an_update_reaches_tables_that_are_spread(both):
    """What a downgrade leaves out is made by the older version's migrate."""
    before = lists(both.citus, END)
    for way in (("downgrade", "-1"), ("upgrade", "head")):
        program(sys.executable, "-m", "alembic", *way, **both.nodes[0].client_options(DATABASE))
    assert lists(both.citus, END) == before


def test_while_a_worker_is_away_the_others_users_are_served(both):
    before = {row[0]: row[1] for row in lists(both.citus, END)}
    away = both.nodes[2]
    with autocommit(both.citus) as connection:
        query = queries(connection)
        away.stop(signal.SIGQUIT)
        try:
            served, refused = {}, []
            for user_id in before:
                try:
                    served[user_id] = [row[0] for row in query("select post_id from pgfeed.recommend_posts(%s, %s)"
                        " order by rank", user_id, END)]
                except psycopg2.Error as error:
                    refused.append(str(error))
            assert len(served) + len(refused) == 300 and min(len(served), len(refused)) > 50
            assert all(posts == before[user_id] for user_id, posts in served.items())
            assert all(str(away.folder) in message for message in refused), refused[0]
            event = (
                "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                " values ('2021-10-24 13:00+00', %s, 3, 'view')"
            )
            query(event, next(iter(served)))
            lost = next(user_id for user_id in before if user_id not in served)
            for statement in (event.replace("%s", str(lost)), "update pgfeed.posts set topic = topic where post_id = 3",
                              "call pgfeed.refresh_features()"):
                with pytest.raises(psycopg2.Error, match=away.folder.name):
                    query(statement)
        finally:
            away.start()
        assert {user_id: query(
            "select array_agg(post_id order by rank) from pgfeed.recommend_posts(%s, %s)", user_id, END
        )[0][0] for user_id in before} == before
        query("call pgfeed.refresh_features()")
