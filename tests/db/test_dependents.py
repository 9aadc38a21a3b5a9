"""An application's objects over what a migration must drop: one sentence names them, and a file makes them again."""

import os
import re
import subprocess
import sys

import pytest

from loader.server import dependents, migrate
from tests.db.conftest import ROOT, alembic, autocommit, queries

MINE = """
    create schema app;
    create view app.liked as select user_id, count(*) as like_count from pgfeed.likes group by user_id;
    comment on view app.liked is 'it''s mine';
    create materialized view app.totals as select count(*) as user_count from app.liked with no data;
    create unique index totals_idx on app.totals (user_count);
    create view app."Both %" with (security_barrier) as
        select t.user_count, l.* from app.totals as t cross join app.liked as l;
    grant select on app."Both %" to pgfeed_reader;
    create function app.first() returns bigint language sql begin atomic select min(user_id) from app.liked; end
"""
STATE = """
    select c.relname, c.relkind::text, c.relacl::text, c.reloptions::text, pg_get_viewdef(c.oid),
        obj_description(c.oid, 'pg_class')
    from pg_class as c where c.relnamespace = 'app'::regnamespace and c.relkind in ('v', 'm')
    union all select p.proname, 'f', p.proacl::text, null, pg_get_function_sqlbody(p.oid), null
    from pg_proc as p where p.pronamespace = 'app'::regnamespace
    union all select i.indexname, 'i', null, null, i.indexdef, null from pg_indexes as i where i.schemaname = 'app'
    order by 1
"""


def downgrade(dsn: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "alembic", "downgrade", "base"], cwd=ROOT, env={**os.environ, "PGFEED_DSN": dsn},
        capture_output=True, text=True,
    )  # fmt: skip


def test_a_downgrade_names_what_stands_in_its_way(dsn):
    with autocommit(dsn) as connection:
        run = queries(connection)
        run(MINE)
        before = run(STATE)
        done = downgrade(dsn)
        assert done.returncode and "Traceback" not in done.stderr + done.stdout
        said = " ".join((done.stdout + done.stderr).split())
        names = 'view app.liked, materialized view app.totals, view app."Both %", function app.first()'
        assert f"{names} stand in the way" in said
        way_out = r"Next: (.+?) -- then pgfeed migrate, and psql -f (\S+) makes them again"
        drops, path = re.search(way_out, said).groups()
        for drop in drops.split("; "):
            run(drop)
        subprocess.run(["psql", "-Xq", "-f", path, dsn], check=True, stdout=subprocess.DEVNULL)
        assert run(STATE) == before
        for drop in drops.split("; "):
            run(drop)
        assert downgrade(dsn).returncode == 0


def test_migrate_says_in_one_sentence_whose_view_it_is(empty_dsn, monkeypatch):
    alembic(empty_dsn, "upgrade", "0012")
    monkeypatch.setenv("PGFEED_DSN", empty_dsn)
    with autocommit(empty_dsn) as connection:
        run = queries(connection)
        run("create function pgfeed._unpack_factors(bytea, bytea) returns integer language sql return 1")
        run("create view mine as select pgfeed._unpack_factors('', '')")
        sentence = "^view mine stands in the way: function .*_unpack_factors.* is replaced. Next: drop view mine -- "
        with pytest.raises(dependents.InTheWay, match=sentence) as caught:
            migrate.migrate()
        run("drop view mine")
        migrate.migrate()
    assert "create view public.mine as" in open(str(caught.value).split("psql -f ")[1].split()[0]).read()


@pytest.mark.parametrize("statement", [
    "create table app (id bigint, digest integer generated always as (pgfeed._hex_modulo(id::text, 3)) stored)",
    "create table app (id bigint check (pgfeed._slot(id::integer, 'x', 100) > 0))",
    "create index mine on pgfeed.posts (pgfeed._hex_modulo(md5(text), 100))",
    "create table app (id bigint default pgfeed._hex_modulo('a', 3))",
    "create table app (row pgfeed.likes)",
    "create domain app as pgfeed.recommendation",
])  # fmt: skip
def test_whatever_it_is_it_is_named_without_a_trace(dsn, statement):
    with autocommit(dsn) as connection:
        queries(connection)(statement)
    done = downgrade(dsn)
    assert done.returncode and "Traceback" not in done.stderr + done.stdout
    assert "stands in the way" in done.stdout + done.stderr
