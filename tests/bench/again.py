"""How often lists repeat, and what it costs not to: `./run bench again [--seeds N...] [--users N] [--variant NAME]`.

For each seed a simulated network, a model of it, and the same 28 days with the recommender for each way of treating
what was shown before: not at all, by the learned effects alone, as it is by default, with the rule, and by default in
a feed with a diversity of 0.2. Hits are expected ones, by the network's truth, of the same requests; differences are
paired, their 95% intervals over users. The days of the rule were chosen on seed 31, which is not among those measured.
"""

import argparse
from contextlib import closing

import numpy as np
import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from loader.data import embed, embedders
from loader.data.refresh import refresh
from loader.learning import registry, train
from loader.metrics import bootstrap
from loader.server import db
from loader.simulation import future, simulate
from loader.simulation.served import Lists
from loader.terminal import out, table
from plpy.seen import KEY, RULE_DAYS
from tests.bench import administer, create_database, drop_database

SEEDS = (41, 43)
USERS, DAYS = 1000, 28
WAYS = {
    "not at all": f"m.encoders - '{KEY}'",
    "learned": f"jsonb_set(m.encoders, '{{{KEY},{RULE_DAYS}}}', '0')",
    "default": "m.encoders",
    "diversity 0.2": "m.encoders",
}
BESIDE = {"diversity 0.2": "default"}  # what a way is compared with, if not with the first
FEED = "varied"


def prepare(connection: Connection, seed: int, users: int, variant: str) -> None:
    """Make a network, train a variant on it and let it serve."""
    simulate.simulate(connection, users, seed)
    refresh(connection)
    if variant == "test":
        embed.embed(connection, embedders.open_embedder())
        refresh(connection)
    registry.activate(connection, variant, registry.store(connection, variant, train.train(connection, variant)))


def live(dsn: str, way: str, variant: str, days: int) -> Lists:
    """Serve the next days in a database; return the lists."""
    with closing(psycopg2.connect(dsn)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"update pgfeed.models as m set encoders = {WAYS[way]}")
            cursor.execute("select set_config('pgfeed.default_variant', %s, false)", [variant])
            cursor.execute("call pgfeed.create_feed(%s, diversity => 0.2)", [FEED])
        future.serve(connection, days, FEED if way in BESIDE else None)
        lists = future.lists_of(connection, days)
    assert lists is not None
    return lists


def measure(seed: int, users: int, variant: str, days: int, ways: list[str]) -> dict[str, Lists]:
    """Return the lists of a seed by way, each from the same state."""
    base, copy = (f"pgfeed_bench_again_{name}" for name in ("base", "copy"))
    found = {}
    try:
        with closing(psycopg2.connect(create_database(base))) as connection:
            prepare(connection, seed, users, variant)
        for way in ways:
            drop_database(copy)
            administer(f"create database {copy} template {base}")
            found[way] = live(make_dsn(db.dsn(), dbname=copy), way, variant, days)
    finally:
        drop_database(copy)
        drop_database(base)
    return found


def row(seed: int, way: str, found: dict[str, Lists]) -> tuple:
    """Return a line of the table."""
    lists, first = found[way], next(iter(found.values()))
    figures, other = lists.as_dict(), found.get(BESIDE.get(way, ""), first)
    gain, low, high = bootstrap(lists.hits - other.hits, lists.user_ids)
    interval = f"{figures['expected_hit_rate']:.4f} ({figures['expected_hit_rate_low']:.4f} to"
    return (
        str(seed), way, f"{figures['shown_again']:.1%}", f"{figures['posts']:,} ({figures['coverage']:.1%})",
        f"{figures['ten_most_served']:.1%}", "" if figures["distance"] is None else f"{figures['distance']:.3f}",
        f"{interval} {figures['expected_hit_rate_high']:.4f})",
        "" if lists is first else f"{gain:+.4f} ({low:+.4f} to {high:+.4f})",
    )


def main() -> None:
    """Print a table for each seed."""
    parser = argparse.ArgumentParser(prog="./run bench again")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--variant", default="test")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    given = parser.parse_args()
    headers = ["seed", "shown before", "places again", "posts served", "ten most", "distance", "expected hit rate",
               "difference"]
    for seed in given.seeds:
        found = measure(seed, given.users, given.variant, given.days, given.ways)
        first = next(iter(found.values()))
        assert all(np.array_equal(lists.user_ids, first.user_ids) for lists in found.values())
        rows = [row(seed, way, found) for way in found]
        out.print(table(f"{given.days} days of {given.users:,} users, {given.variant}", headers, rows, headers[2:]))


if __name__ == "__main__":
    main()
