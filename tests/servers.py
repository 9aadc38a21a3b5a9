"""Servers of a test's own in temporary folders: a new one or a physical standby, and what runs in them."""

import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from glob import glob
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from loader.errors import PgfeedError

ROOT = Path(__file__).resolve().parents[1]
PORT = 5432  # a part of the socket's name: nothing listens on a network port
SETTINGS = {
    "listen_addresses": "", "port": PORT, "dynamic_shared_memory_type": "mmap", "shared_buffers": "256MB",
    "work_mem": "32MB",
    "random_page_cost": 1.1, "jit": "off", "timezone": "UTC", "wal_level": "replica",
}
USER = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else ["setpriv"]
IN_MEMORY, FREE_BYTES = Path("/dev/shm"), 8 * 2**30  # noqa: S108 - mkdtemp makes them
START_SECONDS = 120
REPLAY_SECONDS = 60


def queries(connection: Connection) -> Callable[..., list[tuple]]:
    """Return a function that runs one statement and returns its rows."""

    def run(statement: str, *parameters: object) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    return run


def environment() -> dict[str, str]:
    """Return this process's environment without what speaks of another server or Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON"))}


def program(*command: object, **options: object) -> str:
    """Run a program to its end; return what it printed, raise if it failed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if done.returncode:
        raise PgfeedError(f"{shlex.join(words)} failed", done.stderr.strip()[-2000:], "mend that first")
    return done.stdout


def limit_memory(process: int, more_bytes: int | None) -> None:
    """Let a process of a server take so many bytes of address space more than it has; None: as many as it may."""
    if more_bytes is None:
        limits = Path(f"/proc/{process}/limits").read_text(encoding="ascii")
        limit = next(line.split()[-2] for line in limits.splitlines() if line.startswith("Max address space"))
    else:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[0])
        limit = str(pages * resource.getpagesize() + more_bytes)
    program(*USER, "prlimit", f"--pid={process}", f"--as={limit}:")


def server_options() -> dict[str, object]:
    """Return how `run` starts its server: PL/Python must find the packages of this Python environment."""
    more = {"PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1"}
    return {"cwd": "/", "env": environment() | more}


