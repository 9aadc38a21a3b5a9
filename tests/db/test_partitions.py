"""Months: nobody needs one to insert, and rows move between them and the default partition, whatever else happens."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from tests.db.conftest import autocommit, database_name, queries

FILL = """
    insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)
    select timestamptz %s + i * interval '1 minute', i %% 50, i, 'view', false from generate_series(0, %s - 1) as i
"""

PARTITION = "substring(tableoid::regclass::text from '\\w+$')"
INSERT = "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values"


def partitions(query) -> list[str]:
    """Return the months of feed_events."""
    return [name for name, in query(
        "select c.relname::text from pg_inherits as i join pg_class as c on c.oid = i.inhrelid"
        " where i.inhparent = 'pgfeed.feed_events'::regclass and c.relname <> 'feed_events_default' order by 1"
    )]  # fmt: skip


def test_many_sessions_make_the_same_partitions(dsn):
    def make(_: int) -> None:
        with autocommit(dsn) as connection:
            queries(connection)("call pgfeed.create_event_partitions('2021-01-01', '2021-12-31')")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(16)))
    with autocommit(dsn) as connection:
        assert len(partitions(queries(connection))) == 12


def test_a_writer_makes_the_months_of_a_year_and_needs_none(network):
    name = database_name("application")
    network(f'create role "{name}" in role pgfeed_writer')
    try:
        network(f'set session authorization "{name}"')
        network("call pgfeed.create_event_partitions(now() - interval '11 months', now() + interval '11 months')")
        network("call pgfeed.create_event_partitions('1970-01-01', now() + interval '20 years')")
        for ts in ("1990-01-01", "2021-12-12", "now", "2099-12-31 23:59:59.999999+00"):
            network(f"{INSERT} (%s, 7, 1, 'view')", ts)
            assert len(network("select pgfeed.serve_posts(7, %s)", ts)) == 5
    finally:
        network("reset session authorization")
        network(f'drop owned by "{name}"; drop role "{name}"')
    assert len(partitions(network)) in (25, 26, 27)  # with December 2021
    assert network("select count(*) from pgfeed.feed_events_default") == [(2,)]
    assert network("select count(*) from pgfeed.exposures_default") == [(3,)]


def test_an_operator_makes_and_arranges_any_month(network):
    name = database_name("operator")
    network(f'create role "{name}" noinherit in role pgfeed_operator')
    try:
        network(f'set session authorization "{name}"')
        network("set role pgfeed_operator")
        network("call pgfeed.create_event_partitions('1990-01-01', '1990-01-01')")
        assert network("call pgfeed.arrange_partitions()") == [(1,)]
    finally:
        network("reset session authorization")
        network(f'drop role "{name}"')


def test_large_months_leave_the_default_partition_and_small_ones_enter_it(query, dsn):
    query("call pgfeed.create_event_partitions('2001-01-01', '2004-12-31')")
    query(f"{INSERT} ('2003-05-05', 1, 1, 'view')")
    query(FILL, "2020-03-01", 12000)
    query(FILL, "2020-05-01", 300)
    query(FILL, "2040-01-01", 10000)
    rows = "select md5(string_agg(e::text, '|' order by e::text)), count(*) from pgfeed.feed_events as e"
    before = query(rows)
    status, found, remedy = query("select status, found, remedy from pgfeed.health() where name = 'partitions'")[0]
    waiting = "22,000 rows of feed_events wait in the default partition for their months, the first since 20"
    assert status == "warn" and waiting in found
    assert query(remedy) == [(50,)]
    assert partitions(query) == ["feed_events_y2020m03", "feed_events_y2040m01"]
    assert query("select count(*) from pgfeed.feed_events_default") == [(301,)]
    assert query(rows) == before
    assert query("call pgfeed.arrange_partitions()") == [(0,)]
    assert query("select relname from pg_class where relname ~ '^_next'") == []
    with pytest.raises(psycopg2.errors.UniqueViolation):
        query(FILL, "2020-05-01", 1)
    query(f"{INSERT} ('2003-05-06', 1, 1, 'view'), ('2040-01-31', 1, 1, 'like')")
    # What arranging made, a later one takes over.
    query(FILL, "2003-05-07", 11000)
    assert query("call pgfeed.arrange_partitions()") == [(1,)]
    assert partitions(query) == ["feed_events_y2003m05", "feed_events_y2020m03", "feed_events_y2040m01"]
    query("delete from pgfeed.feed_events where user_id < 49 or event_at >= '2030-01-01'")
    assert query("call pgfeed.arrange_partitions()") == [(3,)]
    assert partitions(query) == []


def test_exposures_are_arranged_too(network):
    network("select count(s) from generate_series(1, 60) as u, lateral pgfeed.serve_posts(u, '2022-02-01') as s")
    network("insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)"
            " select '2022-03-01', i, 'popular', 'popular', '2022-03-01', array[i] from generate_series(1, 10000) as i")
    assert network("call pgfeed.arrange_partitions()") == [(1,)]
    assert network(f"select {PARTITION}, count(*) from pgfeed.exposures group by 1 order by 1") == [
        ("exposures_default", 60), ("exposures_y2022m03", 10000),
    ]  # fmt: skip
    assert network("call pgfeed.drop_exposures('2022-03-01')") == [(1,)]
    assert network("call pgfeed.drop_exposures('2022-04-01')") == [(1,)]
    assert network("select count(*) from pgfeed.exposures") == [(0,)]


# Its snapshot is older than its first look at the table.
SEEN = """
    create function public.seen(from_at timestamptz) returns bigint language plpgsql stable as $$
    begin
        perform pg_sleep(0.01);
        return (
            select count(*) from pgfeed.feed_events
            where user_id = 7 and event_at >= from_at and event_at < '2020-04-01'
        );
    end
    $$
