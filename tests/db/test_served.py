"""What became of what was served: counted by day against a plain count; the schema that BI tools show."""

import importlib
import random
from collections import Counter
from datetime import datetime, timedelta

import psycopg2
import pytest

from tests.db.conftest import autocommit, queries

START = datetime.fromisoformat("2021-12-05 00:00+00:00")
HOUR = timedelta(hours=1)
COUNTS = """
    select day, feed, variant, rank, topic, served_count, viewed_count, liked_count, hit_count
    from pgfeed.served_counts
"""
SERVE = """
    insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids, feed)
    values (%s, %s, %s, 'model', %s, %s, %s)
"""
EVENTS = "select event_at, user_id, post_id, action, target from pgfeed.feed_events"
COMMENTED = """
    select c.relname, a.attname from pg_class as c
    inner join pg_attribute as a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped
    where c.relnamespace = to_regnamespace(%s) and col_description(c.oid, a.attnum) is null
"""


def expected(query) -> set[tuple]:
    """Count as the comments say it, list by list."""
    topics = dict(query("select post_id, topic from pgfeed.posts"))
    events = query(EVENTS)
    counts = Counter()
    for served_at, user_id, feed, variant, post_ids in query(
        "select served_at, user_id, feed, variant, post_ids from pgfeed.exposures"
    ):
        is_hit = False
        for rank, post_id in enumerate(post_ids, 1):
            found = [(action, target) for at, user, post, action, target in events
                     if (user, post) == (user_id, post_id) and served_at <= at < served_at + HOUR]
            is_liked = any(action == "like" or target for action, target in found)
            cell = (served_at.date(), feed, variant, min(rank, 21), topics.get(post_id))
            counts[(*cell, "served")] += 1
            counts[(*cell, "viewed")] += bool(found)
            counts[(*cell, "liked")] += is_liked
            counts[(*cell, "hit")] += is_liked and not is_hit
            is_hit |= is_liked
    return {(*cell, *(counts[(*cell, what)] for what in ("served", "viewed", "liked", "hit")))
            for *cell, what in counts if what == "served"}


@pytest.fixture
def served(network):
    """The network with 400 lists of nine days, some around midnight, and reactions to some of them."""
    draw = random.Random(7)
    network("update pgfeed.posts set topic = null where post_id = 1")
    for _ in range(400):
        at = START + timedelta(days=draw.randrange(9), seconds=draw.choice([86399, 10, draw.randrange(86400)]))
        user_id = draw.randrange(1, 61)
        post_ids = draw.sample(range(1, 90), draw.choice([1, 5, 25]))
        network(SERVE, at, user_id, draw.choice(["control", "popular"]), START, post_ids, draw.choice([None, "home"]))
        for post_id in draw.sample(post_ids, min(len(post_ids), draw.randrange(3))):
            after = timedelta(seconds=draw.choice([0, 3599, 3600, draw.randrange(3600)]))
            network("insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)"
                    " values (%s, %s, %s, %s, %s) on conflict do nothing", at + after, user_id, post_id,
                    *draw.choice([("view", None), ("view", True), ("like", None)]))
    network("call pgfeed.roll_up_events()")
    return network


def test_the_counts_are_those_of_a_plain_count_and_follow_what_comes_late(served):
    assert set(served(COUNTS)) == expected(served)
    late = served("select served_at, user_id, post_ids[1] from pgfeed.exposures order by served_at limit 3")
    for served_at, user_id, post_id in late:
        served("insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (%s, %s, %s, 'like')"
               " on conflict do nothing", served_at + HOUR / 2, user_id, post_id)
    newest = served("select max(served_at) from pgfeed.exposures")[0][0]
    served(SERVE, newest + HOUR, 1, "control", START, [1, 2, 3], None)
    before = set(served(COUNTS))
    served("call pgfeed.roll_up_events()")
    assert before != set(served(COUNTS)) == expected(served)

    lists, hits, posts = served("select sum(list_count), sum(hit_count), sum(served_count) from pgfeed.served_days")[0]
    assert lists == 401 and 0 < hits < lists
    for view in ("served_ranks", "served_topics"):
        assert served(f"select sum(served_count), bool_and(like_rate between like_rate_low and like_rate_high)"
                      f" from pgfeed.{view}") == [(posts, True)]

    # What was counted stays when exposures and events are gone.
    kept = set(served(COUNTS))
    served("delete from pgfeed.exposures")
    served("delete from pgfeed.feed_events where event_at < '2021-12-09'")
    served("call pgfeed.roll_up_events(from_day => '2021-12-01')")
    assert set(served(COUNTS)) == kept


