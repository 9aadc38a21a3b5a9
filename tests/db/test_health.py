"""health(), check and warm_up()."""

import json
import os
import subprocess
import sys
import threading
import time

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from tests.db.conftest import ROOT, autocommit, database_name, dsn_of, queries

pytestmark = pytest.mark.usefixtures("durable")

END = "2021-12-13 12:00+00"
PROBES = "select name, status, found, remedy from pgfeed.health()"
CALL = "select post_id, score, source from pgfeed.recommend_posts(%s, %s)"

WAITING = (
    "update pgfeed.rollup_watermarks set watermark_at = now() - interval '9 days';"
    " update pgfeed.feed_events set recorded_at = now() - interval '10 days';"
    " insert into pgfeed.feed_events select '2021-12-12 23:00+00', 7, 3, now() - interval '{}', 'view'"
)


def probes(query) -> dict[str, tuple]:
    """Return status, found and remedy by the probe's name."""
    rows = query(PROBES)
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def check(dsn: str) -> tuple[int, list[dict]]:
    """Run the command; return its exit code and what it printed."""
    result = subprocess.run([sys.executable, "-m", "loader.cli", "check", "--json"], cwd=ROOT,
                            env={**os.environ, "PGFEED_DSN": dsn}, capture_output=True, text=True)
    assert result.stderr == ""
    return result.returncode, json.loads(result.stdout)


def test_a_network_is_well(network):
    found = probes(network)
    assert {name: row for name, row in found.items() if row[0] != "ok" or row[2]} == {}
    assert "catboost" in found["versions"][1] and "version 1" in found["model control"][1]
    assert "5 posts by model" in found["recommend_posts"][1]
    network("call pgfeed.create_experiment('try', '{control,random}'); call pgfeed.start_experiment('try')")
    network("set pgfeed.default_variant = 'popular'")
    found = probes(network)
    assert {row[0] for row in found.values()} == {"ok"} and "try runs since" in found["experiment"][1]


def test_known_faults_of_pgvector_are_named_where_it_has_an_index(query):
    for version, count in ("0.8.0", 0), ("0.8.4", 0), ("0.8.3", 1), ("0.8.1", 3), ("0.10.0", 0):
        query("update pg_extension set extversion = %s where extname = 'vector'", version)
        found = query("select status, found, remedy from pgfeed._server_probes() where name = 'versions'")[0]
        assert (found[0], found[1].count("pgvector")) == ("warn" if count else "ok", count)
        assert count == 0 or "0.8.4 or later" in found[2]
        query("create index if not exists by_components on pgfeed.post_components"
              " using hnsw (components vector_cosine_ops)")


def test_an_empty_database_says_what_to_do(query):
    found = probes(query)
    assert {name for name, row in found.items() if row[0] == "warn"} == {"catalogue", "features", "model"}
    assert "fail" not in {row[0] for row in found.values()} and found["catalogue"][2] == "pgfeed ingest FILE..."
    assert found["features"] == ("warn", "never refreshed, and nothing is loaded yet", "call pgfeed.refresh_features()")
    query("insert into pgfeed.posts (post_id) values (1)")
    found = probes(query)
    assert found["features"] == ("fail", "never refreshed", "call pgfeed.refresh_features()")
    assert found["partitions"][0] == "warn" and "have no month of their own" in found["partitions"][1]
    query(found["partitions"][2])
    query(found["features"][2])
    assert {name: row for name, row in probes(query).items() if row[0] != "ok"}.keys() == {"model"}


