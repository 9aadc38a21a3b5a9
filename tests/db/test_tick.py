"""tick(): what is due is done, once, by one, whatever ends it."""

import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import psycopg2
import psycopg2.errors
import pytest

from plpy.train_model import LIBRARY
from tests.db.conftest import autocommit, queries
from tests.db.test_health import probes

NOW = datetime.now(UTC)
STEPS = "select step, done_at is not null, error from pgfeed.tick_steps order by step"

LOOP = {
    "tick_steps": "begun_at done_at", "feature_refreshes": "started_at finished_at", "models": "created_at",
    "recommendation_batches": "started_at finished_at", "jobs": "asked_at finished_at",
}
# What gives a step something to do, a table that it writes, and the status of tick when that fails. recommend ends
# tick(): it cannot be told from one that goes on.
BROKEN = {
    "roll_up": ("create function pgfeed.broken() returns trigger language plpgsql as"
                " $$begin raise exception 'no room'; end$$;"
                " insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                " values ('2021-12-13 09:00+00', 1, 1, 'view')", "rollup_days", "fail"),
    "refresh": ("select", "feature_refreshes", "fail"), "recommend": ("select", "recommendation_batches", "warn"),
}

pytestmark = pytest.mark.usefixtures("durable")


def tick(query, days: float = 0) -> list[str]:
    """Call tick() so many days from now; return the steps that it did."""
    return query("call pgfeed.tick(%s)", NOW + timedelta(days=days))[0][0]


def test_it_does_what_is_due_and_nothing_twice(network):
    refreshes = "select count(*) from pgfeed.feature_refreshes"
    (before,), = network(refreshes)
    assert tick(network) == ["roll_up", "arrange", "refresh"]
    assert tick(network, 0.01) == tick(network, 0.5) == ["roll_up"]
    # The cron line of the next day runs some seconds earlier than that of today.
    assert tick(network, 0.9999) == ["roll_up", "arrange", "refresh"]
    assert network(refreshes) == [(before + 2,)]
    assert network(STEPS) == [(step, True, None) for step in ("arrange", "refresh", "roll_up", "tick")]


def a_day_passes(query) -> None:
    """Let all that the loop wrote down be a day older."""
    query("set session_replication_role = replica")  # no trigger keeps it from that
    for table, columns in LOOP.items():
        moved = ", ".join(f"{column} = {column} - interval '1 day'" for column in columns.split())
        query(f"update pgfeed.{table} set {moved}")
    query("reset session_replication_role")


def alarms(query, *statuses: str) -> dict[str, str]:
    """Return what the probes with a status found, by default those that fail."""
    return {name: found for name, (status, found, _) in probes(query).items() if status in (statuses or ("fail",))}


@pytest.fixture
def month(network):
    """A network that has run by itself for a month; what it did."""
    network("call pgfeed.set_schedule('control', train => '7 days')")
    network("call pgfeed.set_upkeep(recommend => '1 day', keep_exposures => '90 days')")
    done, red = [], alarms(network)
    for _ in range(30):
        done += tick(network)
        # A worker did it.
        network("update pgfeed.models set created_at = now()"
                " where exists (select from pgfeed.jobs where finished_at is null)")
        network("update pgfeed.jobs set finished_at = now()")
        a_day_passes(network)
        assert alarms(network) == red
    return done, red


def test_a_month_of_schedules(network, month):
    done, red = month
    assert {step: done.count(step) for step in done} == {
        "roll_up": 30, "arrange": 30, "refresh": 30, "train control": 4, "drop_exposures": 30, "recommend": 30,
    }
    assert network("select count(*), min(variant), max(settings::text) from pgfeed.jobs") == [
        (4, "control", '{"switch": true}'),
    ]
    assert network("select count(distinct user_id) from pgfeed.recommendations") == [(60,)]
    # Each step is broken in turn.
    for name, (prepare, table, status) in BROKEN.items():
        a_day_passes(network)
        network(prepare)
        network(f"create trigger broken before insert or update on pgfeed.{table} execute function pgfeed.broken()")
        with suppress(psycopg2.errors.RaiseException):
            tick(network)
        a_day_passes(network)
        assert name in alarms(network, status)["tick"]
        network(f"drop trigger broken on pgfeed.{table}")
        tick(network)
        assert alarms(network) == red
    for _ in range(2):
        a_day_passes(network)
    assert "tick() has not ended for 48 hours" in alarms(network, "warn", "fail")["tick"]


def test_a_version_that_somebody_trained_counts(network):
    network("call pgfeed.set_schedule('control', train => '7 days')")
    assert "train control" not in tick(network, 1)
    assert "train control" in tick(network, 7)
    network("call pgfeed.set_schedule('control')")
    assert network("select from pgfeed.schedules") == []
    assert "train control" not in tick(network, 40)


TRAIN_MODEL = """
    create or replace procedure pgfeed.train_model(
        variant text, recipe text default null, until date default null, seed integer default null,
        inout version integer default null
    ) language plpgsql as $$
    begin
        commit;
        insert into pgfeed.models (
            variant, version, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix,
            golden_scores
        )
        select m.variant, 2, m.artifact, m.sha256, m.feature_names, m.encoders, m.parameters, m.metrics,
            m.golden_matrix, m.golden_scores
        from pgfeed.models as m where m.version = 1 and m.variant = train_model.variant
        returning models.version into train_model.version;
        commit;
    end; $$
"""


def test_training_in_the_session_of_tick(network):
    """What trains is put in its place: here it is about when, and what follows."""
    network(TRAIN_MODEL)
    network("call pgfeed.set_schedule('control', train => '1 day', train_in => 'server')")
    assert tick(network, 2) == ["roll_up", "arrange", "refresh", "train control"]
    assert network("select kind, variant, version, settings from pgfeed.jobs") == [
        ("train", "control", 2, {"switch": True}),
    ]
    # The next version is stored as 2 again, which fails.
    network("update pgfeed.jobs set finished_at = now()")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        tick(network, 4)
    assert "train control" not in tick(network, 4.01)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        tick(network, 4.1)


def test_it_trains_in_the_server(network):
    network("call pgfeed.set_schedule('control', train => '1 day', train_in => 'server', switch => false)")
    assert tick(network, 2)[-1] == "train control"
    assert network("select version from pgfeed.models order by version") == [(1,), (2,)]
    assert network("select from pgfeed.jobs") == []  # nothing is compared


def test_old_events_are_dropped(network):
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " values ('2021-09-03 12:00+00', 1, 1, 'view')")
    network("call pgfeed.set_upkeep(keep_events => '365 days')")
    # The feed has ended: its last two days can never be dropped.
    assert "drop_events" not in tick(network)
    status, found, remedy = probes(network)["tick"]
    assert status == "fail" and "drop_events failed: events before" in found and remedy == "call pgfeed.tick()"
    network("call pgfeed.set_upkeep(keep_events => %s)", datetime.now(UTC) - datetime(2021, 11, 2, tzinfo=UTC))
    assert "drop_events" not in tick(network, 0.01)  # what failed waits for an hour
    assert "drop_events" in tick(network, 0.05)
    assert network("select count(*) from pgfeed.feed_events where event_at < '2021-11-01'") == [(0,)]
    assert probes(network)["tick"][0] == "ok"


