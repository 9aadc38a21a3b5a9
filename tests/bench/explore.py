"""What exploration costs, finds and tells: `./run bench explore [--users N] [--posts N] [--lists N] [--calls N]`.

First without a server, a feed in which new posts come: how soon the good ones are found and which likes that takes,
by the real exploration policy. Then in a database of its own, dropped in the end: how long serve_posts takes, as before
there was exploration (the function without the new columns), and now without a feed, with one and with one that
explores, in turn; and off_policy_report() of a version that was never served beside what it would truly have had.
"""

import argparse
import statistics
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.data.refresh import refresh
from loader.learning import registry, train
from loader.learning.recipes import recipe_of
from loader.simulation import future, simulate
from loader.simulation.world import World, seconds_of
from loader.terminal import out, progress, table
from plpy.choice import choose
from plpy.explore import LISTS, SHARES, choices, draw, explored, others_of, seed_of
from plpy.preferences import sigmoid
from tests.bench import temporary_database

K, WARM_UP = 5, 30
POSTS, NEW, GOOD = 400, 40, 4
LISTS_A_DAY, DAYS, WEIGHT = 400, 30, 60
NO_RULES = [], 0.0, None
BEFORE = """
    create function pgfeed._bench_serve_before(user_id bigint, ts timestamptz, k integer, feed text)
    returns setof pgfeed.recommendation language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set row_security = off as $$
    declare
        v_rows pgfeed.recommendation[];
        v_experiment_id integer;
        v_arm text;
    begin
        select array_agg(r order by r.rank), min(a.experiment_id), min(a.arm)
        into v_rows, v_experiment_id, v_arm
        from pgfeed.recommend_posts(user_id, ts, k, null, null, null, null, null, null, feed, null)
        as r cross join pgfeed._running_arm(_bench_serve_before.user_id) as a;
        insert into pgfeed.exposures (
            served_at, user_id, experiment_id, arm, variant, source, model_version, features_as_of, post_ids, feed
        )
        select ts, _bench_serve_before.user_id, v_experiment_id, v_arm, v_rows[1].variant, v_rows[1].source,
            v_rows[1].model_version, v_rows[1].features_as_of,
            array(select r.post_id from unnest(v_rows) as r order by r.rank), _bench_serve_before.feed;
        return query select r.* from unnest(v_rows) as r;
    end;
    $$;
    alter function pgfeed._bench_serve_before(bigint, timestamptz, integer, text) owner to pgfeed_owner;
    call pgfeed.create_feed('calm', max_per => '{"topic": 2}');
    call pgfeed.create_feed('lively', max_per => '{"topic": 2}', explore => 'normal');
    call pgfeed.create_feed('plain', explore => 'normal');
    call pgfeed.create_feed('sure');
"""
CALLS = {
    "no feed, before": ("pgfeed._bench_serve_before(%s, %s, 5, null)", None),
    "no feed": ("pgfeed.serve_posts(%s, %s, 5)", "no feed, before"),
    "a feed, before": ("pgfeed._bench_serve_before(%s, %s, 5, 'calm')", None),
    "a feed that does not explore": ("pgfeed.serve_posts(%s, %s, 5, feed => 'calm')", "a feed, before"),
    "a feed that explores": ("pgfeed.serve_posts(%s, %s, 5, feed => 'lively')", "a feed that does not explore"),
}
OTHER = {"random_seed": 7, "depth": 5}


def life(setting: str | None, seed: int) -> tuple[float, float, list[float]]:
    """Return likes a list, those of the first 14 days, and the days until each good new post has its share.

    A post's score is the log-odds of its posterior mean and what is known of the user. New posts come on day 0; its
    share is 80% of what the post gets where all is known.
    """
    random = np.random.default_rng(seed)
    post_ids = np.arange(1, POSTS + NEW + 1)
    quality = np.sort(random.normal(0, 0.35, POSTS + NEW))
    good, rest = np.arange(POSTS + NEW - GOOD, POSTS + NEW), random.permutation(POSTS + NEW - GOOD)
    is_new = np.isin(np.arange(POSTS + NEW), np.append(good, rest[:NEW - GOOD]))
    rates, mean = sigmoid(-2 + quality), sigmoid(-2.0)
    views = np.where(is_new, 0.0, 3000.0)
    likes = random.binomial(views.astype(int), rates).astype(float)
    share = 0.0 if setting is None else min(SHARES[setting], LISTS / K)
    variance, hits, places = 0.35**2, [], np.zeros((DAYS, POSTS + NEW))
    for day in range(DAYS):
        known = (likes + WEIGHT * mean) / (views + WEIGHT)
        deviation = 1 / np.sqrt(1 / variance + views * mean * (1 - mean))
        for number in range(LISTS_A_DAY):
            taste = random.normal(0, 0.25, POSTS + NEW)
            scores = np.log(known / (1 - known)) + taste
            order = listed = choose(scores, post_ids, K)
            if share:
                others, is_near = others_of(scores, post_ids, deviation, listed)
                draws = seed_of(seed, day)
                chances = choices(
                    draw(scores, deviation, post_ids, others, draws), listed, others, is_near, NO_RULES
                )
                order = np.append(listed, others)[explored(chances, share, seed_of(seed, day, number))[0]]
            chance = sigmoid(-2 + quality[order] + taste[order])
            hits.append(chance.sum())
            views[order] += 1
            likes[order] += random.random(K) < chance
            places[day, order] += 1
    return float(np.mean(hits)), float(np.mean(hits[:14 * LISTS_A_DAY])), found_after(places[:, good], quality, good)