@pytest.mark.parametrize(("change", "name", "status", "words"), [
    ("update pgfeed.models set artifact = '\\x00'", "model control", "fail", "sha256"),
    ("truncate pgfeed.model_activations", "model", "warn", "none is active"),
    ("set pgfeed.default_variant = 'nope'", "default variant", "fail", "'nope'"),
    ("truncate pgfeed.feature_packs", "features", "warn", "an update took the packed ones away"),
    ("truncate pgfeed.feature_packs", "model control", "fail", "no packed features"),
    ("update pgfeed.feature_packs set matrix = '\\x00'", "recommend_posts", "fail", "buffer size"),
    ("update pgfeed.feature_packs set feature_names = array_replace(feature_names, 'text.tfidf_max', 'text.old')",
     "model control", "fail", "text.tfidf_max"),
    ("call pgfeed.refresh_features('2021-12-05')", "features", "fail", "older than the newest events by 8 days"),
    ("call pgfeed.refresh_features('2021-12-11')", "features", "warn", "older than the newest events by 48 hours"),
    ("refresh materialized view pgfeed.user_features with no data", "features", "fail", "user_features is empty"),
    ("update pgfeed.rollup_days set is_stale = true where day > '2021-12-10'", "roll-ups", "warn",
     "2 days are not up to date"),
    (WAITING.format("40 hours"), "roll-ups", "warn", "new events have waited 40 hours"),
    (WAITING.format("5 days"), "roll-ups", "warn", "new events have waited 5 days"),
    ("set pgfeed.events_max_age = '3 days'; " + WAITING.format("5 days"), "roll-ups", "fail",
     "new events have waited 5 days"),
    ("update pgfeed.rollup_watermarks set watermark_at = now() + interval '1 day';"
     " update pgfeed.feed_events set recorded_at = now() - interval '2 days'", "roll-ups", "warn", "waited 48 hours"),
    ("update pg_index set indisvalid = false where indexrelid = 'pgfeed.users_pkey'::regclass", "indexes", "fail",
     "pgfeed.users_pkey is invalid"),
    ("with f as (insert into pgfeed.ingest_files (source_name, kind) values ('x.csv', 'events') returning ingest_id)"
     " insert into pgfeed.ingest_rejects (ingest_id, source_name, line, reason) select ingest_id, 'x.csv', 3, 'no user'"
     " from f", "rejected rows", "warn", "1 rows"),
    ("insert into pgfeed.ingest_files (source_name, kind, started_at)"
     " values ('y.csv', 'events', now() - interval '2 hours')", "rejected rows", "warn", "y.csv was interrupted"),
    ("insert into pgfeed.embedders (name, checkpoint, dimensions, is_active, finished_at)"
     " values ('use', '1', 2, true, now())", "embeddings", "warn", "80 posts"),
    ("select pgfeed._start_recommendation_batch(now(), 5, null, null); update pgfeed.recommendation_batches"
     " set started_at = now() - interval '1 hour'",
     "recommendations", "warn", "interrupted"),
    ("insert into pgfeed.recommendation_batches (recommended_at, is_now, k, features_as_of, user_count, finished_at)"
     " values (now(), true, 5, '2021-12-10', 60, now())", "recommendations", "warn", "older features"),
    ("call pgfeed.create_experiment('try', '{control,popular}'); call pgfeed.start_experiment('try');"
     " truncate pgfeed.model_activations", "experiment", "fail",
     "arm control: there is no such model (pgfeed train control --activate); try runs since"),
])
def test_what_is_wrong_is_named_with_its_remedy(network, change, name, status, words):
    network(change)
    found = probes(network)[name]
    assert found[0] == status and words in found[1] and found[2]


def test_an_event_of_the_future_is_named_and_changes_nothing_else(network):
    before = network("select as_of from pgfeed.feature_refreshes")
    network("call pgfeed.create_event_partitions('2074-02-10', '2074-02-10')")
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action) values ('2074-02-10', 7, 3, 'view')")
    network("call pgfeed.refresh_features()")
    assert network("select distinct as_of from pgfeed.feature_refreshes") == before
    status, found, remedy = probes(network)["roll-ups"]
    assert status == "warn" and "events until 2021-12-13" in found
    assert "events lie in the future, until 2074-02-10" in found
    network(remedy)
    assert probes(network)["roll-ups"][0] == "ok"


@pytest.mark.parametrize("name", ["features", "roll-ups", "default variant", "indexes", "recommendations"])
def test_remedies_mend(network, name):
    network("call pgfeed.refresh_features('2021-12-05')")
    network("update pgfeed.rollup_days set is_stale = true where day > '2021-12-10'")
    network("update pg_index set indisvalid = false where indexrelid = 'pgfeed.users_pkey'::regclass")
    network("do $$ begin execute format('alter database %I set pgfeed.default_variant = ''nope''', current_database());"
            " end $$")
    network("select pgfeed._start_recommendation_batch(null, 5, 'control', null)")
    network("update pgfeed.recommendation_batches set started_at = now() - interval '1 hour'")
    network("set pgfeed.default_variant = 'nope'")
    broken = probes(network)[name]
    assert broken[0] != "ok"
    network("set pgfeed.default_variant = ''")
    network(broken[2])
    assert probes(network)[name][0] == "ok"


