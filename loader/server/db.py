"""Connections to the database that pgfeed lives in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2.extensions import get_wait_callback, set_wait_callback
from psycopg2.extras import wait_select

from loader.errors import PgfeedError
from loader.server.remedies import grant
from migrations import objects
from migrations.objects import VECTOR_SCHEMA, revisions

OWN_SETTINGS = """
    select set_config(s.name, w.setting, false)
    from pg_settings as s
    inner join (
        values
        ('default_transaction_isolation', 'read committed', false), ('default_transaction_read_only', 'off', false),
        ('row_security', 'off', false),
        ('lock_timeout', '0', false), ('statement_timeout', '0', false), ('transaction_timeout', '0', false),
        ('idle_in_transaction_session_timeout', '0', false), ('idle_session_timeout', '0', false),
        ('quote_all_identifiers', 'off', true), ('extra_float_digits', '1', true), ('IntervalStyle', 'postgres', true)
    ) as w (name, setting, is_meaning) on w.name = s.name
    where (w.is_meaning or s.source <> 'client') and s.setting <> w.setting
"""
OTHER_TABLES = """
    select exists (
        select
        from pg_class as c
        where
            c.relkind in ('r', 'p', 'v', 'm', 'f')
            and c.relnamespace::regnamespace::text not in ('pgfeed', 'simulation', 'pg_catalog', 'information_schema')
            and c.relnamespace::regnamespace::text !~ '^pg_(toast|temp)'
            and pg_get_userbyid(c.relowner) <> 'pgfeed_owner'
            and not exists (
                select from pg_depend as d
                where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
            )
    )
"""
CONNECTION_LOST = ("57P01", "57P02", "57P03")


def dsn() -> str:
    """Return the connection string; empty means libpq's own environment (PGHOST, ...)."""
    return os.environ.get("PGFEED_DSN", "")


def emptying(is_ours: bool = False) -> str:
    """Return the remedy where an empty database is needed; is_ours: nothing is lost with what this one holds."""
    if dsn():
        return "name an empty database in PGFEED_DSN"
    another = "PGFEED_DATABASE=other in front of the command"
    return f"pgfeed reset --yes, or {another}" if is_ours else another


def holds_only_ours(cursor: psycopg2.extensions.cursor) -> bool:
    """Return whether no table of this database is anybody else's than pgfeed's, its simulation's or an extension's."""
    cursor.execute(OTHER_TABLES)
    return not cursor.fetchone()[0]


def connect(**overrides: object) -> psycopg2.extensions.connection:
    """Connect to pgfeed's database; keyword arguments override parts of the address."""
    options = {"application_name": "pgfeed", "connect_timeout": 10, "client_encoding": "UTF8", **overrides}
    try:
        return prepared(psycopg2.connect(dsn(), **options))
    except psycopg2.OperationalError as error:
        raise PgfeedError(
            "cannot connect to the database",
            str(error).strip().splitlines()[0],
            "check PGFEED_DSN, or unset it to use the embedded server",
        ) from error
    except psycopg2.ProgrammingError as error:
        raise PgfeedError("PGFEED_DSN is not a connection string", str(error),
                          "use postgresql://user:password@host:port/database") from error


def prepared(connection: psycopg2.extensions.connection) -> psycopg2.extensions.connection:
    """Return a connection with what verbs need, whatever the defaults here are.

    What the address itself sets stays, but for how numbers, intervals and names are written.
    standard_conforming_strings stays, as psycopg2 looks at it only once: no statement of ours has a backslash
    outside of E''.
    """
    with connection.cursor() as cursor:
        cursor.execute(OWN_SETTINGS)
    connection.commit()
    return connection


def placed(cursor: psycopg2.extensions.cursor, sql: str) -> str:
    """Return a statement that names pgvector in public for a database that may have it elsewhere."""
    cursor.execute(VECTOR_SCHEMA)
    return objects.placed(sql, cursor.fetchone()[0])


@contextmanager
def outside_transaction(connection: psycopg2.extensions.connection) -> Iterator[None]:
    """Let each statement commit by itself: some refuse to run in a transaction."""
    before = connection.autocommit
    connection.autocommit = True
    try:
        yield
    finally:
        if not connection.closed:
            connection.autocommit = before


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C cancel the statement that runs, for whose end psycopg2 waits otherwise; no COPY can run in it."""
    before = get_wait_callback()
    set_wait_callback(wait_select)
    try:
        yield
    except psycopg2.errors.QueryCanceled as error:
        if "user request" in str(error):
            raise KeyboardInterrupt from error
        raise
    finally:
        set_wait_callback(before)


def restored_without_data(cursor: psycopg2.extensions.cursor) -> bool:
    """Return whether there are tables but no revision, as after pg_restore --schema-only."""
    cursor.execute("select to_regclass('pgfeed.users') is not null and not exists (select from pgfeed.alembic_version)")
    return cursor.fetchone()[0]


def head() -> str:
    """Return the newest revision of this checkout."""
    return revisions()[-1].name[:4]


def without_revision(name: str) -> PgfeedError:
    """Return the error about a schema that does not know its revision."""
    return PgfeedError(
        f"database {name} does not know its revision", "it was restored without data",
        f"name the revision that it was dumped at, such as {head()}:"
        f" insert into pgfeed.alembic_version values ('{head()}')",
    )


def require_schema(connection: psycopg2.extensions.connection) -> None:
    """Raise unless all migrations have been applied here."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select to_regnamespace('pgfeed') is not null,"
            " to_regnamespace('pgfeed') is not null and has_schema_privilege('pgfeed', 'usage'),"
            " current_database(), current_user"
        )
        exists, is_usable, name, user = cursor.fetchone()
        if is_usable:
            if restored_without_data(cursor):
                raise without_revision(name)
            cursor.execute("select version_num from pgfeed.alembic_version")
            revision = cursor.fetchone()
        if not exists:
            raise PgfeedError(f"database {name} has no pgfeed schema", "it was never migrated", "pgfeed migrate")
        if not is_usable:
            raise PgfeedError(
                f"user {user} may not use the schema pgfeed of database {name}", "no role of pgfeed was granted",
                f"{grant('pgfeed_reader', user)} -- or pgfeed_writer, pgfeed_operator, pgfeed_owner",
            )
        if revision is None or revision[0] != head():
            raise PgfeedError(
                f"database {name} is at revision {revision[0] if revision else 'none'}",
                f"this checkout needs {head()}", "pgfeed migrate"
            )
