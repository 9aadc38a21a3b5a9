"""What of the schema is not as it should be, and what puts it back.

Rights that an administrator granted to further roles are left alone; what PUBLIC may do is not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2
from alembic.config import Config
from psycopg2.extensions import cursor as Cursor

from loader.server import objects
from loader.server.script import Wanted, plain_name, statements, wanted
from migrations import objects as texts

OWNER = "pgfeed_owner"
OTHER_COMMENT = "has another comment"
FOUND = """
    select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
        when 'f' then 'foreign table' else 'table' end,
        format('pgfeed.%%I', c.relname), pg_get_userbyid(c.relowner), obj_description(c.oid, 'pg_class'),
        c.relispartition or starts_with(c.relname, '_next_') or exists (
            select from pg_depend as d where d.classid = 'pg_class'::regclass
            and d.objid = c.oid and d.refobjid <> c.oid and d.deptype in ('a', 'e', 'i')),
        array(
            select concat_ws(' ', coalesce(r.rolname, 'PUBLIC'), lower(a.privilege_type), a.attname)
            from (
                select x.grantee, x.privilege_type, null::name as attname
                from aclexplode(coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char",
                    c.relowner))) as x
                union all
                select x.grantee, x.privilege_type, t.attname from pg_attribute as t
                    cross join lateral aclexplode(t.attacl) as x where t.attrelid = c.oid
            ) as a left join pg_roles as r on r.oid = a.grantee
        ),
        null::text[], null::text, null::text[]
    from pg_class as c
    where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    union all
    select case p.prokind when 'p' then 'procedure' else 'function' end,
        format('pgfeed.%%I(%%s)', p.proname, array_to_string(array(select format_type(u.t, null)
            from unnest(p.proargtypes) with ordinality as u (t, n) order by u.n), ', ')),
        pg_get_userbyid(p.proowner), obj_description(p.oid, 'pg_proc'),
        exists (select from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
            and d.deptype = 'e')
            -- which attach_*() makes for an attached table
            or p.proname ~ '^(_follow_[0-9]+(_insert|_rows)?|_attached_posts|_newest_events)$'
            and p.proowner = 'pgfeed_owner'::regrole,
        array(
            select concat_ws(' ', coalesce(r.rolname, 'PUBLIC'), lower(a.privilege_type))
            from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                left join pg_roles as r on r.oid = a.grantee
        ),
        array[
            l.lanname::text, case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
            case when p.prosecdef then 'security definer' else 'security invoker' end, case
                when p.proisstrict then 'strict' else 'not strict' end,
            case p.proparallel when 's' then 'parallel safe' when 'r' then 'parallel restricted'
                else 'parallel unsafe' end
        ],
        case when p.prosqlbody is null then p.prosrc end, coalesce(p.proconfig, '{}')
    from pg_proc as p inner join pg_language as l on l.oid = p.prolang
    where p.pronamespace = 'pgfeed'::regnamespace
    union all
    select 'type', format('pgfeed.%%I', t.typname), pg_get_userbyid(t.typowner), coalesce(obj_description(t.typrelid,
        'pg_class'), obj_description(t.oid, 'pg_type')),
        exists (select from pg_depend as d where d.classid = 'pg_type'::regclass and d.objid = t.oid
            and d.deptype in ('e', 'i') and t.typtype <> 'c'), '{}',
        null, null, null
    from pg_type as t left join pg_class as c on c.oid = t.typrelid
    where t.typnamespace = 'pgfeed'::regnamespace and t.typtype in ('c', 'd', 'e', 'r') and coalesce(c.relkind,
        'c') = 'c'
    union all
    select 'schema', format('%%I', n.nspname), pg_get_userbyid(n.nspowner), obj_description(n.oid, 'pg_namespace'),
        false,
        array(
            select concat_ws(' ', coalesce(r.rolname, 'PUBLIC'), lower(a.privilege_type))
            from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as a
                left join pg_roles as r on r.oid = a.grantee
        ),
        null, null, null
    from pg_namespace as n where n.nspname in ('pgfeed', %s)
"""
# Where all default privileges were revoked before the extension was made.
UNUSABLE = """
    select count(*) from pg_depend as d inner join pg_extension as e on e.oid = d.refobjid and e.extname = 'vector'
    where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' and case
        when d.classid = 'pg_proc'::regclass then not has_function_privilege('pgfeed_owner', d.objid, 'execute')
        when d.classid = 'pg_type'::regclass then not has_type_privilege('pgfeed_owner', d.objid, 'usage')
    end
