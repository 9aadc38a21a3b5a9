"""Rollups and point-in-time features."""

import psycopg2
import pytest

DAY = "2021-12-01"


@pytest.fixture
def feed(query):
    """A function that inserts events given as (time, user, post, action, target) and rolls them up."""
    query("call pgfeed.create_event_partitions('2021-11-01', '2022-01-31')")
    query("insert into pgfeed.posts (post_id, topic) values (1, 'sport'), (2, 'movie'), (3, null)")

    def insert(*events):
        for event in events:
            query("insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)"
                  " values (%s, %s, %s, %s, %s)", *event)
        query("call pgfeed.roll_up_events()")

    return insert


def impressions(query):
    return query("select to_char(viewed_at at time zone 'UTC', 'DD HH24:MI'), user_id, post_id, is_liked"
                 " from pgfeed.impressions order by 1, 2, 3")


def test_target_like_row_or_both_give_the_same_impressions(query, feed):
    feed(
        (f"{DAY} 10:00+00", 1, 1, "view", True),
        (f"{DAY} 10:00+00", 2, 1, "view", None), (f"{DAY} 10:01+00", 2, 1, "like", None),
        (f"{DAY} 10:00+00", 3, 1, "view", True), (f"{DAY} 10:01+00", 3, 1, "like", False),
        (f"{DAY} 10:00+00", 4, 1, "view", False),
        (f"{DAY} 10:00+00", 5, 1, "view", None),
    )
    assert impressions(query) == [("01 10:00", user, 1, user <= 3) for user in range(1, 6)]
    assert query("select view_count, like_count from pgfeed.post_days") == [(5, 3)]
    assert query("select user_id from pgfeed.likes order by 1") == [(1,), (2,), (3,)]


def test_a_like_belongs_to_the_view_in_the_hour_before(query, feed):
    feed(
        (f"{DAY} 08:00+00", 1, 1, "view", None), (f"{DAY} 10:00+00", 1, 1, "view", None),
        (f"{DAY} 10:20+00", 1, 1, "view", None), (f"{DAY} 10:30+00", 1, 1, "like", None),
        (f"{DAY} 12:00+00", 2, 1, "view", None), (f"{DAY} 13:00+00", 2, 1, "like", None),
    )
    assert impressions(query) == [("01 08:00", 1, 1, False), ("01 10:00", 1, 1, True), ("01 12:00", 2, 1, False)]


def test_a_target_counts_at_its_view_and_its_like_row_no_more(query, feed):
    feed(("2021-12-01 23:59:30+00", 1, 1, "view", True), ("2021-12-02 00:00:30+00", 1, 1, "like", None))
    counts = query("select day::text, view_count, like_count from pgfeed.post_days order by day")
    assert counts == [("2021-12-01", 1, 1)]
    assert query("select liked_at::text from pgfeed.likes") == [("2021-12-01 23:59:30+00",)]


def test_without_target_a_like_counts_at_its_own_time(query, feed):
    feed(("2021-12-01 23:59:30+00", 1, 1, "view", None), ("2021-12-02 00:00:30+00", 1, 1, "like", None))
    assert query("select day::text, view_count, like_count from pgfeed.post_days order by day") == [
        ("2021-12-01", 1, 0), ("2021-12-02", 0, 1)
    ]
    assert query(
        "select like_count from pgfeed.post_features_as_of('2021-12-02 00:00:30+00') where post_id = 1"
    ) == [(0,)]
    assert query(
        "select like_count from pgfeed.post_features_as_of('2021-12-02 00:00:31+00') where post_id = 1"
    ) == [(1,)]


def test_a_late_target_takes_the_like_off_the_row_of_the_day_after(query, feed):
    feed(("2021-12-01 23:59:30+00", 1, 1, "view", None), ("2021-12-02 00:00:30+00", 1, 1, "like", None))
    query("update pgfeed.feed_events set target = true, recorded_at = clock_timestamp() where action = 'view'")
    query("call pgfeed.roll_up_events()")
    assert query("select day::text, like_count from pgfeed.post_days order by day") == [("2021-12-01", 1)]


def test_a_like_row_after_ts_does_not_change_the_counts_as_of_ts(query, feed):
    feed((f"{DAY} 10:00+00", 1, 1, "view", True), (f"{DAY} 10:00+00", 2, 1, "view", None))
    counts = "select view_count, like_count from pgfeed.post_features_as_of('2021-12-01 10:00:30+00') where post_id = 1"
    assert query(counts) == [(2, 1)]
    feed((f"{DAY} 10:01+00", 1, 1, "like", None), (f"{DAY} 10:01+00", 2, 1, "like", None))
    assert query(counts) == [(2, 1)]


