"""What counts: one like per user and post, one view per user, post and hour; nobody moves the feed alone."""

import random

import pytest

from plpy.features import with_history
from tests.db.conftest import autocommit, queries

END = "2021-12-13 12:00+00"
INSERT = "insert into pgfeed.feed_events (event_at, user_id, post_id, action, target) values (%s, %s, %s, %s, %s)"
COUNTS = "select post_id, sum(view_count)::int, sum(like_count)::int from pgfeed.post_days group by 1 order by 1"
RANDOM_EVENTS = """
    select setseed(%s);
    insert into pgfeed.posts (post_id, topic) select p, 'a' from generate_series(1, 4) as p;
    call pgfeed.create_event_partitions('2021-11-01', '2021-12-31');
    insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)
    select
        timestamptz '2021-11-30 20:00+00' + (random() * 30 * 3600)::int * interval '1 second', 1 + (random() * 4)::int,
        1 + (random() * 3)::int, case when random() < 0.2 then 'like' else 'view' end,
        case when random() < 0.5 then random() < 0.2 end
    from generate_series(1, 300)
    on conflict do nothing;
"""


def insert(query, *events):
    """Insert events given as (time, user, post, action, target)."""
    for event in events:
        query(INSERT, *event)


@pytest.fixture
def feed(query):
    """A function that inserts events of three posts and rolls them up."""
    query("call pgfeed.create_event_partitions('2021-11-01', '2022-01-31')")
    query("insert into pgfeed.posts (post_id, topic) values (1, 'a'), (2, 'b'), (3, 'c')")

    def run(*events):
        insert(query, *events)
        query("call pgfeed.roll_up_events()")

    return run


def counted(events: list[tuple]) -> tuple[list, list]:
    """Return the views and the likes that count, as (time, user, post), from rows of feed_events."""
    views, likes, last = [], {}, {}
    for at, user, post, action, target in sorted(events):
        if action == "view":
            if (user, post) not in last or (at - last[user, post]).total_seconds() >= 3600:
                views.append((at, user, post))
            last[user, post] = at
        if action == "like" or target:
            likes.setdefault((user, post), at)
    return views, sorted((at, *pair) for pair, at in likes.items())


LIKE = "like", None
VIEW = "view", None


@pytest.mark.parametrize(
    ("events", "views", "likes"),
    [
        ([("10:00", *LIKE), ("10:00:01", *LIKE), ("10:00:02", *LIKE)], 0, 1),
        ([("10:00", *VIEW), ("10:00:01", *VIEW), ("10:00:02", *VIEW)], 1, 0),
        ([("10:00", "view", True), ("10:00:05", "view", True)], 1, 1),
        ([("10:00", *VIEW), ("10:59:59", *VIEW)], 1, 0),
        ([("10:00", *VIEW), ("11:00", *VIEW)], 2, 0),
        ([("10:00", *VIEW), ("10:50", *VIEW), ("11:40", *VIEW)], 1, 0),
        ([("10:00", "view", True), ("15:00", "view", True)], 2, 1),
        ([("10:00", "view", True), ("10:00:09", *LIKE), ("18:00", *LIKE)], 1, 1),
        ([("10:00", "view", False), ("10:00:02", "view", True)], 1, 1),
        ([("10:00", *VIEW), ("10:00", *LIKE), ("10:00:00.5", *VIEW), ("10:00:00.5", *LIKE)], 1, 1),
        ([("23:30", *VIEW), ("23:59:59", *LIKE), ("23:59:59.9", *VIEW)], 1, 1),
        ([(f"{hour:02}:00", "view", True) for hour in range(24)], 24, 1),
    ],
)
def test_repetitions_count_once(query, feed, events, views, likes):
    feed(*((f"2021-12-01 {at}+00", 1, 1, *rest) for at, *rest in events))
    assert query(COUNTS) == [(1, views, likes)]
    assert query("select count(*)::int, count(*) filter (where is_liked)::int from pgfeed.impressions") == [
        (views, min(views, likes))
    ]
    assert query("select view_count::int, like_count::int from pgfeed.user_features_as_of('2021-12-02')") == [
        (views, likes)
    ]


