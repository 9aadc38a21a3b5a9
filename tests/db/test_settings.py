"""No setting of a session changes an answer or a feature: pg_settings names them.

Each setting that a session can change is tried at its extremes. Several go together, each value in one group; a group
whose answers differ is halved until one setting is left.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product

import psycopg2
import pytest

from loader.data.embed import embed
from loader.learning import registry, train
from loader.server import db as connections
from migrations.objects import ROOT
from tests.db.conftest import administer, autocommit, copy_of, dsn_of, queries
from tests.db.test_embed import Words

Setting = tuple[str, str]
SETTINGS = """
    select name, vartype, min_val, max_val, enumvals, setting from pg_settings
    where context in ('user', 'superuser') and source <> 'override' and name <> all(%s) order by name
"""
TEXTS = {
    "DateStyle": ["German, MDY", "SQL, DMY", "Postgres, MDY"],
    "TimeZone": ["Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns"],
    # At the most PostgreSQL plans one query for minutes.
    "geqo_generations": ["1", "100"], "geqo_pool_size": ["2", "100"],
    # At debug5 a message for every step: minutes.
    "client_min_messages": ["error"], "log_min_messages": ["panic"], "log_min_error_statement": ["panic"],
    "application_name": ["'\\"], "default_table_access_method": ["heap"], "default_tablespace": ["pg_default"],
    "default_text_search_config": ["simple"], "dynamic_library_path": ["/nowhere"],
    "lc_messages": ["C"], "lc_monetary": ["C"], "lc_numeric": ["C"], "lc_time": ["C"],
    "search_path": ["", "pg_temp, public, pg_catalog", "other, pgfeed"], "timezone_abbreviations": ["India"],
}  # fmt: skip
# They end a statement, a session or a server that they leave nothing to work with.
ENDING = [
    "exit_on_error", "idle_in_transaction_session_timeout", "idle_session_timeout", "local_preload_libraries",
    "session_preload_libraries", "statement_timeout", "temp_buffers", "transaction_timeout",
]
# Here the server refuses by design: REFUSALS tries them. In another encoding a client gets the same answers.
REFUSING = ["default_transaction_isolation", "default_transaction_read_only", "restrict_nonsystem_relation_kind"]
LEFT_OUT = [*ENDING, *REFUSING, "client_encoding", "pgfeed.default_variant", "pgfeed.events_max_age"]
# PostgreSQL compiles each statement with JIT and plans that cost much, or prints its plan: calls are tried, no refresh.
SLOW = re.compile("jit|cpu_|parallel_.*_cost|.*_page_cost|debug_print")
GROUPS = 8

ROWS = """
    select rank, post_id, topic, text, float8send(score), variant, source, model_version,
        extract(epoch from features_as_of)
    from pgfeed.recommend_posts({}) order by rank
"""
MOMENTS = {
    "now": "'2021-12-13 18:00+00'", "after the refresh": "'2021-12-13 00:00+00'", "earlier": "'2021-12-08 23:30+00'",
}  # fmt: skip
USERS = {"one with a history": 9, "a stranger": 999}
ANSWERS = {
    f"{variant} for {user}, {moment}": ROWS.format(f"{USERS[user]}, {MOMENTS[moment]}, 20, '{variant}'")
    for variant, user, moment in product(["control", "test", "random", "popular"], USERS, MOMENTS)
    if (user, moment) != ("a stranger", "earlier")
} | {
    "explain_recommendation": """
        select feature, float4send(value), float8send(contribution)
        from pgfeed.explain_recommendation(7, 4, '2021-12-13 18:00+00', 'test') order by rank""",
    "similar_posts": "select post_id, text, float8send(similarity) from pgfeed.similar_posts(2, 10) order by rank",
    # The first names sizes of memory, which are settings; the other what this session does now.
    "health": "select name, status, found, remedy from pgfeed.health() where name not in ('settings', 'refresh')",
    "experiment_arm": "select * from pgfeed.experiment_arm(7, 'try')",
}  # fmt: skip
WRITTEN = """
    insert into pgfeed.feed_events (event_at, user_id, post_id, action) values ('2021-12-05 03:00+00', 5, 8, 'like');
    call pgfeed.create_event_partitions('2020-02-01 00:00+00', '2020-03-31 23:00+00');
    call pgfeed.refresh_features('2021-12-12 13:00+00');
    call pgfeed.refresh_features();
    select from pgfeed.serve_posts(7, '2021-12-13 18:00+00');
    select pgfeed._fill_recommendation_chunk(
        pgfeed._start_recommendation_batch('2021-12-13 18:00+00', 5, 'test', null)
    )