def test_posts_from_the_future_are_no_candidates(query, feed):
    feed((f"{DAY} 10:00+00", 1, 1, "view", True))
    query("insert into pgfeed.posts (post_id, created_at) values (9, '2021-12-05 12:00+00')")
    query("call pgfeed.refresh_features('2021-12-20')")
    rows = [{row[0] for row in query("select post_id from pgfeed.recommend_posts(7, %s)", ts)}
            for ts in ("2021-12-05", "2021-12-06")]
    assert rows == [{1, 2, 3}, {1, 2, 3, 9}]


@pytest.mark.parametrize("ts", ["2022-05-05", "2024-12-01", "2026-11-01"])
def test_features_long_after_the_last_event(query, feed, ts):
    feed((f"{DAY} 10:00+00", 1, 1, "view", True))
    query("call pgfeed.refresh_features(%s)", ts)
    assert query("select view_count, like_count from pgfeed.post_features where post_id = 1") == [(1, 1)]


def test_roll_ups_need_read_committed(query, feed):
    feed()
    query("set default_transaction_isolation = 'repeatable read'")
    with pytest.raises(psycopg2.Error, match="isolation level repeatable read") as raised:
        query("call pgfeed.roll_up_events()")
    assert raised.value.diag.message_hint == "First: set default_transaction_isolation = 'read committed'."


def test_an_emptied_day_is_not_the_end_of_the_feed(query, feed):
    feed((f"{DAY} 10:00+00", 1, 1, "view", None), ("2021-12-09 10:00+00", 1, 1, "view", None))
    query("delete from pgfeed.feed_events where event_at >= '2021-12-09'")
    query("call pgfeed.recount_days('2021-12-01', '2021-12-31')")
    query("call pgfeed.refresh_features()")
    assert query("select as_of::text from pgfeed.feature_refreshes") == [("2021-12-02 00:00:00+00",)]


def test_only_days_with_new_events_are_recomputed(query, feed):
    feed((f"{DAY} 10:00+00", 1, 1, "view", None), ("2021-12-05 10:00+00", 1, 2, "view", None))
    assert query("call pgfeed.roll_up_events()") == [(0,)]
    query("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
          " values ('2021-12-03 10:00+00', 1, 3, 'view')")
    assert query("call pgfeed.roll_up_events()") == [(1,)]
    assert query("select day::text, post_id from pgfeed.post_days order by 1") == [("2021-12-01", 1), ("2021-12-03", 3),
            ("2021-12-05", 2)]


def test_events_are_found_after_the_clock_was_set_back(query, feed):
    feed((f"{DAY} 10:00+00", 1, 1, "view", None))
    query("update pgfeed.rollup_watermarks set watermark_at = now() + interval '1 year'")
    feed((f"{DAY} 11:00+00", 1, 1, "view", None))
    assert query("select view_count from pgfeed.post_days") == [(2,)]
    assert query("select watermark_at <= now() from pgfeed.rollup_watermarks") == [(True,)]


def test_rollups_can_be_done_in_steps_and_again(query, feed):
    feed()
    query("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
          " select date '2021-12-01' + d, 1, 1, 'view' from generate_series(0, 4) d")
    assert [query("call pgfeed.roll_up_events(2)") for _ in range(4)] == [[(2,)], [(2,)], [(1,)], [(0,)]]
    query("delete from pgfeed.feed_events where event_at < '2021-12-03'")
    assert query("call pgfeed.roll_up_events(null, '2021-12-01')") == [(5,)]
    assert query("select count(*) from pgfeed.post_days") == [(5,)]
    assert query("call pgfeed.recount_days('2021-12-01', '2021-12-02')") == [(2,)]
    assert query("select count(*) from pgfeed.post_days") == [(3,)]


def test_an_uncommitted_event_is_found_later(query, feed, dsn):
    from tests.db.conftest import autocommit, queries

    with autocommit(dsn) as other:
        slow = queries(other)
        slow("begin")
        slow("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
             " values ('2021-12-03 10:00+00', 1, 3, 'view')")
        query("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
              " values ('2021-12-04 10:00+00', 1, 3, 'view')")
        query("call pgfeed.roll_up_events()")
        slow("commit")
    query("call pgfeed.roll_up_events()")
    assert query("select sum(view_count) from pgfeed.post_days") == [(2,)]