def test_a_step_that_fails_keeps_no_other_from_being_done(network):
    network("create function pgfeed.broken() returns trigger language plpgsql as"
            " $$begin raise exception 'no room'; end$$")
    network("create trigger broken before insert on pgfeed.feature_refreshes execute function pgfeed.broken()")
    network("call pgfeed.set_schedule('mine', train => '1 day', recipe => 'control')")
    assert tick(network) == ["roll_up", "arrange", "train mine"]
    assert ("refresh", False, "no room") in network(STEPS)
    status, found, remedy = probes(network)["tick"]
    assert status == "fail" and "refresh failed: no room" in found and remedy == "call pgfeed.tick()"
    network("drop trigger broken on pgfeed.feature_refreshes")
    assert "refresh" in tick(network, 0.05)
    assert probes(network)["tick"][0] == "ok"


@pytest.mark.parametrize(("step", "procedure"), [
    ("arrange", "arrange_partitions(inout move_count integer default null)"),
    ("recommend", "refresh_recommendations(inout batch_id bigint default null)"),
])
def test_what_fails_in_the_session_of_tick_ends_it_once(network, step, procedure):
    name = procedure.partition("(")[0]
    network("call pgfeed.set_upkeep(recommend => '1 day')")
    for drop, in network("select 'drop procedure ' || oid::regprocedure from pg_proc where proname = %s", name):
        network(drop)
    network(f"create procedure pgfeed.{procedure} language plpgsql as $$begin raise exception 'no room'; end$$")
    with pytest.raises(psycopg2.errors.RaiseException, match="no room"):
        tick(network)
    done = tick(network, 0.01)
    assert step not in done and ("refresh" in done or step == "recommend")
    network("update pgfeed.tick_steps set begun_at = begun_at - interval '20 minutes' where step = %s", step)
    status, found, _ = probes(network)["tick"]
    assert status == "warn" and f"{step} was begun at " in found
    with pytest.raises(psycopg2.errors.RaiseException, match="no room"):
        tick(network, 0.1)