"""
TABLES = [
    "post_text_features", "post_features", "user_features", "user_topic_features", "post_days", "user_topic_days",
    "post_vectors", "user_vectors", "liked_posts",
]  # fmt: skip
STORED = {
    table: f"select count(*), md5(string_agg(t::text, ',' order by t::text collate \"C\")) from pgfeed.{table} as t"
    for table in TABLES
} | {
    "feature_packs": "select as_of, feature_names, topics, md5(post_ids), md5(topic_codes), md5(matrix), md5(relative),"
    " md5(factors), md5(neighbours) from pgfeed.feature_packs order by as_of",
    "recommendations": "select user_id, rank, post_id, score, variant, source, features_as_of"
    " from pgfeed.recommendations order by user_id, rank",
    "exposures": "select served_at, user_id, experiment_id, arm, variant, post_ids from pgfeed.exposures",
    "partitions": "select c.relname, pg_get_expr(c.relpartbound, c.oid) from pg_class as c"
    " where c.relispartition and c.relnamespace = 'pgfeed'::regnamespace and c.relkind = 'r' order by c.relname",
    "events": "select count(*), md5(string_agg(concat_ws(',', event_at, user_id, post_id, action, target), ';'"
    " order by user_id, event_at, post_id, action)) from pgfeed.feed_events",
}  # fmt: skip
REFUSALS = {
    "set default_transaction_isolation = 'serializable'": "call pgfeed.refresh_features()",
    "set default_transaction_isolation = 'repeatable read'": "call pgfeed.refresh_features()",
    "set default_transaction_read_only = on": "select * from pgfeed.serve_posts(7)",
    "set restrict_nonsystem_relation_kind = 'view'": "call pgfeed.refresh_features()",
    "set statement_timeout = 1": "call pgfeed.refresh_features()",
}


def values(name: str, kind: str, low: str, high: str, choices: list[str], now: str) -> list[str]:
    """Return the values at which a setting is tried, none of them the present one."""
    if name in TEXTS:
        found = TEXTS[name]
    elif kind == "bool":
        found = ["on", "off"]
    elif kind == "enum":
        found = choices
    elif kind == "string":
        found = ["", "nonsense"]
    else:
        number = int if kind == "integer" else float
        # With costs that are infinite when they are added PostgreSQL finds no plan for any query.
        high = str(min(number(high), number(10**100)))
        found = [low, high, str(min(max(number(now) // 2, number(low)), number(high)))]
    return [value for value in dict.fromkeys(found) if value != now]


def say(query: Callable, setting: Setting) -> None:
    """Set a session's setting."""
    query("select set_config(%s, %s, false)", *setting)


def answers(query: Callable) -> dict[str, object]:
    """Return what each call answers in a session: rows, or the message of its error."""
    found: dict[str, object] = {}
    for name, call in ANSWERS.items():
        try:
            found[name] = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in query(call)]
        except psycopg2.Error as error:
            found[name] = str(error)
    return found


def stored(query: Callable) -> dict[str, object]:
    """Return what is in the tables, whatever the session's settings were."""
    query("reset all; set datestyle = iso")
    return {name: query(statement) for name, statement in STORED.items()}


def in_session(dsn: str, settings: list[Setting], does_write: bool = True) -> dict[str, object]:
    """Return the answers of a new session with these settings, and what it stores, which is then taken back."""
    with autocommit(dsn) as connection:
        query = queries(connection)
        for setting in settings:
            say(query, setting)
        found = answers(query)
        if not does_write:
            return found
        query("begin")
        try:
            for statement in WRITTEN.split(";"):
                query(statement)
            return found | stored(query)
        except psycopg2.Error as error:
            return found | {"writing": str(error)}


def differences(expected: dict, found: dict) -> dict[str, object]:
    """Return what is not as expected."""
    return {name: found.get(name) for name in {**expected, **found} if found.get(name) != expected.get(name)}


def culprits(settings: list[Setting], count: int, attempt: Callable[[list[Setting]], dict]) -> dict[str, object]:
    """Return what differs from the answers without a setting, by the fewest settings with which it does.

    count: of the groups that the settings are dealt to.
    """
    expected = attempt([])
    assert not [said for said in expected.values() if isinstance(said, str)], "an error without any setting"

    def search(group: list[Setting]) -> dict[str, object]:
        found = differences(expected, attempt(group))
        if not found:
            return {}
        halves = search(group[::2]) | search(group[1::2]) if len(group) > 1 else {}
        return halves or {", ".join(map(" = ".join, group)): found}

    result: dict[str, object] = {}
    for number in range(count):
        result |= search(settings[number::count])
    return result


