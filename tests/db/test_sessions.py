"""A session's settings and a pooler's clean-up change no answer: recommend_posts keeps prepared plans and caches."""

import psycopg2
import pytest

from tests.db.conftest import autocommit, clone, queries

CALL = """
    select rank, post_id, topic, text, score, variant, source, model_version, extract(epoch from features_as_of)
    from pgfeed.recommend_posts(7, '2021-12-13 12:00+00', 10) order by rank
"""
EARLIER = CALL.replace("12-13", "12-09")

SETTINGS = (
    "set search_path = pg_temp, public",
    "set search_path = ''",
    "set datestyle = 'German, DMY'",
    "set timezone = 'Pacific/Kiritimati'",
    "set intervalstyle = 'sql_standard'",
    "set bytea_output = 'escape'",
    "set standard_conforming_strings = off",
    "set plan_cache_mode = force_custom_plan",
    "set enable_sort = off; set enable_hashjoin = off; set enable_indexscan = off",
    "set default_transaction_read_only = on",
    "set default_transaction_isolation = 'serializable'",
    "set role pgfeed_reader",
)


@pytest.fixture(scope="module")
def shared_dsn(network_template):
    """Connection string of one copy of the network for the module: nothing here changes it."""
    with clone(network_template) as dsn:
        yield dsn


@pytest.fixture
def ask(shared_dsn):
    with autocommit(shared_dsn) as connection:
        yield queries(connection)


def test_a_setting_or_a_clean_up_changes_no_answer(ask):
    expected = ask(CALL), ask(EARLIER)
    for statement in (*SETTINGS, "discard all", "discard plans", "deallocate all"):
        ask(statement)
        assert (ask(CALL), ask(EARLIER)) == expected, statement
        ask("reset all; reset role")


def test_settings_before_the_first_call_change_no_answer(ask, shared_dsn):
    with autocommit(shared_dsn) as other:
        expected = queries(other)(CALL), queries(other)(EARLIER)
    ask("; ".join(SETTINGS))
    assert (ask(CALL), ask(EARLIER)) == expected


def test_an_error_or_a_rollback_leaves_the_session_right(ask):
    expected = ask(CALL)
    with pytest.raises(psycopg2.Error):
        ask("select * from pgfeed.recommend_posts(7, k => 0)")
    ask("begin")
    with pytest.raises(psycopg2.Error):
        ask("select * from pgfeed.recommend_posts(7, variant => 'none')")
    ask("rollback")
    assert ask(CALL) == expected


def test_a_temporary_object_shadows_nothing(ask):
    expected = ask(CALL)
    ask("create temporary table posts (post_id bigint, topic text, text text)")
    ask("create function pg_temp.now() returns timestamptz language sql as $$ select timestamptz '1999-01-01' $$")
    ask("set search_path = pg_temp, pgfeed, pg_catalog")
    assert ask(CALL) == expected
