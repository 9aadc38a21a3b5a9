"""Connections to the database that pgfeed lives in."""

import os

import psycopg2
import psycopg2.extensions

from loader.errors import PgfeedError


def dsn() -> str:
    """Return the connection string; empty means libpq's own environment (PGHOST, ...)."""
    return os.environ.get("PGFEED_DSN", "")


def connect(**overrides: object) -> psycopg2.extensions.connection:
    """Connect to pgfeed's database; keyword arguments override parts of the address."""
    options = {"application_name": "pgfeed", "connect_timeout": 10, **overrides}
    try:
        return psycopg2.connect(dsn(), **options)
    except psycopg2.OperationalError as error:
        raise PgfeedError(
            "cannot connect to the database",
            str(error).strip().splitlines()[0],
            "check PGFEED_DSN, or unset it and run ./run migrate to use the embedded cluster",
        ) from error
    except psycopg2.ProgrammingError as error:
        raise PgfeedError("PGFEED_DSN is not a connection string", str(error), "use postgresql://user:password@host:port/database") from error


def require_schema(connection: psycopg2.extensions.connection) -> None:
    """Raise unless the migrations have been applied here."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select to_regnamespace('pgfeed') is not null,"
            " to_regnamespace('pgfeed') is not null and has_schema_privilege('pgfeed', 'usage'), current_database(), current_user"
        )
        exists, is_usable, name, user = cursor.fetchone()
        if not exists:
            raise PgfeedError(f"database {name} has no pgfeed schema", "it was never migrated", "./run migrate")
        if not is_usable:
            raise PgfeedError(
                f"user {user} may not use the schema pgfeed of database {name}", "no role of pgfeed was granted",
                f"as its administrator: grant pgfeed_reader to {user} (or pgfeed_writer, pgfeed_operator, pgfeed_owner)",
            )