def test_a_share_has_wilsons_interval(query):
    assert query("select pgfeed.wilson_low(8, 10), pgfeed.wilson_high(8, 10)")[0] == pytest.approx((0.490162, 0.943318))
    assert query("select pgfeed.wilson_low(0, 10), pgfeed.wilson_high(10, 10), pgfeed.wilson_low(0, 0)"
                 ) == [(0, 1, None)]


def test_a_batch_tells_its_coverage_and_variety(network):
    network("call pgfeed.refresh_recommendations('2021-12-13 12:00+00', 7)")
    network("call pgfeed.refresh_recommendations('2021-12-13 12:00+00', 3)")
    rows = network("select k, user_count, post_count, catalogue_count, coverage_rate, topic_diversity, day"
                   " from pgfeed.finished_batches order by batch_id")
    assert [row[0] for row in rows] == [7, 3] and rows[0][1] == 60 and rows[0][3] == 80
    assert rows[1][2] == network("select count(distinct post_id) from pgfeed.recommendations")[0][0]
    assert rows[1][5] == pytest.approx(network("select avg(topic_diversity) from pgfeed.recommendation_lists")[0][0])
    assert rows[1][4] == rows[1][2] / 80 and str(rows[1][6]) == "2021-12-13"


def test_bi_tools_have_a_schema_of_any_name(dsn, network_dsn):
    with autocommit(dsn) as connection:
        query = queries(connection)
        assert query(COMMENTED, "feed_bi") == []
        assert not {"user_id", "user_key"} & {name for name, in query(
            "select attname from pg_attribute where attrelid = any(array['feed_bi.served_days', 'feed_bi.served_ranks',"
            " 'feed_bi.served_topics', 'feed_bi.finished_batches']::regclass[])"
        )}
        query("call pgfeed.set_bi_schema('reports')")
        query("create view public.mine as select day from reports.served_days")
        query("call pgfeed.set_bi_schema('reports')")
        assert query("select to_regnamespace('feed_bi'), pgfeed._bi_schema()") == [(None, "reports")]
        for name in ("public", "pg_catalog"):
            with pytest.raises(psycopg2.errors.DuplicateSchema, match=f"there is a schema {name} already"):
                query("call pgfeed.set_bi_schema(%s)", name)
        with pytest.raises(psycopg2.errors.DependentObjectsStillExist):
            query("call pgfeed.set_bi_schema(null)")
        query("drop view public.mine; call pgfeed.set_bi_schema(null)")
        assert query("select to_regnamespace('reports'), pgfeed._bi_schema()") == [(None, None)]

    with autocommit(network_dsn) as connection:
        query = queries(connection)
        names = [name for name, in query("select relname from pg_class where relnamespace = 'feed_bi'::regnamespace")]
        query("set role pgfeed_reader")
        for name in names:
            query(f"select count(*) from feed_bi.{name}")
        query("set role pgfeed_writer")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query("select count(*) from feed_bi.served_days")


def test_a_schema_that_is_there_already_is_left_alone(query):
    revision = importlib.import_module("migrations.versions.0013_definitions")
    query("call pgfeed.set_bi_schema(null); create schema feed_bi; create table feed_bi.mine (a integer)")
    query(revision.BI_SCHEMA)
    assert query("select relname from pg_class where relnamespace = 'feed_bi'::regnamespace") == [("mine",)]