def test_the_right_to_see_other_sessions(network_dsn):
    with psycopg2.connect(network_dsn) as connection:
        query = queries(connection)
        query("revoke pg_read_all_stats from pgfeed_owner")
        assert probes(query)["rights"] == (
            "fail", "pgfeed_owner may not see other sessions: events cannot be rolled up",
            "grant pg_read_all_stats to pgfeed_owner",
        )
        connection.rollback()


@pytest.mark.parametrize(("hindrance", "words"), [
    ("select pg_advisory_xact_lock(hashtext('pgfeed.refresh_features'))", "rolling up events"),
    ("refresh materialized view concurrently pgfeed.user_features", "refreshing user_features, step 4 of 6"),
    ("lock table pgfeed.feature_packs in share mode", "packing the posts, step 6 of 6"),
])
def test_a_running_refresh_is_seen_at_its_step(network, network_dsn, hindrance, words):
    with psycopg2.connect(network_dsn) as blocker, autocommit(network_dsn) as other:
        pid = other.info.backend_pid
        queries(blocker)(hindrance)
        refresh = threading.Thread(target=queries(other), args=["call pgfeed.refresh_features()"])
        refresh.start()
        for _ in range(400):
            found = probes(network)["refresh"]
            if words in found[1]:
                break
            time.sleep(0.02)
        blocker.commit()
        refresh.join()
    assert found[0] == "ok" and f"session {pid} is {words}, for 00:00:" in found[1]
    assert "none is running; the last refresh took" in probes(network)["refresh"][1]


def test_a_stranger_that_holds_a_lock_is_named(network, network_dsn):
    name = database_name("stranger")
    network(f'create role "{name}" noinherit login password \'{name}\'')
    try:
        with autocommit(make_dsn(network_dsn, user=name, password=name)) as other:
            queries(other)("select pg_advisory_lock(hashtext('pgfeed.roll_up_events'))")
            status, found, remedy = probes(network)["refresh"]
            pid = other.info.backend_pid
            network(f'grant pgfeed_operator to "{name}"')
            assert probes(network)["refresh"][0] == "ok"
    finally:
        network(f'drop role "{name}"')
    assert (status, remedy) == ("fail", f"select pg_terminate_backend({pid})")
    assert f"session {pid} of role {name}, neither operator nor writer, holds the lock of roll_up_events" in found


def test_a_running_batch_is_seen_with_its_progress(network):
    batch_id = network("select pgfeed._start_recommendation_batch(%s, 5, null, null)", END)[0][0]
    network("insert into pgfeed.recommendation_chunks (batch_id, chunk_number, user_ids) values (%s, 1, array[1, 2])",
            batch_id)
    network("select pgfeed._fill_recommendation_chunk(%s)", batch_id)
    status, found, _ = probes(network)["recommendations"]
    assert status == "ok" and f"batch {batch_id}: 60 of 60 users done, about" in found
    network("call pgfeed.refresh_recommendations(%s)", END)
    assert probes(network)["recommendations"][1].startswith("of 60 users at 2021-12-")


def test_a_batch_of_active_users_is_not_taken_for_one_of_all(network):
    network("call pgfeed.refresh_recommendations(%s, active_days => 3)", END)
    assert " users with an event in the 3 days before the cut-off, at 2021-12-" in probes(network)["recommendations"][1]


def test_a_batch_with_a_slow_chunk_is_not_interrupted_and_an_interrupted_one_goes_on_as_it_was_asked_for(
    network, network_dsn
):
    batch_id = network("select pgfeed._start_recommendation_batch(%s, 7, 'control', 30)", END)[0][0]
    network("update pgfeed.recommendation_batches set started_at = now() - interval '11 seconds'")
    with psycopg2.connect(network_dsn) as worker:
        queries(worker)("select pgfeed._fill_recommendation_chunk(%s)", batch_id)
        assert probes(network)["recommendations"][0] == "ok"
        worker.rollback()
    status, found, remedy = probes(network)["recommendations"]
    assert status == "warn" and "interrupted" in found
    assert network(remedy) == [(batch_id,)]
    assert network("select max(rank), count(*) from pgfeed.recommendations") == [(7, 420)]


def run(dsn: str, command: str) -> str:
    """Return a command of ./run as check prints it."""
    return f"PGFEED_DSN={dsn} ./run {command}"


