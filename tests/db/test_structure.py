"""The schema: migrations, snapshot, privileges, comments."""

import os
import re
import subprocess
from pathlib import Path

from loader.server import objects
from tests.db.conftest import alembic, autocommit, queries

SNAPSHOT = Path(__file__).parent / "schema.sql"
PRIVILEGES = Path(__file__).parent / "privileges.txt"


def dump(dsn: str, *options: str) -> str:
    """Return the schema as pg_dump gives it, without bodies (which are pinned), months, what differs by server."""
    text = subprocess.run(
        [
            "pg_dump", "--schema-only", "--no-owner", "--schema=pgfeed", "--schema=simulation", "--schema=feed_bi",
            "--exclude-table=pgfeed.*_y????m??", *options, dsn,
        ],
        capture_output=True, text=True, check=True,
    ).stdout
    text = re.sub(r"AS \$(\w*)\$\n.*?\$\1\$;", "AS '...';", text, flags=re.DOTALL)
    text = re.sub(r"^(CREATE (?:MATERIALIZED )?VIEW \S+ AS)\n.*?(?=;$|\n  WITH)", r"\1 ...", text,
                  flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in text.splitlines() if line
             and not line.startswith(("--", "SET ", "SELECT pg_catalog.set_config", "\\"))]
    return "\n".join(lines) + "\n"


def compare(path: Path, actual: str) -> None:
    """Compare with a snapshot; PGFEED_UPDATE_SNAPSHOTS=1 writes it anew."""
    if os.environ.get("PGFEED_UPDATE_SNAPSHOTS"):
        path.write_text(actual, encoding="utf-8")
    assert actual == path.read_text(encoding="utf-8"), "changed on purpose? PGFEED_UPDATE_SNAPSHOTS=1 ./run test db"


def test_up_down_up_leaves_the_same_schema(empty_dsn):
    alembic(empty_dsn, "upgrade", "head")
    first = dump(empty_dsn)
    alembic(empty_dsn, "downgrade", "base")
    with autocommit(empty_dsn) as connection:
        left = queries(connection)(
            "select c.relname from pg_class c where c.relnamespace = 'pgfeed'::regnamespace"
            " and c.relkind in ('r', 'v', 'm', 'p')"
            " union all select p.proname from pg_proc p where p.pronamespace = 'pgfeed'::regnamespace"
            " union all select n.nspname from pg_namespace n where n.nspname = 'feed_bi'"
        )
    assert left == [("alembic_version",)]
    alembic(empty_dsn, "upgrade", "head")
    assert dump(empty_dsn) == first


def test_offline_sql_builds_the_same_schema(empty_dsn, dsn):
    script = alembic(empty_dsn, "upgrade", "head", "--sql")
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", empty_dsn], input=script, text=True, check=True,
                   stdout=subprocess.DEVNULL)
    assert dump(empty_dsn) == dump(dsn)
    with autocommit(empty_dsn) as connection:
        bodies = (
            "select p.proname, md5(p.prosrc) from pg_proc p where p.pronamespace = 'pgfeed'::regnamespace"
            " order by 1, 2"
        )
        offline = queries(connection)(bodies)
    with autocommit(dsn) as connection:
        assert queries(connection)(bodies) == offline


def test_one_head(dsn):
    assert len(alembic(dsn, "heads").splitlines()) == 1


def test_schema_snapshot(dsn):
    compare(SNAPSHOT, dump(dsn))