def test_new_posts_are_embedded_by_a_worker_if_an_embedder_answers(network):
    network("insert into pgfeed.embedders (name, checkpoint, dimensions, is_active) values ('use', '1', 3, true)")
    assert "embed" in tick(network)
    assert network("select kind, settings from pgfeed.jobs") == [("embed", {})]
    network("call pgfeed.set_upkeep(embed => false)")
    assert "embed" not in tick(network, 2)


def test_the_second_of_two_returns_at_once(network, network_dsn):
    with closing(psycopg2.connect(network_dsn)) as other:
        with other, other.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtext('pgfeed.tick'))")
            with autocommit(network_dsn) as connection:
                assert queries(connection)("call pgfeed.tick()") == [([],)]
                assert connection.notices[-1] == "NOTICE:  another session is at tick()\n"
    assert tick(network) == ["roll_up", "arrange", "refresh"]


def test_it_goes_on_where_it_was_ended(network, network_dsn):
    """A session is ended while a refresh waits for a lock that another one holds."""
    with closing(psycopg2.connect(network_dsn)) as holder, autocommit(network_dsn) as victim:
        with holder, holder.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtext('pgfeed.refresh_features'))")
            ended: list[BaseException] = []

            def call() -> None:
                try:
                    queries(victim)("call pgfeed.tick()")
                except psycopg2.Error as error:
                    ended.append(error)

            thread = threading.Thread(target=call)
            thread.start()
            waiting = "select count(*) from pgfeed._job_sessions('pgfeed.refresh_features') where is_waiting"
            while network(waiting) == [(0,)]:
                assert thread.is_alive()
            network("select pg_terminate_backend(%s)", victim.info.backend_pid)
            thread.join()
            assert ended
    assert ("refresh", False, None) in network(STEPS)
    network("update pgfeed.tick_steps set begun_at = begun_at - interval '1 minute', done_at = done_at - interval '1"
            " minute'")
    status, found, remedy = probes(network)["tick"]
    assert status == "warn" and "refresh was interrupted" in found and remedy == "call pgfeed.tick()"
    assert tick(network, 0.01) == ["roll_up", "refresh"]
    assert probes(network)["tick"][0] == "ok"


ENDS = 4
ONE_DAY = """
    insert into pgfeed.feed_events (event_at, user_id, post_id, action)
    select timestamptz '2021-12-12 09:00+00' + %s * interval '1 minute' + u * interval '1 second', u, u, 'view'
    from generate_series(1, 60) as u
"""
DOUBLED = """
    select 'events' where (select sum(d.view_count) from pgfeed.post_days as d)
        is distinct from (select count(*) from pgfeed.impressions)
    union all select 'topics' where (select sum(d.view_count) from pgfeed.user_topic_days as d)
        is distinct from (select count(*) from pgfeed.impressions)
    union all select 'features' where (select sum(f.view_count) from pgfeed.post_features as f)
        is distinct from (select count(*) from pgfeed.impressions)
    union all select 'lists' from pgfeed.recommendations as r group by r.user_id having count(*) <> 5
    union all select 'a batch' from pgfeed.recommendation_batches as b where b.finished_at is null
    union all select 'a job' from pgfeed.jobs as j having count(*) <> 1
    union all select 'a step' from pgfeed.tick_steps as s where s.done_at is distinct from s.begun_at
"""


def test_whenever_it_is_ended_the_next_one_finishes(network, network_dsn):
    """A session is ended at moments that are spread over a call; what runs in the session of tick() waits an hour."""
    network("call pgfeed.set_schedule('control', train => '1 day')")
    network("call pgfeed.set_upkeep(recommend => '1 day')")
    started = time.monotonic()
    tick(network, 2)
    span = time.monotonic() - started
    for number in range(ENDS):
        network(ONE_DAY, number)
        end_tick(network, network_dsn, 3 + number, span * (number + 0.5) / ENDS)
        tick(network, 3.05 + number)
        assert network(DOUBLED) == []
    assert tick(network, 3.06 + number) == ["roll_up"]
    assert probes(network)["tick"][0] == "ok"


def end_tick(query, dsn: str, days: float, seconds: float) -> None:
    """Call tick() in a session of its own, and end that after some seconds."""
    with autocommit(dsn) as victim:

        def call() -> None:
            with suppress(psycopg2.Error):
                tick(queries(victim), days)

        thread = threading.Thread(target=call)
        thread.start()
        time.sleep(seconds)
        query("select pg_terminate_backend(%s, 10000)", victim.info.backend_pid)
        thread.join()


