"""Bringing the schema up to date, with the server's shortcomings said before anything is changed."""

import re
from pathlib import Path

import psycopg2
from alembic import command
from alembic.config import Config
from psycopg2.extensions import connection as Connection
from sqlalchemy.exc import DBAPIError

from loader.errors import PgfeedError
from loader.server import db, definitions, install, objects, strangers
from loader.server.remedies import plain
from migrations.objects import VECTOR_SCHEMA

ROOT = Path(__file__).resolve().parents[2]
LOCK_NOT_AVAILABLE = "55P03"
CHANGED_BY_HAND = ("42P13", "42P16")  # another type of result, other columns
BASELINE = "0012"
EXTENSIONS = {"plpython3u": "postgresql-plpython3", "vector": "pgvector"}
ENCODING = """
    select
        pg_encoding_to_char(d.encoding),
        to_regnamespace('pgfeed') is null,
        coalesce(
            case when d.datctype ~* 'utf-?8$' then d.datctype end,
            (select c.collcollate from pg_collation as c where c.collcollate ~* '^C.utf-?8$' limit 1),
            'C'
        )
    from pg_database as d
    where d.datname = current_database()
"""
IMPORTS = """
do language plpython3u $$
import importlib
for name in ("numpy", "catboost"):
    try:
        importlib.import_module(name)
    except Exception as error:
        plpy.error(f"{name}: {error}")
$$
"""

DONE = """
    select v.version_num, pgfeed._refresh_as_of() is null
        or pgfeed._refresh_as_of() in (select k.as_of from pgfeed.feature_packs as k)
    from pgfeed.alembic_version as v
"""


def require_extensions(connection: Connection) -> None:
    """Raise unless plpython3u and pgvector are there or can be created by this user."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select name, installed_version is not null from pg_available_extensions where name = any(%s)",
            [list(EXTENSIONS)]
        )
        available = dict(cursor.fetchall())
        cursor.execute(VECTOR_SCHEMA)
        schema = (cursor.fetchone() or ["public"])[0]
        cursor.execute("select to_regnamespace(%s) is not null", [schema])
        has_schema = cursor.fetchone()[0]
        cursor.execute("select current_user, usesuper, current_setting('server_version_num')::integer / 10000"
                       " from pg_user where usename = current_user")
        user, is_superuser, major = cursor.fetchone()
    if major < 15:
        raise PgfeedError(f"the server is PostgreSQL {major}", "15 or later is needed",
                          "upgrade it, or unset PGFEED_DSN to use the embedded one")
    for name, package in EXTENSIONS.items():
        if name not in available:
            raise PgfeedError(
                f"the server has no extension {name}", f"{package} is not installed there",
                f"install {package} for PostgreSQL {major} on the server, or unset PGFEED_DSN to use the embedded one",
            )
    if not has_schema:
        raise PgfeedError(
            f"database {connection.info.dbname} has no schema public", "the extension vector would be made in it",
            "create schema public; or create extension vector schema other",
        )
    if not re.fullmatch("[a-z_][a-z0-9_]*", schema):
        raise PgfeedError(
            f"the extension vector is in the schema {schema}", "functions name it there, and that name needs quotes",
            "alter extension vector set schema public",
        )
    if not is_superuser:
        raise PgfeedError(
            f"user {user} may not migrate", "functions in plpython3u and roles are made by a superuser",
            "as a superuser: pgfeed migrate"
        )


def require_encoding(connection: Connection) -> None:
    """Raise unless the database is in UTF-8."""
    with connection, connection.cursor() as cursor:
        cursor.execute(ENCODING)
        encoding, is_empty, locale = cursor.fetchone()
    if encoding == "UTF8":
        return
    name = connection.info.dbname
    create = f"create database {name}_utf8 template template0 encoding 'UTF8' locale '{locale}'"
    and_then = f"name {name}_utf8 instead of {name} and migrate again"
    if not is_empty:
        and_then = f"pg_dump -Fc {name} | pg_restore -d {name}_utf8, {and_then}"
    raise PgfeedError(f"database {name} is in {encoding}", "texts need UTF-8", f"{create} -- then {and_then}")


def require_packages(connection: Connection) -> None:
    """Raise unless the server's own Python can import what serving needs."""
    with connection, connection.cursor() as cursor:
        try:
            cursor.execute(IMPORTS)
        except psycopg2.Error as error:
            connection.rollback()
            raise PgfeedError(
                "the server's Python cannot import what recommend_posts needs",
                plain(str(error).splitlines()[0]),
                f"{install.remedy(connection)}, then pgfeed migrate",
            ) from error


