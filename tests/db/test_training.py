"""Training in a session of the server: the model that the command makes, limits, and nothing left behind."""

import json
import os
import signal
import tempfile
import threading
import time
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from catboost import CatBoost

from loader.learning import candidates, registry, split
from plpy.train_model import START
from tests.db.conftest import NETWORK, alembic, autocommit, queries
from tests.db.test_concurrency import start
from tests.db.test_taste import stage_3, stage_3_dsn, stage_3_template
from tests.servers import primary

__all__ = ["stage_3", "stage_3_dsn", "stage_3_template"]
CALL = "call pgfeed.train_model('control')"
MODEL = """
    select feature_names, encoders, trained_from, trained_until, evaluated_from, evaluated_until, golden_matrix,
        golden_scores, artifact, evaluation_artifact, parameters, metrics
    from pgfeed.models where variant = %s and version = %s
"""
OWN = """
learns_from = "impressions"
features = ["post.topic", "post.like_rate", "user.age"]
topic_count = 2
[parameters]
loss_function = "YetiRank"
iterations = 20
"""
FEW = """
learns_from = "requests"
negatives = 5
"""
# A fit that takes minutes: its trees are so deep that early stopping, too, comes late.
LONG = OWN.replace("iterations = 20", "iterations = 100000\ndepth = 16\nborder_count = 254")
CALL_LONG = f"call pgfeed.train_model('mine', '{LONG}')"
SLOW_TO_STORE = """
    create function public.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return new; end $$;
    create trigger slow before insert on pgfeed.models for each row execute function public.slow()
"""
STEPS = {
    "loading": ("training days", ""), "fitting": ("fitting CatBoost", ""), "storing": ("PgSleep", SLOW_TO_STORE),
}
SESSION = """
    select pid from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
        and (application_name like 'pgfeed training %%' || %(step)s || '%%' or wait_event = %(step)s)
"""


def trees(artifact) -> list:
    """Return what a model computes, without when it was made."""
    booster = CatBoost().load_model(blob=bytes(artifact))
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        booster.save_model(file.name, format="json")
        model = json.loads(Path(file.name).read_text(encoding="utf-8"))
    return [model["oblivious_trees"], model["features_info"], model["scale_and_bias"]]


def stored(network, variant: str, version: int) -> list:
    """Return a version, without how long its training took."""
    *row, artifact, evaluated, parameters, metrics = network(MODEL, variant, version)[0]
    metrics = {name: value for name, value in metrics.items() if not name.endswith("seconds")}
    row = [bytes(value) if isinstance(value, memoryview) else value for value in row]
    return [*row, trees(artifact), evaluated and trees(evaluated), parameters, metrics]


