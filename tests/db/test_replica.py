"""A hot standby answers as its primary does, follows it, and logs nothing."""

import os
import subprocess
from types import SimpleNamespace

import psycopg2
import pytest

from tests import servers
from tests.db.conftest import ROOT, autocommit, dsn_of, queries

AT = "2021-12-14 12:00+00"
ANSWERS = (
    "select u, r.* from generate_series(1, 61) as u"
    " cross join lateral pgfeed.recommend_posts(u, %s) as r order by u, r.rank"
)
VERSIONS = "select distinct model_version, features_as_of::text from pgfeed.recommend_posts(7, %s)"
COPY_MODEL = """
    insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, trained_from, trained_until,
        parameters, metrics, golden_matrix, golden_scores)
    select variant, 2, artifact, sha256, feature_names, encoders, trained_from, trained_until, parameters, metrics,
        golden_matrix, golden_scores
    from pgfeed.models where variant = 'control' and version = 1
"""


@pytest.fixture(scope="module")
def pair(network_template, tmp_path_factory):
    """A primary with a copy of the network, a standby of it, and a session on each."""
    if os.environ.get("PGFEED_DSN"):
        pytest.skip("PGFEED_DSN may name a server of another machine: there are no programs to make one of its kind")
    file = tmp_path_factory.mktemp("network") / "dump"
    subprocess.run(["pg_dump", "-Fc", "-f", file, dsn_of(network_template)], check=True)
    with servers.primary(fsync="off", max_prepared_transactions=2) as primary:
        primary.run("postgres", (ROOT / "migrations" / "baseline" / "roles.sql").read_text())
        primary.run("postgres", "create database feed")
        subprocess.run(["pg_restore", "--exit-on-error", "-d", primary.dsn("feed"), file], check=True)
        with servers.standby(primary, fsync="off", max_prepared_transactions=2, hot_standby_feedback="on") as standby:
            with autocommit(primary.dsn("feed")) as writing, autocommit(standby.dsn("feed")) as reading:
                yield SimpleNamespace(
                    primary=queries(writing), standby=queries(reading),
                    replay=lambda: servers.wait_for_replay(primary, standby)
                )


def test_the_same_answers(pair):
    assert pair.standby("select pg_is_in_recovery()") == [(True,)]
    answers = pair.standby(ANSWERS, AT)
    assert len(answers) == 305 and {row[7] for row in answers} == {"model", "cold_start"}
    assert answers == pair.primary(ANSWERS, AT)
    past = "2021-12-09 15:00+00"
    assert pair.standby(ANSWERS, past) == pair.primary(ANSWERS, past) != answers


def test_what_a_pulled_table_has_counts_on_the_standby_too(pair):
    pair.primary("create table public.hearts (member bigint, article bigint, at timestamptz)")
    pair.primary("create index on public.hearts (member, at)")
    pair.primary("call pgfeed.attach_events('public.hearts', 'member', 'article', 'at', 'like', sync => 'pull')")
    pair.replay()
    call = "select post_id from pgfeed.recommend_posts(7, now() + interval '1 minute', 80)"
    first = pair.standby(call)[0]
    pair.primary("insert into public.hearts values (7, %s, now())", *first)
    pair.replay()
    assert first not in pair.standby(call) == pair.primary(call)
    pair.primary("delete from public.hearts")
    pair.replay()
    assert first in pair.standby(call)
    pair.primary("call pgfeed.detach('public.hearts')")
    pair.primary("drop table public.hearts")
    pair.replay()
    assert first in pair.standby(call)


def test_pages_go_on_on_the_other_server(pair):
    pair.primary("call pgfeed.create_feed('home', 'topic = ''sport''', max_per => '{\"topic\": 3}')")
    pair.replay()
    call = "select post_id, cursor from pgfeed.recommend_posts(7, %s, 5, feed => %s, after => %s) order by rank"
    for feed in (None, "home"):
        shown, cursor = [], None
        for number in range(5):
            rows, others = (ask(call, AT, feed, cursor) for ask in (pair.standby, pair.primary)[::(-1) ** number])
            assert rows == others and rows
            shown, cursor = shown + [row[0] for row in rows], rows[-1][1]
        assert len(set(shown)) == len(shown) > 15
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction, match="create_feed stores a feed"):
        pair.standby("call pgfeed.create_feed('other')")
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction, match="drop_feed removes a feed"):
        pair.standby("call pgfeed.drop_feed('home')")
    pair.primary("call pgfeed.drop_feed('home')")
    pair.replay()


def test_a_feed_that_explores_answers_and_the_loop_says_where_it_runs(pair):
    pair.primary("call pgfeed.create_feed('lively', explore => 'normal')")
    pair.replay()
    lists = "select u, r.post_id from generate_series(1, 60) as u" \
        " cross join lateral pgfeed.recommend_posts(u, %s, 5, feed => %s) as r order by u, r.rank"
    explored = pair.standby(lists, AT, "lively")
    assert explored == pair.primary(lists, AT, "lively") != pair.standby(lists, AT, None)
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction, match="tick.. writes, .*\n.*Call it on the primary"):
        pair.standby("call pgfeed.tick()")
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction, match="^a standby cannot train"):
        pair.standby("call pgfeed.train_model('control')")
    pair.primary("call pgfeed.drop_feed('lively')")
    pair.replay()