def require_revision(connection: Connection) -> None:
    """Raise if the tables are there and no revision of this checkout's is known to have made them."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('pgfeed.alembic_version') is not null")
        if not cursor.fetchone()[0]:
            return
        if db.restored_without_data(cursor):
            raise db.without_revision(connection.info.dbname)
        cursor.execute("select version_num from pgfeed.alembic_version")
        for (revision,) in cursor.fetchall():
            if revision < BASELINE:
                raise PgfeedError(
                    f"database {connection.info.dbname} is at revision {revision}",
                    f"this checkout starts at {BASELINE}",
                    "git checkout v0.1.0 && pgfeed migrate && git checkout - && pgfeed migrate",
                )
            if revision > db.head():
                raise PgfeedError(
                    f"database {connection.info.dbname} is at revision {revision}",
                    f"this checkout ends at {db.head()}", "git pull"
                )


def restore(connection: Connection, config: Config) -> list[str]:
    """Make missing functions, procedures and views again; return them, raise if something with data is missing."""
    with connection, connection.cursor() as cursor:
        names = objects.missing(cursor)
    if not all(map(objects.is_code, names)):
        raise objects.error(connection.info.dbname, names)
    if names:
        objects.install(config, names)
    return names


def mend(connection: Connection, config: Config) -> list[str]:
    """Put back what is not as it should be; return it in words."""
    with db.outside_transaction(connection), connection.cursor() as cursor:
        return definitions.mend(cursor, config) + strangers.lead_away(cursor)


def migrate() -> tuple[str, str | None, list[str], list[str]]:
    """Upgrade to the newest revision; return it, the command to run next if any, what was made again, what put back."""
    connection = db.connect()
    config = Config(str(ROOT / "alembic.ini"))
    try:
        require_extensions(connection)
        require_encoding(connection)
        require_revision(connection)
        try:
            command.upgrade(config, "head")
            restored = restore(connection, config)
            mended = mend(connection, config)
            if restored or mended:
                with connection, connection.cursor() as cursor:
                    cursor.execute("call pgfeed.set_bi_schema(pgfeed._bi_schema())")
        except DBAPIError as error:
            code, cause = getattr(error.orig, "pgcode", None), str(error.orig).splitlines()[0]
            if code in CHANGED_BY_HAND:
                raise PgfeedError(
                    "an object of the schema was changed by hand and cannot be replaced", cause,
                    "see pgfeed check, drop the object, then pgfeed migrate",
                ) from error
            if code == LOCK_NOT_AVAILABLE:
                raise PgfeedError(
                    "the schema is in use", "a refresh or a long transaction kept its locks for 30 s",
                    "when that is done: pgfeed migrate"
                ) from error
            if error.connection_invalidated or not code or code in db.CONNECTION_LOST:
                raise PgfeedError("the connection to the server was lost", cause, "pgfeed migrate") from error
            raise
        require_packages(connection)
        with connection, connection.cursor() as cursor:
            # Not left to the first refresh, which would hold them until it ends.
            cursor.execute("call pgfeed.create_event_partitions(now(), now() + interval '1 month')")
            cursor.execute(DONE)
            revision, is_packed = cursor.fetchone()
            return revision, None if is_packed else "pgfeed refresh", restored, mended
    finally:
        connection.close()
