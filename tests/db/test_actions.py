"""Actions of an application's own: what counts as a like, what hides a post, what takes it back."""

import numpy as np
import psycopg2
import pytest

from loader.data import ingest, sources
from loader.learning.impressions import load_day
from tests.db.conftest import autocommit, queries

NEW = "insert into pgfeed.feed_events (event_at, user_id, post_id, action, target) values (%s, %s, %s, %s, %s)"
HOUR = "2021-12-13 {:02}:00+00".format


@pytest.fixture
def site(network):
    """A function that runs a statement in a network with six actions of its own."""
    network("""
        call pgfeed.define_action('save');
        call pgfeed.define_action('share', weight => 3, hides => false);
        call pgfeed.define_action('hide', -1);
        call pgfeed.define_action('dislike', sign => -1, weight => 2);
        call pgfeed.define_action('unlike', undoes => 'like');
        call pgfeed.define_action('unhide', undoes => 'hide');
    """)
    return network


def add(query, *events):
    """Insert events (hour of a day after the feed's end, user, post, action), or with a target as the fifth."""
    for hour, user, post, action, *target in events:
        query(NEW, HOUR(hour), user, post, action, *(target or (None,)))


def shown(query, user, hour, k=80):
    """Return the posts of a user's whole list at an hour."""
    return {post for (post,) in query("select post_id from pgfeed.recommend_posts(%s, %s, %s)", user, HOUR(hour), k)}


def row_of(query, user, hour):
    """Return what a user liked and what is hidden from the user, at an hour."""
    row, = query("select liked_post_ids, hidden_post_ids from pgfeed._user_history(%s, %s)", user, HOUR(hour))
    return [None if ids is None else set(np.frombuffer(ids, ">i8").tolist()) for ids in row]


@pytest.mark.parametrize(("statement", "words"), [
    ("call pgfeed.define_action(null)", "the action is null"),
    ("call pgfeed.define_action('')", "the action is ''"),
    ("call pgfeed.define_action('Save')", "the action is 'Save'"),
    ("call pgfeed.define_action(' save')", "the action is ' save'"),
    ("call pgfeed.define_action(repeat('x', 41))", "the action is"),
    ("call pgfeed.define_action('save', 2)", "the sign of save is 2"),
    ("call pgfeed.define_action('save', weight => -1)", "the weight of save is -1"),
    ("call pgfeed.define_action('save', weight => 'NaN')", "the weight of save is NaN"),
    ("call pgfeed.define_action('view', 1)", "a view is neither"),
    ("call pgfeed.define_action('unsave', undoes => 'save')", "unsave cannot undo save"),
    ("call pgfeed.define_action('unlike', -1, undoes => 'like')", "unlike cannot undo like"),
    ("call pgfeed.remove_action(null)", "there is no action null"),
    ("call pgfeed.remove_action('save')", "there is no action 'save'"),
    ("call pgfeed.remove_action('like')", "the action like stays"),
])
def test_a_wrong_argument_is_named_in_one_line(query, statement, words):
    with pytest.raises(psycopg2.Error) as error:
        query(statement)
    assert error.value.diag.message_primary.startswith(words) and "\n" not in error.value.diag.message_primary
    assert error.value.diag.message_hint


def test_events_have_the_actions_that_are_defined_and_no_others(query):
    with pytest.raises(psycopg2.errors.CheckViolation):
        query(NEW, HOUR(1), 1, 1, "save", None)
    query("call pgfeed.create_event_partitions('2021-12-01', '2021-12-01')")
    query("call pgfeed.define_action('save')")
    query(NEW, HOUR(1), 1, 1, "save", None)
    query(NEW, "2031-01-01 00:00+00", 1, 1, "save", None)  # into the default partition
    query("call pgfeed.create_event_partitions('2021-11-01', '2021-11-01')")
    query(NEW, "2021-11-03 00:00+00", 1, 1, "save", None)
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="there are events of the action save"):
        query("call pgfeed.remove_action('save')")
    query("delete from pgfeed.feed_events")
    query("call pgfeed.remove_action('save')")
    with pytest.raises(psycopg2.errors.CheckViolation):
        query(NEW, HOUR(1), 1, 1, "save", None)


