"""A served database, a login that may only read, and a pgbouncer in transaction mode before it."""

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from tests.clients.callers import CALLERS, Address
from tests.db.conftest import administer, clone, network_template, template  # noqa: F401

SERVER_CONNECTIONS = 3
# The client's transactions take the server connections in turn, so that no two successive ones meet the same.
PGBOUNCER = """
[databases]
{database} = host={host} port={port} connect_query='select pgfeed.warm_up()'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {size}
server_round_robin = 1
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
{prepared}
"""
results: dict[str, dict[tuple[str, bool], str]] = {}


@pytest.fixture(scope="session")
def served_dsn(network_template):  # noqa: F811
    """Connection string of one copy of the network for the whole session."""
    with clone(network_template) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def direct(served_dsn):
    """The address of the served database for a login that is in pgfeed_reader and nothing else."""
    user, password = f"pgfeed_client_{os.getpid()}", secrets.token_hex(8)
    connection = psycopg2.connect(served_dsn)
    host, port, database = connection.info.host, connection.info.port, connection.info.dbname
    connection.close()
    administer(f"create role {user} login password '{password}' in role pgfeed_reader")
    yield Address("127.0.0.1" if host.startswith("/") else host, port, database, user, password)
    administer(f'drop role "{user}"')


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def pgbouncer_version(program: str) -> tuple[int, ...]:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.search(r"(\d+)\.(\d+)", text).groups()))


class Pgbouncer:
    """A pgbouncer in transaction mode that can be stopped and started."""

    def __init__(self, program: str, server: Address, folder: Path):
        self.program, self.server, self.folder = program, server, folder
        self.version = pgbouncer_version(program)
        self.address = replace(server, host="127.0.0.1", port=free_port())
        self.process = None
        (folder / "users.txt").write_text(f'"{server.user}" "{server.password}"\n')
        (folder / "pgbouncer.ini").write_text(PGBOUNCER.format(
            database=server.database, host=server.host, port=server.port, listen_port=self.address.port, folder=folder,
            size=SERVER_CONNECTIONS, prepared="max_prepared_statements = 100" if self.keeps_prepared else "",
        ))

    @property
    def keeps_prepared(self) -> bool:
        """Whether it prepares a client's statements on whichever server connection comes next."""
        return self.version >= (1, 21)

    def start(self) -> None:
        as_other = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen([self.program, self.folder / "pgbouncer.ini"], stdout=log, stderr=log,
                                            cwd="/", **as_other)
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection((self.address.host, self.address.port)):
                return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError("pgbouncer does not listen")

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def fill(self) -> None:
        """Open all server connections, with as many transactions at once."""
        connections = [psycopg2.connect(**self.address.keywords()) for _ in range(SERVER_CONNECTIONS)]
        for connection in connections:
            connection.cursor().execute("select 1")
        for connection in connections:
            connection.rollback()
            connection.close()


@pytest.fixture(scope="session")
def pgbouncer(direct):
    """A running pgbouncer whose server connections are open and warm."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    program = shutil.which("pgbouncer", path=path) or pytest.skip("pgbouncer is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pgfeed-pgbouncer-"))
    folder.chmod(0o755)
    bouncer = Pgbouncer(program, direct, folder)
    bouncer.start()
    bouncer.fill()
    yield bouncer
    bouncer.stop()
    shutil.rmtree(folder)


def pytest_terminal_summary(terminalreporter):
    """Print the table: client x (direct, pgbouncer) x prepared statements."""
    if not results:
        return
    headers = [(route, is_prepared) for route in ("direct", "pgbouncer") for is_prepared in (False, True)]
    terminalreporter.section("recommend_posts by client")
    line = "{:<15}" + "{:<24}" * len(headers)
    terminalreporter.line(line.format("", *(f"{route}, {'prepared' if on else 'plain'}" for route, on in headers)))
    for name, _, _ in CALLERS:
        if name in results:
            terminalreporter.line(line.format(name, *(results[name].get(header, "") for header in headers)))
