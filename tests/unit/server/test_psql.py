"""./run psql with PGFEED_DSN: the password is in no command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FAKE = """#!/bin/sh
printf '%s|' "$@"
printf '%s' "$PGPASSWORD"
"""


@pytest.mark.parametrize("dsn", [
    "postgresql://reader:s%20ecret@db.example.com:5433/feed?sslmode=require",
    "host=db.example.com port=5433 dbname=feed user=reader password='s ecret' sslmode=require",
])
def test_the_password_goes_by_the_environment(tmp_path, dsn):
    (tmp_path / "psql").write_text(FAKE)
    (tmp_path / "psql").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PGFEED_DSN": dsn}
    command = [sys.executable, "-m", "loader.server.psql", "-c", "select 1"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    address, *arguments, password = result.split("|")
    assert sorted(address.split()) == ["dbname=feed", "host=db.example.com", "port=5433", "sslmode=require",
                                       "user=reader"]
    assert arguments == ["-c", "select 1"] and password == "s ecret"


def test_what_is_no_connection_string_is_one_line():
    command = [sys.executable, "-m", "loader.server.psql"]
    result = subprocess.run(command, cwd=ROOT, env={**os.environ, "PGFEED_DSN": "nonsense"},
                            capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("error: PGFEED_DSN is not a connection string: ") and result.stderr.count("\n") == 1