"""


class Crowd:
    """Sessions that work while months move: each statement again and again; the longest wait, and problems."""

    def __init__(self, dsn: str):
        self.dsn, self.is_over, self.problems, self.longest, self.counts = dsn, False, [], 0.0, []

    def work(self, statement: str, is_right=lambda rows: True) -> threading.Thread:
        def run() -> None:
            count = 0
            with autocommit(self.dsn) as connection:
                queries(connection)("set lock_timeout = '100ms'")
                while not self.is_over:
                    started = time.monotonic()
                    try:
                        rows = queries(connection)(statement.replace("NUMBER", str(count)))
                        if not is_right(rows):
                            self.problems.append((statement, rows))
                    except psycopg2.Error as error:
                        self.problems.append((statement, error))
                    self.longest = max(self.longest, time.monotonic() - started)
                    count += 1
                    time.sleep(0.002)
            self.counts.append(count)

        thread = threading.Thread(target=run)
        thread.start()
        return thread


def test_rows_move_while_others_read_and_write(query, dsn):
    query(FILL, "2020-03-01", 15000)
    query(SEEN)
    crowd = Crowd(dsn)
    threads = [
        crowd.work("select count(*) from pgfeed.feed_events where user_id = 7", lambda rows: rows == [(300,)]),
        crowd.work("select public.seen('-infinity')", lambda rows: rows == [(300,)]),
        crowd.work("select public.seen('2020-03-01')", lambda rows: rows == [(300,)]),
        crowd.work(f"{INSERT} (timestamptz '2020-03-20' + NUMBER * interval '1 s', 100, 1, 'view')"),
        crowd.work(f"{INSERT} (timestamptz '2020-05-01' + NUMBER * interval '1 s', 101, 1, 'view')"),
        crowd.work(
            "update pgfeed.feed_events set target = true, recorded_at = now()"
            " where user_id = 8 and post_id = 8 + 50 * NUMBER"
        ),
        crowd.work("delete from pgfeed.feed_events where user_id = 9 and post_id = 9 + 50 * NUMBER"),
    ]  # fmt: skip
    moved = 0
    for _ in range(6):
        moved += query("call pgfeed.arrange_partitions()")[0][0]
        query("call pgfeed.create_event_partitions('2020-06-01', '2020-06-02')")
        time.sleep(0.2)
    crowd.is_over = True
    for thread in threads:
        thread.join()
    assert crowd.problems == []
    assert moved >= 6
    assert partitions(query) == ["feed_events_y2020m03", "feed_events_y2020m06"]
    counts = dict(query("select user_id, count(*) from pgfeed.feed_events where user_id >= 100 group by 1"))
    assert set(counts.values()) <= set(crowd.counts)
    updated, deleted = query(
        "select count(*) filter (where target), 300 - count(*) filter (where user_id = 9) from pgfeed.feed_events"
    )[0]
    assert updated in (*crowd.counts, 300) and deleted in (*crowd.counts, 300)


def test_nobody_waits_for_100_ms_while_months_are_made_beside_a_full_default_partition(network, network_dsn):
    network(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action) select"
        " timestamptz '1990-01-01' + i % 250 * interval '1 month' + i * interval '1 s', i % 50, i, 'view'"
        " from generate_series(1, 30000) as i"
    )
    crowd = Crowd(network_dsn)
    threads = [
        crowd.work("select post_id from pgfeed.recommend_posts(7, '2021-12-14')", lambda rows: len(rows) == 5),
        crowd.work("select post_id from pgfeed.serve_posts(7)", lambda rows: len(rows) == 5),
        crowd.work(f"{INSERT} (timestamptz '1990-05-10' + NUMBER * interval '1 s', 100, 1, 'view')"),
        crowd.work(f"{INSERT} (clock_timestamp(), 101, 1, 'view')"),
        crowd.work(
            f"{INSERT} (timestamptz '2012-03-10' + NUMBER * interval '1 s', 102, 1, 'like') on conflict do nothing"
        ),
        crowd.work("update pgfeed.feed_events set event_at = event_at + interval '1 month' where user_id = 100"
                   " and event_at = timestamptz '1990-05-10' + (NUMBER - 5) * interval '1 s'"),
    ]  # fmt: skip
    for year in range(2011, 2015):
        network("call pgfeed.create_event_partitions(%s, %s)", f"{year}-01-01", f"{year}-12-31")
    crowd.is_over = True
    for thread in threads:
        thread.join()
    assert crowd.problems == []
    rows = dict(network("select user_id, count(*) from pgfeed.feed_events where user_id >= 100 group by 1"))
    assert set(rows) == {100, 101, 102} and set(rows.values()) <= set(crowd.counts)


MOVE = "call pgfeed._{}(%s, %s, %s, %s{})"
ROWS = """
    select user_id, count(*), sum(extract(epoch from event_at)), bool_or(target)
    from pgfeed.feed_events group by user_id order by user_id