def test_serve_posts_says_what_to_call_instead(pair):
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction, match="call recommend_posts"):
        pair.standby("select * from pgfeed.serve_posts(7, %s)", AT)
    assert pair.standby("select count(*) from pgfeed.exposures") == [(0,)]


def test_an_open_session_sees_a_model_switch_and_a_rollback(pair):
    assert [row[0] for row in pair.standby(VERSIONS, AT)] == [1]
    pair.primary(COPY_MODEL)
    pair.primary("call pgfeed.activate_model('control', 2)")
    pair.replay()
    assert [row[0] for row in pair.standby(VERSIONS, AT)] == [2]
    pair.primary("call pgfeed.rollback_model('control')")
    pair.replay()
    assert [row[0] for row in pair.standby(VERSIONS, AT)] == [1]


def test_an_open_session_sees_a_refresh(pair):
    [(post_id,)] = pair.primary("select post_id from pgfeed.recommend_posts(7, %s, 1)", AT)
    pair.primary("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                 f" values ('2021-12-13 20:00+00', 7, {post_id}, 'like')")
    pair.primary("call pgfeed.refresh_features()")
    pair.replay()
    assert pair.standby(VERSIONS, AT) == [(1, "2021-12-14 00:00:00+00")]
    assert pair.standby(ANSWERS, AT) == pair.primary(ANSWERS, AT)
    recommended = pair.standby("select post_id from pgfeed.recommend_posts(7, %s, 80)", AT)
    assert recommended and (post_id,) not in recommended


def test_an_open_session_misses_hidden_and_deleted_posts_once_they_are_replayed(pair):
    shown = "select post_id from pgfeed.recommend_posts(999999, %s, 80)"
    moments = (AT, "2021-12-09 15:00+00")
    before = {ts: pair.standby(shown, ts) for ts in moments}
    hidden, deleted = (row[0] for row in before[AT][:2])
    pair.primary("call pgfeed.hide_post(%s)", hidden)
    pair.primary("delete from pgfeed.posts where post_id = %s", deleted)
    pair.replay()
    for ts in moments:
        left = [(post,) for (post,) in before[ts] if post not in (hidden, deleted)]
        assert len(left) == len(before[ts]) - 2
        assert pair.standby(shown, ts) == left == pair.primary(shown, ts)
        with pytest.raises(psycopg2.Error, match=f"post {hidden} cannot be recommended"):
            pair.standby("select from pgfeed.explain_recommendation(7, %s, %s)", hidden, ts)
    pair.primary("call pgfeed.unhide_post(%s)", hidden)
    pair.replay()
    assert pair.standby(shown, AT) == [row for row in before[AT] if row != (deleted,)]


def test_health_answers(pair):
    probes = "select name, status from pgfeed.health()"
    assert pair.standby(probes) == pair.primary(probes)


FILL = """
    insert into pgfeed.feed_events (event_at, user_id, post_id, action)
    select timestamptz '2021-06-01' + i * interval '1 minute', 1000 + i % 50, i, 'view'
    from generate_series(1, 11000) as i
"""


def test_months_move_under_a_standby_that_reads(pair):
    answers = pair.standby(ANSWERS, AT)
    pair.primary(FILL)
    pair.replay()
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        pair.standby("call pgfeed.arrange_partitions()")
    assert pair.primary("call pgfeed.arrange_partitions()") == [(1,)]
    pair.replay()
    assert pair.standby("select count(*) from pgfeed.feed_events_y2021m06") == [(11000,)]
    assert pair.standby(ANSWERS, AT) == answers


def test_a_prepared_transaction_keeps_months_and_events_as_they_are(pair):
    event = "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values ('{}', 2000, 1, 'view')"
    pair.primary("call pgfeed.refresh_features()")
    pair.primary("begin; " + event.format("2021-03-01") + "; prepare transaction 'left'")
    pair.primary(FILL.replace("2021-06-01", "2021-05-01"))
    pair.primary(event.format("2021-04-01"))
    assert pair.primary("call pgfeed.arrange_partitions()") == [(0,)]
    before = pair.primary("select count(*) from pgfeed.feed_events")
    uncounted = "there are events before 2021-07-01 that are not counted for good yet"
    with pytest.raises(psycopg2.Error, match=uncounted) as raised:
        pair.primary("call pgfeed.drop_events('2021-07-01')")
    assert raised.value.diag.message_hint == "First: commit prepared 'left', or rollback prepared 'left'."
    assert pair.primary("select count(*) from pgfeed.feed_events") == before
    assert pair.primary("select count(*) from pgfeed.rollup_days where dropped_at is not null") == [(0,)]
    pair.primary("commit prepared 'left'")
    assert pair.primary("call pgfeed.drop_events('2021-07-01')") == [(1,)]
    assert pair.primary("select count(*) from pgfeed.feed_events where event_at < '2021-07-01'") == [(0,)]
    assert pair.primary("select view_count from pgfeed.rollup_days where day in ('2021-03-01', '2021-04-01')") == [
        (1,), (1,)
    ]  # fmt: skip