def found_after(places: np.ndarray, quality: np.ndarray, good: np.ndarray) -> list[float]:
    """Return the day on which each good post first has 80% of the places that it gets where all is known, else DAYS."""
    random = np.random.default_rng(0)
    steady = np.zeros(len(quality))
    for _ in range(4 * LISTS_A_DAY):
        steady[choose(quality + random.normal(0, 0.25, len(quality)), np.arange(len(quality)), K)] += 0.25
    return [
        float(np.argmax(of_post >= 0.8 * wanted)) if (of_post >= 0.8 * wanted).any() else float(DAYS)
        for of_post, wanted in zip(places.T, steady[good])
    ]


def lives(seeds: int) -> None:
    """Print what exploration costs and finds where new posts come."""
    rows, first = [], None
    with progress("lives", 3 * seeds) as advance:
        for setting in (None, *SHARES):
            lived = []
            for seed in range(seeds):
                lived.append(life(setting, seed))
                advance(1)
            all_days, early = np.mean([each[0] for each in lived]), np.mean([each[1] for each in lived])
            first = first or (all_days, early)
            days = [day for each in lived for day in each[2]]
            rows.append((setting or "off", f"{early:.4f}", f"{early / first[1] - 1:+.2%}", f"{all_days:.4f}",
                         f"{all_days / first[0] - 1:+.2%}", f"{statistics.median(days):.0f}",
                         f"{np.mean(np.array(days) < DAYS):.0%}"))
    headers = ["explore", "likes a list, 14 days", "beside off", f"{DAYS} days", "beside off ", "days until found",
               "found"]
    out.print(table(f"{GOOD} of {NEW} new posts are the best of all: {seeds} lives, {LISTS_A_DAY} lists a day", headers,
                    rows, headers[1:]))


