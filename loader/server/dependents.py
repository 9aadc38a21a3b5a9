"""An application's objects over what an update must replace: what drops them, and the file that makes them again."""

import re
import tempfile
from contextlib import closing
from pathlib import Path

from alembic.util.exc import CommandError
from psycopg2 import Error
from psycopg2.extensions import cursor as Cursor

from loader.errors import PgfeedError
from loader.server import db

SQLSTATE = "2BP01"
DEPENDS = re.compile(r"^(materialized view|view|function|procedure) (\S.*?) depends on (.+)$", re.MULTILINE)
VIEW = """
    select concat_ws(E';\\n',
        format(
            'create %%s %%s%%s as%%s', case c.relkind when 'm' then 'materialized view' else 'view' end, v.name,
            ' with (' || array_to_string(c.reloptions, ', ') || ')', E'\\n' || rtrim(pg_get_viewdef(c.oid), ';')
        ),
        (select string_agg(pg_get_indexdef(i.indexrelid), E';\\n') from pg_index as i where i.indrelid = c.oid),
        format('alter table %%s owner to %%I', v.name, pg_get_userbyid(c.relowner)),
        format('comment on %%s %%s is %%L', case c.relkind when 'm' then 'materialized view' else 'view' end, v.name,
            obj_description(c.oid, 'pg_class')),
        (
            select string_agg(format('grant %%s on %%s to %%s', lower(a.privilege_type), v.name,
                coalesce(quote_ident(r.rolname), 'public')), E';\\n')
            from aclexplode(c.relacl) as a left join pg_roles as r on r.oid = a.grantee where a.grantee <> c.relowner
        )
    )
    from pg_class as c
    cross join lateral (select format('%%I.%%I', c.relnamespace::regnamespace::name, c.relname)) as v (name)
    where c.oid = to_regclass(%s)
"""
ROUTINE = """
    select concat_ws(E';\\n',
        rtrim(pg_get_functiondef(p.oid), E'\\n'),
        format('alter routine %%s owner to %%I', v.name, pg_get_userbyid(p.proowner)),
        (
            select string_agg(format('grant execute on routine %%s to %%s', v.name, coalesce(quote_ident(r.rolname),
                'public')), E';\\n')
            from aclexplode(p.proacl) as a left join pg_roles as r on r.oid = a.grantee where a.grantee <> p.proowner
        )
    )
    from pg_proc as p
    cross join lateral (select p.oid::regprocedure::text) as v (name)
    where p.oid = to_regprocedure(%s)
"""


class InTheWay(PgfeedError, CommandError):
    """The error that names what has to go before a migration, for verbs and for alembic's own command."""


def error(caught: Error) -> InTheWay:
    """Return the error about objects that depend on one that a migration must drop."""
    detail = caught.diag.message_detail or ""
    pairs = list(dict.fromkeys((kind, name) for kind, name, _ in DEPENDS.findall(detail)))
    named = ", ".join(f"{kind} {name}" for kind, name in pairs)
    what = re.sub(r"^cannot drop | because .*$", "", caught.diag.message_primary or "an object")
    drops = "; ".join(f"drop {kind} {name}" for kind, name in reversed(pairs))
    if not pairs or len(pairs) < len(detail.strip().splitlines()):
        first = detail.partition("\n")[0]
        return InTheWay(
            "something of yours stands in the way",
            first,
            f"drop what is named there, then pgfeed migrate. See: {detail.count(chr(10)) + 1} such objects",
        )
    path = write(pairs)
    return InTheWay(
        f"{named} {'stands' if len(pairs) == 1 else 'stand'} in the way", f"{what} is replaced",
        f"{drops} -- then pgfeed migrate, and psql -f {path} makes {'it' if len(pairs) == 1 else 'them'} again",
    )  # fmt: skip


def write(pairs: list[tuple[str, str]]) -> Path:
    """Write what makes objects again into a new file; return its path."""
    with closing(db.connect()) as connection, connection.cursor() as cursor:
        text = "".join(f"{definition(cursor, kind, name)};\n\n" for kind, name in pairs)
    with tempfile.NamedTemporaryFile(
        "w", prefix="pgfeed-dependents-", suffix=".sql", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"-- What pgfeed's migration found in its way.\n\\set ON_ERROR_STOP on\n\n{text}")
    return Path(file.name)


def definition(cursor: Cursor, kind: str, name: str) -> str:
    """Return what makes an object with its owner, comment and rights."""
    cursor.execute("set search_path = pg_catalog, public" if "view" in kind else "reset search_path")
    cursor.execute(VIEW if "view" in kind else ROUTINE, [name])
    return cursor.fetchone()[0]
