"""A coordinator and workers of Citus in a folder that is removed afterwards."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import make_dsn

from loader.errors import PgfeedError
from tests.servers import as_server, queries

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "feed"
FIRST_PORT = 5432
SHARDS = 12
# Nothing may depend on the servers' own zones.
ZONES = ("UTC", "Asia/Tokyo", "America/New_York")
SETTINGS = """
shared_preload_libraries = 'citus'
listen_addresses = ''
unix_socket_directories = '{folder}'
port = {port}
timezone = '{zone}'
shared_buffers = 256MB
max_connections = 60
max_prepared_transactions = 100
wal_level = minimal
max_wal_senders = 0
jit = off
dynamic_shared_memory_type = mmap
citus.local_hostname = '{folder}'
citus.node_conninfo = 'sslmode=prefer'
citus.shard_count = {shards}
"""


def require_citus(dsn: str) -> None:
    """Raise unless servers with the extension citus can be made here: by the programs of the server of dsn."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select exists (select from pg_available_extensions where name = 'citus')")
        has_citus = cursor.fetchone()[0]
    if not has_citus:
        raise PgfeedError("the extension citus is not installed", "pgfeed itself does not need it", "install Citus 13 for the embedded server's PostgreSQL")
    if not shutil.which("initdb"):
        raise PgfeedError("there is no initdb on PATH", "PGFEED_DSN names a server elsewhere", "unset PGFEED_DSN")


class Nodes:
    """Servers that know each other by their sockets in one folder: the coordinator is the first."""

    def __init__(self, folder: Path, count: int):
        self.folder, self.count = folder, count
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")

    def make(self) -> None:
        """Make and start the servers with an empty database each, and let the coordinator know the workers."""
        for number in range(self.count):
            data = self.folder / str(number)
            as_server("initdb", "-D", data, "-U", "pgfeed", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            with (data / "postgresql.conf").open("a") as file:
                file.write(SETTINGS.format(folder=self.folder, port=FIRST_PORT + number, zone=ZONES[number % len(ZONES)], shards=SHARDS))
            self.start(number)
            self.execute(number, f"create database {DATABASE}", database="postgres")
            self.execute(number, "create extension citus")
        self.execute(0, "select citus_set_coordinator_host(%s, %s)", self.folder, FIRST_PORT)
        for number in range(1, self.count):
            self.execute(0, "select citus_add_node(%s, %s)", self.folder, FIRST_PORT + number)

    def migrate(self) -> None:
        """Install pgfeed on the coordinator, not spread yet."""
        self.prepare(sys.executable, "-m", "loader.cli", "migrate")

    def spread(self, with_coordinator: bool = False) -> None:
        """Spread pgfeed over the workers, and over the coordinator if it is to hold a part of the users too."""
        self.execute(0, "select citus_set_node_property(%s, %s, 'shouldhaveshards', %s)", self.folder, FIRST_PORT, with_coordinator)
        self.prepare("psql", "-X", "-f", "sql/citus.sql", self.dsn())

    def prepare(self, *command: str) -> None:
        """Run a command of the checkout on the coordinator."""
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PGFEED_DSN": self.dsn()}, capture_output=True, text=True)
        if done.returncode:
            raise PgfeedError(f"{' '.join(command)} failed", done.stderr.strip(), f"see {self.folder}/0.log")

    def start(self, number: int) -> None:
        as_server("pg_ctl", "-D", self.folder / str(number), "-s", "-w", "-l", self.folder / f"{number}.log", "start")

    def stop(self, number: int) -> None:
        as_server("pg_ctl", "-D", self.folder / str(number), "-s", "-w", "-m", "immediate", "stop")

    def dsn(self, number: int = 0, database: str = DATABASE) -> str:
        return make_dsn(host=str(self.folder), port=FIRST_PORT + number, user="pgfeed", dbname=database)

    def execute(self, number: int, statement: str, *parameters: object, database: str = DATABASE) -> None:
        with closing(psycopg2.connect(self.dsn(number, database))) as connection:
            connection.autocommit = True
            queries(connection)(statement, *map(str, parameters))


@contextmanager
def nodes(count: int) -> Iterator[Nodes]:
    """Yield running servers, the first of them the coordinator; end and remove them afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pgfeed-citus-"))
    result = Nodes(folder, count)
    try:
        result.make()
        yield result
    finally:
        for number in range(count):
            if (folder / str(number) / "postmaster.pid").exists():
                result.stop(number)
        shutil.rmtree(folder)
