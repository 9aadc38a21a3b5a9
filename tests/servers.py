"""Servers of a test's or benchmark's own in temporary folders, a primary and a physical standby, and statements in them."""

import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from loader.errors import PgfeedError

PORT = 5432  # a part of the socket's name: nothing listens on a network port
SETTINGS = {
    "listen_addresses": "", "port": PORT, "dynamic_shared_memory_type": "mmap", "shared_buffers": "256MB", "work_mem": "32MB",
    "random_page_cost": 1.1, "jit": "off", "timezone": "UTC", "wal_level": "replica",
}
USER = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else ["setpriv"]
START_SECONDS = 60
REPLAY_SECONDS = 60


def queries(connection: Connection) -> Callable[..., list[tuple]]:
    """Return a function that runs one statement and returns its rows."""

    def run(statement: str, *parameters: object) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    return run


def environment() -> dict[str, str]:
    """Return what `run` gives its server: PL/Python must find the packages of this Python environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG") and name != "PYTHONHOME"}
    return kept | {
        "PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1",
    }


def as_server(*command: object) -> None:
    """Run a program of PostgreSQL as the server's OS user."""
    done = subprocess.run([*USER, *map(str, command)], cwd="/", env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise PgfeedError(f"{command[0]} failed", done.stderr.strip().splitlines()[-1])


class Server:
    """A running server that only this user and its own can reach, by a socket in its folder."""

    def __init__(self, folder: Path, settings: dict[str, object]):
        self.folder = folder
        options = [f"-c{name}={value}" for name, value in (SETTINGS | {"unix_socket_directories": folder} | settings).items()]
        with open(folder / "log", "ab") as log:
            # It ends with this process, whatever ends this.
            command = [*USER, "--pdeathsig", "INT", "postgres", "-D", str(folder / "data"), *options]
            self.process = subprocess.Popen(command, cwd="/", env=environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def dsn(self, database: str = "postgres") -> str:
        return make_dsn(host=str(self.folder), port=PORT, user="pgfeed", dbname=database)

    def wait(self) -> None:
        """Return when it answers."""
        until = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < until:
            try:
                psycopg2.connect(self.dsn()).close()
                return
            except psycopg2.OperationalError:
                time.sleep(0.05)
        raise PgfeedError("the server does not start", (self.folder / "log").read_text().strip().splitlines()[-1])

    def run(self, database: str, statement: str, *parameters: object) -> list[tuple]:
        """Run one statement outside of a transaction; return its rows."""
        with closing(psycopg2.connect(self.dsn(database))) as connection:
            connection.autocommit = True
            return queries(connection)(statement, *parameters)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def server_folder() -> Iterator[Path]:
    """Yield a new folder of the server's user; remove it afterwards."""
    if not shutil.which("initdb"):
        raise PgfeedError("there are no programs of a PostgreSQL server here", "a standby is made with them", "unset PGFEED_DSN")
    folder = Path(tempfile.mkdtemp(prefix="pgfeed-server-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running(folder: Path, settings: dict[str, object]) -> Iterator[Server]:
    server = Server(folder, settings)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@contextmanager
def primary(**settings: object) -> Iterator[Server]:
    """Yield an empty server; stop and remove it afterwards."""
    with server_folder() as folder:
        as_server("initdb", "-D", folder / "data", "-U", "pgfeed", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        with running(folder, settings) as server:
            yield server


@contextmanager
def standby(of: Server, **settings: object) -> Iterator[Server]:
    """Yield a hot standby of a server, made by pg_basebackup; stop and remove it afterwards."""
    with server_folder() as folder:
        as_server(
            "pg_basebackup", "-h", of.folder, "-p", PORT, "-U", "pgfeed", "-D", folder / "data",
            "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync",
        )
        with running(folder, settings) as server:
            yield server


def wait_for_replay(of: Server, by: Server) -> None:
    """Return when the standby shows everything that is committed on the primary now."""
    position = of.run("postgres", "select pg_current_wal_lsn()::text")[0][0]
    until = time.monotonic() + REPLAY_SECONDS
    while not by.run("postgres", "select pg_last_wal_replay_lsn() >= %s::pg_lsn", position)[0][0]:
        if time.monotonic() > until:
            raise PgfeedError("the standby does not follow", (by.folder / "log").read_text().strip().splitlines()[-1])
        time.sleep(0.02)
