"""PGFEED_PRELOAD=1: sessions start with Python and CatBoost."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from loader.server import db

ROOT = Path(__file__).resolve().parents[2]
FOUND = """
set client_min_messages = error;
create extension if not exists plpython3u;
create function pg_temp.found() returns text language plpython3u as $$
import json, random, sys
import numpy
at_start = sorted(name for name in ("catboost", "numpy", "pandas", "pyarrow") if name in sys.modules)
return json.dumps({"at_start": at_start, "random": random.random(), "numpy": numpy.random.random(),
    "rows": plpy.execute("select 7 as n")[0]["n"]})
$$;
select pg_temp.found();
"""
SERVES = """
create function pg_temp.serves() returns text language plpython3u as $$
import sys
import catboost
plpy.execute("select pgfeed._library()")
from plpy.session import import_catboost
return str(import_catboost() is catboost)
$$;
select pg_temp.serves();
"""


def require_compiler() -> None:
    with db.connect() as connection:
        major = connection.server_version // 10000
    headers = Path(f"/usr/include/postgresql/{major}/server/postgres.h")
    library = Path(f"/usr/lib/postgresql/{major}/lib/plpython3.so")
    if "PGFEED_DSN" in os.environ or major >= 19 or not (headers.exists() and library.exists() and shutil.which("gcc")):
        pytest.skip("needs the embedded server, gcc and the server's headers")


@pytest.fixture
def run():
    """Return a function that runs ./run with a server of its own and returns its output."""
    require_compiler()
    home = Path(tempfile.mkdtemp(prefix="pgfeed-preload-"))
    home.chmod(0o755)  # the server's user must be able to enter it
    (home / "venv").symlink_to(Path(sys.prefix).parent)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON"))}
    environment = {**variables, "PGFEED_HOME": str(home)}

    def call(*arguments: str, preload: str = "1") -> str:
        result = subprocess.run(
            [ROOT / "run", *arguments], env={**environment, "PGFEED_PRELOAD": preload}, capture_output=True, text=True,
            cwd=ROOT, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    yield call
    call("stop")
    shutil.rmtree(home)


def test_sessions_start_with_catboost_and_draw_their_own_random_numbers(run):
    first, second = (json.loads(run("psql", "-XAtqc", FOUND)) for _ in range(2))
    assert first["at_start"] == ["catboost", "numpy"]
    assert first["rows"] == 7
    assert first["random"] != second["random"]
    assert first["numpy"] != second["numpy"]
    run("migrate")
    assert run("psql", "-XAtqc", SERVES).strip() == "True"

    run("stop")
    assert run("psql", "-XAtqc", "show shared_preload_libraries", preload="").strip() == ""
    assert json.loads(run("psql", "-XAtqc", FOUND, preload=""))["at_start"] == ["numpy"]
