"""The tests of hostile input, privileges, sessions and upgrades, with a seed and more of everything."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from loader.errors import PgfeedError
from loader.terminal import console
from tests.servers import Server

SUITES = ("hostile", "privileges", "sessions", "concurrency", "upgrade", "restore")
LOST_SERVER = re.compile("server closed the connection|terminating connection|connection already closed")


def suites(server: Server, folder: Path, seed: int, effort: int) -> Iterator[tuple[str, int, int, list[str]]]:
    """Run the tests on the server; yield of each its name in words, how often tried, crashes, and what was wrong."""
    for suite in SUITES:
        path = folder / f"{suite}.xml"
        arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}", f"--junitxml={path}",
                     f"tests/db/test_{suite}.py"]
        with console.status(f"tests/db/test_{suite}.py"):
            process = server.command("postgres", arguments, PGFEED_TEST_EFFORT=str(effort))
            printed, complaints = process.communicate()
        if process.returncode not in (0, 1):
            raise PgfeedError(f"tests/db/test_{suite}.py did not run", (complaints or printed).strip()[-2000:],
                              "mend that first")
        yield from results(path)


def results(path: Path) -> Iterator[tuple[str, int, int, list[str]]]:
    """Yield what a report of pytest says of each test function, as suites() does."""
    found: dict[str, list] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        name = case.get("name", "").partition("[")[0].removeprefix("test_").replace("_", " ")
        row = found.setdefault(name, [0, 0, []])
        tried = [int(each.get("value", 1)) for each in case.iter("property") if each.get("name") == "tried"]
        row[0] += sum(tried) or 1
        for problem in (*case.iter("failure"), *case.iter("error")):
            row[1] += bool(LOST_SERVER.search(problem.text or ""))
            row[2].append(f"{name}: {(problem.get('message') or '').splitlines()[0][:300]}")
    for name, (tried, crashed, wrong) in found.items():
        yield name, tried, crashed, wrong
