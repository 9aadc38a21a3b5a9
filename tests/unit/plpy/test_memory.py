"""Processes with too little memory for numpy: an error, and all works when there is memory again."""

import subprocess
import sys

import pytest

from plpy.memory import import_numpy, require_memory
from tests.servers import ROOT

LIMIT = """
import os, resource, sys
def limit_memory(more):
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most if more is None else size + (more << 20), most))
"""
LITTLE = f"""{LIMIT}
limit_memory(int(sys.argv[1]))
try:
    import plpy.memory
except MemoryError as error:
    print(error)
limit_memory(None)
import plpy.memory, numpy
print(os.environ["OPENBLAS_NUM_THREADS"], len(os.listdir("/proc/self/task")))
"""
PRODUCTS = f"""{LIMIT}
import plpy.memory
import numpy as np
matrix, vector, result, one = np.eye(500), np.ones(500), np.empty((500, 500)), np.empty(500)
limit_memory(16)
np.dot(matrix, vector, out=one), np.dot(matrix, matrix, out=result)
np.linalg.inv(matrix), np.linalg.solve(matrix, vector)
print(one.sum(), result.sum())
"""


def run(code: str, *arguments: str) -> list[str]:
    environment = {"PATH": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("megabytes", ["20", "50", "70", "110"])
def test_too_little_for_numpy_is_an_error_that_spoils_nothing(megabytes):
    assert run(LITTLE, megabytes) == ["numpy needs 128 MB of address space", "1 1"]


def test_no_product_asks_for_memory_that_openblas_does_not_have_yet():
    assert run(PRODUCTS) == ["500.0 500.0"]


def test_an_import_of_numpy_that_failed_half_way_is_told_to_connect_anew(monkeypatch):
    monkeypatch.delitem(sys.modules, "numpy")
    with pytest.raises(MemoryError, match="connect anew"):
        import_numpy()


def test_memory_that_is_there_is_not_kept():
    for _ in range(1000):
        require_memory("a thing", 1024)
