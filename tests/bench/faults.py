"""Kills, crowds, load and cancels against a server of its own: `./run bench faults`."""

import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import click

from loader.errors import PgfeedError
from loader.server.remedies import told
from loader.terminal import console, out, table
from tests import servers
from tests.bench import _cancel, _crowd, _load, _suites, _upgrade
from tests.bench import _crashes as crashes
from tests.servers import Server

USERS = 500
EFFORT = 4
HEADERS = ["fault or attack", "tried", "lost", "crashed", "wrong", "measured"]


@dataclass
class Row:
    """One line of the table: how often tried, and what was lost, crashed or was wrong; sentences about each."""

    attack: str
    tried: int
    lost: int = 0
    crashed: int = 0
    wrong: int = 0
    measured: str = ""
    sentences: list[str] = field(default_factory=list)


def crash_rows(server: Server, network: crashes.Network, rng: random.Random, rounds: int) -> list[Row]:
    """Return a row for each job that was killed."""
    rows: dict[str, Row] = {}
    for job, victim, delay, outcome in crashes.crashes(server, network, rng, rounds):
        row = rows.setdefault(job.name, Row(f"kill -9 of backend, postmaster, client during {job.name}", 0))
        row.tried += 1
        row.lost += bool(outcome.lost)
        row.crashed += bool(outcome.crashed)
        row.wrong += bool(outcome.wrong)
        row.sentences += [f"{job.name}, {victim} killed after {delay:.2f} s: {s}"
                          for s in outcome.lost + outcome.crashed + outcome.wrong]
    return list(rows.values())


def crowd_rows(server: Server, network: crashes.Network, folder: Path) -> Iterator[Row]:
    """Yield a row for each thing that went on in a crowd."""
    found = chain(_crowd.crowds(server, "f_fresh", network, folder), _upgrade.upgrades(server, network))
    for name, count, lost, errors, watches in found:
        calls = sum(watch.calls for watch in watches)
        failed = [error for watch in watches for error in watch.errors]
        mixed = [sentence for watch in watches for sentence in watch.mixed]
        slowest = max(watch.slowest for watch in watches)
        yield Row(
            f"calls and writes during {name}", calls, lost, len(errors), len(failed) + len(mixed),
            f"{count} times, slowest call {slowest * 1000:.0f} ms",
            [f"{name}: {s}" for s in (errors + failed + mixed)[:5]],
        )


def load_rows(server: Server, network: crashes.Network, minutes: float, calls: int) -> Iterator[Row]:
    """Yield a row for each kind of load."""
    server.clone("f_fresh", "f_load")
    counts, errors, slowest = _load.traffic(server, "f_load", minutes)
    what = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    yield Row(f"{minutes:g} minutes of mixed traffic", sum(counts.values()), 0, 0, len(errors),
              f"{what}; slowest serve_posts {slowest * 1000:.0f} ms", errors[:5])
    server.clone("f_fresh", "f_load")
    megabytes = _load.memory_growth(server, "f_load", network, calls)
    yield Row("calls in one session", calls,
              measured="after each quarter " + ", ".join(f"{each:.1f}" for each in megabytes) + " MB")
    refused, crashed, wrong = _load.no_connection_left(server, "f_load", network)
    yield Row("connections beyond max_connections", refused, 0, len(crashed), len(wrong), "refused with an error",
              crashed + wrong)
    tried, refused, crashed, wrong = _load.no_memory_left(server, "f_load", network)
    yield Row("calls of sessions without memory", tried, 0, len(crashed), len(wrong),
              f"{refused} ended with an error, the others answered", crashed + wrong)


def stop_rows(server: Server, network: crashes.Network, rng: random.Random) -> Iterator[Row]:
    """Yield a row for each way to stop a call."""
    for name, seconds, wrong in _cancel.stops(server, "f_fresh", network, rng):
        worst = f"error after at most {max(seconds) * 1000:.0f} ms" if seconds else "all were done before"
        yield Row(name, len(seconds), wrong=len(wrong), measured=worst, sentences=wrong[:5])


def suite_rows(server: Server, folder: Path, seed: int, rounds: int) -> Iterator[Row]:
    """Yield a row for each test function."""
    for name, tried, crashed, wrong in _suites.suites(server, folder, seed, EFFORT * rounds):
        yield Row(name, tried, crashed=crashed, wrong=len(wrong) - crashed, sentences=wrong[:5])


SECTIONS = ("suites", "crashes", "crowd", "cancel", "load")


@click.command()
@click.option("--seed", type=int, help="Of the moments and the network [default: a new one, printed].")
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True,
              help="Kills of each victim in each job; multiplies what hostile input is tried.")
@click.option("--minutes", type=float, default=30, show_default=True, help="Of mixed traffic.")
@click.option("--calls", type=click.IntRange(2000), default=50_000, show_default=True,
              help="In one session, to see its memory.")
@click.option("--only", type=click.Choice(SECTIONS), multiple=True, help="This section [default: all].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def main(seed: int | None, rounds: int, minutes: float, calls: int, only: tuple[str, ...], as_json: bool) -> None:
    """Attack a server of this benchmark's own and count what was lost, crashed or wrong.

    \b
    Example:
      ./run bench faults --rounds 3
      ./run bench faults --only crowd --only cancel
    """
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    console.print(f"seed {seed}")
    rng = random.Random(seed)
    rows: list[Row] = []
    try:
        with servers.primary() as server, tempfile.TemporaryDirectory() as folder:
            network = crashes.make_network(server, Path(folder), USERS, seed)
            crashes.make_templates(server, network)
            sections = {
                "suites": lambda: suite_rows(server, Path(folder), seed, rounds),
                "crashes": lambda: crash_rows(server, network, rng, rounds),
                "crowd": lambda: crowd_rows(server, network, Path(folder)),
                "load": lambda: load_rows(server, network, minutes, calls),
                "cancel": lambda: stop_rows(server, network, rng),
            }
            for name in only or SECTIONS:
                for row in sections[name]():
                    rows.append(row)
    finally:
        show(seed, rows, as_json)
    sys.exit(any(row.lost or row.crashed or row.wrong for row in rows))


def show(seed: int, rows: list[Row], as_json: bool) -> None:
    """Print what was found so far."""
    if as_json:
        out.print_json(json.dumps({"seed": seed, "rows": [asdict(row) for row in rows]}))
    else:
        cells = [(r.attack, f"{r.tried:,}", r.lost, r.crashed, r.wrong, r.measured) for r in rows]
        out.print(table(f"seed {seed}", HEADERS, cells, HEADERS[1:5]))
        for row in rows:
            for sentence in row.sentences:
                out.print(sentence, markup=False, soft_wrap=True)


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
