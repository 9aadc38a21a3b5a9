"""The worker: jobs are taken by one, done as the verbs do them, tried again, given back, taken from the dead."""

from contextlib import closing

import psycopg2
import psycopg2.errors
import pytest

from loader import worker
from loader.data import embedders
from loader.errors import PgfeedError
from loader.learning import recipes, training
from tests.db.conftest import autocommit
from tests.db.test_embed import Words
from tests.db.test_health import probes

JOBS = (
    "select job_id, attempt_count, started_at is not null, finished_at is not null, error from pgfeed.jobs"
    " order by job_id"
)
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
    network("call pgfeed.ask_for_training('mine', 'control')")
    assert [is_done for is_done, _ in worker.work(is_once=True)] == [True]
    stored = recipes.stored(desk, "mine")
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
    network("call pgfeed.ask_for_training('mine', 'nonsense.toml')")
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


def test_no_file_of_the_worker_is_read(network, desk, tmp_path):
    path = tmp_path / "secret.toml"
    path.write_text("password = 1")
    network("call pgfeed.ask_for_training('mine', %s)", str(path))
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
