"""A server that a benchmark may kill: set up and started again by ./run, with a cluster of its own."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from loader.errors import PgfeedError
from tests.bench import ROOT
from tests.servers import queries

RECOVERY_SECONDS = 120
LIMIT = """
do language plpython3u $$
import resource
more, limit = MORE, resource.getrlimit(resource.RLIMIT_AS)[1]
if more is not None:
    with open("/proc/self/statm") as file:
        limit = int(file.read().split()[0]) * resource.getpagesize() + more
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
$$
"""


class OwnServer:
    """A server in a folder beside the environment's own one, with the same Python packages."""

    def __init__(self) -> None:
        venv = Path(sys.prefix)
        self.home = venv.parents[1] / "faults"
        self.home.mkdir(exist_ok=True)
        with suppress(FileExistsError):
            (self.home / "venv").symlink_to(venv.parent)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON"))}
        self.start()

    def start(self) -> None:
        """Start the server as any ./run does; again after its postmaster was killed."""
        environment = {**self.environment, "PGFEED_HOME": str(self.home)}
        done = subprocess.run([ROOT / "run", "env"], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise PgfeedError("the server of this benchmark does not start", done.stderr.strip(), "see the lines above")
        found = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
        self.url = shlex.split(found["PGFEED_URL"])[0]

    def remove(self) -> None:
        """Stop the server and delete its cluster."""
        environment = {**self.environment, "PGFEED_HOME": str(self.home)}
        with self.connect() as query:
            cluster = Path(query("show data_directory")[0][0]).parent
        subprocess.run([ROOT / "run", "stop"], env=environment, check=True, stderr=subprocess.DEVNULL)
        shutil.rmtree(cluster)

    def dsn(self, database: str) -> str:
        return make_dsn(self.url, dbname=database)

    def session(self, database: str = "postgres", **options: object) -> Connection:
        """Return an autocommit connection."""
        connection = psycopg2.connect(self.dsn(database), connect_timeout=30, **options)
        connection.autocommit = True
        return connection

    @contextmanager
    def connect(self, database: str = "postgres") -> Iterator:
        """Yield a function that runs one statement in a session of its own and returns its rows."""
        with closing(self.session(database)) as connection:
            yield queries(connection)

    def clone(self, template: str | None, name: str) -> None:
        """Make a database as a copy of another one, in place of an older one of that name."""
        with self.connect() as query:
            query(f'drop database if exists "{name}" with (force)')
            query(f'create database "{name}"' + (f' template "{template}" strategy file_copy' if template else ""))

    def environment_of(self, database: str) -> dict[str, str]:
        return {**self.environment, "PGFEED_DSN": self.dsn(database), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}

    def command(self, database: str, arguments: list[str], **variables: str) -> subprocess.Popen:
        """Start a program of this checkout's Python on a database, with more variables of the environment."""
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment_of(database) | variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def verb(self, database: str, *arguments: object) -> str:
        """Run a verb; return what it printed."""
        process = self.command(database, ["-m", "loader.cli", *map(str, arguments)])
        printed, complaints = process.communicate()
        if process.returncode:
            raise PgfeedError(f"{arguments[0]} failed", complaints.strip()[-2000:], "mend that first")
        return printed

    def postmaster(self) -> int:
        with self.connect() as query:
            return int(query("select pg_read_file('postmaster.pid', 0, 20)")[0][0].split()[0])

    def wait_until_up(self) -> None:
        """Wait until the server has recovered from the end of one of its backends."""
        end = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                with self.connect():
                    return
            except psycopg2.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


def limit_memory(query, more_bytes: int | None) -> None:
    """Let the session's process take so many bytes of address space more than it has; None: as many as it may."""
    query(LIMIT.replace("MORE", str(more_bytes)))