@pytest.fixture(scope="module")
def world(network_template) -> Iterator[str]:
    """Name of a database with embeddings, models of both recipes, an experiment that waits, and newer events."""
    with copy_of(network_template, "world") as name:
        administer(f"alter database \"{name}\" set pgfeed.events_max_age = 'off'")
        with contextlib.closing(psycopg2.connect(dsn_of(name))) as connection:
            query = queries(connection)
            embed(connection, Words())
            query("call pgfeed.refresh_features()")
            connection.commit()
            registry.activate(connection, "test", registry.store(connection, "test", train.train(connection, "test")))
            query("call pgfeed.create_experiment('try', '{control,test}')")
            query("call pgfeed.refresh_features()")
            query("insert into pgfeed.feed_events (event_at, user_id, post_id, action) select"
                  " timestamptz '2021-12-12 23:00+00' + n * interval '1 second', n, n, 'like'"
                  " from generate_series(1, 40) as n")
            connection.commit()
        yield name


@pytest.fixture(scope="module")
def settings(world) -> list[Setting]:
    """All settings at their extremes, those of pgvector and PL/pgSQL too, but for what no server takes here."""
    with autocommit(dsn_of(world)) as connection:
        query = queries(connection)
        answers(query)
        result = []
        for name, *row in query(SETTINGS, LEFT_OUT):
            for value in values(name, *row):
                with contextlib.suppress(psycopg2.errors.InvalidParameterValue, psycopg2.errors.UndefinedObject):
                    say(query, (name, value))
                    result.append((name, value))
        return result


def test_no_setting_of_a_session_changes_an_answer_or_a_feature(world, settings):
    names = {name for name, _ in settings}
    assert {"standard_conforming_strings", "plpgsql.variable_conflict", "hnsw.ef_search"} <= names
    slow = [setting for setting in settings if SLOW.match(setting[0])]
    others = [setting for setting in settings if setting not in slow]
    assert culprits(slow, 3, lambda group: in_session(dsn_of(world), group, does_write=False)) == {}
    assert culprits(others, GROUPS, lambda group: in_session(dsn_of(world), group)) == {}


def test_the_trial_sees_a_setting_that_does_change_answers(world):
    variant = ("pgfeed.default_variant", "random")
    with autocommit(dsn_of(world)) as connection:
        query = queries(connection)
        call = ROWS.format("9, '2021-12-13 18:00+00'")
        before = query(call)
        say(query, variant)
        assert query(call) != before
    tried = [("statement_timeout", "1"), ("jit", "on")]
    assert [*culprits(tried, 1, lambda group: in_session(dsn_of(world), group))] == ["statement_timeout = 1"]


def test_verbs_read_numbers_intervals_and_names_as_they_are(dsn, monkeypatch):
    name = psycopg2.extensions.parse_dsn(dsn)["dbname"]
    with autocommit(dsn) as connection:
        for setting in ("extra_float_digits = 0", "intervalstyle = 'iso_8601'", "quote_all_identifiers = on"):
            queries(connection)(f'alter database "{name}" set {setting}')
    monkeypatch.setenv("PGFEED_DSN", dsn)
    with contextlib.closing(connections.connect()) as connection:
        found = queries(connection)("select (1 / 3.0)::real, interval '90 seconds', quote_ident('posts')")
    assert found == [(0.33333334, timedelta(seconds=90), "posts")]


# Of a database, and the last of a role there.
DEFAULTS = [
    "standard_conforming_strings = off", "extra_float_digits = -15", "datestyle = 'German, DMY'",
    "intervalstyle = 'sql_standard'", "timezone = 'Asia/Kathmandu'",
]  # fmt: skip
MODELS = """
    select feature_names, encoders, trained_from, trained_until, parameters, metrics - 'fit_seconds',
        md5(golden_matrix), golden_scores
    from pgfeed.models where variant = 'control' order by version
"""


