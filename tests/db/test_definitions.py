"""What every object should be: check names all that is not, migrate puts it back, for every object of the schema."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from loader.server import definitions, migrate, strangers
from tests.db.conftest import autocommit, database_name, queries
from tests.db.test_health import check

STATE = """
    select 'routine', p.oid::regprocedure::text, pg_get_userbyid(p.proowner), array(select x::text
        from unnest(coalesce(p.proacl, acldefault('f', p.proowner))) as x order by 1)::text,
        p.proconfig::text, p.prosecdef::text, p.provolatile::text, md5(p.prosrc), pg_get_function_sqlbody(p.oid),
            obj_description(p.oid, 'pg_proc')
    from pg_proc as p where p.pronamespace = 'pgfeed'::regnamespace
    union all
    select 'relation', c.oid::regclass::text, pg_get_userbyid(c.relowner), array(select x::text
        from unnest(coalesce(c.relacl, acldefault('r', c.relowner))) as x order by 1)::text, c.reloptions::text,
        array(select format('%s %s', t.attname, t.attacl) from pg_attribute as t where t.attrelid = c.oid
            and t.attacl is not null order by 1)::text,
        c.relkind::text, case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end, null,
            obj_description(c.oid, 'pg_class')
    from pg_class as c where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
    union all
    select 'type', t.typname, pg_get_userbyid(t.typowner), null, null, null, null, null, null,
        obj_description(t.typrelid, 'pg_class')
    from pg_type as t inner join pg_class as c on c.oid = t.typrelid and c.relkind = 'c'
        where t.typnamespace = 'pgfeed'::regnamespace
    union all
    select 'schema', n.nspname, pg_get_userbyid(n.nspowner), array(select x::text from unnest(n.nspacl) as x
        order by 1)::text, null, null, null, null, null,
        obj_description(n.oid, 'pg_namespace')
    from pg_namespace as n where n.nspname in ('pgfeed')
    order by 1, 2
"""
# One statement for each object and each thing that it can lose.
DAMAGES = """
    with routines as (
        select p.oid::regprocedure::text as name, case p.prokind when 'p' then 'procedure'
            else 'function' end as kind, p.* from pg_proc as p
        where p.pronamespace = 'pgfeed'::regnamespace
    ),
    relations as (
        select c.oid::regclass::text as name, case c.relkind when 'v' then 'view'
            when 'm' then 'materialized view' else 'table' end as kind, c.* from pg_class as c
        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
    )
    select format('alter %s %s owner to current_user', r.kind, r.name) from routines as r
    union all select format('grant execute on %s %s to public', r.kind, r.name) from routines as r
    union all select format('alter %s %s set search_path = public', r.kind, r.name) from routines as r
        where r.prosqlbody is null and r.proname not in ('_commit')
    union all select format('alter %s %s security %s', r.kind, r.name, case when r.prosecdef then 'invoker'
        else 'definer' end) from routines as r
    union all select format('alter function %s volatile', r.name) from routines as r where r.kind = 'function'
        and r.provolatile <> 'v'
    union all select format('comment on %s %s is ''mine''', r.kind, r.name) from routines as r
    union all select format('revoke all on %s %s from %s', r.kind, r.name, a.grantee::regrole)
        from routines as r cross join lateral aclexplode(r.proacl) as a where a.grantee <> r.proowner
    union all select format('alter %s %s owner to current_user', r.kind, r.name) from relations as r
    union all select format('grant select on %s to public', r.name) from relations as r
    union all select format('comment on %s %s is null', r.kind, r.name) from relations as r
        where not r.relispartition and r.relname <> 'alembic_version'
    union all select format('revoke %s on %s from %s', a.privilege_type, r.name, a.grantee::regrole)
        from relations as r cross join lateral aclexplode(r.relacl) as a where a.grantee <> r.relowner
    union all select format('revoke %s (%I) on %s from %s', a.privilege_type, t.attname, r.name, a.grantee::regrole)
        from relations as r inner join pg_attribute as t on t.attrelid = r.oid
            cross join lateral aclexplode(t.attacl) as a
    union all select format('alter type pgfeed.%I owner to current_user', c.relname) from pg_class as c
        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind = 'c'
    union all select 'alter schema pgfeed owner to current_user'
    union all select format('revoke usage on schema pgfeed from %s', r)
        from unnest('{pgfeed_reader,pgfeed_writer,pgfeed_operator}'::text[]) as r
    union all select format('revoke usage on schema public from %s', r)
        from unnest('{pgfeed_owner,pgfeed_reader,pgfeed_writer,pgfeed_operator}'::text[]) as r
    union all values ('grant create on schema pgfeed to public'), ('grant select (text) on pgfeed.posts to public')
