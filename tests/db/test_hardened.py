"""Databases that somebody hardened, moved or made with other defaults: everything works, or one line says how."""

import os
import subprocess
import sys
from contextlib import closing

import psycopg2
import pytest

from loader.data.embed import embed
from loader.server import db as connections
from loader.server import migrate
from tests.db.conftest import NETWORK, ROOT, autocommit, queries
from tests.db.test_embed import Words
from tests.db.test_health import check

pytestmark = pytest.mark.usefixtures("durable")

HARDENINGS = {
    "closed": """
        revoke all on schema public from public; revoke all on database {} from public;
        alter default privileges revoke execute on functions from public;
        alter default privileges revoke usage on types from public; alter database {} set search_path = ''""",
    "open": """
        alter default privileges grant all on tables to public;
        alter default privileges grant all on routines to public;
        alter default privileges grant all on schemas to public; alter database {} set search_path = a, pg_temp""",
    "other defaults": """
        alter database {} set default_transaction_isolation = 'serializable';
        alter database {} set default_transaction_read_only = on;
        alter database {} set default_transaction_deferrable = on;
        alter database {} set row_security = off; alter database {} set client_encoding = 'LATIN1';
        alter database {} set statement_timeout = '100ms'; alter database {} set lock_timeout = '1ms';
        alter database {} set idle_in_transaction_session_timeout = '100ms';
        alter database {} set bytea_output = escape; alter database {} set datestyle = 'SQL, DMY';
        alter database {} set intervalstyle = sql_standard; alter database {} set timezone = 'Asia/Kathmandu'""",
    "vector in a schema that nobody may use": """
        create schema extensions; revoke all on schema extensions from public;
        create extension vector schema extensions""",
    "no public, repeatable read": """
        drop schema public; create schema other; create extension vector schema other;
        alter database {} set default_transaction_isolation = 'repeatable read'""",
}  # fmt: skip


def verb(dsn: str, *arguments: str) -> str:
    """Run a verb; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "loader.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PGFEED_DSN": dsn},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("hardening", HARDENINGS)
def test_everything_works_on_a_hardened_database(empty_dsn, hardening, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", empty_dsn)
    name = psycopg2.extensions.parse_dsn(empty_dsn)["dbname"]
    statements = HARDENINGS[hardening].replace("{}", f'"{name}"')
    with autocommit(empty_dsn) as connection:
        for statement in statements.split(";"):
            queries(connection)(statement)
    migrate.migrate()
    with closing(connections.connect()) as connection:
        connection.autocommit = True
        run = queries(connection)
        run("set search_path = public")
        run(NETWORK)
        run(f"alter database \"{name}\" set pgfeed.events_max_age = 'off'")  # the feed has ended
    verb(empty_dsn, "refresh")
    verb(empty_dsn, "train", "control", "--activate")
    with closing(connections.connect()) as connection:
        embed(connection, Words())
    assert "model" in verb(empty_dsn, "recommend", "7")
    code, rows = check(empty_dsn)
    assert (code, [row for row in rows if row["status"] != "ok"]) == (0, [])
    with closing(connections.connect()) as connection:
        run = queries(connection)
        run("set role pgfeed_reader")
        assert run("select count(*) from pgfeed.similar_posts(2)") == [(5,)]
        assert run("select count(*) from pgfeed.recommend_posts(7)") == [(5,)]
        assert run("select count(*) from pgfeed.post_vectors where factors is not null") == [(80,)]
        connection.rollback()
        run("set role pgfeed_writer")
        assert run("select count(*) from pgfeed.serve_posts(7)") == [(5,)]
        connection.rollback()
    assert migrate.migrate()[2:] == ([], [])
