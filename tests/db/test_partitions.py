"""Partitions made by many sessions at once."""

from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from tests.db.conftest import autocommit, database_name, queries


def test_many_sessions_make_the_same_partitions(dsn):
    def make(_: int) -> None:
        with autocommit(dsn) as connection:
            queries(connection)("call pgfeed.create_event_partitions('2021-01-01', '2021-12-31')")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(16)))
    with autocommit(dsn) as connection:
        rows = queries(connection)("select count(*) from pg_class where relispartition and relkind = 'r'"
                                   " and relnamespace = 'pgfeed'::regnamespace")
    assert rows == [(12,)]


def test_a_writer_makes_the_months_of_a_year_only(network):
    name = database_name("application")
    network(f'create role "{name}" in role pgfeed_writer')
    try:
        network(f'set session authorization "{name}"')
        network("call pgfeed.create_event_partitions(now(), now() + interval '11 months')")
        assert len(network("select pgfeed.serve_posts(7, now() - interval '11 months')")) == 5
        for statement, hint in (
            ("call pgfeed.create_event_partitions('1970-01-01', now())", "member of pgfeed_operator"),
            ("select pgfeed.serve_posts(7, '2021-12-12')", "recommend_posts"),
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="more than a year from now") as raised:
                network(statement)
            assert hint in raised.value.diag.message_hint
    finally:
        network("reset session authorization")
        network(f'drop owned by "{name}"; drop role "{name}"')


def test_an_operator_makes_any_month(network):
    name = database_name("operator")
    network(f'create role "{name}" noinherit in role pgfeed_operator')
    try:
        network(f'set session authorization "{name}"')
        network("set role pgfeed_operator")
        network("call pgfeed.create_event_partitions('1990-01-01', '1990-01-01')")
    finally:
        network("reset session authorization")
        network(f'drop role "{name}"')