def test_months_move_after_an_action_was_defined_and_copies_of_before_become_none(query):
    query("""
        insert into pgfeed.feed_events (event_at, user_id, post_id, action)
        select timestamptz '2021-03-01 00:00+00' + n * interval '1 minute', n, 1, 'view'
        from generate_series(1, 11000) as n
    """)
    assert query("call pgfeed._watch_partitions('feed_events', null, null, null)")[0][2]
    query("call pgfeed.define_action('save')")
    assert query("select to_regclass('pgfeed._next_feed_events_changes')") == [(None,)]
    assert query("call pgfeed.arrange_partitions()") == [(1,)]
    query(NEW, "2021-03-02 00:00+00", 1, 1, "save", None)
    assert query("select count(*) from pgfeed.feed_events_y2021m03") == [(11001,)]


def test_what_hides_a_post_does_so_in_the_next_call_until_it_is_taken_back(site):
    add(site, (1, 99, 10, "like"), (2, 99, 11, "hide"), (3, 99, 12, "dislike"), (4, 99, 13, "share"))
    add(site, (5, 99, 14, "save"))
    assert shown(site, 99, 6) & {10, 11, 12, 13, 14} == {13}
    assert shown(site, 99, 1) >= {10, 11, 12, 13, 14}  # as it was before all of that
    add(site, (7, 99, 10, "unlike"), (8, 99, 11, "unhide"))
    for _ in range(2):
        assert shown(site, 99, 9) & {10, 11, 12, 13, 14} == {10, 11, 13}
        assert shown(site, 99, 7) & {10, 11, 12, 13, 14} == {13}  # at that moment it was still liked
        site("call pgfeed.refresh_features('2021-12-13 00:00+00')")
    add(site, (10, 99, 10, "like"))
    for _ in range(2):
        assert 10 not in shown(site, 99, 11)
        assert 10 in shown(site, 99, 10)
        site("call pgfeed.refresh_features('2021-12-13 00:00+00')")


def test_unsaving_leaves_the_like(site):
    site("call pgfeed.define_action('unsave', undoes => 'save')")
    add(site, (1, 99, 10, "like"), (2, 99, 10, "save"), (3, 99, 10, "unsave"))
    for _ in range(2):
        assert row_of(site, 99, 4)[0] >= {10} and row_of(site, 99, 4)[1] >= {10}
        site("call pgfeed.roll_up_events()")


def test_who_liked_what_outlives_the_events(site):
    add(site, (1, 99, 10, "like"), (2, 99, 10, "unlike"), (3, 99, 11, "hide"), (4, 99, 12, "share"))
    add(site, (5, 99, 13, "like"), (1, 99, 14, "like"), (2, 99, 14, "unlike"), (3, 99, 14, "save"))
    before = row_of(site, 99, 6)
    assert before[0] & {10, 11, 12, 13, 14} == {12, 13, 14} and before[1] & {10, 11, 12, 13, 14} == {11, 13, 14}
    site("call pgfeed.roll_up_events()")
    assert row_of(site, 99, 6) == before
    site("delete from pgfeed.feed_events")
    assert row_of(site, 99, 6) == before


def test_a_read_to_the_end_is_a_like_that_does_not_hide(network):
    liked, hidden = row_of(network, 2, 1)
    assert hidden is None and liked
    assert not shown(network, 2, 1) & liked
    network("call pgfeed.define_action('view', hides => false)")
    add(network, (1, 2, 79, "view", True), (1, 2, 78, "like"))
    assert row_of(network, 2, 2) == [liked | {78, 79}, {78}]
    assert shown(network, 2, 2) == set(range(1, 81)) - {78}
    network("call pgfeed.define_action('view', hides => true)")
    assert not shown(network, 2, 2) & (liked | {78, 79})


