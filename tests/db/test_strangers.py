"""What an application made in our schema is named, with the statement that takes it out; its login is led away."""

from textwrap import indent

import pytest
from alembic import command
from alembic.config import Config

from loader.server import migrate, strangers
from loader.server.check import definition_probes
from tests.db.conftest import ROOT, autocommit, queries
from tests.db.test_health import check, run
from tests.pages import blocks

MADE = {
    "create table pgfeed.account (id integer primary key)": "table pgfeed.account",
    "create table pgfeed.t (id serial primary key)": "table pgfeed.t",
    'create table pgfeed."Big Name" (id bigint generated always as identity)': 'table pgfeed."Big Name"',
    "create view pgfeed.django_users as select 1 as id": "view pgfeed.django_users",
    "create materialized view pgfeed.totals as select 1 as id": "materialized view pgfeed.totals",
    "create sequence pgfeed.numbers": "sequence pgfeed.numbers",
    "create type pgfeed.mood as enum ('good')": "type pgfeed.mood",
    "create domain pgfeed.email as text": "type pgfeed.email",
    "create function pgfeed.recommend_posts(text) returns integer language sql return 1":
        "function pgfeed.recommend_posts(text)",
    "create procedure pgfeed.clean(timestamptz) language plpgsql as 'begin end'":
        "procedure pgfeed.clean(timestamp with time zone)",
    "create extension pg_trgm schema pgfeed": "extension pg_trgm",
    "create table pgfeed.parts (id integer) partition by range (id);"
    " create table pgfeed.parts_1 partition of pgfeed.parts default": "table pgfeed.parts",
}  # fmt: skip


@pytest.mark.parametrize("statement", MADE)
def test_what_is_not_ours_is_named_and_moves_out(dsn, statement):
    with autocommit(dsn) as connection:
        execute = queries(connection)
        if "pg_trgm" in statement and not execute("select name from pg_available_extensions where name = 'pg_trgm'"):
            pytest.skip("no pg_trgm here")
        execute(statement)
        probe = definition_probes(connection)[1]
        assert probe.status == "warn" and probe.found.startswith("in the schema pgfeed, but not pgfeed's: ")
        assert probe.remedy.startswith(f"alter {MADE[statement]} set schema public")
        execute(probe.remedy.partition("; ")[0])
        assert definition_probes(connection)[1].status != "warn" or strangers.is_led_here(connection.cursor())


def test_a_name_that_public_has_too_is_said(dsn):
    with autocommit(dsn) as connection:
        queries(connection)("create table pgfeed.account (id integer); create table public.account (id integer)")
    row = next(row for row in check(dsn)[1] if row["name"] == "strangers")
    assert (
        row["remedy"].startswith(run(dsn, 'psql -c "alter table pgfeed.account set schema public"'))
        and "renamed" in row["remedy"]
    )


def test_partitions_indexes_and_simulated_networks_are_ours(network_dsn):
    assert next(row for row in check(network_dsn)[1] if row["name"] == "strangers")["status"] == "ok"


def test_a_login_named_as_the_schema_is_led_away(dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", dsn)
    with autocommit(dsn) as connection:
        execute = queries(connection)
        was_there = execute("select rolconfig from pg_roles where rolname = 'pgfeed'")
        execute("create role pgfeed login" if not was_there else "alter role pgfeed reset search_path")
        try:
            row = next(row for row in check(dsn)[1] if row["name"] == "strangers")
            assert (row["status"], row["remedy"]) == ("warn", run(dsn, f'psql -c "{strangers.LEAD_AWAY}"'))
            assert any("search_path" in words for words in migrate.migrate()[3])
            assert execute("select rolconfig from pg_roles where rolname = 'pgfeed'") == [(["search_path=public"],)]
            assert migrate.migrate()[3] == []
            assert next(row for row in check(dsn)[1] if row["name"] == "strangers")["status"] == "ok"
        finally:
            execute("drop role pgfeed" if not was_there else "select 1")


ENV = """
import os
from alembic import context
from sqlalchemy import BigInteger, Column, MetaData, Table, create_engine

metadata = MetaData()
Table("account", metadata, Column("id", BigInteger, primary_key=True))
engine = create_engine("postgresql+psycopg2://", creator=lambda: __import__("psycopg2").connect("{dsn}"))
with engine.connect() as connection:
    {configure}
    with context.begin_transaction():
        context.run_migrations()
"""
PAGE = ROOT / "docs/how-to/beside-your-own-migrations.md"


def test_alembic_of_an_application_leaves_ours_alone(dsn, tmp_path):
    configure = next(block.text for block in blocks(PAGE) if "include_name" in block.text)
    folder, config = tmp_path / "migrations", Config(tmp_path / "alembic.ini")
    command.init(config, str(folder))
    (folder / "env.py").write_text(ENV.format(dsn=dsn, configure=indent(configure, "    ").strip()))
    command.revision(config, "first", autogenerate=True)
    text = "".join(path.read_text() for path in (folder / "versions").glob("*.py"))
    upgrade = text.partition("def downgrade")[0]
    assert "create_table('account'" in upgrade and "drop_table" not in upgrade and "pgfeed" not in text
    with autocommit(dsn) as connection:
        execute = queries(connection)
        revision = execute("select version_num from pgfeed.alembic_version")
        command.stamp(config, "head")
        command.stamp(config, "base", purge=True)
        assert execute("select version_num from pgfeed.alembic_version") == revision
        assert execute("select to_regclass('public.alembic_version') is not null") == [(True,)]
