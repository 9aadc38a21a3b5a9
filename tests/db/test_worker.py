"""The worker: jobs are taken by one, done as the verbs do them, tried again, given back, taken from the dead."""

import json
from contextlib import closing

import psycopg2
import psycopg2.errors
import pytest
from click.testing import CliRunner

from loader import worker
from loader.cli import main
from loader.data import embedders
from loader.errors import PgfeedError
from loader.learning import candidates, recipes, training
from loader.terminal import out
from tests.db.conftest import autocommit
from tests.db.test_embed import Words
from tests.db.test_health import probes

JOBS = (
    "select job_id, attempt_count, started_at is not null, finished_at is not null, error from pgfeed.jobs"
    " order by job_id"
)
# As it was asked for before recipes were read at once.
ASKED = "insert into pgfeed.jobs (kind, variant, settings) values ('train', 'mine', jsonb_build_object('recipe', %s))"
MODULES = "create or replace function pg_temp.modules() returns text[] language plpython3u as" \
    " 'import sys; return list(sys.modules)'; select pg_temp.modules()"
AT_ONCE = "update pgfeed.jobs set retry_at = null"

pytestmark = pytest.mark.usefixtures("durable")


@pytest.fixture
def desk(network_dsn, monkeypatch):
    """A worker's connection to the network; workers of this process work there too."""
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    with closing(psycopg2.connect(network_dsn)) as connection:
        yield connection


def test_it_trains_as_the_verb_does(network, desk):
    assert network("call pgfeed.ask_for_training('control')") == [(1,)]
    assert network("call pgfeed.ask_for_training('control')") == [(1,)]
    assert probes(network)["jobs"] == ("ok", "none is running, 1 to do", None)
    assert list(worker.work(is_once=True)) == [(True, "train control: control version 2 is stored")]
    assert network(JOBS) == [(1, 1, True, True, None)] and network("select version from pgfeed.jobs") == [(2,)]
    version, _ = training.train_and_store(desk, "control")
    assert version == 3
    assert network("select count(distinct golden_scores) from pgfeed.models where version > 1") == [(1,)]
    assert network("select version from pgfeed.active_models") == [(1,)]
    assert network("call pgfeed.ask_for_training('control')") == [(2,)]  # that was done


def test_a_recipe_can_be_asked_for(network, desk):
    with desk, desk.cursor() as cursor:
        cursor.execute("call pgfeed.set_schedule('control', train => '1 day')")
        cursor.execute("call pgfeed.set_schedule('mine', train => '1 day', recipe => 'control')")
        cursor.execute("delete from pgfeed.schedules; call pgfeed.ask_for_training('mine', 'control')")
    said = "NOTICE:  'mine' will begin as a new variant: known ones are control, negatives, test, test_fresh\n"
    assert desk.notices == [said, said]
    assert [is_done for is_done, _ in worker.work(is_once=True)] == [True]
    stored = candidates.stored(desk, "mine")
    assert recipes.as_settings(stored) == recipes.as_settings(recipes.RECIPES["control"])


def test_it_embeds_with_what_answers(network, desk, monkeypatch):
    asked = []

    def open_embedder(choice):
        asked.append(choice)
        return Words()

    monkeypatch.setattr(embedders, "open_embedder", open_embedder)
    assert network("call pgfeed.ask_for_embedding()") == network("call pgfeed.ask_for_embedding()") == [(1,)]
    assert network("call pgfeed.ask_for_embedding('minilm')") == [(2,)]
    assert [is_done for is_done, _ in worker.work(is_once=True)] == [True, True]
    assert asked == ["use", "minilm"]
    assert network("select count(*) from pgfeed.post_embeddings") == [(80,)]
    with pytest.raises(PgfeedError, match="the embedder words cannot be opened by its name alone"):
        worker.embedder_of(desk, {})


def test_what_fails_is_tried_three_times(network, desk):
    network(ASKED, "nonsense.toml")
    for attempt in (1, 2, 3):
        (is_done, text), = worker.work(is_once=True)
        assert not is_done and text.startswith("train mine failed: there is no recipe 'nonsense.toml'")
        assert network(JOBS)[0][:4] == (1, attempt, False, attempt == 3)
        assert list(worker.work(is_once=True)) == []  # it waits
        network(AT_ONCE)
    status, found, remedy = probes(network)["jobs"]
    assert status == "fail" and "train mine failed at" in found and "nonsense.toml" in found
    assert remedy == "pgfeed train mine"
    network("call pgfeed.ask_for_training('mine', 'control')")
    assert [is_done for is_done, _ in worker.work(is_once=True)] == [True]
    assert probes(network)["jobs"][0] == "ok"


@pytest.mark.parametrize(("call", "words"), [
    ("ask_for_training('mine', 'nonsense.toml')", "there is no recipe 'nonsense.toml': by name: control"),
    ("ask_for_training('mine', '')", "there is no recipe ''"),
    ("ask_for_training('mine', 'a = ')", "the recipe is no TOML"),
    ("ask_for_training('mine', 'a = 1')", "the recipe of mine cannot be used: it has no learns_from"),
    ("set_schedule('mine', train => '1 day', recipe => 'nonsense')", "there is no recipe 'nonsense'"),
    ("ask_for_embedding('nonsense')", "there is no embedder 'nonsense'"),
    ("ask_for_embedding('bert:')", "there is no embedder 'bert:'"),
])
def test_what_no_worker_could_do_is_refused_at_once(network, call, words):
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match=words) as raised:
        network(f"call pgfeed.{call}")
    assert raised.value.diag.message_hint and "plpy" not in str(raised.value)
    assert network("select from pgfeed.jobs") == network("select from pgfeed.schedules") == []
    assert "loader" not in network(MODULES)[0][0]