def processes() -> list[int]:
    """Return the processes that train."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if START.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def ours(pid: int) -> list[int]:
    """Return the processes that train for a session."""
    found = []
    for process in processes():
        with suppress(OSError):
            if f"\nPPid:\t{pid}\n" in Path(f"/proc/{process}/status").read_text(encoding="utf-8"):
                found.append(process)
    return found


@pytest.mark.parametrize("variant, recipe, until", [
    ("control", None, None), ("control", None, "2021-12-11"), ("test", None, None), ("mine", OWN, None),
])
def test_it_makes_the_model_that_the_command_makes(stage_3, stage_3_dsn, tmp_path, variant, recipe, until):
    assert_both_make_the_same(stage_3, stage_3_dsn, tmp_path, variant, recipe, until)


def test_it_makes_the_model_that_the_command_makes_from_likes_alone(few, dsn, tmp_path):
    assert_both_make_the_same(few, dsn, tmp_path, "mine", FEW, "2021-12-04")


@pytest.fixture
def few(query):
    """A function that runs one statement in the network with a third of its users and returns its rows."""
    query(NETWORK.replace("generate_series(1, 60) as u", "generate_series(1, 20) as u"))
    query("call pgfeed.refresh_features()")
    return query


def assert_both_make_the_same(network, dsn, tmp_path, variant, recipe, until) -> None:
    """Check that training in a session and by the command make the same model, which serves."""
    day = until and date.fromisoformat(until)
    source = recipe
    if recipe:
        source = str(tmp_path / "own.toml")
        Path(source).write_text(recipe, encoding="utf-8")
    network("set pgfeed.training_nice = 0")
    with closing(psycopg2.connect(dsn)) as connection:
        chosen = candidates.recipe_for(connection, variant, source)
        model = candidates.train_by(connection, variant, chosen, True, split.load(connection, day))
        version = registry.store(connection, variant, model)
    ((inside,),) = network("call pgfeed.train_model(%s, %s, %s)", variant, recipe, until)
    assert inside == version + 1
    assert stored(network, variant, inside) == stored(network, variant, version)
    network("call pgfeed.activate_model(%s, %s)", variant, inside)
    assert network("select model_version from pgfeed.recommend_posts(7, '2021-12-13 12:00+00', 1, %s)", variant) == [
        (inside,)
    ]


def training_session(query, step: str) -> int:
    """Return the session that trains, once it is at a step."""
    for _ in range(12000):
        if found := query(SESSION.replace("%(step)s", f"'{step}'").replace("%%", "%")):
            return found[0][0]
        time.sleep(0.01)
    raise AssertionError(f"no training came to {step}: " + str(query("select application_name from pg_stat_activity")))


def is_gone(processes_before: list[int]) -> bool:
    """Return whether processes have ended, soon."""
    for _ in range(500):
        if not set(processes_before) & set(processes()):
            return True
        time.sleep(0.01)
    return False


def assert_nothing_left(query, before: list[int]) -> None:
    """Check that a training has left no process, no lock, no model and no name."""
    assert before and is_gone(before)
    assert query("select pid from pgfeed._job_sessions('pgfeed.train_model')") == []
    assert query("select version from pgfeed.models where variant = 'mine'") == []
    assert query("select pid from pg_stat_activity where application_name like 'pgfeed training%'") == []


@pytest.mark.parametrize("step", STEPS)
def test_a_cancelled_training_leaves_nothing_and_the_session_trains_again(network, network_dsn, step):
    sign, prepare = STEPS[step]
    if prepare:
        network(prepare)
    with autocommit(network_dsn) as connection:
        query, outcome = queries(connection), []
        query("set application_name = 'mine'")
        recipe = OWN if step == "storing" else LONG
        thread = start_in(query, f"call pgfeed.train_model('mine', '{recipe}')", outcome)
        session = training_session(network, sign)
        before = ours(session)
        network("select pg_cancel_backend(%s)", session)
        thread.join()
        assert isinstance(outcome[0], psycopg2.errors.QueryCanceled)
        assert_nothing_left(network, before)
        assert query("show application_name") == [("mine",)]
        assert connection.notices[0] == "NOTICE:  training days\n"
        if not prepare:
            assert query("call pgfeed.train_model('mine', %s)", OWN) == [(1,)]


def start_in(query, statement: str, outcome: list) -> threading.Thread:
    """Run a statement of an open session in a thread; what it returns or its error is appended to outcome."""
    def run() -> None:
        try:
            outcome.append(query(statement))
        except psycopg2.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_session_that_is_ended_takes_its_training_along(network, network_dsn):
    outcome = []
    thread = start(network_dsn, CALL_LONG, outcome=outcome)
    session = training_session(network, "fitting CatBoost")
    before = ours(session)
    network("select pg_terminate_backend(%s)", session)
    thread.join()
    assert isinstance(outcome[0], psycopg2.OperationalError)
    assert_nothing_left(network, before)


def test_a_session_that_is_killed_takes_its_training_along():
    with primary() as own:
        own.clone(None, "feed")
        alembic(own.dsn("feed"), "upgrade", "head")
        own.run("feed", NETWORK)
        own.run("feed", "call pgfeed.refresh_features()")
        outcome = []
        thread = start(own.dsn("feed"), CALL_LONG, outcome=outcome)
        with own.connect("feed") as query:
            session = training_session(query, "fitting CatBoost")
        before = ours(session)
        os.kill(session, signal.SIGKILL)
        thread.join()
        assert before and is_gone(before)
        own.wait()
        with own.connect("feed") as query:
            assert_nothing_left(query, before)
            assert query("call pgfeed.train_model('mine', %s)", OWN) == [(1,)]


def test_a_process_that_crashes_is_an_error_and_not_the_end_of_the_session(network, network_dsn):
    with autocommit(network_dsn) as connection:
        query, outcome = queries(connection), []
        thread = start_in(query, CALL_LONG, outcome)
        session = training_session(network, "fitting CatBoost")
        before = ours(session)
        os.kill(before[0], signal.SIGSEGV)
        thread.join()
        assert "the training process ended with signal 11" in str(outcome[0])
        assert_nothing_left(network, before)
        assert query("select 1") == [(1,)]


def test_a_second_one_is_refused_and_health_says_how_far_the_first_is(network, network_dsn):
    outcome = []
    thread = start(network_dsn, CALL_LONG, outcome=outcome)
    session = training_session(network, "fitting CatBoost")
    with pytest.raises(psycopg2.errors.ObjectInUse, match=f"a model is being trained by session {session}") as raised:
        network(CALL)
    assert f"pg_cancel_backend({session})" in raised.value.diag.message_hint
    found, figures = network("select found, figures from pgfeed.health() where name = 'training'")[0]
    assert found.startswith(f"session {session}: pgfeed training mine: fitting CatBoost, YetiRank, for 00:")
    assert figures["training_running_seconds"] > 0
    network("select pg_cancel_backend(%s)", session)
    thread.join()
    assert network("select found from pgfeed.health() where name = 'training'") == [("none is running in a session",)]


def test_no_snapshot_and_no_lock_is_held_while_a_model_is_fitted(network, network_dsn):
    thread = start(network_dsn, CALL_LONG)
    session = training_session(network, "fitting CatBoost")
    held = "select backend_xid::text from pg_stat_activity where pid = %s"
    assert network(held, session) == [(None,)]
    assert network("select locktype, mode from pg_locks where pid = %s and locktype <> 'virtualxid'", session) == [
        ("advisory", "ExclusiveLock")
    ]
    moment = network("select now()")[0][0]
    while not network("select pid from pg_stat_activity where pid = %s and xact_start > %s", session, moment):
        time.sleep(0.01)
    network("call pgfeed.refresh_features()")
    network("select pg_cancel_backend(%s)", session)
    thread.join()


@pytest.mark.parametrize("setting, value, hint", [
    ("memory", "much", "Write a size"), ("memory", "1MB", "Write a size"), ("threads", "-1", "Write a number; 0"),
    ("nice", "20", "from 0 to 19"),
])
def test_a_setting_that_is_not_understood_is_named_by_the_call_and_by_health(network, setting, value, hint):
    network(f"set pgfeed.training_{setting} = '{value}'")
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match=f"training_{setting} is '{value}'") as raised:
        network(CALL)
    assert hint in raised.value.diag.message_hint
    probe = "select status, found, remedy from pgfeed.health() where name = 'training'"
    (status, found, remedy), = network(probe)
    assert status == "fail" and f"pgfeed.training_{setting} is '{value}'" in found
    network(remedy)
    network(f"reset pgfeed.training_{setting}")
    assert network(probe)[0][0] == "ok"


def test_limits_hold_in_the_process(network, network_dsn):
    with autocommit(network_dsn) as connection:
        query = queries(connection)
        for name, value in {"memory": "1500MB", "threads": "1", "nice": "7"}.items():
            query(f"set pgfeed.training_{name} = '{value}'")
        thread = start_in(query, CALL_LONG, [])
        session = training_session(network, "fitting CatBoost")
        process, = ours(session)
        limits = Path(f"/proc/{process}/limits").read_text(encoding="utf-8")
        assert f"Max data size             {1500 << 20}" in limits
        assert os.getpriority(os.PRIO_PROCESS, process) == os.getpriority(os.PRIO_PROCESS, session) + 7
        environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
        assert b"PGFEED_THREADS=1" in environment and not any(line.startswith(b"PGDATA") for line in environment)
        files = {os.readlink(path) for path in Path(f"/proc/{process}/fd").iterdir()}
        assert not any("pg" in name or "base/" in name for name in files)
        network("select pg_cancel_backend(%s)", session)
        thread.join()


def test_too_little_memory_is_refused_before_it_starts(network):
    with pytest.raises(psycopg2.Error, match=r"needs about \d+ MB: pgfeed.training_memory allows 2048 MB") as raised:
        network("call pgfeed.train_model('mine', 'learns_from = \"requests\"\nnegatives = 5000')")
    assert raised.value.diag.message_hint.startswith("Next: set pgfeed.training_memory = ")
    assert ours(network("select pg_backend_pid()")[0][0]) == []
    assert network("select version from pgfeed.models where variant = 'mine'") == []


@pytest.mark.parametrize("call, error, message", [
    ("call pgfeed.train_model(null)", "22004", "no variant is named"),
    ("call pgfeed.train_model('control', until => 'infinity')", "22023", "nothing can be learned until infinity"),
    ("call pgfeed.train_model('control', until => '2150-01-01')", "55000", "2150-01-01 is to come"),
    ("call pgfeed.train_model('control', '')", "55000", "there is no recipe ''"),
    ("call pgfeed.train_model('popular')", "55000", "no model can be of variant 'popular'"),
    ("call pgfeed.train_model('control', '/etc/passwd')", "55000", "there is no recipe '/etc/passwd': by name"),
    ("call pgfeed.train_model('control', 'a = ')", "55000", "the recipe is no TOML"),
    ("call pgfeed.train_model('control', 'max_days = 3')", "55000", "the recipe"),
    ("call pgfeed.train_model('control', until => '2021-12-03')", "55000", "before 2021-12-03, training needs 3"),
    ("call pgfeed.train_model('mine', 'negatives', seed => 3)", "55000", "parameters is no setting of it"),
    ("call pgfeed.train_model('test')", "55000", "no text components"),
])
def test_what_cannot_be_trained_is_one_clear_error(network, call, error, message):
    with pytest.raises(psycopg2.Error) as raised:
        network(call)
    assert raised.value.pgcode == error and message in str(raised.value)
    assert raised.value.diag.message_hint and "pgfeed refresh" not in raised.value.diag.message_hint
    assert "plpy" not in str(raised.value) and "Traceback" not in raised.value.diag.context
    assert ours(network("select pg_backend_pid()")[0][0]) == []


def test_a_seed_changes_the_trees_and_is_stored(network):
    versions = [network("call pgfeed.train_model('control', seed => %s)", seed)[0][0] for seed in (1, 1, 2)]
    first, again, other = (stored(network, "control", version) for version in versions)
    assert first == again and first != other
    assert network("select parameters -> 'recipe' -> 'parameters' ->> 'random_seed' from pgfeed.models"
                   " where variant = 'control' and version = %s", versions[2]) == [("2",)]


def test_a_new_variant_gets_the_recipe_that_suits_the_feed(few):
    few("set pgfeed.training_nice = 0")
    ((version,),) = few("call pgfeed.train_model('mine', until => '2021-12-05')")
    chosen, = few("select metrics -> 'selection' -> 'chosen' from pgfeed.models where variant = 'mine'")[0]
    assert version == 1 and chosen in ("control", "negatives", "test_fresh")


def test_it_is_refused_in_a_transaction_and_by_nobody_elses_means(network, network_dsn):
    with closing(psycopg2.connect(network_dsn)) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.ActiveSqlTransaction, match="cannot inside a transaction block"):
            cursor.execute(CALL)
    for role in ("pgfeed_reader", "pgfeed_writer"):
        network(f"set role {role}")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            network(CALL)
        network("reset role")
    network("set role pgfeed_operator")
    with pytest.raises(psycopg2.Error, match="no model is being trained in this session"):
        network("select pgfeed._answer_training()")
    assert network(CALL) == [(2,)]
