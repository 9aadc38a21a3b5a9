"""Alarms of health() and check: what turns red, what stays green, and the figures behind it."""

import re

import pytest

from tests.db.conftest import ROOT, autocommit, database_name, queries
from tests.db.test_health import check, probes
from tests.pages import DOCS

pytestmark = pytest.mark.usefixtures("durable")

GONE = "8640 events of 12 days, 2021-12-01 to 2021-12-12, are gone: what was counted of them stays"
LIVE = "set pgfeed.events_max_age = '3 days'"
FIGURES = "select name, key, value::numeric from pgfeed.health() cross join jsonb_each_text(figures)"


def moved(query, days: float) -> None:
    """Let the network's feed go on until so many days ago, refreshed and trained then."""
    query("call pgfeed.create_event_partitions(now() - interval '80 days', now() + interval '32 days')")
    query(
        "update pgfeed.feed_events set event_at = event_at + (date_trunc('minute', now()) - %s * interval '1 day' -"
            " timestamptz '2021-12-12 10:13+00')",
        days,
    )
    query("delete from pgfeed.rollup_days; delete from pgfeed.post_days; delete from pgfeed.user_topic_days; update"
        " pgfeed.rollup_watermarks set watermark_at = '-infinity'")
    query("call pgfeed.refresh_features()")
    query("update pgfeed.models set created_at = now() - %s * interval '1 day', trained_until = now() - (%s + 2) *"
        " interval '1 day'", days, days)
    query("update pgfeed.feature_refreshes set started_at = finished_at - %s * interval '1 day', finished_at ="
        " finished_at - %s * interval '1 day'", days, days)
    query(LIVE)


def unwell(query) -> dict[str, str]:
    """Return the status of each probe that is not ok."""
    return {name: row[0] for name, row in probes(query).items() if row[0] != "ok"}


@pytest.mark.parametrize(("days", "expected"), [
    (0.01, {}),
    (26 / 24, {}),  # a nightly refresh that is late
    (40 / 24, {"features": "warn"}),
    (2.1, {"events": "warn", "features": "warn"}),
    (3.1, {"events": "fail", "features": "fail"}),
    (25, {"events": "fail", "features": "fail", "model control": "warn"}),
    (45, {"events": "fail", "features": "fail", "model control": "fail"}),
])
def test_a_feed_that_stands_still_is_warned_of_and_then_fails(network, days, expected):
    moved(network, days)
    assert unwell(network) == expected


def test_nightly_refreshes_without_events_are_one_alarm(network):
    moved(network, 10)
    network("update pgfeed.feature_refreshes set started_at = now(), finished_at = now()")
    assert unwell(network) == {"events": "fail"}


@pytest.mark.parametrize(("change", "name", "status", "words"), [
    ("truncate pgfeed.posts cascade", "catalogue", "fail", "there are no posts: nothing can be recommended"),
    ("truncate pgfeed.posts cascade; call pgfeed.refresh_features()", "catalogue", "fail", "there are no posts"),
    ("truncate pgfeed.posts cascade; call pgfeed.refresh_features()", "recommend_posts", "fail", "it gives no posts"),
    ("delete from pgfeed.posts where post_id > 30", "catalogue", "fail", "62% of the posts are gone, there were 80"),
    ("delete from pgfeed.posts where post_id > 50", "catalogue", "warn", "37% of the posts are gone, there were 80"),
    ("delete from pgfeed.posts where post_id > 30; call pgfeed.refresh_features()", "catalogue", "fail",
     "there were 80"),
    ("drop table pgfeed.feed_events_y2021m12", "counted events", "fail", GONE),
    ("alter table pgfeed.feed_events detach partition pgfeed.feed_events_y2021m12", "counted events", "fail", GONE),
    ("drop table pgfeed.feed_events_default", "partitions", "fail",
     "pgfeed.feed_events has no default partition: events can be refused"),
    ("alter table pgfeed.exposures detach partition pgfeed.exposures_default", "partitions", "fail",
     "pgfeed.exposures has no default partition"),
    ("delete from pgfeed.feed_events where event_at >= '2021-12-01'", "counted events", "fail", GONE),
    ("drop index pgfeed.posts_created_at_idx", "indexes", "fail",
     "posts has no index btree (created_at DESC) WHERE (created_at IS NOT NULL)"),
    ("drop index pgfeed.feed_events_recorded_at_idx", "indexes", "fail", "feed_events has no index brin (recorded_at)"),
    ("drop index pgfeed.post_features_post_id_idx", "indexes", "fail",
     "post_features has no unique index btree (post_id)"),
    ("alter table pgfeed.feed_events drop constraint feed_events_pkey", "indexes", "fail",
     "feed_events has no primary key"),
    ("revoke usage on schema pgfeed from pgfeed_reader", "rights", "fail",
     "pgfeed_reader may not use the schema pgfeed"),
    ("revoke usage on schema pgfeed from pgfeed_writer", "rights", "fail",
     "pgfeed_writer may not use the schema pgfeed"),
    ("update pgfeed.models set trained_until = '2021-10-26'", "model control", "fail",
     "training now would know more of the feed by 46 days"),
    ("update pgfeed.models set trained_until = '2021-11-15'", "model control", "warn",
     "training now would know more of the feed by 26 days"),
    ("insert into pgfeed.ingest_files (source_name, kind, finished_at, read_count, rejected_count) values ('x',"
     " 'events', now(), 10, 9);"
     " insert into pgfeed.ingest_rejects (ingest_id, source_name, reason) select ingest_id, 'x', 'r' from"
         " pgfeed.ingest_files", "rejected rows", "fail", "1 rows"),
    ("set pgfeed.features_max_age = 'soon'", "thresholds", "fail",
     "pgfeed.features_max_age is 'soon': write an interval such as '2 days', or off"),
    ("set pgfeed.features_max_age = '2'", "thresholds", "fail", "is '2'"),
    ("set pgfeed.features_max_age = '-2 days'", "thresholds", "fail", "is '-2 days'"),
    ("set pgfeed.catalogue_max_loss = '50%'", "thresholds", "fail", "is '50%': write a share such as 0.5, or off"),
    ("set pgfeed.catalogue_max_loss = 'nan'", "thresholds", "fail", "is 'nan'"),
    ("do $$ begin execute format('alter database %I set pgfeed.feature_max_age = ''1 day''', current_database()); end"
     " $$",
     "thresholds", "fail", "pgfeed.feature_max_age is a setting that pgfeed does not have"),
])
def test_it_turns_red(network, change, name, status, words):
    network(change)
    found = probes(network)[name]
    assert found[0] == status and words in found[1] and found[2]


