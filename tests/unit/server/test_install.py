"""What installs the server's packages: one line for its administrator, or this process where it may."""

import subprocess
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from loader.errors import PgfeedError
from loader.server import install
from loader.server.install import Place


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """The environment file of a server of this machine, where installing makes nothing but a folder."""
    path = tmp_path / "environment"
    path.write_text("# variables\nPYTHONPATH = '/old'\nLANG = 'C.UTF-8'", encoding="utf-8")
    monkeypatch.setattr(install, "place", lambda connection: Place("17", "main", path, "python3.13"))
    (tmp_path / "opt/lib/python3.13/site-packages").mkdir(parents=True)
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    return path


def test_the_line_asks_for_the_versions_of_setup_cfg_and_leaves_the_system_alone(environment):
    line = install.lines(install.place(None))
    assert all(f"'{wanted}'" in line for wanted in install.requirements()) and len(install.requirements()) == 3
    assert line.startswith("python3.13 -m venv /opt/pgfeed && /opt/pgfeed/bin/pip install ")
    assert line.endswith(f">>{environment} && systemctl restart postgresql@17-main")


def test_it_installs_where_it_may(environment, tmp_path):
    for _ in range(2):
        assert install.install(None, str(tmp_path / "opt")) == "systemctl restart postgresql@17-main"
    site = tmp_path / "opt/lib/python3.13/site-packages"
    assert environment.read_text() == f"# variables\nLANG = 'C.UTF-8'\nPYTHONPATH = '{site}'\n"
    assert install.remedy(None) == "pgfeed install server"


@pytest.mark.parametrize("environment_file", [None, "/no/such/folder/environment"])
def test_elsewhere_it_says_what_to_type_there(monkeypatch, environment_file):
    path = environment_file and install.Path(environment_file)
    monkeypatch.setattr(install, "place", lambda connection: Place("15", "main", path, "python3"))
    assert install.remedy(None).startswith("as root on the server's machine: python3 -m venv /opt/pgfeed && ")
    with pytest.raises(PgfeedError, match="cannot be installed from here.*as root there: python3 -m venv"):
        install.install(None)


NO_VENV = """The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

    apt install python3.13-venv

Failing command: /opt/pgfeed/bin/python3
"""


@pytest.mark.parametrize(("returned", "stdout", "stderr", "reason"), [
    (1, "", "Collecting\nERROR: No matching distribution\n", "ERROR: No matching distribution"),
    (1, NO_VENV, "", "The virtual environment .* install the python3-venv package using the following command"),
    (1, "", "error: externally-managed-environment\n", "error: externally-managed-environment"),
    (137, "", "", "it ended with exit code 137"),
    (1, " \n", "\n", "it ended with exit code 1"),
])  # fmt: skip
def test_a_failure_is_one_line(environment, monkeypatch, returned, stdout, stderr, reason):
    failed = SimpleNamespace(returncode=returned, stdout=stdout, stderr=stderr)
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(PgfeedError, match=f"^python3.13 failed: {reason}. Next: mend that"):
        install.install(None)


def test_a_python_that_is_not_there_is_one_line(environment, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(install, "place", lambda connection: Place("17", "main", environment, "/no/python3.99"))
    with pytest.raises(PgfeedError, match="^/no/python3.99 failed: No such file or directory. Next: mend that"):
        install.install(None)


@pytest.mark.parametrize(("config_file", "cluster"), [
    ("/etc/postgresql/15/blue/postgresql.conf", "blue"), ("/etc/postgresql/postgresql.conf", "main"),
    ("/var/lib/pgsql/data/postgresql.conf", "main"),
])  # fmt: skip
def test_only_debian_has_a_file_of_the_servers_environment(config_file, cluster):
    cursor = MagicMock()
    cursor.__enter__().fetchone.side_effect = [(config_file,), ("python3.11",)]
    where = install.place(SimpleNamespace(server_version=150020, cursor=lambda: cursor))
    assert (where.cluster, where.environment is not None) == (cluster, cluster == "blue")