def test_counts_follow_what_is_a_like(query):
    query("call pgfeed.define_action('save')")
    query("call pgfeed.define_action('unsave', undoes => 'save')")
    days = "select day::text, like_count from pgfeed.post_days where post_id = 1 and like_count <> 0 order by day"
    likes = []
    for day, action in enumerate(["view", "save", "save", "unsave", "save", "unsave"], 1):
        query(NEW, f"2021-12-0{day} 10:00+00", 1, 1, action, None)
        query("call pgfeed.roll_up_events()")
        likes.append(query("select liked_at::date::text, unliked_at::date::text from pgfeed.likes"))
    assert query(days) == [("2021-12-02", 1), ("2021-12-04", -1)]
    liked, unliked = [("2021-12-02", None)], [("2021-12-02", "2021-12-04")]
    assert likes == [[], liked, liked, unliked, liked, unliked]
    query("call pgfeed.roll_up_events(from_day => '2021-01-01')")
    assert query(days) == [("2021-12-02", 1), ("2021-12-04", -1)]


def test_a_like_that_comes_late_is_counted_with_what_took_it_back(query):
    query("call pgfeed.define_action('unlike', undoes => 'like')")
    query(NEW, "2021-12-03 10:00+00", 1, 1, "unlike", None)
    query("call pgfeed.roll_up_events()")
    query(NEW, "2021-12-01 10:00+00", 1, 1, "like", None)
    query("call pgfeed.roll_up_events()")
    days = "select day::text, like_count from pgfeed.post_days where post_id = 1 and like_count <> 0 order by day"
    assert query(days) == [("2021-12-01", 1), ("2021-12-03", -1)]


def test_what_counts_as_a_like_can_change(query):
    query("call pgfeed.define_action('buy', 0)")
    for day, action in enumerate(["view", "buy", "like"], 1):
        query(NEW, f"2021-12-0{day} 10:00+00", 1, 1, action, None)
    totals = "select sum(like_count) from pgfeed.post_days"
    query("call pgfeed.roll_up_events()")
    assert query(totals) == [(1,)] and query("select liked_at::date::text from pgfeed.likes") == [("2021-12-03",)]
    query("call pgfeed.define_action('buy', 1)")
    query("call pgfeed.define_action('like', 0)")
    query("call pgfeed.roll_up_events()")
    assert query(totals) == [(1,)] and query("select liked_at::date::text from pgfeed.likes") == [("2021-12-02",)]
    query("call pgfeed.define_action('buy', 0)")
    query("call pgfeed.roll_up_events()")
    assert query(totals) == [(0,)] and query("select liked_at::date::text from pgfeed.likes") == []


def test_a_post_taken_back_by_many_has_no_negative_features(site):
    add(site, *((1, user, 80, "like") for user in range(1, 61)))
    site("update pgfeed.feed_events set event_at = '2021-12-01 00:00+00' where action = 'like' and post_id = 80")
    add(site, *((2, user, 80, "unlike") for user in range(1, 61)))
    site("call pgfeed.refresh_features('2021-12-14 00:00+00')")
    assert site(
        "select like_count >= 0, decayed_like_count_1d, decayed_like_rate_7d > 0 from pgfeed.post_features"
        " where post_id = 80"
    ) == [(True, 0, True)]
    assert len(shown(site, 1, 23)) > 5


def test_an_impression_is_not_liked_if_it_was_disliked_or_taken_back_and_has_the_weight_of_what_followed(site):
    add(
        site, *((3, 100 + number, 1, "view") for number in range(5)), (3, 100, 1, "like"), (3, 101, 1, "dislike"),
        (3, 102, 1, "like"), (3, 102, 1, "unlike"), (3, 103, 1, "share"),
    )
    rows = site("select user_id, is_liked, weight from pgfeed.impressions where viewed_at = %s order by 1", HOUR(3))
    assert rows == [(100, True, 1), (101, False, 2), (102, False, 1), (103, True, 3), (104, False, 1)]


