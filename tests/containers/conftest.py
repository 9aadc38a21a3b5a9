"""The checkout in containers, as docs/how-to/run-in-containers.md says: a copy of it, and a compose project of its own.

The image pgfeed-test stays: the next build takes its layers. `docker image rm pgfeed-test` removes it.
"""

import json
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.pages import DOCS, ROOT, blocks
from tests.servers import environment

PAGE = DOCS / "how-to" / "run-in-containers.md"
BASE = "debian:trixie-slim"
USERS = range(1000, 1020)
MOMENT = "2021-12-20T18:00:00Z"
RETURN_SECONDS = 300


def problem_of(*command: str) -> str | None:
    """Return what a program says about its failure; None if it succeeds."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return done.stderr.strip() or "it failed" if done.returncode else None


def require_engine() -> None:
    """Skip unless containers can be built and run here."""
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        if problem := problem_of(*command):
            pytest.skip(f"{' '.join(command)}: {problem}")
    if problem_of("docker", "image", "inspect", BASE) and (problem := problem_of("docker", "pull", BASE)):
        pytest.skip(f"{problem}; without a registry: debootstrap --variant=minbase trixie DIR &&"
                    f" tar -C DIR -c . | docker import - {BASE}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Project:
    """A compose project: its commands, what those of the page printed, and its gateway."""

    def __init__(self, folder: Path):
        self.folder, self.http_port, self.printed = folder, free_port(), ""
        self.variables = environment() | {
            "COMPOSE_PROJECT_NAME": f"pgfeed-test-{secrets.token_hex(3)}", "PGFEED_IMAGE": "pgfeed-test",
            "PGFEED_PORT": str(free_port()), "PGFEED_HTTP_PORT": str(self.http_port),
        }

    def try_shell(self, command: str) -> subprocess.CompletedProcess:
        return subprocess.run(["sh", "-ec", command], cwd=self.folder, env=self.variables, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)

    def shell(self, command: str) -> str:
        """Run a command as a user types it; return what it printed."""
        done = self.try_shell(command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def get(self, path: str) -> tuple[int, object]:
        """Return the gateway's status and answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def answers(self) -> list[tuple[int, object]]:
        return [self.get(f"/post/recommendations/?id={user}&time={MOMENT}&limit=5") for user in USERS]

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so; the gateway may not listen meanwhile."""
        until = time.monotonic() + RETURN_SECONDS
        while time.monotonic() < until:
            with suppress(OSError):
                if is_so():
                    return
            time.sleep(0.5)
        raise AssertionError(self.shell("docker compose ps --all; docker compose logs --tail 20"))


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Iterator[Project]:
    """A project in which the page's first block was run: database, demo and gateway."""
    require_engine()
    folder = tmp_path_factory.mktemp("containers") / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", ".env", "__pycache__", ".*_cache"))
    result = Project(folder)
    try:
        # The page leaves it to the first up, which would take an image of before.
        result.shell("PGFEED_PASSWORD=- PGFEED_HTTP_PASSWORD=- docker compose build")
        result.printed = result.shell(blocks(PAGE)[0].text)
        yield result
    finally:
        result.try_shell("docker compose --profile demo --profile http down --volumes --remove-orphans")