def test_liked_again_on_another_day_is_not_a_second_like(query, feed):
    feed(
        ("2021-12-01 10:00+00", 1, 1, "like", None),
        ("2021-12-05 10:00+00", 1, 1, "like", None),
        ("2021-12-05 10:00+00", 2, 1, "like", None),
    )
    assert query("select day::text, like_count from pgfeed.post_days") == [("2021-12-01", 1), ("2021-12-05", 1)]
    assert query("select like_count from pgfeed.post_features_as_of('2021-12-06') where post_id = 1") == [(2,)]


def test_an_earlier_like_that_comes_late_moves_it(query, feed):
    feed(("2021-12-05 10:00+00", 1, 1, "like", None))
    feed(("2021-12-01 10:00+00", 1, 1, "like", None))
    assert query("select liked_at::date::text from pgfeed.liked_posts") == [("2021-12-01",)]
    assert query("select day::text, like_count from pgfeed.post_days") == [("2021-12-01", 1)]


def test_a_view_that_comes_late_makes_the_one_after_midnight_a_repetition(query, feed):
    feed(("2021-12-02 00:10+00", 1, 1, "view", None))
    feed(("2021-12-01 23:50+00", 1, 1, "view", None))
    assert query("select day::text, view_count from pgfeed.post_days") == [("2021-12-01", 1)]


@pytest.mark.parametrize("seed", [0.1, 0.2, 0.3])
def test_roll_ups_impressions_history_and_recent_events_count_the_same(query, seed):
    query(RANDOM_EVENTS, seed)
    # In two parts, the later events first, so that days are recomputed.
    query(
        "create table later as select * from pgfeed.feed_events where event_at < '2021-12-01 06:00+00' and"
        " random() < 0.5"
    )
    query(
        "delete from pgfeed.feed_events as e using later as l where (e.event_at, e.user_id, e.post_id, e.action) ="
        " (l.event_at, l.user_id, l.post_id, l.action)"
    )
    query("call pgfeed.roll_up_events()")
    query(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action, target) select event_at, user_id,"
        " post_id, action, target from later"
    )
    query("call pgfeed.roll_up_events()")
    views, likes = counted(query("select event_at, user_id, post_id, action, target from pgfeed.feed_events"))

    assert query("select viewed_at, user_id, post_id from pgfeed.impressions order by 1, 2, 3") == views
    assert query("select liked_at, user_id, post_id from pgfeed.likes order by 1, 2, 3") == likes
    by_day = {}
    for kind, events in enumerate((views, likes)):
        for at, _, post in events:
            by_day.setdefault((str(at.date()), post), [0, 0])[kind] += 1
    assert query("select day::text, post_id, view_count, like_count from pgfeed.post_days order by 1, 2") == [
        (*key, *by_day[key]) for key in sorted(by_day)
    ]
    assert query("select sum(view_count)::int, sum(like_count)::int from pgfeed.user_topic_days") == [
        (len(views), len(likes))
    ]
    for ts in ("2021-11-30 23:30+00", "2021-12-01 02:00+00", "2021-12-01 12:34:56+00", "2021-12-02 02:00+00"):
        before = [
            [event for event in events if event[0] < query("select %s::timestamptz", ts)[0][0]]
            for events in (views, likes)
        ]
        assert query("select sum(view_count)::int, sum(like_count)::int from pgfeed.post_features_as_of(%s)", ts) == [
            tuple(map(len, before))
        ]
        assert query(
            "select coalesce(sum(view_count), 0)::int, coalesce(sum(like_count), 0)::int from"
            " pgfeed.user_features_as_of(%s)",
            ts,
        ) == [tuple(map(len, before))]
        for user in range(1, 6):
            (row,), = query("select to_jsonb(h) from pgfeed._user_history(%s, %s) as h", user, ts)
            history = with_history({name: value and bytes.fromhex(value[2:]) for name, value in row.items()})
            for name, counting in (("viewed", before[0]), ("liked", before[1])):
                expected = sorted((at, post) for at, who, post in counting if who == user)
                assert history[f"{name}_post_ids"].tolist() == [post for _, post in expected]
                assert history[f"{name}_at"].tolist() == [at.timestamp() for at, _ in expected]
    recent = query("select length(post_ids) / 8 from pgfeed._recent_events("
                   "'2021-12-01', '2021-12-01', '2021-12-02 02:00+00')")
    assert recent == [(sum(str(at.date()) >= "2021-12-01" for at, *_ in views + likes),)]