"""
USE_VECTOR = """
    do $$
    declare
        v_kind text;
        v_name text;
    begin
        for v_kind, v_name in
            select i.type, i.identity
            from pg_depend as d
            inner join pg_extension as e on e.oid = d.refobjid and e.extname = 'vector'
            cross join lateral pg_identify_object(d.classid, d.objid, 0) as i
            where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' and i.type in ('function', 'aggregate',
                'type')
                and i.identity not like '%[]'
        loop
            execute format(
                'grant %s on %s %s to pgfeed_owner, pgfeed_reader, pgfeed_writer, pgfeed_operator',
                case v_kind when 'type' then 'usage' else 'execute' end,
                case v_kind when 'type' then 'type' else 'function' end, v_name
            );
        end loop;
    end;
    $$
"""
FUNCTION_BODIES = """
    select count(distinct pg_get_function_sqlbody(p.oid)) from pg_proc as p
    where p.proname = %s and p.pronamespace in ('pgfeed'::regnamespace, pg_my_temp_schema())
"""
FUNCTION_AGAIN = (
    "select pg_get_functiondef(p.oid) from pg_proc as p where p.proname = %s and p.pronamespace = pg_my_temp_schema()"
)
VIEW_BODIES = """
    select count(distinct (pg_get_viewdef(c.oid), c.reloptions)) from pg_class as c
    where c.relname = %s and c.relnamespace in ('pgfeed'::regnamespace, pg_my_temp_schema())
"""
VIEW_AGAIN = """
    select format('create or replace temp view %%I as %%s', c.relname, pg_get_viewdef(c.oid))
    from pg_class as c where c.relname = %s and c.relnamespace = pg_my_temp_schema()