def test_it_commits_as_it_goes(network_dsn):
    with closing(psycopg2.connect(network_dsn)) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.ActiveSqlTransaction, match="cannot inside a transaction block"):
            cursor.execute("call pgfeed.tick()")


def test_where_nothing_can_be_written_it_says_so(network_dsn):
    with autocommit(network_dsn) as connection:
        query = queries(connection)
        query("set default_transaction_read_only = on")
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction, match="tick.. writes, .*\n.*Call it on the primary"):
            query("call pgfeed.tick()")


def test_operators_may_and_writers_may_not(network, network_dsn):
    with autocommit(network_dsn) as connection:
        query = queries(connection)
        query("set role pgfeed_operator")
        query("call pgfeed.set_schedule('mine', train => '1 day', recipe => 'control')")
        query("call pgfeed.set_upkeep(recommend => '1 day')")
        assert tick(query) == ["roll_up", "arrange", "refresh", "train mine", "recommend"]
        query("reset role; set role pgfeed_writer")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query("call pgfeed.tick()")


@pytest.mark.parametrize(("call", "words"), [
    ("set_schedule('popular', train => '1 day')", "no model can be of variant 'popular'"),
    ("set_schedule(null, train => '1 day')", "no model can be of variant null"),
    ("set_schedule('control', train => '5 minutes')", "cannot be trained every 00:05:00"),
    ("set_schedule('control', train => '1 day', train_in => 'cloud')", "nothing can be trained in 'cloud'"),
    ("set_schedule('control', train => '1 day', switch => null)", "switch is null"),
    ("set_schedule('control', train => '1 day', champion_share => 0.001)", "never compared with 0.001 of the users"),
    ("tick('infinity')", "cannot be at infinity"),
    ("tick(null)", "cannot be at null"),
    ("set_upkeep(embed => null)", "embed is null"),
    ("set_upkeep(refresh => null)", "every null"),
    ("set_upkeep(recommend => '1 second')", "every 00:00:01"),
    ("set_upkeep(keep_events => '2 days')", "kept for 2 days only"),
])
def test_settings_that_make_no_sense(network, call, words):
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match=words):
        network(f"call pgfeed.{call}")


@pytest.mark.parametrize(("change", "name", "status", "words"), [
    ("update pgfeed.tick_steps set done_at = now() - interval '40 hours'", "tick", "warn",
     "tick() has not ended for 40 hours"),
    ("update pgfeed.tick_steps set done_at = now() - interval '3 days'", "tick", "fail",
     "tick() has not ended for 72 hours"),
    ("update pgfeed.models set created_at = now() - interval '40 hours'", "schedule control", "warn",
     "not trained for 40 hours, due every 1 day"),
    ("update pgfeed.models set created_at = now() - interval '3 days'", "schedule control", "fail",
     "not trained for 72 hours, due every 1 day"),
    ("call pgfeed.set_schedule('mine', train => '1 day');"
     " update pgfeed.schedules set set_at = now() - interval '3 days'", "schedule mine", "fail", "not trained for 72"),
    ("truncate pgfeed.tick_steps", "tick", "warn", "a schedule is set, and tick() was never called"),
])
def test_it_turns_red(network, change, name, status, words):
    network("call pgfeed.set_schedule('control', train => '1 day')")
    tick(network)
    found = probes(network)
    assert found["tick"][0] == found["schedule control"][0] == "ok"
    network(change)
    found = probes(network)[name]
    assert found[0] == status and words in found[1] and found[2]


def test_operators_of_strangers_are_not_taken(network):
    for left, right, result in (("text[]", "text[]", "text[]"), ("text[]", "text", "text[]"),
                                ("oid", "regprocedure", "boolean")):
        symbol = "=" if left == "oid" else "||"
        name = f"public.stranger_{left.strip('[]')}_{right.strip('[]')}_{'many' if right == 'text[]' else 'one'}"
        network(f"create function {name}(a {left}, b {right}) returns {result} language plpgsql"
                " as 'begin raise exception ''a stranger was called''; end'")
        network(f"create operator public.{symbol} (leftarg = {left}, rightarg = {right}, function = {name})")
    with pytest.raises(psycopg2.errors.RaiseException, match="stranger"):
        network("select array['a'] || array['b']")
    assert "roll_up" in tick(network)
    assert network(LIBRARY) == network("select prosrc from pg_proc where proname = '_library'")