def test_weights_are_learned_from(network_dsn):
    with autocommit(network_dsn) as connection:
        query = queries(connection)
        query("call pgfeed.define_action('dislike', -1, weight => 5)")
        (user, post, at), = query("select user_id, post_id, viewed_at from pgfeed.impressions where is_liked limit 1")
        query(NEW, at, user, post, "dislike", None)
        columns = load_day(connection, at.date(), 1.0)
        chosen = (columns[0] == user) & (columns[1] == post)
        assert columns[4][chosen].tolist() == [0] and columns[5][chosen].tolist() == [5]
        assert (columns[5][~chosen] == 1).all() and columns[4][~chosen].any()


def test_who_keeps_feed_events_in_use_is_named(dsn):
    named = "select s.names, s.statement from pgfeed._sessions_at('pgfeed.feed_events') as s"
    with autocommit(dsn) as connection, autocommit(dsn) as other:
        query, reading = queries(connection), queries(other)
        assert query(named) == [(None, None)]
        reading("set application_name = 'nightly dump'; begin; select count(*) from pgfeed.feed_events")
        (names, statement), = query(named)
        assert names == f"process {other.info.backend_pid} (nightly dump)"
        assert [row[0] for row in query(statement)] == [other.info.backend_pid]


def test_ingest_takes_the_actions_that_are_defined(dsn, tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        "timestamp,user_id,post_id,action,target\n"
        "2021-12-01 10:00:00,1,1,view,1\n2021-12-01 10:00:01,1,1,Bookmarked,\n2021-12-01 10:00:02,1,2,view,\n"
        "2021-12-01 10:00:03,1,2,like,0\n2021-12-01 10:00:04,1,2,hate,0\n"
    )
    with autocommit(dsn) as connection:
        query = queries(connection)
        query("call pgfeed.define_action('bookmarked')")
        for _ in range(2):
            outcome, = ingest.ingest(connection, list(sources.open_sources([str(path)])))
            connection.autocommit = True
            assert outcome.first_reject == (6, "action: 'hate' is none of view, like, bookmarked")
            assert query("select action, target from pgfeed.feed_events order by event_at") == [
                ("view", True), ("bookmarked", None), ("view", None), ("like", False),
            ]


@pytest.mark.parametrize("sync", ["trigger", "pull"])
def test_what_an_attached_table_hides_or_takes_back_ends_when_its_row_is_deleted(network, sync):
    network("call pgfeed.define_action('hide', -1)")
    network("call pgfeed.define_action('unlike', undoes => 'like')")
    network("create schema app")
    for action in ("hide", "unlike"):
        network(f"create table app.{action} (id bigint primary key, member bigint, post bigint, at timestamptz)")
        network(
            "call pgfeed.attach_events(%s, 'member', 'post', 'at', action => %s, sync => %s)",
            f"app.{action}", action, sync,
        )
    add(network, (1, 99, 10, "like"), (1, 99, 11, "view"))
    network("insert into app.unlike values (1, 99, 10, %s)", HOUR(2))
    network("insert into app.hide values (1, 99, 11, %s)", HOUR(3))
    network("call pgfeed.sync_attachments()")
    days = "select post_id, day::text, like_count from pgfeed.post_days where day > '2021-12-12' and like_count <> 0"
    for _ in range(2):
        assert [(ids or set()) & {10, 11} for ids in row_of(network, 99, 4)] == [set(), {11}]
        network("call pgfeed.refresh_features('2021-12-14 00:00+00')")
    assert network(days) == []
    network("delete from app.unlike; delete from app.hide")
    if sync == "pull":
        network("call pgfeed.sync_attachments(true)")
    for _ in range(2):
        assert [(ids or set()) & {10, 11} for ids in row_of(network, 99, 4)] == [{10}, {10}]
        network("call pgfeed.refresh_features('2021-12-14 00:00+00')")
    assert network(days) == [(10, "2021-12-13", 1)]