def test_a_model_is_the_same_where_a_database_and_a_role_have_settings(network, network_dsn):
    name = psycopg2.extensions.parse_dsn(network_dsn)["dbname"]
    call = ROWS.format("9, '2021-12-12 18:00+00', 20, 'control'")
    answer = network(call)
    for setting in DEFAULTS:
        network(f'alter database "{name}" set {setting}')
    network(f'alter role current_user in database "{name}" set {DEFAULTS[-1]}')
    for words in (["refresh"], ["train", "control", "--no-refit", "--activate"]):
        done = subprocess.run(
            [sys.executable, "-m", "loader.cli", *words], cwd=ROOT, env={**os.environ, "PGFEED_DSN": network_dsn},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    first, second = network(MODELS)
    assert second == first
    # But for the model's version and the cut-off.
    assert [row[:-2] for row in network(call)] == [row[:-2] for row in answer]


THINGS = r"""
    create table public.things (
        slug text, price float8, span interval, raw bytea, born timestamptz, day date, size int, title text
    );
    call pgfeed.attach_posts(
        'public.things', key => '(slug, day)', text => 'title || substring(slug from ''\d+'')',
        topic => 'regexp_replace(slug, ''\W'', ''\\'')', created_at => '(day::text || '' 12:00'')::timestamptz',
        available => 'slug ~ ''^\w+-\d+$''', sync => %s,
        features => '["size", {"price": "price::text", "span": "span::text", "raw": "raw::text", "born": "born::text",
            "digits": "substring(slug from ''\\d+'')", "unknown": "size = null"}]'
    )
"""
THING = """
    insert into public.things values (%s, 1 / 3.0::float8, interval '1 day 02:03:04', decode('00ff5c', 'hex'),
        timestamptz '2021-12-03 23:30:00.25+00', date '2021-12-03', 4, 'Thing')
"""
POSTS = """
    select p.post_id, p.key, p.topic, p.created_at, p.attributes, p.hidden_at is null
    from pgfeed.posts as p order by p.key
"""
POST_TEXTS = """
    select p.key, r.text from pgfeed.posts as p cross join pgfeed._post_rows(array[p.post_id]) as r order by p.key
"""
STRANGE = [
    ("standard_conforming_strings", "off"), ("transform_null_equals", "on"), ("bytea_output", "escape"),
    ("extra_float_digits", "-15"), ("IntervalStyle", "sql_standard"), ("DateStyle", "German, MDY"),
    ("TimeZone", "Pacific/Kiritimati"),
]  # fmt: skip


@pytest.mark.parametrize("sync", ["trigger", "pull"])
def test_expressions_over_attached_tables_say_the_same_in_any_session(dsn, sync):
    with autocommit(dsn) as ours, autocommit(dsn) as theirs:
        here, there = queries(ours), queries(theirs)
        for setting in STRANGE:
            say(there, setting)
        states = []
        here(THINGS, sync)
        for query in (here, there):
            query(THING, "post-1")
            query("call pgfeed.sync_attachments(complete => true)")
            states.append((here(POSTS), query(POST_TEXTS)))
            here("delete from public.things")
            here("call pgfeed.sync_attachments(complete => true)")
    [(_, _, topic, *_)], [(_, text)] = states[0]
    assert (topic, text) == ("post\\1", "Thing1")
    assert states[1] == states[0]


@pytest.mark.parametrize("setting", REFUSALS)
def test_a_setting_that_refuses_says_so_in_one_sentence(world, setting):
    with autocommit(dsn_of(world)) as connection:
        query = queries(connection)
        try:
            query(setting)
        except psycopg2.errors.UndefinedObject:
            pytest.skip("this server has no such setting")
        with pytest.raises(psycopg2.Error) as refusal:
            query(REFUSALS[setting])
        message = refusal.value.diag.message_primary
        assert "spiexceptions" not in message and "\n" not in message


def test_refreshes_run_where_reads_are_uncommitted(world):
    with autocommit(dsn_of(world)) as connection:
        query = queries(connection)
        query("begin isolation level read uncommitted")
        query("call pgfeed.refresh_features()")
        query("rollback")


def test_whoever_chooses_a_zone_chooses_how_moments_are_written(query):
    assert query("""
        select p.proname from pg_proc as p
        inner join pg_language as l on l.oid = p.prolang
        where
            p.pronamespace = 'pgfeed'::regnamespace
            and (
                'timestamptz'::regtype = any(p.proargtypes) and l.lanname = 'plpython3u'
                or 'TimeZone=UTC' = any(p.proconfig)
            )
            and not coalesce('{"TimeZone=UTC","DateStyle=ISO, YMD"}' <@ p.proconfig, false)
    """) == []
