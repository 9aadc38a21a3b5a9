"""What can be won in each simulated world: `./run bench worlds [NAME...] [--train VARIANT...] [--users N]`.

--train: what is won there, by recipes trained in it, see trained().

Expected HitRate@5 of requests of any user at any moment of December, computed from the truth alone, without a database
or a model: of random posts; of those with most likes and of those with the best like rate (smoothed by 20 views) in all
days before; of those that are best for all users (by the mean truth over 100 of them, whose own tastes stay in it as
noise); of those that are best for the user.
"""

import argparse
import time
from datetime import timedelta

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.data import embed, embedders
from loader.data.refresh import refresh
from loader.learning import registry
from loader.learning.candidates import train_by
from loader.learning.model import Model
from loader.learning.recipes import parse, read
from loader.learning.split import load as load_split
from loader.measuring import live
from loader.metrics import TOP, best, bootstrap
from loader.simulation import simulate
from loader.simulation.effects import LIKE_RATE
from loader.simulation.world import DAYS, START, Events, World
from loader.simulation.worlds import WORLDS
from loader.terminal import out, progress, table
from tests.bench import temporary_database

FIRST_REQUEST = 61  # December
CROWD = 100
PRIOR_VIEWS = 20
NEGATIVES = "negatives"
USER, RULE = "user", "best rule"
METHODS = ("random", "likes", "like rate", "all users", "oracle")


