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
import numpy as np
from plpy.session import import_catboost
from plpy.tables import Tables
from plpy.trees import Trees
trees = Trees(np.array([0]), np.float32([0.5]), np.array([1]), np.array([1.0, 2.0]), np.array([False]), 1.0, 0.0)
in_c = Tables(trees, ["match.text"], {}, 1).kernel
in_c = in_c and in_c.direct(np.zeros((1, 3), np.uint16), trees.leaves, [np.float32([0, 1, np.nan])]).tolist()
return str((import_catboost() is catboost, in_c))
$$;
select pg_temp.serves();
"""
LISTS = """
select u, rank, post_id, score
from generate_series(1, 12) as u
cross join pgfeed.recommend_posts(u, '2021-12-13 12:00+00', 60);
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


def dumped(dsn: str, run) -> str:
    """Copy a database into one of the server that ./run starts; return its name."""
    run("psql", "-XAtqc", "create database network")
    run("psql", "-Xqd", "network", "-v", "ON_ERROR_STOP=1", "-f", ROOT / "migrations/baseline/roles.sql")
    with tempfile.NamedTemporaryFile(suffix=".sql") as file:
        subprocess.run(["pg_dump", "-f", file.name, dsn], check=True)
        run("psql", "-Xqd", "network", "-v", "ON_ERROR_STOP=1", "-f", file.name)
    return "network"


def test_sessions_start_with_catboost_and_draw_their_own_random_numbers(run, network_dsn, network):
    first, second = (json.loads(run("psql", "-XAtqc", FOUND)) for _ in range(2))
    assert first["at_start"] == ["catboost", "numpy"]
    assert first["rows"] == 7
    assert first["random"] != second["random"]
    assert first["numpy"] != second["numpy"]
    name = dumped(network_dsn, run)
    assert run("psql", "-XAtqd", name, "-c", SERVES).strip() == "(True, [1.0, 2.0, 1.0])"
    lists = run("psql", "-XAtqd", name, "-c", LISTS)
    assert lists.split("\n")[:-1] == ["|".join(map(str, row)) for row in network(LISTS)]
    assert lists.count("\n") > 500

    run("stop")
    assert run("psql", "-XAtqc", "show shared_preload_libraries", preload="").strip() == ""
    assert json.loads(run("psql", "-XAtqc", FOUND, preload=""))["at_start"] == ["numpy"]
    assert run("psql", "-XAtqd", name, "-c", SERVES, preload="").strip() == "(True, None)"
    assert run("psql", "-XAtqd", name, "-c", LISTS, preload="") == lists
