"""Sessions beside each other: a long transaction keeps no other one waiting, and nothing is done twice."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing

import psycopg2
import pytest

from loader.data import refresh
from loader.learning import registry, train
from migrations.objects import compose
from tests.db.conftest import ROOT, autocommit, queries

END = "2021-12-13 12:00+00"
CALL = "select post_id, score, features_as_of, model_version from pgfeed.recommend_posts(7, %s) order by rank"
# A session that has to wait longer than this for a lock gets an error.
PATIENCE = "set lock_timeout = '1s'"

JANUARY = """
    set role pgfeed_owner;
    call pgfeed._create_partitions('exposures', '2022-01-01', '2022-01-01');
    reset role
"""
LATER_MONTHS = """
    select c.relname::text from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = %s::regclass and c.relname !~ '2021|default'
"""


def start(dsn: str, *statements: str, outcome: list | None = None) -> threading.Thread:
    """Run statements in a session and a thread of its own; what it returns or its error is appended to outcome."""

    def run() -> None:
        with autocommit(dsn) as connection:
            try:
                rows = [queries(connection)(statement) for statement in statements][-1]
            except psycopg2.Error as error:
                rows = error
            if outcome is not None:
                outcome.append(rows)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_until(query, condition: str) -> None:
    """Wait until a query gives a row."""
    for _ in range(1000):
        if query(condition):
            return
        query("select pg_sleep(0.01)")
    raise AssertionError(f"this never came: {condition}")


def waiting(kind: str) -> str:
    return f"select 1 from pg_stat_activity where datname = current_database() and wait_event_type = '{kind}'"


def test_a_refresh_that_needs_a_new_month_keeps_nobody_waiting(network, network_dsn):
    for parent in ("feed_events", "exposures"):
        for name, in network(LATER_MONTHS, f"pgfeed.{parent}"):
            network(f"drop table pgfeed.{name}")
    with psycopg2.connect(network_dsn) as blocker:
        queries(blocker)("lock table pgfeed.feature_packs in share mode")
        refresh = start(network_dsn, "call pgfeed.refresh_features()")
        wait_until(network, waiting("Lock"))
        network(PATIENCE)
        network("call pgfeed.create_event_partitions('2022-05-01', '2022-06-30')")
        network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                " values ('2022-05-05', 7, 1, 'view')")
        assert network("select count(*) from pgfeed.serve_posts(7)") == [(5,)]
        assert network("select count(*) from pgfeed.recommend_posts(7, %s)", END) == [(5,)]
        blocker.rollback()
    refresh.join()
    assert network(
        "select to_regclass('pgfeed.feed_events_y' || to_char(now(), 'YYYY\"m\"MM')) is not null"
    ) == [(True,)]


def test_dropping_exposures_that_are_in_use_keeps_no_call_waiting(network, network_dsn):
    network(JANUARY)
    network("select pgfeed.serve_posts(7, '2022-01-10')")
    outcome: list = []
    with psycopg2.connect(network_dsn) as reader:
        queries(reader)("select count(*) from pgfeed.exposures")
        drop = start(network_dsn, "call pgfeed.drop_exposures('2022-02-01')", outcome=outcome)
        network(PATIENCE)
        for _ in range(20):
            assert network("select count(*) from pgfeed.serve_posts(7, '2022-02-10')") == [(5,)]
        assert not outcome
        reader.rollback()
    drop.join()
    assert outcome == [[(1,)]]
    assert network("select count(*) from pgfeed.exposures") == [(20,)]


@pytest.mark.parametrize("use", ["select count(*) from pgfeed.exposures", "lock table pgfeed.exposures_y2022m01"])
def test_exposures_that_stay_in_use_are_not_dropped(network, network_dsn, use):
    network(JANUARY)
    network("select pgfeed.serve_posts(7, '2022-01-10')")
    with psycopg2.connect(network_dsn) as user:
        queries(user)(use)
        with pytest.raises(psycopg2.errors.LockNotAvailable, match="in use") as raised:
            network("call pgfeed.drop_exposures('2022-02-01')")
        assert raised.value.diag.message_hint
    assert network("select count(*) from pgfeed.exposures") == [(1,)]


def test_two_drops_of_exposures_at_once_are_one(network, network_dsn):
    network(JANUARY)
    network("select pgfeed.serve_posts(7, '2022-01-10')")
    outcome: list = []
    with psycopg2.connect(network_dsn) as first:
        assert queries(first)("call pgfeed.drop_exposures('2022-02-01')") == [(1,)]
        second = start(network_dsn, "call pgfeed.drop_exposures('2022-02-01')", outcome=outcome)
        wait_until(network, waiting("Timeout"))
        assert not outcome
    second.join()
    assert outcome == [[(0,)]]


def test_two_refreshes_at_once_are_two_versions(network, network_dsn):
    outcome: list = []
    threads = [start(network_dsn, f"call pgfeed.refresh_features('2021-12-13 0{hour}:00+00')", outcome=outcome)
               for hour in (1, 2)]
    for thread in threads:
        thread.join()
    assert sorted(rows[0][0] for rows in outcome) == [2, 3]
    assert network("select count(*) from pgfeed.feature_refreshes where finished_at is not null") == [(3,)]
    newest = network("select as_of from pgfeed.feature_refreshes order by refresh_id desc limit 1")
    assert network("select distinct features_as_of from pgfeed.recommend_posts(7, %s)", END) == newest


def test_two_activations_at_once_know_of_each_other(network, network_dsn):
    with closing(psycopg2.connect(network_dsn)) as connection:
        registry.store(connection, "control", train.train(connection, "control"))
    outcome: list = []
    threads = [start(network_dsn, f"call pgfeed.activate_model('control', {version})", outcome=outcome)
               for version in (1, 2)]
    for thread in threads:
        thread.join()
    assert outcome == [[], []]
    chain = network("select activation_id, replaced_activation_id from pgfeed.model_activations order by 1")
    assert [replaced for _, replaced in chain] == [None, *(activation for activation, _ in chain[:-1])]


def test_a_transaction_sees_one_version_whatever_others_do(network, network_dsn):
    network("begin isolation level repeatable read")
    before = network(CALL, END)
    with autocommit(network_dsn) as other:
        run = queries(other)
        run("call pgfeed.refresh_features('2021-12-13 06:00+00')")
        assert network(CALL, END) == before
        network("commit")
        assert network(CALL, END) == run(CALL, END) != before


def test_a_function_that_is_replaced_between_two_rows_does_not_end_the_server(network, network_dsn):
    with psycopg2.connect(network_dsn) as reader:
        run = queries(reader)
        run("declare rows cursor for select (pgfeed.recommend_posts(7, %s, 50)).post_id", END)
        found = run("fetch 1 from rows")
        for number in range(20):
            for name in ("functions/_recommend_posts", "functions/recommend_posts"):
                network(compose(name).replace("\nreturn recommend_posts(", "\n" * number + "\nreturn recommend_posts("))
            # takes memory that was freed
            run("select string_agg(repeat('x', n), '') from generate_series(1, 900) as n")
            found += run("fetch 1 from rows")
    assert found == network("select post_id from pgfeed.recommend_posts(7, %s, 21) order by rank", END)


def test_a_vacuum_that_fails_leaves_the_connection_as_it_was(network, network_dsn):
    network("insert into pgfeed.feed_events select '2021-12-12 23:00+00', 7, 3, now(), 'view'")
    with psycopg2.connect(network_dsn) as other, closing(psycopg2.connect(network_dsn)) as connection:
        queries(other)("lock table pgfeed.feed_events_y2021m12 in share update exclusive mode")
        queries(connection)(PATIENCE)
        connection.commit()
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            refresh.roll_up(connection)
        assert not connection.autocommit
        other.rollback()
        assert refresh.roll_up(connection) and not connection.autocommit


@pytest.mark.parametrize("table", ["rollup_days", "feature_packs"])
def test_ctrl_c_ends_a_refresh_at_once(network, network_dsn, table):
    with closing(psycopg2.connect(network_dsn)) as holder:
        queries(holder)(f"lock table pgfeed.{table} in access exclusive mode")
        command = [sys.executable, "-m", "loader.cli", "refresh"]
        # Tests that run in the background inherit that SIGINT is ignored.
        verb = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PGFEED_DSN": network_dsn}, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        wait_until(network, waiting("Lock"))
        verb.send_signal(signal.SIGINT)
        said = verb.communicate(timeout=20)[1]
    assert verb.returncode == 1
    assert "error: interrupted. Nothing finished is lost: run the same command again" in said
