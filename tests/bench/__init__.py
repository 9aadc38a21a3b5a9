"""Benchmarks: `./run bench NAME` prints a table; docs/measured.md shows them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from loader.errors import PgfeedError
from loader.server import db

ROOT = Path(__file__).resolve().parents[2]


def data_folder(name: str) -> Path:
    """Return a folder of real data: PGFEED_DATA/NAME, by default shared/data beside the checkout."""
    folder = Path(os.environ.get("PGFEED_DATA", ROOT.parent / "shared" / "data")) / name
    if not folder.is_dir():
        raise PgfeedError(f"there is no {folder}", "this benchmark needs real data that is not part of pgfeed",
                          "PGFEED_DATA=FOLDER ./run bench ...")
    return folder


def administer(statement: str) -> None:
    """Run one statement outside of a transaction in the present database."""
    with closing(db.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def create_database(name: str) -> str:
    """Make a database beside the present one unless it is there, bring it up to date; return its connection string."""
    with closing(db.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("select from pg_database where datname = %s", [name])
        is_new = cursor.rowcount == 0
    if is_new:
        administer(f'create database "{name}"')
    dsn = make_dsn(db.dsn(), dbname=name)
    subprocess.run([sys.executable, "-m", "loader.cli", "migrate"], check=True, cwd=ROOT,
                   env={**os.environ, "PGFEED_DSN": dsn}, stderr=subprocess.DEVNULL)
    return dsn


def drop_database(name: str) -> None:
    administer(f'drop database if exists "{name}" with (force)')


@contextmanager
def temporary_database(purpose: str) -> Iterator[Connection]:
    """Yield a connection to a migrated database beside the present one; drop it afterwards."""
    name = f"pgfeed_bench_{purpose}_{os.getpid()}"
    try:
        with closing(psycopg2.connect(create_database(name))) as result:
            yield result
    finally:
        drop_database(name)