def processor(pid: int) -> float:
    """Return the seconds that a server process on this machine was on a processor so far."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def costs(connection: Connection, users: list[int], count: int) -> None:
    """Print how long serve_posts takes, by the clock and by the processor, each way in turn."""
    connection.autocommit = True
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in CALLS}
    pid = connection.info.backend_pid
    with connection.cursor() as cursor, progress("calls", count) as advance:
        cursor.execute("select now()")
        moment = cursor.fetchone()[0]
        for number in range(count + WARM_UP):
            for name, (call, _) in CALLS.items():
                started = time.perf_counter(), processor(pid)
                cursor.execute(f"select * from {call}", [users[number % len(users)], moment])
                cursor.fetchall()
                if number >= WARM_UP:
                    taken[name].append((time.perf_counter() - started[0], processor(pid) - started[1]))
            advance(number >= WARM_UP)
        cursor.execute("delete from pgfeed.exposures")
    rows = []
    for name, (_, other) in CALLS.items():
        clock, used = (np.array(each) * 1000 for each in zip(*taken[name]))
        differences = ["", ""]
        if other:
            beside = [np.array(each) * 1000 for each in zip(*taken[other])]
            differences = [f"{np.median(a - b):+.3f}" for a, b in zip((clock, used), beside)]
        rows.append((name, *(f"{np.quantile(clock, q):.2f}" for q in (0.5, 0.9, 0.99)), differences[0],
                     f"{np.median(used):.2f}", differences[1]))
    headers = ["serve_posts", "median ms", "p90", "p99", "added", "processor ms", "added "]
    out.print(table(f"{count} calls each, in turn", headers, rows, headers[1:]))


def served_and_liked(cursor: Cursor, world: World, lists: int, users: list[int], day: int) -> None:
    """Serve lists of a feed that explores, in the order of time, and draw what is liked from the world's truth."""
    random = np.random.default_rng(1)
    moments = np.sort(random.uniform(0, 80_000, lists))
    with progress("lists", lists) as advance:
        for number, second in enumerate(moments.tolist()):
            moment, user = future.midnight_of(day) + timedelta(seconds=second), users[number % len(users)]
            cursor.execute("select post_id from pgfeed.serve_posts(%s, %s, %s, feed => 'plain') order by rank",
                           [user, moment, K])
            post_ids = [row[0] for row in cursor.fetchall()]
            chances = chances_of(world, user, post_ids, moment)
            for post_id in np.array(post_ids)[random.random(K) < chances].tolist():
                cursor.execute("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                               " values (%s, %s, %s, 'like')", [moment + timedelta(seconds=5), user, post_id])
            advance(1)


def chances_of(world: World, user: int, post_ids: list[int], moment: datetime) -> np.ndarray:
    """Return the true probabilities of a like at the first places of a session."""
    of_user, of_posts = world.user_rows([user]), world.post_rows(post_ids)
    return world.like_probability(of_user, of_posts, seconds_of([moment]), np.arange(len(post_ids)))


def against_the_truth(connection: Connection, world: World, lists: int, users: list[int], day: int) -> None:
    """Print off_policy_report() of a version that was never served, and what it would have had."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("call pgfeed.create_event_partitions(%s, %s)", [future.midnight_of(day)] * 2)
        served_and_liked(cursor, world, lists, users, day)
        started = time.perf_counter()
        cursor.execute("select estimator, value, low, high, effective_size, support, refusal from"
                       " pgfeed.off_policy_report('control@2', %s, %s) where metric = 'likes per list'",
                       [future.midnight_of(day), future.midnight_of(day + 2)])
        rows, seconds = cursor.fetchall(), time.perf_counter() - started
        cursor.execute("select user_id, served_at, post_ids from pgfeed.exposures where feed = 'plain'")
        exposures = cursor.fetchall()
        logged = [chances_of(world, user, post_ids, moment).sum() for user, moment, post_ids in exposures]
        cursor.execute("call pgfeed.activate_model('control', 2)")
        truth, same = [], 0
        for user, moment, post_ids in exposures:
            cursor.execute("select post_id from pgfeed.recommend_posts(%s, %s, %s, feed => 'sure') order by rank",
                           [user, moment, K])
            own = [row[0] for row in cursor.fetchall()]
            same += sum(a == b for a, b in zip(own, post_ids))
            truth.append(chances_of(world, user, own, moment).sum())
    lines = [(name, *("" if each is None else f"{each:.4f}" for each in figures[:3]), figures[5] or "")
             for name, *figures in rows]
    lines.append(("the truth, of the version", f"{np.mean(truth):.4f}", "", "", ""))
    lines.append(("the truth, as served", f"{np.mean(logged):.4f}", "", "", ""))
    out.print(table(f"{len(exposures):,} lists, {seconds:.0f} s; size {rows[0][4]:.0f}, support {rows[0][5]:.3f};"
                    f" {same / len(exposures) / K:.0%} of the places as served",
                    ["estimator", "value", "low", "high", "refusal"], lines, ["value", "low", "high"]))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="./run bench explore")
    parser.add_argument("--seeds", type=int, default=5, help="of the lives without a server")
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--posts", type=int, default=simulate.FULL_POSTS)
    parser.add_argument("--lists", type=int, default=1500)
    parser.add_argument("--calls", type=int, default=400)
    given = parser.parse_args()
    if given.seeds:
        lives(given.seeds)
    if not given.calls:
        return
    with temporary_database("explore") as connection:
        simulate.simulate(connection, given.users, 5, posts=given.posts, days=30)
        refresh(connection)
        world, day = World.load(connection), future.next_day(connection)
        first = registry.store(connection, "control", train.train(connection, "control"))
        registry.activate(connection, "control", first)
        recipe = recipe_of("control")
        other = replace(recipe, parameters=recipe.parameters | OTHER)
        registry.store(connection, "control", train.train(connection, "control", recipe=other))
        with connection, connection.cursor() as cursor:
            cursor.execute(BEFORE)
            cursor.execute("select user_id from pgfeed.user_features order by md5(user_id::text)")
            users = [row[0] for row in cursor.fetchall()]
        costs(connection, users, given.calls)
        against_the_truth(connection, world, given.lists, users, day)


if __name__ == "__main__":
    main()
