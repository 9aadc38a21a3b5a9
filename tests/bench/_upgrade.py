"""Calls of many sessions while a database of an older version is migrated and every function is replaced."""

import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench._crashes import Network
from tests.bench._crowd import Watch, at_once, crowd, replace_all
from tests.bench.library import checkout
from tests.servers import Server, environment, standby, wait_for_replay

OLDER = "v0.1.0"
CALLERS = 4
SECONDS = 3
LONGEST_WAIT = "10s"  # calls wait for the migration's end
ROUNDS = 3


def make_older(server: Server, network: Network, name: str) -> None:
    """Make a database of the older version with the network and an active model."""
    server.clone(None, name)
    with checkout(OLDER) as folder:
        variables = environment() | {"PGFEED_DSN": server.dsn(name), "PYTHONPATH": str(folder)}
        for words in (
            ["migrate"], ["ingest", network.users, network.posts, *network.events], ["refresh"],
            ["train", "control", "--activate"],
        ):
            command = [sys.executable, "-P", "-m", "loader.cli", *map(str, words)]
            subprocess.run(command, check=True, cwd=folder, env=variables, capture_output=True)


def upgrade(server: Server, database: str, watches: list[Watch]) -> list[str]:
    """Migrate when all sessions have called, later replace all functions; return the errors."""
    while any(watch.calls < 3 for watch in watches) and not any(watch.errors for watch in watches):
        time.sleep(0.05)
    for watch in watches:
        watch.is_comparing = False  # a release may count otherwise
    errors = at_once(lambda: server.verb(database, "migrate"))
    time.sleep(SECONDS)
    for watch in watches:
        watch.is_comparing = True
    errors += at_once(lambda: replace_all(server, database))
    time.sleep(SECONDS)
    return errors


def upgrades(server: Server, network: Network) -> Iterator[tuple[str, int, int, list[str], list[Watch]]]:
    """Upgrade while sessions call and write, then while sessions call a standby; yield as crowds() does."""
    make_older(server, network, "f_older")
    moment = str(server.run("f_older", "select max(as_of) + interval '1 day' from pgfeed.feature_refreshes")[0][0])
    with standby(server, hot_standby_feedback="on") as follower:
        for where, called, writers in (("the server", server, 2), ("a standby", follower, 0)):
            errors: list[str] = []
            watches: list[Watch] = []
            for _ in range(ROUNDS):
                server.clone("f_older", "f_upgrade")
                wait_for_replay(server, follower)
                with crowd(called, "f_upgrade", network, moment, CALLERS, writers, LONGEST_WAIT) as these:
                    errors += upgrade(server, "f_upgrade", these)
                    wait_for_replay(server, follower)
                watches += these
            yield f"an upgrade from {OLDER}, {where}", ROUNDS, 0, errors, watches
