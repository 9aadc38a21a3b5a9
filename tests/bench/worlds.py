"""What can be won in each simulated world: `./run bench worlds [NAME...] [--users N] [--seed S] [--requests N]`.

Expected HitRate@5 of requests of any user at any moment of December, computed from the truth alone, without a database
or a model: of random posts; of those with most likes and of those with the best like rate (smoothed by 20 views) in all
days before; of those that are best for all users (by the mean truth over 100 of them, whose own tastes stay in it as
noise); of those that are best for the user.
"""

import argparse
import time
from datetime import timedelta

import numpy as np

from loader.metrics import TOP, best
from loader.simulation.effects import LIKE_RATE
from loader.simulation.world import DAYS, START, Events, World
from loader.simulation.worlds import WORLDS
from loader.terminal import out, progress, table

FIRST_REQUEST = 61  # December
CROWD = 100
PRIOR_VIEWS = 20
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


def main() -> None:
    """Print a line for each world."""
    parser = argparse.ArgumentParser(prog="./run bench worlds")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--users", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=1000)
    given = parser.parse_args()
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
