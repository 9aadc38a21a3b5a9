"""A fresh database for each test, cloned from a template built by `alembic upgrade head`."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2.extensions import make_dsn

ROOT = Path(__file__).resolve().parent.parent.parent


def administer(*statements: str) -> None:
    """Run statements outside of a transaction in the maintenance database."""
    connection = psycopg2.connect(os.environ.get("PGFEED_DSN", ""), dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def dsn_of(name: str) -> str:
    return make_dsn(os.environ.get("PGFEED_DSN", ""), dbname=name)


def alembic(dsn: str, *arguments: str) -> str:
    """Run alembic on a database; return what it printed."""
    result = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT, env={**os.environ, "PGFEED_DSN": dsn}, capture_output=True, text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def database_name(purpose: str) -> str:
    return f"pgfeed_{purpose}_{os.getpid()}_{uuid.uuid4().hex[:6]}"


@pytest.fixture(scope="session")
def template():
    """Name of a migrated database that nobody is connected to."""
    name = database_name("template")
    administer(f'create database "{name}"')
    alembic(dsn_of(name), "upgrade", "head")
    yield name
    administer(f'drop database "{name}" with (force)')


@pytest.fixture
def empty_dsn():
    """Connection string of an empty database."""
    name = database_name("empty")
    administer(f'create database "{name}"')
    yield dsn_of(name)
    administer(f'drop database "{name}" with (force)')


@pytest.fixture
def dsn(template):
    """Connection string of a fresh migrated database."""
    name = database_name("test")
    administer(f'create database "{name}" template "{template}"')
    yield dsn_of(name)
    administer(f'drop database "{name}" with (force)')


@pytest.fixture
def db(dsn):
    """An autocommit connection to a fresh migrated database."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    yield connection
    connection.close()


@pytest.fixture
def query(db):
    """A function that runs one statement and returns its rows."""

    def run(statement: str, *parameters: object) -> list[tuple]:
        with db.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    return run
