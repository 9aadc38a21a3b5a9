"""Loading a simulated network: complete, resumable, refused where it does not belong, its truth out of reach."""

from datetime import UTC, datetime

import numpy as np
import psycopg2
import pytest

from loader.errors import PgfeedError
from loader.measuring import live
from loader.simulation import feed, original, simulate
from loader.simulation.world import World

USERS, SEED, DAYS = 60, 4, 6
DIGEST = """
    select count(*), md5(string_agg(
        concat_ws('|', event_at, user_id, post_id, action, target), ',' order by user_id, event_at, action
    ))
    from pgfeed.feed_events
"""
FIRST_OF_DAY_3 = """
    select event_at, user_id, post_id from pgfeed.feed_events
    where event_at >= '2021-10-03 00:00+00' order by event_at limit 1
"""


@pytest.fixture
def connection(dsn):
    connection = psycopg2.connect(dsn)
    yield connection
    connection.close()


@pytest.fixture
def load(connection):
    def run(seed: int = SEED, users: int = USERS, days: int = DAYS) -> simulate.Simulation:
        return simulate.simulate(connection, users, seed, days=days)

    return run


def test_everything_is_loaded_as_the_feed_has_it(load, query):
    done = load()
    world = World(SEED, USERS)
    days = list(world.days(DAYS))
    likes = sum(int(events.is_like.sum()) for events in days)
    assert (done.views + done.likes, done.likes, done.loaded_days) == (
        sum(len(events.second) for events in days), likes, DAYS
    )
    assert query("select count(*), count(*) filter (where is_liked) from pgfeed.impressions") == [(done.views, likes)]
    assert query("select action, target, count(*) from pgfeed.feed_events group by 1, 2 order by 1, 2") == [
        ("like", False, likes), ("view", False, done.views - likes), ("view", True, likes),
    ]
    assert query("select count(*), count(distinct city) > 10 from pgfeed.users") == [(USERS, True)]
    assert query("select count(*), count(text), count(distinct topic) from pgfeed.posts") == [(7023, 7023, 7)]
    events = days[2]
    first = datetime.fromtimestamp(1_633_046_400 + 2 * 86_400 + int(events.second[0]), UTC)
    ids = int(world.users.user_id[events.user[0]]), int(world.posts.post_id[events.post[0]])
    assert query(FIRST_OF_DAY_3) == [(first, *ids)]


def test_a_second_run_does_nothing(load, query):
    load()
    before = query(DIGEST)
    assert load().loaded_days == 0
    assert query(DIGEST) == before


def test_an_interrupted_load_goes_on(load, query, monkeypatch):
    original = simulate.copy_rows

    def fails_on_day_3(world, events):
        if events.day == 3:
            raise KeyboardInterrupt
        return original(world, events)

    monkeypatch.setattr(simulate, "copy_rows", fails_on_day_3)
    with pytest.raises(KeyboardInterrupt):
        load()
    assert query("select count(*) from simulation.days") == [(3,)]
    monkeypatch.undo()
    done = load()
    assert done.loaded_days == DAYS - 3
    resumed = query(DIGEST)
    query("truncate pgfeed.feed_events, simulation.days")
    assert load().loaded_days == DAYS
    assert query(DIGEST) == resumed


def test_more_days_are_added(load, query):
    load(days=2)
    assert load(days=DAYS).loaded_days == DAYS - 2
    assert query("select count(distinct (event_at at time zone 'UTC')::date) from pgfeed.feed_events") == [(DAYS,)]


def test_what_reads_the_truth_says_that_there_is_none(connection, query):
    assert query("select to_regnamespace('simulation')") == [(None,)]
    assert not live.is_simulated(connection)
    with pytest.raises(PgfeedError, match="holds no simulated world"):
        World.load(connection)
    with pytest.raises(PgfeedError, match="Next: pgfeed simulate"):
        feed.loaded_feed(connection)
    query("insert into pgfeed.users (user_id) values (1)")
    with pytest.raises(PgfeedError, match="holds real data"):
        simulate.simulate(connection, USERS, SEED, days=1)
    assert query("select to_regnamespace('simulation')") == [(None,)]


def test_another_world_is_refused(load, query):
    load(days=1)
    before = query(DIGEST)
    with pytest.raises(PgfeedError, match=r"another simulated network: seed 4 instead of 5\. Next: pgfeed reset --yes"):
        load(seed=5, days=1)
    query("create table public.others (id int)")
    with pytest.raises(PgfeedError, match="users 60 instead of 61. Next: PGFEED_DATABASE=other in front"):
        load(users=61, days=1)
    assert query(DIGEST) == before


def test_a_world_has_a_name_and_one_of_before_is_popularity(connection, query):
    simulate.simulate(connection, USERS, SEED, days=1, name="taste")
    assert World.load(connection).name == "taste"
    with pytest.raises(PgfeedError, match="world taste instead of popularity"):
        simulate.simulate(connection, USERS, SEED, days=1)
    query("alter table simulation.worlds drop column name")
    assert World.load(connection).name == "popularity"
    assert simulate.simulate(connection, USERS, SEED, days=1).loaded_days == 0


@pytest.mark.parametrize("row", ["users (user_id) values (1)", "posts (post_id) values (1)"])
def test_real_data_is_left_alone(load, query, row):
    query(f"insert into pgfeed.{row}")
    with pytest.raises(PgfeedError, match="holds real data"):
        load()
    assert query("select (select count(*) from pgfeed.users) + (select count(*) from pgfeed.posts)") == [(1,)]


def test_one_simulation_at_a_time(load, db):
    with db.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [simulate.LOCK])
    with pytest.raises(PgfeedError, match="another simulation is loading"):
        load()


def test_the_truth_can_be_loaded_and_is_out_of_reach(load, connection, query):
    load(days=1)
    built, loaded = World(SEED, USERS), World.load(connection)
    moment = datetime(2021, 12, 20, 18, tzinfo=UTC)
    users, posts = built.users.user_id[:5], built.posts.post_id
    assert np.array_equal(loaded.chances(users, posts, moment), built.chances(users, posts, moment))
    readers = query(
        "select rolname from pg_roles where rolname like 'pgfeed%' and not rolsuper and ("
        " has_schema_privilege(oid, 'simulation', 'usage') or has_table_privilege(oid, 'simulation.users', 'select')"
        " or has_table_privilege(oid, 'simulation.posts', 'select'))"
    )
    assert readers == []
    assert query("select count(*) >= 4 from pg_roles where rolname like 'pgfeed%' and not rolsuper") == [(True,)]


def test_load_needs_a_simulated_world(connection):
    with pytest.raises(PgfeedError, match="holds no simulated world"):
        World.load(connection)


def test_report_of_the_database_is_that_of_the_generator(load, connection):
    load()
    from_database = original.compare(feed.loaded_feed(connection))
    generated = original.compare(feed.generated_feed(USERS, SEED, days=DAYS))
    assert [
        (fact.name, pytest.approx(fact.real), pytest.approx(fact.simulated, nan_ok=True)) for fact in from_database
    ] == [
        (fact.name, fact.real, fact.simulated) for fact in generated
    ]