def test_formulas(query, feed):
    feed(
        (f"{DAY} 10:00+00", 1, 1, "view", True), (f"{DAY} 10:10+00", 1, 2, "view", False),
        ("2021-12-02 10:00+00", 1, 1, "view", False), ("2021-12-02 10:00+00", 2, 1, "view", True),
    )
    overall = 2 / 4
    views, likes, rate, views_7d, age = query(
        "select view_count, like_count, like_rate, decayed_view_count_7d, age_days"
        " from pgfeed.post_features_as_of('2021-12-09') where post_id = 1"
    )[0]
    assert (views, likes, age) == (3, 2, 8)
    assert rate == pytest.approx((2 + 100 * overall) / 103, rel=1e-6)
    assert views_7d == pytest.approx(0.5 ** (7.5 / 7) + 2 * 0.5 ** (6.5 / 7), rel=1e-6)

    user = query("select view_count, like_count, like_rate, days_since_active"
                 " from pgfeed.user_features_as_of('2021-12-09') where user_id = 1")[0]
    assert user == (3, 1, pytest.approx((1 + 20 * 0.1) / 23, rel=1e-6), 7)
    topics = query("select topic, view_share, like_rate from pgfeed.user_topic_features_as_of('2021-12-09', array[1])"
                   " order by topic")
    assert topics[1] == ("sport", pytest.approx(2 / 3, rel=1e-6), pytest.approx((1 + 20 * 3 / 23) / 22, rel=1e-6))


def test_some_ids_give_the_same_rows_as_all(network):
    for function, key, ids in (("post_features", "post_id", "{3,5}"), ("user_features", "user_id", "{7,8}"),
                               ("user_topic_features", "user_id", "{7,8}")):
        some = network(f"select f::text from pgfeed.{function}_as_of('2021-12-05 10:30+00', %s::bigint[]) f order by 1",
                       ids)
        every = network(f"select f::text from pgfeed.{function}_as_of('2021-12-05 10:30+00') f"
                        f" where {key} = any(%s::bigint[]) order by 1", ids)
        assert some and some == every


def test_views_hold_the_features_of_the_cut_off(network):
    for name in ("post_features", "user_features", "user_topic_features"):
        stored = network(f"select f::text from pgfeed.{name} f order by 1")
        assert stored == network(f"select f::text from pgfeed.{name}_as_of((select as_of"
                                 " from pgfeed.feature_refreshes)) f order by 1")


def test_tfidf_agrees_with_scikit_learn(query):
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["alpha beta beta gamma", "alpha delta", "gamma gamma gamma omega zeta", "beta"]
    for number, text in enumerate(texts, 1):
        query("insert into pgfeed.posts (post_id, text) values (%s, %s)", number, text)
    query("insert into pgfeed.posts (post_id, text) values (10, ''), (11, null)")
    query("delete from pgfeed.posts where post_id = 10")
    query("call pgfeed.refresh_features('2021-12-12')")
    expected = TfidfVectorizer().fit_transform(texts).toarray()
    rows = query("select text_length, term_count, tfidf_sum, tfidf_mean, tfidf_max from pgfeed.post_text_features"
                 " order by post_id")
    for text, weights, row in zip(texts, expected, rows):
        assert row[:2] == (len(text), (weights > 0).sum())
        assert row[2:] == pytest.approx((weights.sum(), weights.sum() / (weights > 0).sum(), weights.max()), rel=1e-5)
    assert rows[4] == (None,) * 5


def test_an_empty_text_and_a_huge_one(query):
    query("insert into pgfeed.posts (post_id, text) values (1, ''), (2, %s), (3, 'word')", "слово abc " * 900_000)
    query("call pgfeed.refresh_features('2021-12-12')")
    rows = query("select post_id, text_length, term_count from pgfeed.post_text_features order by 1")
    assert rows == [(1, 0, None), (2, 9_000_000, 2), (3, 4, 1)]


def test_pack_holds_the_features_column_by_column(network):
    import numpy as np

    from plpy.pack import Pack
    from plpy.scale import pack_relative

    keys = ["feature_names", "topics", "post_ids", "topic_codes", "matrix"]
    posts = Pack.unpack(dict(zip(keys, network(f"select {', '.join(keys)} from pgfeed.feature_packs")[0])))
    rows = network("select post_id, like_rate, age_days from pgfeed.post_features order by post_id")
    assert posts.post_ids.tolist() == [row[0] for row in rows]
    assert np.array_equal(posts.columns["post.like_rate"], np.float32([row[1] for row in rows]))
    assert np.array_equal(posts.columns["post.age_days"], np.float32([row[2] for row in rows]))
    assert [posts.topics[code] for code in posts.topic_codes[:2]] == ["movie", "sport"]
    assert pack_relative(posts) == network("select relative from pgfeed.feature_packs")[0][0].tobytes()


