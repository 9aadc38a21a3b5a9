"""What the newest revision leaves in the schema, and what of it is missing."""

import re
from collections.abc import Sequence

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2.extensions import cursor as Cursor

from loader.errors import PgfeedError
from loader.server.script import script
from migrations import objects

MADE_OR_DROPPED = re.compile(r"(create|drop) (table|type) pgfeed\.(\w+)")
CODE = ("functions", "procedures", "views")
FOUND = """
    select case p.prokind when 'p' then 'procedures/' else 'functions/' end || p.proname
        || case when 'anyelement'::regtype = any(p.proargtypes) then '__anyelement' else '' end
    from pg_proc as p where p.pronamespace = to_regnamespace('pgfeed')
    union all
    select
        case c.relkind when 'v' then 'views/' when 'm' then 'matviews/' when 'c' then 'types/' else 'tables/' end
        || c.relname
    from pg_class as c where c.relnamespace = to_regnamespace('pgfeed') and c.relkind in ('r', 'p', 'v', 'm', 'c')
"""
NOUNS = {"matviews": "materialized view"}


def expected() -> list[str]:
    """Return all objects by kind and name, code in the order in which the revisions install it."""
    stored: dict[str, None] = {}
    for verb, kind, name in MADE_OR_DROPPED.findall(script()):
        if verb == "create":
            stored[f"{kind}s/{name}"] = None
        else:
            stored.pop(f"{kind}s/{name}", None)
    return [*stored, *(name for name in objects.pins() if (objects.ROOT / f"sql/{name}.sql").exists())]


def missing(cursor: Cursor) -> list[str]:
    """Return what is expected and not there."""
    cursor.execute(FOUND)
    present = {row[0] for row in cursor.fetchall()}
    return [name for name in expected() if name not in present]


def is_code(name: str) -> bool:
    """Return whether an object holds no data, so that it can be made again."""
    return name.startswith(CODE)


def in_words(names: list[str]) -> str:
    """Return objects as a person names them."""
    pairs = (name.split("/") for name in names)
    return ", ".join(f"{NOUNS.get(kind, kind[:-1])} {name}" for kind, name in pairs)


def error(database: str, names: list[str]) -> PgfeedError:
    """Return the error about missing objects: those that hold data come first."""
    data = [name for name in names if not is_code(name)]
    if data:
        return PgfeedError(f"database {database} has no {in_words(data)}", "it was dropped with its data",
                           "restore a backup: pg_restore, see docs/how-to/dump-and-restore.md")
    return PgfeedError(f"database {database} has no {in_words(names)}", "it was dropped", "pgfeed migrate")


def install(config: Config, names: list[str], statements: Sequence[str] = ()) -> None:
    """Make objects without data again and run statements, in one transaction under the lock of migrations."""
    revisions, pins = ScriptDirectory.from_config(config), objects.pins()

    def work(_heads: object, context: MigrationContext) -> list:
        objects.execute("set local check_function_bodies = off")
        for statement in statements:
            objects.execute(statement)
        objects.install({name: pins[name] for name in names})
        context.connection.commit()
        return []

    with EnvironmentContext(config, revisions, fn=work):
        revisions.run_env()