@pytest.mark.parametrize("change", [
    "select",
    "set pgfeed.features_max_age = '2 days'; set pgfeed.model_max_age = ' Off '",
    "update pgfeed.models set trained_until = '2020-01-01'; set pgfeed.model_max_age = 'off'",
    "delete from pgfeed.posts where post_id > 70",
    "delete from pgfeed.posts where post_id > 30; set pgfeed.catalogue_max_loss = '0.99'",
    "drop index pgfeed.posts_created_at_idx; create index by_age on pgfeed.posts (created_at desc) where created_at"
        " is not null",
    "update pgfeed.rollup_watermarks set watermark_at = now() - interval '9 days'; update pgfeed.feed_events set"
        " recorded_at = now() - interval '10 days'",
    "insert into pgfeed.posts (post_id) select generate_series(100, 300)",
    "create schema if not exists simulation; create table simulation.worlds (); set pgfeed.events_max_age = '3 days'",
    "insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, parameters, metrics,"
        " golden_matrix, golden_scores, trained_until)"
    " select 'old', 1, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix, golden_scores,"
        " '2020-01-01' from pgfeed.models;"
    " call pgfeed.activate_model('old', 1)",
    "update pgfeed.feature_refreshes set finished_at = now() - interval '1000 days'; update pgfeed.models set"
        " created_at = now() - interval '999 days'",
    "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (now(), 1, 1, 'view'); call"
        " pgfeed.refresh_features()",
    "insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, parameters, metrics,"
        " golden_matrix, golden_scores)"
    " select variant, 2, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix, golden_scores"
        " from pgfeed.models;"
    " call pgfeed.activate_model('control', 2)",
])
def test_it_stays_calm(network, change):
    network(change)
    assert unwell(network) == {}


@pytest.mark.parametrize("change", [
    "drop index pgfeed.posts_created_at_idx; drop index pgfeed.feed_events_event_at_idx; drop index"
        " pgfeed.user_features_user_id_idx",
    "alter table pgfeed.feed_events drop constraint feed_events_pkey; alter table pgfeed.user_vectors drop constraint"
        " user_vectors_pkey",
    "alter table pgfeed.models drop constraint models_variant_version_key cascade",
])
def test_the_remedy_makes_indexes_again(network, change):
    network(change)
    for statement in probes(network)["indexes"][2].split("; "):
        network(statement)
    assert probes(network)["indexes"][0] == "ok"


def test_a_reader_of_its_own_without_usage_is_named_and_the_remedy_mends(network):
    name = database_name("bi")
    network(f'create role "{name}"')
    try:
        network(f'grant select on pgfeed.recommendations to "{name}"')
        status, found, remedy = probes(network)["rights"]
        assert status == "fail" and f"{name} may not use the schema pgfeed, in which it has rights" in found
        network(remedy)
        assert probes(network)["rights"][0] == "ok"
    finally:
        network(f'drop owned by "{name}"; drop role "{name}"')