def test_privilege_matrix(query):
    rows = query("""
        with objects as (
            select case c.relkind when 'v' then 'view' when 'm' then 'matview' else 'table' end as kind,
                c.relname as name,
                a.grantee, a.privilege_type as privilege
            from pg_class c cross join lateral aclexplode(c.relacl) a
            where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'v', 'm', 'p') and not c.relispartition
            union all
            select 'feed_bi', c.relname, a.grantee, a.privilege_type
            from pg_class c cross join lateral aclexplode(c.relacl) a
            where c.relnamespace = 'feed_bi'::regnamespace
            union all
            select case p.prokind when 'p' then 'procedure' else 'function' end, p.proname, a.grantee, a.privilege_type
            from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
            where p.pronamespace = 'pgfeed'::regnamespace
            union all
            select 'column', format('%s.%s', c.relname, t.attname), a.grantee, a.privilege_type
            from pg_attribute t join pg_class c on c.oid = t.attrelid cross join lateral aclexplode(t.attacl) a
            where c.relnamespace = 'pgfeed'::regnamespace and not c.relispartition
            union all
            select 'schema', n.nspname, a.grantee, a.privilege_type
            from pg_namespace n cross join lateral aclexplode(n.nspacl) a
            where n.nspname in ('pgfeed', 'feed_bi', 'simulation')
        )
        select kind, name, coalesce(r.rolname, 'PUBLIC'), string_agg(lower(privilege), ' ' order by privilege)
        from objects left join pg_roles r on r.oid = grantee
        where coalesce(r.rolname, 'PUBLIC') in ('pgfeed_reader', 'pgfeed_writer', 'pgfeed_operator', 'PUBLIC')
        group by 1, 2, 3 order by 1, 2, 3
    """)
    compare(PRIVILEGES, "".join(" ".join(row) + "\n" for row in rows))


def test_nothing_is_public(query):
    assert query("""
        select p.proname from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace = 'pgfeed'::regnamespace and a.grantee = 0
    """) == []


def test_everything_belongs_to_the_owner_role(query):
    assert query("""
        select c.relname from pg_class c join pg_roles r on r.oid = c.relowner
        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'v', 'm', 'p')
            and r.rolname <> 'pgfeed_owner' and c.relname <> 'alembic_version'
        union all
        select p.proname from pg_proc p join pg_roles r on r.oid = p.proowner
        where p.pronamespace = 'pgfeed'::regnamespace and r.rolname <> 'pgfeed_owner'
    """) == []


def test_every_object_is_commented(query):
    assert query("""
        select c.relname from pg_class c
        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'v', 'm', 'p') and not c.relispartition
            and c.relname <> 'alembic_version' and obj_description(c.oid, 'pg_class') is null
        union all
        select p.proname from pg_proc p
        where p.pronamespace = 'pgfeed'::regnamespace and obj_description(p.oid, 'pg_proc') is null
    """) == []


def test_every_function_has_a_fixed_search_path(query):
    assert query("""
        select p.proname from pg_proc p
        where p.pronamespace = 'pgfeed'::regnamespace and p.prosqlbody is null
            -- which commit, as a procedure with settings cannot
            and p.proname not in (
                'refresh_recommendations', 'arrange_partitions', '_commit', '_attach', 'tick', 'train_model',
                '_train_model'
            )
            -- which call that, or find a relation on the caller's path
            and p.proname not in ('attach_users', 'attach_posts', 'attach_events', 'detach', '_relation_named')
            and p.prosqlbody is null -- what it names was found when it was made
            and not coalesce(p.proconfig::text like '%search_path=pg_catalog, pg_temp%', false)
    """) == []


def test_no_function_in_python_that_users_call_returns_a_set(query):
    # PL/Python uses freed memory when it is replaced between two rows.
    assert query("""
        select p.proname from pg_proc p join pg_language l on l.oid = p.prolang
        where p.pronamespace = 'pgfeed'::regnamespace and p.proretset and l.lanname = 'plpython3u'
    """) == []


def test_every_materialized_view_can_be_refreshed_concurrently(query):
    assert query("""
        select c.relname from pg_class c
        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind = 'm' and not exists (
            select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indpred is null
                and i.indexprs is null)
    """) == []




def test_whatever_is_dropped_is_missed(query):
    present = {name for (name,) in query(objects.FOUND) if not re.search(r"_y\d{4}m\d\d$", name)}
    assert present == {*objects.expected(), "tables/alembic_version"}