def rates(world: World, events: Events, day: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the likes of each post and its smoothed like rate (its likes, where nobody records views) before a day."""
    before = events.at < day * 86_400
    count = len(world.posts)
    likes = np.bincount(events.post[before], events.is_liked[before], count)
    if not world.mechanism.has_views:
        return likes, likes
    views = np.bincount(events.post[before], minlength=count)
    return likes, (likes + PRIOR_VIEWS * LIKE_RATE) / (views + PRIOR_VIEWS)


def expected(world: World, events: Events, requests: int) -> dict[str, float]:
    """Return the expected HitRate@5 by method; what the user liked before is left out of every list."""
    rng = np.random.default_rng([world.seed, 31])
    users = rng.integers(0, len(world.users), requests)
    at = rng.integers(FIRST_REQUEST, DAYS, requests) * 86_400 + rng.integers(6 * 3600, 23 * 3600, requests)
    crowd = world.users.user_id[rng.choice(len(world.users), min(CROWD, len(world.users)), replace=False)]
    hits = {name: np.zeros(requests) for name in METHODS}
    liked = Events(*(column[events.is_liked] for column in vars(events).values()))
    day = crowd_at = -1
    # How long the mean over users keeps its order, in seconds.
    same = 3600 if world.mechanism.is_moving else 86_400 if world.mechanism.has_memory else DAYS * 86_400
    with progress(f"requests, {world.name}", requests) as advance:
        for number in np.argsort(at):
            moment = START + timedelta(seconds=int(at[number]))
            if at[number] // 86_400 != day:
                day = at[number] // 86_400
                likes, rate = rates(world, events, day)
            if at[number] // same != crowd_at:
                crowd_at = at[number] // same
                everybody = world.chances(crowd, world.posts.post_id, moment).mean(0)
            chances = world.chances(world.users.user_id[users[number:number + 1]], world.posts.post_id, moment)[0]
            allowed = world.mechanism.available(at[number] / 86_400)
            allowed[liked.post[(liked.user == users[number]) & (liked.at < at[number])]] = False
            scores = rng.random(len(chances)), likes, rate, everybody, chances
            for name, values in zip(METHODS, scores, strict=True):
                shown = best(np.where(allowed, values, -np.inf))
                hits[name][number] = 1 - np.prod(1 - chances[shown].astype(float))
            advance(1)
    return {name: float(values.mean()) for name, values in hits.items()}


def make(connection: Connection, name: str, users: int, seed: int) -> None:
    """Make a world whose features know the texts."""
    simulate.simulate(connection, users, seed, name=name)
    refresh(connection)
    embed.embed(connection, embedders.open_embedder())
    refresh(connection)


def ready(connection: Connection, name: str, users: int, seed: int, variants: list[str]) -> list[Model]:
    """Make a world, and train the variants in it.

    NEGATIVES is the recipe of feeds without views, and there the only one: whatever the name.
    """
    make(connection, name, users, seed)
    has_views = World.load(connection).mechanism.has_views
    for variant in variants:
        is_of_likes = variant == NEGATIVES or not has_views
        model = train_by(connection, variant, parse(read(NEGATIVES if is_of_likes else variant), variant))
        registry.activate(connection, variant, registry.store(connection, variant, model))
    return [registry.load_active(connection, variant) for variant in variants]


def trained(name: str, users: int, seed: int, variants: list[str], requests: int, draws: int) -> dict[str, np.ndarray]:
    """Return the chance of a like among the five posts of each request, by method, and the user of each under USER.

    The models learned what was before the held-out days, on which the requests are, as many for each of `draws` seeds.
    random, the baselines and the oracle choose among the same posts as the models.
    """
    found: dict[str, list[np.ndarray]] = {}
    with temporary_database(f"world_{name}") as connection:
        models = ready(connection, name, users, seed, variants)
        days = list(load_split(connection).held_out)
        for draw in range(draws):
            runs = [live.send(connection, model, requests, draw, days) for model in models]
            chances = runs[0].chances | {run.model.variant: run.chances["model"] for run in runs}
            for method, values in (chances | {USER: runs[0].user_ids}).items():
                found.setdefault(method, []).append(values)
    return {method: np.concatenate(values) for method, values in found.items()}


def show_trained(given: argparse.Namespace) -> None:
    """Print a line for each world: the hit rates, and what the last variant gains over the first.

    RULE is the best of the baselines; way: the last variant's share of the way from random to oracle.
    """
    first, last = given.train[0], given.train[-1]
    methods = ["random", RULE, *given.train, "oracle"]
    headers = ["world", *methods, "gain", "interval", "way"]
    rows = []
    for name in given.names or WORLDS:
        found = trained(name, given.users, given.seed, given.train, given.requests, given.draws)
        found[RULE] = max((found[name] for name in live.BASELINES), key=np.mean)
        gain, low, high = bootstrap(found[last] - found[first], found[USER])
        way = (found[last].mean() - found["random"].mean()) / (found["oracle"].mean() - found["random"].mean())
        rows.append((name, *(f"{found[method].mean():.3f}" for method in methods),
                     f"{gain:+.3f}", f"{low:+.3f} to {high:+.3f}", f"{way:.0%}"))
        out.print(table(f"{given.users:,} users, seed {given.seed}, {given.draws} x {given.requests:,} requests of the"
                        f" held-out days; expected HitRate@{TOP}", headers, rows, headers[1:]))


def main() -> None:
    """Print a line for each world."""
    parser = argparse.ArgumentParser(prog="./run bench worlds")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--users", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--train", nargs="+", default=[], metavar="VARIANT")
    parser.add_argument("--draws", type=int, default=3)
    given = parser.parse_args()
    if given.train:
        show_trained(given)
        return
    rows = []
    for name in given.names or WORLDS:
        started = time.perf_counter()
        world = World(given.seed, given.users, name=name)
        events = world.events()
        seconds = time.perf_counter() - started
        hits = expected(world, events, given.requests)
        rate = f"{events.is_liked.mean():.4f}" if world.mechanism.has_views else "none"
        rows.append((name, f"{seconds:.1f}", rate, *(f"{hits[method]:.3f}" for method in METHODS)))
    headers = ["world", "s", "rate", *METHODS]
    title = f"{given.users:,} users, {DAYS} days; expected HitRate@{TOP} of {given.requests:,} requests"
    out.print(table(title, headers, rows, headers[1:]))


if __name__ == "__main__":
    main()
