"""What is in the schema pgfeed and not pgfeed's, such as what an application made when it was first on its path."""

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from loader.server.definitions import found
from loader.server.script import plain_name, wanted
from migrations.objects import VECTOR_SCHEMA

EXTENSIONS = """
    select extname from pg_extension
    where extnamespace = 'pgfeed'::regnamespace and extname <> 'vector' order by extname
"""
# Of its "$user", public the first is our schema then.
LOGIN = """
    select exists (
        select
        from pg_roles as r
        where r.rolname = 'pgfeed' and r.rolcanlogin and not exists (
            select
            from pg_db_role_setting as s
            cross join unnest(s.setconfig) as u (setting)
            where
                starts_with(u.setting, 'search_path=')
                and s.setrole in (r.oid, 0)
                and s.setdatabase in (0, (select d.oid from pg_database as d where d.datname = current_database()))
        )
    )
"""
LEAD_AWAY = "alter role pgfeed set search_path = public"


@dataclass
class Stranger:
    """An object in the schema that is not ours; is_taken: the schema public has one of its name."""

    kind: str
    name: str
    is_taken: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {plain_name(self.name)}"

    @property
    def departure(self) -> str:
        """Return the statement that takes it out of the schema."""
        move = f"alter {self.kind} {self.name} set schema public"
        return move + " -- after one of the two is renamed, for public has that name too" if self.is_taken else move


def strangers(cursor: Cursor) -> list[Stranger]:
    """Return the objects in the schema that no revision made."""
    cursor.execute(VECTOR_SCHEMA)
    schema = (cursor.fetchone() or ["public"])[0]
    ours = wanted(schema)
    result = []
    for name, thing in found(cursor, schema).items():
        if name not in ours and not thing.is_part and thing.kind != "schema":
            cursor.execute(
                "select to_regclass(%s) is not null", ["public." + name.removeprefix("pgfeed.").partition("(")[0]]
            )
            result.append(Stranger(thing.kind, name, "(" not in name and cursor.fetchone()[0]))
    cursor.execute(EXTENSIONS)
    return result + [Stranger("extension", name) for (name,) in cursor.fetchall()]


def is_led_here(cursor: Cursor) -> bool:
    """Return whether there is a login whose name puts the schema pgfeed first on its search_path."""
    cursor.execute(LOGIN)
    return cursor.fetchone()[0]


def lead_away(cursor: Cursor) -> list[str]:
    """Let what that login makes land in the schema public; return what was done, in words."""
    if not is_led_here(cursor):
        return []
    cursor.execute(LEAD_AWAY)
    return [
        "login pgfeed had the schema of its name first on its search_path: from its next session on it has public"
    ]