def test_check_names_what_goes_on_with_an_interrupted_batch(network, network_dsn):
    network("select pgfeed._start_recommendation_batch(null, 7, 'control', null)")
    network("update pgfeed.recommendation_batches set started_at = now() - interval '1 hour'")
    remedies = {row["name"]: row["remedy"] for row in check(network_dsn)[1] if row["status"] == "warn"}
    call = "call pgfeed.refresh_recommendations(k => 7, variant => 'control', active_days => null)"
    assert remedies == {"recommendations": run(network_dsn, f'psql -c "{call}"')}


def test_reader_sees_health_in_a_read_only_transaction(network):
    network("set role pgfeed_reader; set default_transaction_read_only = on")
    assert {row[1] for row in network(PROBES)} == {"ok"}


def test_check_is_green_and_fails_with_exit_code_1(network, network_dsn):
    code, rows = check(network_dsn)
    assert code == 0 and {row["status"] for row in rows} == {"ok"}
    assert {"connection", "schema", "features", "client packages"} <= {row["name"] for row in rows}
    network("update pgfeed.models set artifact = '\\x00'")
    network("update pgfeed.alembic_version set version_num = '0001'")
    code, rows = check(network_dsn)
    assert code == 1
    assert {row["name"]: row["remedy"] for row in rows if row["status"] == "fail"} == {
        "schema": run(network_dsn, "migrate"),
        "model control": run(network_dsn, 'psql -c "call pgfeed.refresh_features()"')
        + f"  # if that does not help: {run(network_dsn, 'train control --activate')}",
    }


def test_check_without_schema_and_without_server(empty_dsn):
    code, rows = check(empty_dsn)
    assert code == 1 and rows[1]["name"] == "schema" and rows[1]["remedy"] == run(empty_dsn, "migrate")
    code, rows = check(dsn_of("no_such_database"))
    assert code == 1 and [row["name"] for row in rows] == ["connection"] and "does not exist" in rows[0]["found"]


def test_check_names_what_is_missing(network, network_dsn):
    network("drop function pgfeed.health()")
    code, rows = check(network_dsn)
    assert code == 1 and rows[1]["found"].endswith(
        "has no function health: it was dropped"
    ) and rows[1]["remedy"] == run(network_dsn, "migrate")
    network("drop table pgfeed.user_topic_days")
    code, rows = check(network_dsn)
    assert code == 1 and "has no table user_topic_days" in rows[1]["found"] and "restore a backup" in rows[1]["remedy"]


def test_after_warm_up_nothing_is_loaded_any_more(network, network_dsn):
    expected = network(CALL, 7, END)
    with autocommit(network_dsn) as connection:
        session = queries(connection)
        assert session("set role pgfeed_reader; select pgfeed.warm_up()") == [(1,)]
        network("update pgfeed.models set artifact = 'x'")
        network("update pgfeed.feature_packs set matrix = 'x', post_ids = 'x', neighbours = 'x'")
        assert session(CALL, 7, END) == expected
        with pytest.raises(psycopg2.Error, match="^model 1 cannot be explained: its artifact does not have") as raised:
            session("select from pgfeed.explain_recommendation(7, 8, %s)", END)
        assert raised.value.diag.message_hint
    with autocommit(network_dsn) as cold, pytest.raises(psycopg2.Error):
        queries(cold)(CALL, 7, END)


def test_warm_up_loads_what_the_running_experiment_pins(network, network_dsn):
    network(
        "insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, parameters, metrics,"
        " golden_matrix, golden_scores)"
        " select variant, 2, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix,"
        " golden_scores from pgfeed.models"
    )
    network("call pgfeed.create_experiment('pinned', '{control,control@2}', '{9000,1000}', '{old,new}', 'salt');"
            " call pgfeed.start_experiment('pinned')")
    user_id = network("select min(u) from generate_series(1, 60) as u"
                      " where pgfeed.experiment_arm(u, 'pinned') = 'new'")[0][0]
    with autocommit(network_dsn) as connection:
        session = queries(connection)
        assert session("select pgfeed.warm_up()") == [(2,)]
        network("update pgfeed.models set artifact = 'x'")
        assert {row[2] for row in session(CALL, user_id, END)} == {"model"}


def test_warm_up_before_the_first_refresh(query):
    assert query("select pgfeed.warm_up()") == [(0,)]
