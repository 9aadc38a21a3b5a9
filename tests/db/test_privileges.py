"""What each role can really do: the matrix by trying, and attacks on functions that run as the owner."""

import re
import stat
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner
from psycopg2 import sql
from psycopg2.extensions import make_dsn

from loader.cli import main
from tests.db.conftest import database_name
from tests.db.test_hostile import EMBEDDINGS, FUNCTIONS, GOOD
from tests.db.test_structure import PRIVILEGES

# they tell numbers and times
CHANGING = (
    "refresh_features", "_start_recommendation_batch", "create_experiment", "health", "ask_for_training",
    "ask_for_embedding",
)
ROLES = ("pgfeed_reader", "pgfeed_writer", "pgfeed_operator")
RELATIONS = """
    select case c.relkind when 'v' then 'view' when 'm' then 'matview' else 'table' end, c.relname,
        (select a.attname from pg_attribute as a where a.attrelid = c.oid and a.attnum > 0 and a.attgenerated = ''
            order by a.attacl is not null desc, a.attnum desc limit 1)
    from pg_class as c where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'v', 'm', 'p')
"""
ROUTINES = """
    select case p.prokind when 'p' then 'procedure' else 'function' end, p.proname,
        format(case p.prokind when 'p' then 'call pgfeed.%I(%s)' else 'select from pgfeed.%I(%s)' end, p.proname,
            (select string_agg(format(case p.prokind when 'p' then 'null::%s' else '(select null::%s)' end,
                u.oid::regtype), ', ')
            from unnest(p.proargtypes) as u (oid)))
    from pg_proc as p where p.pronamespace = 'pgfeed'::regnamespace and p.prorettype <> 'trigger'::regtype
"""
ACTIONS = {
    "select": "select from pgfeed.{name} limit 0",
    "insert": "insert into pgfeed.{name} ({column}) select null where false",
    "update": "update pgfeed.{name} set {column} = default where false",
    "delete": "delete from pgfeed.{name} where false",
    "truncate": "truncate pgfeed.{name}",
}
# In a schema that comes first: every operator and function of pg_catalog on common types, which tells if the owner
# calls it.
SHADOWS = """
    create function pg_temp.shadow(kind text, name text, arguments oid[], result oid) returns void
        language plpgsql as $$
    begin
        execute format(
            'create function %s(%s) returns %s language plpgsql as %L', kind,
            (select string_agg(a::regtype::text, ', ') from unnest(arguments) as a), result::regtype,
            'begin if current_user = ''pgfeed_owner'' then raise exception ''hijacked: ' || replace(name, '''',
                '') || '''; end if; return null; end');
    exception when duplicate_function then null;
    end $$;
    with common as (
        select array_agg(t.oid) as types from pg_type as t where t.oid::regtype::text in (
            'bigint', 'integer', 'text', 'boolean', 'date', 'interval', 'double precision', 'real',
                'timestamp with time zone', 'text[]', 'bytea')
    )
    select pg_temp.shadow(format('%I.%I', s.schema, p.proname), p.proname, p.proargtypes::oid[], p.prorettype)
    from pg_proc as p cross join common as c cross join (select current_setting('pgfeed_test.schema') as schema) as s
    where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.provariadic = 0 and p.pronargs > 0
        and p.proargtypes::oid[] <@ c.types and p.prorettype = any(c.types);
    do $$ declare o record; begin
        for o in select n.oprname, n.oprleft, n.oprright, p.proname from pg_operator as n
            join pg_proc as p on p.oid = n.oprcode
            where n.oprnamespace = 'pg_catalog'::regnamespace and n.oprleft <> 0 and to_regprocedure(
                format('%I.%I(%s,%s)', current_setting('pgfeed_test.schema'), p.proname, n.oprleft::regtype,
                    n.oprright::regtype)) is not null
        loop
            execute format('create operator %I.%s (function = %I.%I, leftarg = %s, rightarg = %s)',
                current_setting('pgfeed_test.schema'),
                o.oprname, current_setting('pgfeed_test.schema'), o.proname, o.oprleft::regtype, o.oprright::regtype);
        end loop;
    end $$
"""


def is_permitted(query, role: str, statement: str) -> bool:
    """Return whether a role may run a statement; what it does is undone."""
    query("begin")
    query(f"set local role {role}")
    try:
        query(statement)
    except psycopg2.errors.InsufficientPrivilege as error:
        # Not what a permitted routine itself may not do.
        return "permission denied for" not in str(error) or "CONTEXT" in str(error)
    except psycopg2.Error:
        pass
    finally:
        query("rollback")
    return True


def test_roles_can_do_what_the_matrix_says_and_nothing_else(query, record_property):
    query("call pgfeed.create_event_partitions('2021-12-01', '2021-12-02')")
    found, tried = set(), 0
    for role in ROLES:
        for kind, name, column in query(RELATIONS):
            for action, statement in ACTIONS.items():
                tried += 1
                if is_permitted(query, role, statement.format(name=name, column=column)) and (kind == "table"
                        or action == "select"):
                    found.add((kind, name, role, action))
        for kind, name, statement in query(ROUTINES):
            tried += 1
            if is_permitted(query, role, statement):
                found.add((kind, name, role, "execute"))
    record_property("tried", tried)
    stated = set()
    for kind, name, role, *actions in map(str.split, PRIVILEGES.read_text().splitlines()):
        if kind not in ("schema", "feed_bi"):  # a right on some columns is one on the table for these statements
            stated |= {("table" if kind == "column" else kind, name.partition(".")[0], role, action)
                       for action in actions}
    assert found == stated