def test_a_model_that_an_experiment_serves_may_not_grow_old(network):
    network(
        "insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, parameters, metrics,"
            " golden_matrix, golden_scores, trained_until)"
        " select 'old', 1, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix,"
            " golden_scores, '2020-01-01' from pgfeed.models"
    )
    network("call pgfeed.activate_model('old', 1)")
    network("call pgfeed.create_experiment('try', '{control,old}')")
    assert unwell(network) == {}
    network("call pgfeed.start_experiment('try')")
    assert unwell(network) == {"model old": "fail"}


def test_a_threshold_is_a_setting_of_the_database_that_new_sessions_see(network, network_dsn):
    network("update pgfeed.models set trained_until = '2021-10-26'")
    code, rows = check(network_dsn)
    assert code == 1 and [row["name"] for row in rows if row["status"] == "fail"] == ["model control"]
    network("do $$ begin execute format('alter database %I set pgfeed.model_max_age = ''60 days''',"
        " current_database()); end $$")
    code, rows = check(network_dsn)
    assert code == 0 and [row["name"] for row in rows if row["status"] == "warn"] == ["model control"]
    figures = next(row["figures"] for row in rows if row["name"] == "thresholds")
    assert figures["model_max_age_seconds"] == 60 * 86400 and figures["model_warn_age_seconds"] == 40 * 86400
    assert figures["features_max_age_seconds"] == 54 * 3600 and "events_max_age_seconds" not in figures


def test_a_misspelt_setting_is_taken_back_by_the_remedy(network, network_dsn):
    network("do $$ begin execute format('alter database %I set pgfeed.event_max_age = ''1 day''',"
        " current_database()); end $$")
    with autocommit(network_dsn) as connection:
        session = queries(connection)
        session(probes(session)["thresholds"][2])
        assert probes(session)["thresholds"][0] == "ok"


def test_figures_are_numbers_with_names_of_their_own(network, network_dsn):
    network("call pgfeed.refresh_recommendations(active_days => null)")
    network("call pgfeed.create_experiment('try', '{control,random}'); call pgfeed.start_experiment('try')")
    rows = network(FIGURES)
    found = {key: value for _, key, value in rows}
    assert len(found) == len(rows)
    assert found["posts"] == 80 and found["recommended_posts"] == 5 and found["running_experiments"] == 1
    assert found["batch_users"] == found["batch_users_done"] == 60
    assert found["rolled_up_views"] == 60 * 12 * 12 and found["rolled_up_days"] == 12
    assert 0 < found["model_age_seconds"] < 3600 and 0 <= found["features_age_seconds"] < 3600
    assert found["model_lag_seconds"] == found["features_lag_seconds"] == 0
    assert found["events_age_seconds"] > 365 * 86400 and found["feed_events_size_bytes"] > 100_000
    assert all(re.fullmatch("[a-z][a-z0-9_]*[a-z0-9]", key) for key in found)
    figures = {row["name"]: row["figures"] for row in check(network_dsn)[1]}
    assert figures["catalogue"] == {"posts": 80, "catalogue_loss_ratio": 0} and figures["connection"] == {}


def test_old_clients_get_the_columns_that_they_know(network):
    network("create view public.monitoring as select name, status, found, remedy from pgfeed.health()")
    assert network("select count(*) from public.monitoring where status = 'ok'")[0][0] == len(probes(network))


def test_the_page_lists_every_threshold(query):
    query("set pgfeed.events_max_age = ''")
    text = (DOCS / "reference" / "thresholds.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(pgfeed\.\w+)` \| `([^`]+)` \| (.+) \|$", text, re.MULTILINE)
    assert listed == query("select name, setting, meaning from pgfeed.thresholds()")


def test_every_index_would_be_missed(query):
    there = query("""
        select c.relname::text, i.indisunique, substring(pg_get_indexdef(i.indexrelid) from ' USING (.*)')
        from pg_index as i inner join pg_class as c on c.oid = i.indrelid
        where c.relnamespace = 'pgfeed'::regnamespace and not c.relispartition and c.relname <> 'alembic_version'
    """)
    text = (ROOT / "sql/functions/_missing_indexes.sql").read_text(encoding="utf-8")
    missed = re.findall(r"\('(\w+)', '(primary key|unique index|index)', '(.*)'\)", text)
    listed = {(name, kind != "index", definition.replace("''", "'")) for name, kind, definition in missed}
    assert set(there) <= listed
