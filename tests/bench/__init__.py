"""Benchmarks: `./run bench NAME` prints the table that README shows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from loader import db
from loader.errors import PgfeedError

ROOT = Path(__file__).resolve().parents[2]


def data_folder(name: str) -> Path:
    """Return a folder of real data: PGFEED_DATA/NAME, by default shared/data beside the checkout."""
    folder = Path(os.environ.get("PGFEED_DATA", ROOT.parent / "shared" / "data")) / name
    if not folder.is_dir():
        raise PgfeedError(f"there is no {folder}", "this benchmark needs real data that is not part of pgfeed", "PGFEED_DATA=FOLDER ./run bench ...")
    return folder


@contextmanager
def temporary_database(purpose: str) -> Iterator[Connection]:
    """Yield a connection to a migrated database beside the present one; drop it afterwards."""
    name = f"pgfeed_bench_{purpose}_{os.getpid()}"
    with closing(db.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'create database "{name}"')
        try:
            dsn = make_dsn(db.dsn(), dbname=name)
            subprocess.run([sys.executable, "-m", "loader.cli", "migrate"], check=True, cwd=ROOT, env={**os.environ, "PGFEED_DSN": dsn}, stderr=subprocess.DEVNULL)
            with closing(psycopg2.connect(dsn)) as result:
                yield result
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f'drop database "{name}" with (force)')