"""
LOGGING = "select count(*) from pg_trigger where tgrelid::regclass::text ~ 'feed_events' and tgname ~ '^log'"


class Steps:
    """The steps of arrange_partitions(), one at a time."""

    def __init__(self, query, parent: str = "feed_events"):
        self.query = query
        *plan, is_busy = query("call pgfeed._watch_partitions(%s, null, null, null, null)", parent)[0]
        assert not is_busy
        self.plan = [parent, *plan]

    def copy(self) -> None:
        self.query(MOVE.format("copy_partitions", ""), *self.plan)

    def swap(self) -> bool | None:
        return self.query(MOVE.format("swap_partitions", ", clock_timestamp(), null"), *self.plan)[0][0]

    def apply(self) -> bool | None:
        return self.query(MOVE.format("apply_partition_changes", ", null"), *self.plan)[0][0]

    def drop(self) -> bool:
        return self.query("call pgfeed._drop_partition_copies(%s, %s, null)", self.plan[0], self.plan[3])[0][0]


@pytest.mark.parametrize("change", [
    f"{INSERT} ('2020-03-31', 60, 1, 'view'), ('2020-05-31', 60, 1, 'view'), ('2003-05-06', 60, 1, 'view')",
    "update pgfeed.feed_events set target = true where user_id = 7",
    "update pgfeed.feed_events set user_id = 70 where user_id = 7 and post_id < 1000",
    "update pgfeed.feed_events set event_at = event_at + interval '2 months 30 s' where user_id = 7 and post_id < 1000",
    "update pgfeed.feed_events set event_at = event_at - interval '17 years' where user_id = 7 and post_id < 1000",
    "delete from pgfeed.feed_events where user_id = 7",
    "with gone as (delete from pgfeed.feed_events where user_id = 7 and post_id = 7 returning *)"
    " insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)"
    " select event_at, user_id, post_id, action, true from gone",
    "begin; delete from pgfeed.feed_events where user_id = 7; rollback",
    "set session_replication_role = replica; delete from pgfeed.feed_events where user_id = 7; reset all",
])  # fmt: skip
@pytest.mark.parametrize("is_later", [False, True])
def test_what_changes_while_rows_are_copied_is_changed_in_the_copies_too(query, change, is_later):
    query("call pgfeed.create_event_partitions('2003-05-01', '2003-05-01')")
    query(f"{INSERT} ('2003-05-05', 1, 1, 'view')")
    query(FILL, "2020-03-01", 10050)
    query(FILL, "2020-05-01", 300)
    steps = Steps(query)
    if not is_later:
        query(change)
    steps.copy()
    if is_later:
        query(change)
    rows = query(ROWS)
    while steps.apply() is False:
        pass
    assert steps.swap() is True and steps.drop() is True
    assert query(ROWS) == rows
    assert partitions(query) == ["feed_events_y2020m03"]
    assert query("select relname from pg_class where relname ~ '^_next'") == []
    assert query(LOGGING) == [(0,)]


def test_exposures_that_come_change_or_go_while_they_are_copied(network):
    network("insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)"
            " select '2022-03-01', i, 'popular', 'popular', '2022-03-01', array[i] from generate_series(1, 10050) as i")
    steps = Steps(network, "exposures")
    steps.copy()
    network("select count(s) from generate_series(1, 60) as u, lateral pgfeed.serve_posts(u, '2022-03-02') as s")
    network("update pgfeed.exposures set served_at = served_at + interval '1 month' where user_id = 70")
    network("delete from pgfeed.exposures where user_id = 71; truncate pgfeed.feed_events_y2021m12")
    rows = network("select md5(string_agg(x::text, ' ' order by x.exposure_id)), count(*) from pgfeed.exposures as x")
    assert steps.apply() is True and steps.swap() is True and steps.drop() is True
    assert rows == network(
        "select md5(string_agg(x::text, ' ' order by x.exposure_id)), count(*) from pgfeed.exposures as x"
    )
    assert network(f"select {PARTITION}, count(*) from pgfeed.exposures group by 1 order by 1") == [
        ("exposures_default", 1), ("exposures_y2022m03", 10108),
    ]  # fmt: skip


@pytest.mark.parametrize("change", [
    "call pgfeed.create_event_partitions('2020-06-01', '2020-06-01')", "truncate pgfeed.feed_events",
    "drop table pgfeed.feed_events_y2003m05", "call pgfeed.arrange_partitions()",
])  # fmt: skip
def test_moves_that_something_else_overtook_are_given_up(query, dsn, change):
    query("call pgfeed.create_event_partitions('2003-05-01', '2003-05-01')")
    query(FILL, "2020-03-01", 10050)
    steps = Steps(query)
    steps.copy()
    with autocommit(dsn) as other:
        queries(other)(change)
    rows = query(ROWS)
    assert steps.apply() is None and steps.swap() is None and steps.drop() is True
    assert query(ROWS) == rows
    query("call pgfeed.arrange_partitions()")
    assert query(ROWS) == rows
    assert query("select relname from pg_class where relname ~ '^_next'") == []


def test_several_sessions_that_arrange_take_turns(query, dsn):
    for month in range(1, 5):
        query(FILL, f"2020-{month:02}-01", 10050)
    rows = query(ROWS)

    def arrange(_: int) -> int:
        with autocommit(dsn) as connection:
            return queries(connection)("call pgfeed.arrange_partitions()")[0][0]

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(arrange, range(3))) == 4
    assert partitions(query) == [f"feed_events_y2020m{month:02}" for month in range(1, 5)]
    assert query(ROWS) == rows


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Apia", "Africa/Casablanca"])
def test_months_are_those_of_utc_in_any_zone(query, zone):
    query(f"set timezone = '{zone}'")
    query(FILL, "2021-12-31 00:00+00", 1440)
    query(FILL, "2022-01-01 00:00+00", 10080)
    query(FILL, "2022-03-10 00:00+00", 10080)  # clocks change meanwhile, there or elsewhere
    assert query("call pgfeed.arrange_partitions()") == [(2,)]
    query("call pgfeed.create_event_partitions('2021-10-31 23:59:59.999999+00', '2021-11-01 00:00+00')")
    assert partitions(query) == [f"feed_events_y{month}" for month in ("2021m10", "2021m11", "2022m01", "2022m03")]
    assert query(f"select {PARTITION}, count(*) from pgfeed.feed_events group by 1 order by 1") == [
        ("feed_events_default", 1440), ("feed_events_y2022m01", 10080), ("feed_events_y2022m03", 10080),
    ]  # fmt: skip


def test_ten_years_in_bulk_become_months_twelve_at_a_time(query):
    query(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action) select"
        " timestamptz '2010-01-01' + i % 30 * interval '4 months' + i * interval '1 s', i % 50, i, 'view'"
        " from generate_series(1, 330000) as i"
    )
    rows = query(ROWS)
    assert query("call pgfeed.arrange_partitions()") == [(30,)]
    assert len(partitions(query)) == 30 and query("select count(*) from pgfeed.feed_events_default") == [(0,)]
    assert query(ROWS) == rows


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_arranging_needs_to_see_what_others_change(query, level):
    query(f"set default_transaction_isolation = '{level}'")
    with pytest.raises(psycopg2.Error, match=f"months cannot be arranged at the isolation level {level}") as raised:
        query("call pgfeed.arrange_partitions()")
    query(raised.value.diag.message_hint.removeprefix("First: ").removesuffix("."))
    assert query("call pgfeed.arrange_partitions()") == [(0,)]


def test_a_long_transaction_lets_all_stay_as_it_is(query, dsn):
    query(FILL, "2020-03-01", 10000)
    with psycopg2.connect(dsn) as other:
        queries(other)("select count(*) from pgfeed.feed_events")
        with ThreadPoolExecutor(1) as pool:
            arranging = pool.submit(query, "call pgfeed.arrange_partitions()")
            with autocommit(dsn) as writer:
                run = queries(writer)
                run("set lock_timeout = '1s'")
                while not arranging.done():
                    run(f"{INSERT} (clock_timestamp(), 1, 1, 'view')")
                    time.sleep(0.01)  # its month stays a small one
                run("call pgfeed.create_event_partitions('2020-06-01', '2020-06-02')")
                assert "months of it were not made" in writer.notices[-1]
            assert arranging.result() == [(0,)]
        other.rollback()
    assert query("select relname from pg_class where relname ~ '^_next'") == []
    assert query("call pgfeed.arrange_partitions()") == [(1,)]


def test_a_kill_in_between_leaves_every_row_where_it_was(query, dsn):
    query(FILL, "2020-03-01", 10000)
    with psycopg2.connect(dsn) as other:  # keeps the months from moving
        queries(other)("select 1")
        with ThreadPoolExecutor(1) as pool:
            with autocommit(dsn) as victim:
                pid = victim.info.backend_pid
                arranging = pool.submit(queries(victim), "call pgfeed.arrange_partitions()")
                while not query("select 1 from pg_class where relname = '_next_feed_events_default'"):
                    time.sleep(0.01)
                query("select pg_terminate_backend(%s)", pid)
                with pytest.raises(psycopg2.OperationalError):
                    arranging.result()
        other.rollback()
    query(f"{INSERT} ('2020-03-31', 99, 1, 'view')")
    assert query("call pgfeed.arrange_partitions()") == [(1,)]
    assert query(f"select {PARTITION}, count(*) from pgfeed.feed_events group by 1") == [
        ("feed_events_y2020m03", 10001)
    ]
    assert query("select relname from pg_class where relname ~ '^_next'") == []


def test_arranging_needs_a_transaction_of_its_own(dsn):
    with psycopg2.connect(dsn) as connection, pytest.raises(psycopg2.Error, match="cannot inside a transaction block"):
        queries(connection)("call pgfeed.arrange_partitions()")


@pytest.mark.parametrize("statement", [
    "select pgfeed._has_events('2001-02-01', '2001-03-01')",
    "call pgfeed._find_missing_months()",
])  # fmt: skip
def test_each_month_is_looked_for_in_its_own_partition_alone(query, statement):
    """A refresh asks for each month: with all partitions in each plan it took the square of the months."""
    query("call pgfeed.create_event_partitions('2001-01-01', '2010-12-31')")
    query("insert into pgfeed.rollup_days (day, is_stale, event_count) values ('2001-02-01', false, 1)")
    query("begin")
    query(statement)
    locked = query("select count(*) from pg_locks as l join pg_inherits as i on i.inhrelid = l.relation"
                   " where i.inhparent = 'pgfeed.feed_events'::regclass")  # fmt: skip
    query("rollback")
    assert locked == [(1,)]  # of 121