def test_refresh_defaults_to_the_end_of_the_feed(query, feed):
    feed((f"{DAY} 10:00+00", 1, 1, "view", None))
    query("call pgfeed.refresh_features()")
    assert query("select as_of::text from pgfeed.feature_refreshes") == [("2021-12-02 00:00:00+00",)]


def test_partitions_are_made_on_demand(query):
    query("call pgfeed.create_event_partitions('2021-12-31 23:59+00', '2022-01-01 00:00+00')")
    query("call pgfeed.create_event_partitions('2021-12-01', '2021-12-01')")
    assert [
        row[0] for row in query("select relname from pg_class where relname ~ '^feed_events_y.*\\d$' order by 1")
    ] == ["feed_events_y2021m12", "feed_events_y2022m01"]


def test_two_sessions_pack_the_same_moment(network_dsn):
    from concurrent.futures import ThreadPoolExecutor

    from tests.db.conftest import autocommit, queries

    def work(statement: str) -> None:
        with autocommit(network_dsn) as connection:
            queries(connection)(statement)

    pack, refresh = "call pgfeed._pack_features('2021-12-05')", "call pgfeed.refresh_features()"
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, [pack, refresh, pack, "call pgfeed.roll_up_events(null, '2021-12-03')", pack, refresh]))
    with autocommit(network_dsn) as connection:
        assert queries(connection)("select count(*) from pgfeed.feature_packs where as_of >= '2021-12-13'") == [(1,)]


@pytest.mark.parametrize(("call", "message"), [
    ("call pgfeed.roll_up_events(max_days => -1)", "max_days is -1"),
    ("call pgfeed.refresh_features(now() + interval '2 days')", "lies in the future"),
    ("call pgfeed._pack_features(null)", "cannot be packed as of <NULL>"),
    *((f"select * from pgfeed.{name}_features_as_of({ts})", "cannot be computed as of")
      for name in ("post", "user", "user_topic") for ts in ("'infinity'", "null")),
])
def test_what_cannot_be_computed_is_named(query, call, message):
    with pytest.raises(psycopg2.Error, match=message) as error:
        query(call)
    assert error.value.pgcode == "22023" and error.value.diag.message_hint


def test_thin_days_are_rolled_up_together_and_dense_ones_alone(query, feed):
    days = [f"20{year}-0{month}-01" for year in range(11, 21) for month in range(1, 10)]
    query("call pgfeed.create_event_partitions('2011-01-01', '2020-12-31')")
    places = [(day, 6 * number + post, post) for number, day in enumerate(days) for post in range(6)]
    feed(*((f"{day} 10:00+00", user, post, "view", post % 2 == 0) for day, user, post in places))
    query("update pgfeed.rollup_days set is_stale = true")
    assert query("select pgfeed._stale_days(1000)::text[], cardinality(pgfeed._stale_days(7))") == [(days, 7)]
    assert query("call pgfeed.roll_up_events(50)") == [(50,)]
    assert query("call pgfeed.roll_up_events()") == [(40,)]
    assert query("call pgfeed.roll_up_events()") == [(0,)]
    assert query(
        "select count(*), count(distinct day), sum(view_count), sum(like_count) from pgfeed.post_days"
    ) == [(540, 90, 540, 270)]
    assert query("select count(*), min(view_count), max(view_count), sum(like_count), max(new_event_count)"
                 " from pgfeed.rollup_days") == [(90, 6, 6, 270, 0)]

    # Events between two stale days are read too: where there are many, each is a statement of its own.
    query("update pgfeed.rollup_days set is_stale = day in (%s, %s, %s),"
          " view_count = case day when %s then 200000 else 6 end", days[0], days[1], days[3], days[2])
    assert query("select pgfeed._stale_days(1000)::text[]") == [(days[:2],)]
    assert query("call pgfeed.roll_up_events()") == [(3,)]
    query("update pgfeed.rollup_days set is_stale = true, new_event_count = 100001")
    assert query("select pgfeed._stale_days(1000)::text[]") == [(days[:1],)]
    assert query("call pgfeed.roll_up_events()") == [(90,)]
    assert query("select count(*), sum(like_count) from pgfeed.user_topic_days") == [(540, 270)]