"""
OTHER_BODIES = [
    "create or replace view pgfeed.likes as select event_at as liked_at, user_id, post_id, event_at as unliked_at"
    " from pgfeed.feed_events",
    "create or replace function pgfeed._hex_modulo(digits text, divisor integer) returns integer"
    " language sql immutable strict parallel safe return 1",
    "create or replace function pgfeed._refresh_as_of() returns timestamptz language plpgsql stable parallel safe"
    " set search_path = pg_catalog, pg_temp as 'begin return now(); end'",
]  # fmt: skip


@pytest.fixture
def migrated(dsn, monkeypatch):
    """Connection string of a fresh migrated database that the verbs use."""
    monkeypatch.setenv("PGFEED_DSN", dsn)
    migrate.migrate()
    return dsn


@contextmanager
def session(dsn: str) -> Iterator[tuple]:
    """A function that runs one statement, and a cursor."""
    with autocommit(dsn) as connection, connection.cursor() as cursor:
        yield queries(connection), cursor


def test_a_fresh_database_is_as_it_should_be(migrated):
    with session(migrated) as (_, cursor):
        assert definitions.faults(cursor) == [] and strangers.strangers(cursor) == []


def test_every_damage_to_every_object_is_seen(migrated):
    with session(migrated) as (run, cursor):
        damages = [damage for (damage,) in run(DAMAGES)]
        assert len(damages) > 600
        unseen = []
        for damage in damages:
            run("begin")
            run(damage)
            # The check of bodies has a transaction of its own; what catalogues say needs none.
            if not definitions.faults(cursor, with_bodies=False):
                unseen.append(damage)
            run("rollback")
        assert unseen == []


def test_migrate_puts_every_damage_right(migrated):
    with session(migrated) as (run, cursor):
        before = run(STATE)
        for (damage,) in run(DAMAGES):
            run(damage)
        assert len(definitions.faults(cursor)) > 400
        said = migrate.migrate()[3]
        assert any("belong" in words for words in said)
        assert [line for line in run(STATE) if line not in before] == []
        assert migrate.migrate()[3] == []


@pytest.mark.parametrize("statement", OTHER_BODIES, ids=["view", "SQL value", "string"])
def test_another_body_is_seen_and_put_right(migrated, statement):
    with session(migrated) as (run, _):
        before = run(STATE)
        run(statement)
        row = next(row for row in check(migrated)[1] if row["name"] == "definitions")
        assert (
            row["status"] == "fail"
            and row["found"].endswith("has another body")
            and row["remedy"].endswith("./run migrate")
        )
        migrate.migrate()
        assert run(STATE) == before


def test_grants_to_other_roles_are_left_alone(migrated):
    name = database_name("analyst")
    with session(migrated) as (run, cursor):
        run(
            f'create role "{name}"; grant select on pgfeed.feed_events to "{name}";'
            f' grant execute on function pgfeed.health() to "{name}"'
        )
        run(f'grant usage on schema pgfeed to "{name}"; grant select on pgfeed.users to pgfeed_reader')
        try:
            assert definitions.faults(cursor) == []
            run("grant execute on function pgfeed.health() to public")
            migrate.migrate()
            assert run(
                "select has_function_privilege(%s, 'pgfeed.health()', 'execute'),"
                " has_table_privilege(%s, 'pgfeed.feed_events', 'select')",
                name,
                name,
            ) == [(True, True)]
        finally:
            run(f'drop owned by "{name}"; drop role "{name}"')


def test_a_reader_sees_what_is_wrong(migrated):
    with session(migrated) as (run, cursor):
        run("alter function pgfeed.serve_posts reset search_path")
        run("set role pgfeed_reader")
        assert list(map(str, definitions.faults(cursor))) == [
            "function serve_posts lacks the setting search_path=pg_catalog, pg_temp"
        ]
        run("reset role; set default_transaction_read_only = on")
        assert len(definitions.faults(cursor)) == 1