def test_nothing_is_granted_to_all(query):
    assert query("""
        select c.oid::regclass::text from pg_class as c cross join lateral aclexplode(c.relacl) as a
        where c.relnamespace in ('pgfeed'::regnamespace) and a.grantee = 0
        union all
        select format('%s.%s', t.attrelid::regclass, t.attname)
        from pg_attribute as t join pg_class as c on c.oid = t.attrelid cross join lateral aclexplode(t.attacl) as a
        where c.relnamespace = 'pgfeed'::regnamespace and a.grantee = 0
        union all
        select n.nspname from pg_namespace as n cross join lateral aclexplode(n.nspacl) as a
        where n.nspname in ('pgfeed', 'simulation') and a.grantee = 0
        union all
        select d.defaclobjtype::text from pg_default_acl as d cross join lateral aclexplode(d.defaclacl) as a
            where a.grantee = 0
    """) == []
    assert query("""
        select r.rolname from pg_roles as r where r.rolname like 'pgfeed\\_%%'
            and r.rolname in (%s, %s, %s, 'pgfeed_owner')
            and (r.rolsuper or r.rolcanlogin or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication
                or pg_has_role(r.oid, 'pg_write_server_files', 'usage')
                    or pg_has_role(r.oid, 'pg_execute_server_program', 'usage'))
    """, *ROLES) == []


@pytest.fixture
def attacker(network):
    """Name of a role, and of its schema, that was granted all three roles."""
    name = database_name("attacker")
    network(f'create role "{name}" in role {", ".join(ROLES)}')
    network(f'create schema "{name}" authorization "{name}"')
    yield name
    network("reset session authorization")
    network(f'drop owned by "{name}" cascade; drop role "{name}"')


def test_no_function_can_be_hijacked(network, attacker):
    network(
        "create function pgfeed.victim() returns boolean language plpgsql security definer as 'begin return 1 = 2; end'"
    )
    network("alter function pgfeed.victim() owner to pgfeed_owner")
    network("call pgfeed.create_experiment('try', '{control,popular}')")
    network("call pgfeed.start_experiment('try')")
    network(EMBEDDINGS)
    routines = [row for row in network(FUNCTIONS) if row[0] != "victim"]
    relations = [name for _, name, _ in network(RELATIONS)]

    def answers() -> dict[str, object]:
        found = {}
        for name, kind, names, types in routines:
            verb = f"call pgfeed.{name}" if kind == "p" else f"select r::text from pgfeed.{name}"
            values = [GOOD[argument][0] if argument in GOOD else None for argument in names or ()]
            network("begin")
            try:
                call = f"{verb}({', '.join(f'cast(%s as {type_})' for type_ in types)}){' as r' * (kind != 'p')}"
                found[name] = sorted(network(call, *values), key=str)
            except psycopg2.Error as error:
                found[name] = error.diag.message_primary
            network("rollback")
        return found

    before = answers()
    network(f'set session authorization "{attacker}"')
    network(f'grant usage on schema "{attacker}" to pgfeed_owner')
    network(f"set pgfeed_test.schema = '{attacker}'")
    network(SHADOWS)
    for name in relations:
        network(sql.SQL(
            "create temp table {} as select 1 as user_id, 2 as post_id, 'control' as variant"
        ).format(sql.Identifier(name)))
    network(f'set search_path = "{attacker}", pg_temp, pg_catalog')
    with pytest.raises(psycopg2.errors.RaiseException, match="hijacked: int4eq"):
        network("select pgfeed.victim()")
    after = answers()
    for name, answer in after.items():
        assert "hijacked" not in str(answer), name
    assert {name: str(answer) for name, answer in after.items() if name not in CHANGING} == {
        name: str(answer) for name, answer in before.items() if name not in CHANGING
    }


def test_bodies_import_only_from_where_no_role_can_write(network):
    network("create function pg_temp.paths() returns text[] language plpython3u as 'import sys; return sys.path'")
    data = network("show data_directory")[0][0]
    for entry in network("select pg_temp.paths()")[0][0]:
        path = Path(entry)
        assert path.is_absolute() and not path.is_relative_to(data), entry
        for folder in (path, *path.parents):
            if folder.exists():
                mode = folder.stat().st_mode
                assert not mode & stat.S_IWOTH or mode & stat.S_ISVTX, folder
    for role in ROLES:
        assert not is_permitted(network, role,
                                "create function pg_temp.f() returns integer language plpython3u as 'return 1'")
        assert not is_permitted(network, role, "create table pgfeed.t (a integer)")
        assert network("select pg_has_role(%s, 'pgfeed_owner', 'member')", role) == [(False,)]


@pytest.mark.parametrize(("verb", "role"), [
    (["refresh"], "pgfeed_operator"), (["recommend", "--batch"], "pgfeed_operator"),
    (["experiment", "create", "try", "control", "popular"], "pgfeed_operator"),
    (["train", "control"], "pgfeed_owner"), (["evaluate", "logged", "control"], "pgfeed_owner"),
])
def test_a_verb_without_rights_names_the_role(network_dsn, monkeypatch, verb, role):
    monkeypatch.setenv("PGFEED_DSN", make_dsn(network_dsn, options="-c role=pgfeed_reader"))
    said = CliRunner().invoke(main, verb).stderr
    assert re.search(r'^error: permission denied for .*Next: as an administrator:'
                     rf' PGFEED_DSN=.* ./run psql -c "grant {role} to \w+"$', said, re.MULTILINE), said
