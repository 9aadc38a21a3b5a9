"""Stored versions of models: deleted, noted, tagged."""

import json
from contextlib import closing

import psycopg2
import pytest
from click.testing import CliRunner

from loader.cli import main
from loader.errors import PgfeedError
from loader.learning import registry
from tests.db.conftest import alembic

COPY = """
    insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, trained_from, trained_until,
        parameters, metrics, golden_matrix, golden_scores)
    select variant, %s, artifact, sha256, feature_names, encoders, trained_from, trained_until, parameters, metrics,
        golden_matrix, golden_scores
    from pgfeed.models where version = 1
"""


@pytest.fixture
def versions(network):
    """The network with three versions of control, of which the first is active."""
    network(COPY, 2)
    network(COPY, 3)
    return network


def refused(query, statement, *arguments):
    with pytest.raises(psycopg2.Error) as error:
        query(statement, *arguments)
    return error.value.diag.message_primary


def test_a_deleted_version_is_gone_and_its_number_is_not_given_again(versions, network_dsn):
    versions("call pgfeed.delete_model('control', 3)")
    assert versions("select version from pgfeed.model_versions order by version") == [(1,), (2,)]
    left = versions("select length(artifact), deleted_at is not null from pgfeed.models where version = 3")
    assert left == [(0, True)]
    for statement in ("call pgfeed.activate_model('control', 3)", "call pgfeed.delete_model('control', 3)",
                      "call pgfeed.describe_model('control', 3, 'gone')"):
        assert refused(versions, statement) == "there is no model control version 3"
    with closing(psycopg2.connect(network_dsn)) as connection:
        with pytest.raises(PgfeedError, match="stored versions: 1, 2"):
            registry.load_named(connection, "control@3")
        with connection, connection.cursor() as cursor:
            cursor.execute("select max(version) + 1 from pgfeed.models")
            assert cursor.fetchone() == (4,)


def test_what_serves_is_not_deleted(versions):
    assert refused(versions, "call pgfeed.delete_model('control', 1)") == "model control version 1 is active"
    versions("call pgfeed.create_experiment('trial', array['control', 'control@2'])")
    versions("call pgfeed.start_experiment('trial')")
    said = refused(versions, "call pgfeed.delete_model('control', 2)")
    assert said == "model control version 2 serves an arm of the running experiment trial"
    versions("call pgfeed.stop_experiment('trial')")
    versions("call pgfeed.delete_model('control', 2)")


def test_an_experiment_of_a_deleted_version_cannot_start(versions):
    versions("call pgfeed.create_experiment('trial', array['control', 'control@2'])")
    versions("call pgfeed.delete_model('control', 2)")
    assert "arm control_2: there is no such model" in refused(versions, "call pgfeed.start_experiment('trial')")


def test_a_rollback_passes_over_deleted_versions(versions):
    for version in (2, 3):
        versions("call pgfeed.activate_model('control', %s)", version)
    versions("call pgfeed.delete_model('control', 2)")
    assert versions("call pgfeed.rollback_model('control')") == [(1,)]
    assert "no model was active for control" in refused(versions, "call pgfeed.rollback_model('control')")
    versions("call pgfeed.activate_model('control', 3)")
    versions("call pgfeed.activate_model('control', 1)")
    versions("call pgfeed.delete_model('control', 3)")
    assert "no model was active" in refused(versions, "call pgfeed.rollback_model('control')")
    assert refused(versions, "call pgfeed.rollback_model(null)") == "no model is active for null"


def test_notes_and_tags(versions):
    def described(*arguments):
        versions(f"call pgfeed.describe_model('control', 2, {arguments[0]})")
        return versions("select note, tags from pgfeed.model_versions where version = 2")[0]

    assert described("note => 'first try', tags => '{b,a,b}'") == ("first try", ["a", "b"])
    assert described("tags => '{c}'") == ("first try", ["c"])
    assert described("note => ''") == (None, ["c"])
    assert described("tags => '{}'") == (None, [])
    for tags in ("{a b}", "{null}", "{\"\"}"):
        assert "at most 20 tags" in refused(versions, "call pgfeed.describe_model('control', 2, tags => %s)", tags)
    assert "a note has at most 2000" in refused(versions, "call pgfeed.describe_model('control', 2, repeat('x', 2001))")


def test_the_verbs(versions, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)

    def run(*words):
        result = CliRunner().invoke(main, ["model", *words])
        return result.exit_code, result.output

    assert run("note", "control@2", "smaller") == (0, "control@2 has the note: smaller\n")
    assert run("tag", "control@2", "weekly", "small") == (0, "control@2 has the tags: weekly, small\n")
    assert run("delete", "control@3") == (0, "control@3 is deleted\n")
    found = json.loads(run("list", "--json")[1])
    assert [(m["version"], m["is_active"], m["note"], m["tags"]) for m in found] == [
        (1, True, None, []), (2, False, "smaller", ["small", "weekly"]),
    ]
    assert "weekly" in run("list")[1]
    code, said = run("delete", "control@1")
    assert code == 1 and "control version 1 is active. Run, to let the one before it serve" in said.replace("\n", " ")
    assert "'control' names no version" in run("delete", "control")[1]


def test_the_release_before_has_no_deleted_versions(versions, network_dsn):
    versions("call pgfeed.activate_model('control', 2)")
    versions("call pgfeed.activate_model('control', 3)")
    versions("call pgfeed.delete_model('control', 2)")
    alembic(network_dsn, "downgrade", "0012")
    assert versions("select version from pgfeed.models order by version") == [(1,), (3,)]
    assert versions("select version, replaced_activation_id is null from pgfeed.model_activations order by 1") == [
        (1, True), (3, True),
    ]