class Server:
    """A server that only this user and its own can reach, by a socket in its folder."""

    def __init__(self, folder: Path, settings: dict[str, object], user: str = "postgres"):
        self.user = user
        self.folder, self.data, self.log = folder, folder / "data", folder / "log"
        self.settings = SETTINGS | {"unix_socket_directories": folder} | settings

    def is_in_use(self) -> bool:
        """Return whether a process works in its data folder, as all of a server's do."""
        for path in glob("/proc/[0-9]*/cwd"):
            with suppress(OSError):
                if os.readlink(path) == str(self.data):
                    return True
        return False

    def start(self) -> None:
        """Start it, again too after it was stopped or killed, and return when it answers."""
        until = time.monotonic() + START_SECONDS
        # Processes of a server that was killed may still be ending.
        while self.is_in_use() and time.monotonic() < until:
            time.sleep(0.05)
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        with self.log.open("ab") as log:
            # It ends with this process, whatever ends this.
            command = [*USER, "--pdeathsig", "INT", "postgres", "-D", str(self.data), *options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            **server_options())
        self.wait()

    def wait(self) -> None:
        """Return when it answers: after its start or after the end of one of its backends."""
        until = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < until:
            try:
                self.session().close()
                return
            except psycopg2.OperationalError:
                time.sleep(0.05)
        raise PgfeedError("the server does not answer", self.log.read_text().strip().splitlines()[-1])

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, if it runs, as that signal does."""
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def dsn(self, database: str = "postgres") -> str:
        return make_dsn(host=str(self.folder), port=PORT, user=self.user, dbname=database)

    def session(self, database: str = "postgres", **options: object) -> Connection:
        """Return an autocommit connection."""
        connection = psycopg2.connect(self.dsn(database), connect_timeout=30, **options)
        connection.autocommit = True
        return connection

    @contextmanager
    def connect(self, database: str = "postgres") -> Iterator[Callable[..., list[tuple]]]:
        """Yield a function that runs one statement in a session of its own and returns its rows."""
        with closing(self.session(database)) as connection:
            yield queries(connection)

    def run(self, database: str, statement: str, *parameters: object) -> list[tuple]:
        """Run one statement outside of a transaction; return its rows."""
        with self.connect(database) as query:
            return query(statement, *parameters)

    def clone(self, template: str | None, name: str) -> None:
        """Make a database as a copy of another one, in place of an older one of that name."""
        with self.connect() as query:
            query(f'drop database if exists "{name}" with (force)')
            query(f'create database "{name}"' + (f' template "{template}" strategy file_copy' if template else ""))

    def client_options(self, database: str, **variables: str) -> dict[str, object]:
        ours = {"PGFEED_DSN": self.dsn(database), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
        return {"cwd": ROOT, "env": environment() | ours | variables}

    def command(self, database: str, arguments: list[str], **variables: str) -> subprocess.Popen:
        """Start a program of this checkout's Python on a database, with more variables of the environment."""
        options = self.client_options(database, **variables)
        return subprocess.Popen([sys.executable, *arguments], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def verb(self, database: str, *arguments: object) -> str:
        """Run a verb; return what it printed."""
        return program(sys.executable, "-m", "loader.cli", *arguments, **self.client_options(database))


def require_programs() -> None:
    """Raise unless servers can be made here."""
    if not shutil.which("initdb"):
        raise PgfeedError("there are no programs of a PostgreSQL server here", "PGFEED_DSN names a server elsewhere",
                          "unset PGFEED_DSN")


def memory_folder() -> Path | None:
    """Return a folder whose files are in memory, if there is one and the machine has memory to spare.

    There a database is copied in a third of the processor time, as no files are made on a disk.
    """
    meminfo = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    available = int(meminfo["MemAvailable"].split()[0]) * 1024
    is_roomy = IN_MEMORY.is_dir() and min(shutil.disk_usage(IN_MEMORY).free, available) >= FREE_BYTES
    return IN_MEMORY if is_roomy else None


@contextmanager
def server_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a new folder of the server's user, among the temporary ones or in parent; remove it afterwards."""
    require_programs()
    folder = Path(tempfile.mkdtemp(prefix="pgfeed-server-", dir=parent))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running(settings: dict[str, object], maker: str, *options: object, user: str = "postgres",
            parent: Path | None = None) -> Iterator[Server]:
    """Yield a server whose data a program of PostgreSQL makes; stop and remove it afterwards."""
    with server_folder(parent) as folder:
        server = Server(folder, settings, user)
        program(*USER, maker, "-D", server.data, "-U", user, "--no-sync", *options, **server_options())
        try:
            server.start()
            yield server
        finally:
            server.stop()


def primary(user: str = "postgres", parent: Path | None = None, **settings: object) -> AbstractContextManager[Server]:
    """Yield an empty server whose superuser has this name; stop and remove it afterwards."""
    return running(settings, "initdb", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", user=user,
                   parent=parent)


def standby(of: Server, **settings: object) -> AbstractContextManager[Server]:
    """Yield a hot standby of a server, made by pg_basebackup; stop and remove it afterwards."""
    return running(
        settings, "pg_basebackup", "-h", of.folder, "-p", PORT, "--write-recovery-conf", "--wal-method=stream",
        "--checkpoint=fast"
    )


def wait_for_replay(of: Server, by: Server) -> None:
    """Return when the standby shows everything that is committed on the primary now."""
    position = of.run("postgres", "select pg_current_wal_lsn()::text")[0][0]
    until = time.monotonic() + REPLAY_SECONDS
    while not by.run("postgres", "select pg_last_wal_replay_lsn() >= %s::pg_lsn", position)[0][0]:
        if time.monotonic() > until:
            raise PgfeedError("the standby does not follow", by.log.read_text().strip().splitlines()[-1])
        time.sleep(0.02)