def test_no_file_of_the_worker_is_read(network, desk, tmp_path):
    path = tmp_path / "secret.toml"
    path.write_text("password = 1")
    network(ASKED, str(path))
    (is_done, text), = worker.work(is_once=True)
    assert not is_done and "there is no recipe" in text and "password" not in text


def test_an_error_that_nobody_foresaw_is_noted_and_told(network, desk, monkeypatch):
    def fail(connection, desk, job):
        raise KeyError("no such column")

    network("call pgfeed.ask_for_training('control')")
    monkeypatch.setattr(worker, "do", fail)
    with pytest.raises(KeyError):
        list(worker.work(is_once=True))
    assert network(JOBS) == [(1, 1, False, False, "KeyError: 'no such column'")]
    assert worker.take(desk) is None  # it waits, and keeps no other from being done


def test_what_goes_on_is_shown(network, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    monkeypatch.setattr(out, "width", 80)
    network("call pgfeed.set_schedule('control', train => '1 day')")
    network("call pgfeed.ask_for_training('control', switch => true)")
    network(ASKED, "x" * 30)
    network("update pgfeed.jobs set error = 'no text components', finished_at = now() where variant = 'mine'")
    network("insert into pgfeed.tick_steps values ('refresh', now(), '2021-12-13', 'no room')")
    network("insert into pgfeed.model_decisions (variant, challenger, champion, decision, rule, reasons, figures)"
            " values ('control', 1, 1, 'refused', '', '{too slow}', '{}')")
    told = CliRunner().invoke(main, ["jobs"], catch_exceptions=False).stdout
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert max(map(len, told.splitlines())) <= 80
    assert any(line.endswith("waiting train control, for the gate") for line in lines)
    assert any(line.endswith("failed train mine: no text components") for line in lines)
    assert any(line.startswith("refresh 2021-12-13 00:00") and line.endswith("failed: no room") for line in lines)
    assert "roll_up now" in lines and any(line.startswith("train control 20") for line in lines)
    assert any(line.startswith("control@1") and line.endswith("refused too slow") for line in lines)
    found = json.loads(CliRunner().invoke(main, ["jobs", "--json"]).stdout)
    assert [job["state"] for job in found["jobs"]] == ["waiting", "failed"]
    assert found["decisions"][0]["reasons"] == ["too slow"] and found["steps"][0]["is_due"]


def test_two_workers_never_do_the_same(network, network_dsn, desk):
    network("call pgfeed.ask_for_training('control')")
    first = worker.take(desk)
    with closing(psycopg2.connect(network_dsn)) as other:
        assert worker.take(other) is None
        network("call pgfeed.ask_for_training('other', 'control')")
        assert worker.take(other).variant == "other"
    assert first.variant == "control"
    status, found, _ = probes(network)["jobs"]
    assert (status, "is at train control for" in found) == ("warn", True)


def test_the_job_of_a_dead_worker_is_taken_again_but_not_for_ever(network, network_dsn):
    network("call pgfeed.ask_for_training('control')")
    for attempt in (1, 2, 3):
        with closing(psycopg2.connect(network_dsn)) as connection:
            assert worker.take(connection).job_id == 1
            assert network(JOBS) == [(1, attempt, True, False, None)]
        status, found, remedy = probes(network)["jobs"]
        assert status == "warn" and "train control was left by its worker" in found and remedy == "pgfeed worker"
    with closing(psycopg2.connect(network_dsn)) as connection:
        assert worker.take(connection) is None
    assert network(JOBS) == [(1, 3, True, True, "its worker ended without a word, each time")]
    assert probes(network)["jobs"][0] == "fail"


def test_one_that_is_stopped_gives_its_job_back(network, desk, monkeypatch):
    def stop(connection, desk, job):
        raise KeyboardInterrupt

    network("call pgfeed.ask_for_training('control')")
    monkeypatch.setattr(worker, "do", stop)
    with pytest.raises(KeyboardInterrupt):
        list(worker.work(is_once=True))
    assert network(JOBS) == [(1, 0, False, False, None)]
    assert worker.take(desk).job_id == 1


def test_a_version_that_was_stored_is_not_trained_again(network, desk, monkeypatch):
    network("call pgfeed.ask_for_training('control')")
    monkeypatch.setattr(training, "train_and_store", None)
    network("update pgfeed.jobs set version = 1")
    assert list(worker.work(is_once=True)) == [(True, "train control: control version 1 is stored")]


def test_a_job_that_nobody_takes_is_warned_of(network):
    network("call pgfeed.ask_for_training('control')")
    network("update pgfeed.jobs set asked_at = now() - interval '2 hours'")
    status, found, remedy = probes(network)["jobs"]
    assert status == "warn" and "train control has waited since" in found and remedy == "pgfeed worker"


@pytest.mark.parametrize("variant", ["popular", "Bad name", None])
def test_no_model_can_be_of_it(network, variant):
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="no model can be of variant"):
        network("call pgfeed.ask_for_training(%s)", variant)


def test_operators_ask(network_dsn):
    for role, may in (("pgfeed_operator", True), ("pgfeed_writer", False)):
        with autocommit(network_dsn) as connection, connection.cursor() as cursor:
            cursor.execute(f"set role {role}")
            if may:
                cursor.execute("call pgfeed.ask_for_training('control')")
                cursor.execute("call pgfeed.ask_for_embedding()")
            else:
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute("call pgfeed.ask_for_training('control')")