def robots(query, count: int, post: int) -> None:
    """Let so many users like, and retry, one post 2,000 times each within minutes."""
    query(
        """
        insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)
        select timestamptz '2021-12-12 10:00+00' + n * interval '0.3 seconds', 5000 + u, %s, a, a = 'view'
        from generate_series(1, 2000) as n cross join generate_series(1, %s) as u
        cross join unnest(array['view', 'like']) as a
    """,
        post,
        count,
    )
    query("call pgfeed.refresh_features()")


@pytest.mark.parametrize("count", [1, 10, 100])
def test_users_who_like_a_post_2000_times_are_as_many_likes_as_users(network, count):
    least = network("select post_id from pgfeed.post_features order by decayed_like_rate_7d, post_id limit 1")[0][0]
    before = network("select view_count, like_count from pgfeed.post_features where post_id = %s", least)[0]
    robots(network, count, least)
    after = network("select view_count, like_count from pgfeed.post_features where post_id = %s", least)[0]
    assert after == (before[0] + count, before[1] + count)
    shown = [row[0] for row in network("select post_id from pgfeed.recommend_posts(999999, %s, 5)", END)]
    if count == 1:
        assert least not in shown
    status, found = network("select status, found from pgfeed.health() where name = 'users'")[0]
    assert status == "warn" and found.startswith(
        f"{count} with more than 1,000 events on one of the last 7 days, such as user 5001 "
    )


def test_training_sees_a_robot_once(network, network_dsn):
    from contextlib import closing
    from datetime import date

    import psycopg2

    from loader.learning.impressions import load_day

    robots(network, 1, 3)
    with closing(psycopg2.connect(network_dsn)) as connection:
        users, posts, _, _, labels, _ = load_day(connection, date(2021, 12, 12), 1.0)
    assert labels[users == 5001].tolist() == [1] and posts[users == 5001].tolist() == [3]
    assert len(set(zip(users.tolist(), posts.tolist()))) == len(users)


def test_a_post_with_more_likes_than_views_is_named(network):
    assert network("select status from pgfeed.health() where name = 'likes'") == [("ok",)]
    network("insert into pgfeed.posts (post_id) values (500)")
    network(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action) select '2021-12-12 11:00+00', 7000 +"
        " u, 500, 'like' from generate_series(1, 30) as u"
    )
    network("call pgfeed.refresh_features()")
    status, found, remedy = network("select status, found, remedy from pgfeed.health() where name = 'likes'")[0]
    assert (status, found.partition(";")[0]) == ("warn", "1 post has more likes than views, such as post 500")
    assert network(remedy.partition(" -- ")[0]) == [(500, 0, 30)]
    network("update pgfeed.posts set key = 'five' where post_id = 500")
    [(found,)] = network("select found from pgfeed.health() where name = 'likes'")
    assert "such as post five; " in found and found.endswith(" likes in all")

    catalogue = "select status, found, remedy from pgfeed.health() where name = 'catalogue'"
    assert network(catalogue)[0][0] == "ok"
    network(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " values ('2021-12-12 11:00+00', 7, 999999, 'like'), ('2021-12-12 11:00+00', 8, 999999, 'like')"
    )
    network("call pgfeed.roll_up_events()")
    [(status, found, remedy)] = network(catalogue)
    assert status == "warn" and "posts that are not there, 1 in all, such as post 999999" in found
    assert [row[0] for row in network(remedy.partition(" -- ")[0])] == [999999]


def test_a_like_in_an_open_session_counts_at_the_next_call(network, network_dsn):
    post = network("select post_id from pgfeed.recommend_posts(7, %s, 1)", END)[0][0]
    with autocommit(network_dsn) as other:
        for second in range(3):
            queries(other)(INSERT, f"2021-12-13 11:00:0{second}+00", 7, post, "like", None)
    assert post not in {row[0] for row in network("select post_id from pgfeed.recommend_posts(7, %s, 80)", END)}


def test_order_of_arrival_does_not_matter(query, feed):
    events = [
        (f"2021-12-0{day} {hour:02}:{minute}+00", user, 1, action, None)
        for day in (1, 2)
        for hour in (0, 23)
        for minute in (10, 50)
        for user in (1, 2)
        for action in ("view", "like")
    ]
    random.Random(1).shuffle(events)
    for event in events:
        feed(event)
    assert query("select day::text, view_count, like_count from pgfeed.post_days order by 1") == [
        ("2021-12-01", 4, 2),
        ("2021-12-02", 2, 0),
    ]
