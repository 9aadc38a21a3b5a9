"""`pgfeed simulate --serve DAYS --loop`: the days of future.serve() with nights that pgfeed lives through by itself.

A night is tick() at the midnight of the network and the jobs that a worker takes then, so what is rolled up, refreshed,
embedded, trained and let serve follows set_upkeep() and set_schedule(). Several policies can serve side by side, each
a group of the users: the arms of one experiment.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

from catboost import sum_models
from psycopg2.extensions import connection as Connection

from loader import worker
from loader.errors import PgfeedError
from loader.learning import registry, train
from loader.server import db
from loader.simulation.future import Plan, ServedDay, midnight_of, next_day, serve_day
from loader.simulation.population import TOPICS
from loader.simulation.served import Lists, best_lists, read_lists
from loader.simulation.world import World

EXPERIMENT, FEED = "loop", "loop_explores"
POLICIES = {  # name: what its arm has, by the variant and the version that is active at first
    "frozen": "{variant}@{version}", "trained": "{variant}", "explored": "{variant}", "popular": "popular",
    "random": "random",
}
# What is dated by the server's clock is of the night in which it came about.
STAMPS = {
    "models": ("created_at",), "model_activations": ("activated_at",), "model_decisions": ("decided_at",),
    "jobs": ("asked_at", "started_at", "finished_at"),
    "experiments": ("created_at", "started_at", "stopped_at", "concluded_at"),
}


def schedule(connection: Connection, variant: str) -> None:
    """Let a variant be trained every night, if nobody said how often."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select from pgfeed.schedules where variant = %s", [variant])
        if not cursor.rowcount:
            cursor.execute("call pgfeed.set_schedule(%s, train => '1 day')", [variant])


def start_policies(connection: Connection, names: list[str], variant: str, explore: str = "careful") -> None:
    """Start the experiment whose arms are policies, unless it runs; PgfeedError: a policy is not one of POLICIES."""
    if strange := [name for name in names if name not in POLICIES]:
        raise PgfeedError(f"there is no policy {strange[0]}", f"there are {', '.join(POLICIES)}",
                          "pgfeed simulate --serve 14 --loop --policies frozen,trained")
    version = registry.load_active(connection, variant).version
    with connection, connection.cursor() as cursor:
        cursor.execute("select from pgfeed.experiments where name = %s", [EXPERIMENT])
        if cursor.rowcount:
            return
        variants = [POLICIES[name].format(variant=variant, version=version) for name in names]
        cursor.execute("call pgfeed.create_experiment(%s, %s, arms => %s)", [EXPERIMENT, variants, names])
        cursor.execute("call pgfeed.start_experiment(%s)", [EXPERIMENT])
        if "explored" in names:
            cursor.execute("call pgfeed.create_feed(%s, explore => %s)", [FEED, explore])


def feeds_of(connection: Connection) -> dict[int, str]:
    """Return the feed of each user whose policy explores."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select u.user_id from pgfeed.users as u, pgfeed.experiments as e"
                       " where e.name = %s and e.stopped_at is null"
                       " and pgfeed.experiment_arm(u.user_id, e.name) = 'explored'", [EXPERIMENT])
        return {user_id: FEED for (user_id,) in cursor.fetchall()}


def night(connection: Connection, day: int) -> list[str]:
    """Do what is due at the midnight with which a day begins; return what the worker told."""
    connection.commit()
    with db.outside_transaction(connection), connection.cursor() as cursor:
        cursor.execute("call pgfeed.tick(%s)", [midnight_of(day)])
    told = []
    while job := worker.take(connection):
        told.append(worker.perform(connection, job)[1])
    move_clock(connection, day)
    return told


def move_clock(connection: Connection, day: int) -> None:
    """Date what came about since the last night to the midnight with which a day begins."""
    at = midnight_of(day)
    with connection, connection.cursor() as cursor:
        for table, columns in STAMPS.items():
            for column in columns:
                cursor.execute(f"update pgfeed.{table} set {column} = %s where {column} > %s", [at, at])


def deploy_bad(connection: Connection, variant: str) -> None:
    """Let a model serve whose scores are inverted, as an operator who asks nobody does."""
    model = train.train(connection, variant)
    version = registry.store(connection, variant, replace(model, booster=sum_models([model.booster], weights=[-1.0])))
    registry.activate(connection, variant, version, is_forced=True)


def write_plan(connection: Connection, world: World, plan: Plan, first: int) -> World:
    """Note in the database what changes in the network; return it as it is then."""
    for _, topic in plan.outbreaks:
        if topic not in TOPICS:
            raise PgfeedError(f"there is no topic {topic}", f"there are {', '.join(TOPICS)}",
                              "pgfeed simulate --serve 14 --loop --outbreak 5:sport")
    life = replace(
        world.life, changes=(*world.life.changes, *(first + day - 1 for day in plan.changes)),
        outbreaks=(*world.life.outbreaks, *((first + day - 1, topic) for day, topic in plan.outbreaks)),
    )
    if life == world.life:
        return world
    with connection, connection.cursor() as cursor:
        cursor.execute("update simulation.worlds set life = %s", [json.dumps(asdict(life))])
    return World.load(connection)


def live(
    connection: Connection, days: int, variant: str, feed: str | None = None, plan: Plan | None = None
) -> Iterator[tuple[ServedDay, list[str]]]:
    """Live through the next days, each after its night; yield each with what the worker told in the night before it.

    After the last one there is a night, too.
    """
    plan, first = plan or Plan(), next_day(connection)
    world = write_plan(connection, World.load(connection), plan, first)
    move_clock(connection, first)
    for number in range(1, days + 1):
        told = [] if number - 1 in plan.stopped else night(connection, first + number - 1)
        if number in plan.bad:
            deploy_bad(connection, variant)
        yield serve_day(connection, world, first + number - 1, feed, feeds_of(connection)), told
    if days > 0 and days not in plan.stopped:
        night(connection, first + days)


def lists_by_policy(connection: Connection, days: int) -> dict[str, Lists]:
    """Return the lists of the last days by arm of the experiment; by 'all' where there is none."""
    world, end = World.load(connection), next_day(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("select a.arm from pgfeed.experiment_arms as a"
                       " join pgfeed.experiments as e using (experiment_id) where e.name = %s"
                       " order by a.number", [EXPERIMENT])
        arms = [arm for (arm,) in cursor.fetchall()]
    found = {
        arm or "all": read_lists(connection, world, midnight_of(end - days), midnight_of(end), arm)
        for arm in arms or [None]
    }
    return {arm: lists for arm, lists in found.items() if lists is not None}


def regret_of(connection: Connection, world: World, lists: Lists) -> float:
    """Return how much more often the best posts for each user would have been liked, by the network's truth."""
    return float((best_lists(connection, world, lists)[0] - lists.hits).mean())
