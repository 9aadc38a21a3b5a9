"""Who wins a life of weeks: `./run bench loop [--world NAME...] [--seeds N...] [--users N] [--days N] [--json]`.

For each world and seed one network with a history, new posts and new users every day, and a model of day 0; then the
same days with the same users in a copy for each policy: that model for ever (frozen), trained every night and let serve
by the gate (trained), the same in a feed that explores (careful, normal), popular and random posts. Hits are expected
ones, by the network's truth, paired over users. What is done stays in FOLDER and in the copies of the databases, so
the same command goes on after an interruption; `--again` begins anew.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import make_dsn

from loader.data import embed, embedders
from loader.data.refresh import refresh
from loader.learning import registry, train
from loader.metrics import TOP, bootstrap
from loader.server import db
from loader.simulation import future, loop, simulate
from loader.simulation.served import best_lists, read_lists
from loader.simulation.world import Life, World
from loader.terminal import console, out, table
from tests.bench import administer, create_database, drop_database

FOLDER = Path(tempfile.gettempdir()) / "pgfeed_bench_loop"
POLICIES = ("frozen", "trained", "careful", "normal", "popular", "random")
TRAINED, EXPLORING, WITHOUT_MODEL = ("trained", "careful", "normal"), ("careful", "normal"), ("popular", "random")
NEW_POSTS, NEW_USERS, GOOD_SHARE, FEWEST_GOOD, FOUND = 10, 1, 0.01, 3, (0.1, 0.8)


@contextmanager
def database(name: str, variant: str) -> Iterator[Connection]:
    """Connect to a database as all that is run in this process does meanwhile."""
    before, dsn = os.environ.get("PGFEED_DSN"), make_dsn(db.dsn(), dbname=name)
    os.environ["PGFEED_DSN"] = make_dsn(dsn, options=f"-c pgfeed.default_variant={variant}")
    try:
        with closing(db.connect()) as connection:
            yield connection
    finally:
        os.environ.pop("PGFEED_DSN")
        if before is not None:
            os.environ["PGFEED_DSN"] = before


def prepare(connection: Connection, world: str, seed: int, given: argparse.Namespace) -> None:
    """Make a network and let a model of its history serve."""
    simulate.simulate(connection, given.users, seed, given.posts, given.history, world, Life(NEW_POSTS, NEW_USERS))
    refresh(connection)
    if given.variant == "test":
        embed.embed(connection, embedders.open_embedder())
        refresh(connection)
    version = registry.store(connection, given.variant, train.train(connection, given.variant, is_refitted=True))
    registry.activate(connection, given.variant, version)


def lived(connection: Connection, policy: str, given: argparse.Namespace) -> None:
    """Live the days of a policy that are not lived yet."""
    days = given.days - (future.next_day(connection) - given.history)
    feed = None
    if policy in WITHOUT_MODEL:
        with connection, connection.cursor() as cursor:
            cursor.execute("call pgfeed.set_upkeep(embed => false)")
    if policy in TRAINED:
        loop.schedule(connection, given.variant)
    if policy in EXPLORING:
        feed = policy
        with connection, connection.cursor() as cursor:
            cursor.execute("select from pgfeed.named_feeds where name = %s", [feed])
            if not cursor.rowcount:
                cursor.execute("call pgfeed.create_feed(%s, explore => %s)", [feed, policy])
    for day, told in loop.live(connection, days, given.variant, feed):
        console.print(f"{policy} {day.day}: {day.likes} likes", *told, highlight=False)


def measured(connection: Connection, given: argparse.Namespace) -> dict:
    """Return the figures of a copy: of each list its user, day and expected hits, of each day and post its places."""
    world, first = World.load(connection), future.midnight_of(given.history)
    last = first + timedelta(days=given.days)
    lists = read_lists(connection, world, first, last)
    assert lists is not None
    oracle, posts = best_lists(connection, world, lists)
    days = lists.at // 86_400 - given.history
    with connection, connection.cursor() as cursor:
        cursor.execute("select (x.served_at at time zone 'UTC')::date - %s, p.post_id, count(*)"
                       " from pgfeed.exposures as x cross join unnest(x.post_ids) as p (post_id)"
                       " where x.served_at < %s group by 1, 2", [first.date(), last])
        places = cursor.fetchall()
        cursor.execute("select count(*) from pgfeed.posts")
        posts_there = cursor.fetchone()[0]
        cursor.execute("select decision, count(*) from pgfeed.model_decisions group by 1")
        decisions = dict(cursor.fetchall())
    found = shares_of_good(world, days, posts, places, given)
    return {
        "user_ids": lists.user_ids.tolist(), "days": days.tolist(), "hits": lists.hits.tolist(),
        "oracle": oracle.tolist(), "coverage": lists.posts / posts_there,
        "again": lists.places_again / lists.places, "ten": lists.places_of_ten / lists.places, "good": found,
        "decisions": decisions,
    }


def shares_of_good(
    world: World, days: np.ndarray, posts: np.ndarray, places: list, given: argparse.Namespace
) -> list[dict]:
    """Return what became of the best new posts: for each the days until it had a tenth and 80% of its steady share.

    Of those that came in the first half of the days, the 1% (3 at least) that most sessions deserve: share of the
    oracle's places from the day after they came; it is the steady share. None: not within the days. A day's share is
    of it and the two days before it.
    """
    created = world.mechanism.created - given.history
    new = np.flatnonzero((created >= 0) & (created < given.days / 2))
    deserved = np.array([(posts[days > created[post]] == post).mean() * TOP for post in new])
    count = max(round(GOOD_SHARE * len(new)), FEWEST_GOOD)
    ids, lists_a_day = world.posts.post_id, np.bincount(days, minlength=given.days)
    found = []
    for number in np.argsort(-deserved)[:count]:
        post = new[number]
        served = np.zeros(given.days)
        for day, post_id, times in places:
            if post_id == ids[post]:
                served[day] = times
        window = [slice(max(day - 2, 0), day + 1) for day in range(given.days)]
        shares = np.array([served[days].sum() / lists_a_day[days].sum() for days in window])
        begin = int(created[post]) + 1
        waits = []
        for level in FOUND:
            reached = np.flatnonzero(shares[begin:] >= level * deserved[number])
            waits.append(int(reached[0]) + 1 if len(reached) else None)
        found.append({"post": int(ids[post]), "came": round(float(created[post]), 1),
                      "deserved": round(float(deserved[number]), 4), "days": waits,
                      "last": round(float(shares[-1]), 4)})
    return found


def run(world: str, seed: int, policies: list[str], given: argparse.Namespace) -> dict[str, dict]:
    """Return the figures of each policy, from what is done already or by living it."""
    name = f"{world}_{seed}_{given.users}_{given.posts}_{given.history}_{given.variant}"
    base = f"pgfeed_loop_{name}"
    FOLDER.mkdir(exist_ok=True)
    figures = {}
    for policy in policies:
        file = FOLDER / f"{name}_{given.days}_{policy}.json"
        if given.again:
            file.unlink(missing_ok=True)
        if not file.exists():
            make_base(base, world, seed, given)
            copy, started = f"{base}_{policy}", time.monotonic()
            if given.again:
                drop_database(copy)
            with closing(db.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("select from pg_database where datname = %s", [copy])
                is_new = cursor.rowcount == 0
            if is_new:
                administer(f'create database "{copy}" template "{base}"')
            of_policy = policy if policy in WITHOUT_MODEL else given.variant
            with database(copy, of_policy) as connection:
                lived(connection, policy, given)
                seconds = time.monotonic() - started
                file.write_text(json.dumps(measured(connection, given) | {"seconds": seconds}))
        figures[policy] = json.loads(file.read_text())
    return figures


def make_base(base: str, world: str, seed: int, given: argparse.Namespace) -> None:
    """Make the network that all policies begin with, unless it is there and complete."""
    with closing(psycopg2.connect(create_database(base))) as connection, connection.cursor() as cursor:
        cursor.execute("select from pgfeed.active_models where variant = %s", [given.variant])
        is_complete = cursor.rowcount > 0
    if not is_complete:
        with database(base, given.variant) as connection:
            prepare(connection, world, seed, given)


def days_found(figures: list[dict], level: int, days: int) -> str:
    """Return the median days until good new posts were found, and how many were."""
    waits = [post["days"][level] for each in figures for post in each["good"]]
    known = [days if wait is None else wait for wait in waits]
    return f"{np.median(known):.0f} ({sum(wait is not None for wait in waits)}/{len(waits)})" if waits else ""


def rows_of(found: dict[int, dict[str, dict]], given: argparse.Namespace) -> list[dict]:
    """Return the figures of a world's policies, over all its seeds, each beside the frozen model."""
    seeds, rows = list(found), []
    policies = list(found[seeds[0]])
    users = np.concatenate([np.array(found[s][policies[0]]["user_ids"]) + 10**9 * n for n, s in enumerate(seeds)])
    days = np.concatenate([found[seed][policies[0]]["days"] for seed in seeds])
    for policy in policies:
        each = [found[seed][policy] for seed in seeds]
        hits, oracle = (np.concatenate([figures[name] for figures in each]) for name in ("hits", "oracle"))
        row = {"policy": policy, "hits": hits.mean(), "regret": (oracle - hits).mean(),
               "weeks": [hits[days // 7 == week].mean() for week in range(-(-given.days // 7))],
               **{name: np.mean([figures[name] for figures in each]) for name in ("coverage", "again", "ten")},
               "tenth": days_found(each, 0, given.days), "most": days_found(each, 1, given.days),
               "decisions": [figures["decisions"] for figures in each],
               "seconds": sum(figures["seconds"] for figures in each)}
        for first in ("frozen", "trained"):
            if first in policies and policy != first:
                other = np.concatenate([found[seed][first]["hits"] for seed in seeds])
                row[f"beside_{first}"] = [value / other.mean() for value in bootstrap(hits - other, users)]
        rows.append(row)
    return rows


def show(world: str, seeds: list[int], rows: list[dict], given: argparse.Namespace) -> None:
    """Print a line for each policy."""
    def interval(row: dict, name: str) -> str:
        return "" if name not in row else "{:+.1%} ({:+.1%} to {:+.1%})".format(*row[name])

    title = f"{world}: {given.days} days of {given.users:,} users, {given.variant}, seeds {' '.join(map(str, seeds))}"
    headers = ["policy", f"HitRate@{TOP}", "regret", "beside frozen", "beside trained"]
    lines = [(row["policy"], f"{row['hits']:.4f}", f"{row['regret']:.4f}", interval(row, "beside_frozen"),
              interval(row, "beside_trained")) for row in rows]
    out.print(table(title, headers, lines, headers[1:]))
    headers = ["policy", "coverage", "again", "ten most", "days to 10%", "to 80%", "served", "refused"]
    lines = [(row["policy"], f"{row['coverage']:.1%}", f"{row['again']:.1%}", f"{row['ten']:.1%}", row["tenth"],
              row["most"], *(str(sum(of.get(decision, 0) for of in row["decisions"])) for decision in headers[-2:]))
             for row in rows]
    out.print(table("posts, and decisions of the gate", headers, lines, headers[1:]))
    headers = ["policy", *(f"week {week + 1}" for week in range(len(rows[0]["weeks"])))]
    out.print(table(f"HitRate@{TOP}", headers,
                    [(row["policy"], *(f"{week:.4f}" for week in row["weeks"])) for row in rows], headers[1:]))


def main() -> None:
    """Print a table for each world."""
    parser = argparse.ArgumentParser(prog="./run bench loop")
    parser.add_argument("--world", nargs="+", default=["popularity", "taste", "kinds"], metavar="NAME")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--users", type=int, default=600)
    parser.add_argument("--posts", type=int, default=1000, help="Without those that come.")
    parser.add_argument("--history", type=int, default=30, help="Days before the loop.")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--variant", default="test")
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES))
    parser.add_argument("--again", action="store_true", help="Begin anew.")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    told = {}
    for world in given.world:
        found = {seed: run(world, seed, given.policies, given) for seed in given.seeds}
        told[world] = rows_of(found, given)
        if not given.json:
            show(world, given.seeds, told[world], given)
    if given.json:
        out.print_json(json.dumps(told))


if __name__ == "__main__":
    main()