"""
# A dump's text of a body can differ from the body that was made, and the next dump's from that.
ROUNDS = 3


@dataclass
class Found:
    """One object as it is; part: it comes and goes with another one, as a partition does."""

    kind: str
    name: str
    owner: str
    comment: str | None
    is_part: bool
    rights: set[str]
    options: list[str] | None
    body: str | None
    settings: set[str]


@dataclass
class Fault:
    """One thing that an object is and should not be."""

    wanted: Wanted
    words: str

    @property
    def matters(self) -> bool:
        """Return whether more than a text for readers differs."""
        return self.words != OTHER_COMMENT

    def __str__(self) -> str:
        return f"{self.wanted.kind} {plain_name(self.wanted.name)} {self.words}"


def found(cursor: Cursor, schema: str) -> dict[str, Found]:
    """Return all objects of the schema by their names as they are."""
    cursor.execute("select current_setting('search_path')")
    before = cursor.fetchone()[0]
    cursor.execute("set search_path = pg_catalog")
    cursor.execute(FOUND, [schema])
    rows = cursor.fetchall()
    cursor.execute("select set_config('search_path', %s, false)", [before])
    return {
        name: Found(
            kind, name, owner, comment, is_part, set(rights), options, body, set(map(lower_name, settings or ()))
        )
        for kind, name, owner, comment, is_part, rights, options, body, settings in rows
    }


def lower_name(setting: str) -> str:
    """Return a setting like TimeZone=UTC with its name in lower case."""
    name, _, value = setting.partition("=")
    return f"{name.lower()}={value}"


def faults(cursor: Cursor, with_bodies: bool = True) -> list[Fault]:
    """Return everything that is not as it should be; what is missing or not ours is for others."""
    cursor.execute(texts.VECTOR_SCHEMA)
    schema = (cursor.fetchone() or ["public"])[0]
    should, are = wanted(schema), found(cursor, schema)
    result = [
        Fault(thing, words)
        for name, thing in should.items()
        if name in are
        for words in compare(thing, are[name], schema)
    ]
    if with_bodies:
        bodies = [thing for name, thing in should.items() if name in are and thing.pin and thing.body is None]
        result += [Fault(thing, "has another body") for thing in bodies_that_differ(cursor, bodies, schema)]
    cursor.execute(UNUSABLE)
    if cursor.fetchone()[0]:
        result.append(Fault(Wanted("extension", "vector", statements=[USE_VECTOR]), f"cannot be used by {OWNER}"))
    for name, part in are.items():
        if part.is_part and part.kind == "table" and name not in should:
            result += [Fault(as_part(part), words) for words in compare(as_part(part), part, schema)]
    return result


def as_part(part: Found) -> Wanted:
    """Return what a partition should be."""
    return Wanted(part.kind, part.name, OWNER, part.comment, statements=[f"alter table {part.name} owner to {OWNER}"])


def compare(thing: Wanted, is_: Found, schema: str) -> Iterator[str]:
    """Yield in words what an object is and should not be."""
    if thing.owner and thing.owner != is_.owner:
        yield f"belongs to {is_.owner}"
    if thing.kind != "type":
        for right in sorted(thing.rights - is_.rights):
            role, privilege, *column = right.split()
            yield f"cannot be used by {role} ({' '.join([privilege, *column])})"
        for right in sorted(right for right in is_.rights if right.startswith("PUBLIC ") and thing.name != schema):
            yield f"can be used by everybody ({right.removeprefix('PUBLIC ')})"
    if thing.comment is not None and thing.comment != is_.comment:
        yield OTHER_COMMENT
    if thing.options is not None:
        for should, is_now in zip(thing.options, is_.options or (), strict=True):
            if should != is_now:
                yield f"is {is_now}, not {should}"
        for setting in sorted(thing.settings ^ is_.settings):
            yield f"{'lacks' if setting in thing.settings else 'has'} the setting {setting}"
        if thing.body is not None and thing.body != is_.body:
            yield "has another body"


def bodies_that_differ(cursor: Cursor, things: list[Wanted], schema: str) -> list[Wanted]:
    """Return the views and SQL bodies that mean something else than their texts.

    The texts are made beside them and undone; where nothing can be made, as on a standby, none differs.
    """
    result = []
    cursor.execute("begin")
    try:
        cursor.execute(
            "set local search_path = pg_catalog; set local lock_timeout = '1s'; set local client_min_messages = error"
        )
        for thing in things:
            cursor.execute("savepoint thing")
            try:
                if thing.pin and not is_same_body(
                    cursor, thing, texts.placed(texts.resolve(thing.pin, texts.pins()[thing.pin]), schema)
                ):
                    result.append(thing)
            except psycopg2.Error:
                cursor.execute("rollback to savepoint thing")
    except psycopg2.Error:
        pass
    finally:
        cursor.execute("rollback")
    return result


def is_same_body(cursor: Cursor, thing: Wanted, text: str) -> bool:
    """Return whether a view or SQL body means what its text says, as it is made or as it comes from a dump."""
    statement, name = next(statements(text)), plain_name(thing.name)
    if thing.kind == "function":
        statement, bodies, again = (
            statement.replace("function pgfeed.", "function pg_temp.", 1),
            FUNCTION_BODIES,
            FUNCTION_AGAIN,
        )
    else:
        statement = re.sub(
            r"^create (?:or replace view|materialized view) pgfeed\.", "create or replace temp view ", statement
        )
        statement, bodies, again = re.sub(r"\s+with no data$", "", statement), VIEW_BODIES, VIEW_AGAIN
    for _ in range(ROUNDS):
        cursor.execute(statement)
        cursor.execute(bodies, [name])
        if cursor.fetchone()[0] == 1:
            return True
        cursor.execute(again, [name])
        statement = cursor.fetchone()[0]
    return False


def mend(cursor: Cursor, config: Config) -> list[str]:
    """Put back what is not as it should be; return what was wrong, in words."""
    wrong = faults(cursor)
    things = {fault.wanted.name: fault.wanted for fault in wrong}
    code = [thing.pin for thing in things.values() if thing.pin and objects.is_code(thing.pin)]
    repairs = [statement for thing in things.values() for statement in repair(thing)]
    if wrong:
        objects.install(config, sorted(code, key=list(texts.pins()).index), repairs)
    return in_words(wrong)


def repair(thing: Wanted) -> list[str]:
    """Return the statements that put an object back; a routine's text does that by itself."""
    if thing.kind in ("function", "procedure"):
        return []
    public = (
        []
        if thing.kind in ("type", "extension") or thing.name == "public"
        else [f"revoke all on {'schema' if thing.kind == 'schema' else 'table'} {thing.name} from public"]
    )
    return [*public, *dict.fromkeys(thing.statements)]


def in_words(wrong: list[Fault]) -> list[str]:
    """Return what is wrong in few words: equal faults of many objects in one sentence."""
    by_words: dict[str, list[Fault]] = {}
    for fault in wrong:
        by_words.setdefault(fault.words, []).append(fault)
    return [
        str(same[0]) if len(same) == 1 else f"{same[0]} and so do {len(same) - 1} more" for same in by_words.values()
    ]
