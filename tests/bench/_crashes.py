"""Signal 9 for a backend, the postmaster or the client at a random moment of each long job, and what is left."""

import csv
import json
import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from loader.terminal import console, progress
from tests.servers import Server

VICTIMS = ("backend", "postmaster", "client")
POSTS = 2000
ASKED_USERS, ASKED_POSTS = 15, 5
OLD_REVISION = "0012"
MIGRATIONS = ("migrate", "downgrade")
SESSIONS = "select pid from pg_stat_activity where datname = %s and application_name = 'pgfeed'"
ROLL_UP = (
    "from loader.server import db; c = db.connect(); c.autocommit = True;"
    " c.cursor().execute('call pgfeed.roll_up_events()')"
)
EMBED = """
import sys
import numpy as np
from loader.data import embed
from loader.server import db
class Letters:
    checkpoint, dimensions, characters = "1", 64, 1000
    name = sys.argv[1]
    def encode(self, texts):
        return np.array([np.bincount(np.frombuffer((self.name + t).encode(), np.uint8) % 64,
            minlength=64) for t in texts], np.float32)
embed.embed(db.connect(), Letters())
"""
RECOMMEND = """
    select rank, post_id, round(score::numeric, 6), source, features_as_of from pgfeed.recommend_posts(%s, %s)
        order by rank
"""
SIMILAR = "select post_id from pgfeed.similar_posts(%s, 5)"
# What an undisturbed run leaves: numbers that a run may leave otherwise each time are not in it.
STATE = {
    "events": "select count(*), sum(user_id), sum(post_id), sum(extract(epoch from event_at)), sum(target::int)"
    " from pgfeed.feed_events",
    "users": "select count(*), sum(user_id), sum(age) from pgfeed.users",
    "posts": "select count(*), sum(post_id), md5(string_agg(text, '' order by post_id)) from pgfeed.posts",
    "rollup_days": "select count(*), sum(view_count), sum(like_count), bool_or(is_stale) from pgfeed.rollup_days",
    "post_days": "select count(*), md5(string_agg(d::text, '' order by day, post_id)) from pgfeed.post_days as d",
    "user_topic_days": "select count(*), sum(view_count), sum(like_count) from pgfeed.user_topic_days",
    "features": "select (select count(*) from pgfeed.post_features), (select count(*) from pgfeed.user_features)",
    "active_models": "select array_agg(variant order by variant) from pgfeed.active_models",
    "recommendations": "select count(*), md5(string_agg(concat(user_id, ' ', rank, ' ', post_id), ','"
    " order by user_id, rank)) from pgfeed.recommendations",
    "embedders": "select array_agg(name || is_active order by name) from pgfeed.embedders",
    "embeddings": "select count(*), count(distinct post_id) from pgfeed.post_embeddings",
    "alembic_version": "select version_num from pgfeed.alembic_version",
}
PACK = "a refresh without its pack"  # which revisions take away: the next refresh makes it again
# Each finds what must never be there, at whatever moment a job was killed.
NEVER = {
    "a day that is rolled up has other counts than its events": """
        select 1 from pgfeed.rollup_days as d
        full join (
            select (e.event_at at time zone 'UTC')::date as day, sum(e.view_count) as view_count,
                sum(e.like_count) as like_count
            from (
                select viewed_at as event_at, 1 as view_count, 0 as like_count from pgfeed.impressions
                union all
                select liked_at, 0, 1 from pgfeed.liked_posts
            ) as e
            group by 1
        ) as c on c.day = d.day
        where not d.is_stale and (d.view_count, d.like_count) is distinct
            from (coalesce(c.view_count, 0), coalesce(c.like_count, 0))
        and not exists ( -- events that the next roll-up will find
            select from pgfeed.feed_events as e join pgfeed.rollup_watermarks as w on e.recorded_at >= w.watermark_at
            where (e.event_at at time zone 'UTC')::date = d.day
        )
    """,
    "an active model without its digest": """
        select 1 from pgfeed.active_models as a join pgfeed.models as m on m.model_id = a.model_id
        where encode(sha256(m.artifact), 'hex') <> m.sha256
    """,
    "a list of recommendations in two parts": """
        select 1 from pgfeed.recommendations group by user_id having count(*) <> 5 or count(distinct batch_id) <> 1
    """,
    "a chunk of a file without its events": """
        select 1 from (select sum(loaded_count) as loaded from pgfeed.ingest_files where kind = 'events') as f
        where loaded <> (select count(*) from pgfeed.feed_events)
    """,
    PACK: """
        select 1 from (select as_of from pgfeed.feature_refreshes order by refresh_id desc limit 1) as r
        where not exists (select from pgfeed.feature_packs as k where k.as_of = r.as_of)
    """,
    "two embedders that answer": "select 1 from pgfeed.embedders where is_active having count(*) > 1",
}


@dataclass
class Job:
    """What is interrupted: a program, the database that it starts from, whether only its end state is compared."""

    name: str
    template: str
    arguments: list[str]
    is_ours: bool = True


@dataclass
class Outcome:
    """What was found wrong, by kind, as sentences."""

    lost: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Network:
    """The files of a simulated network, its events in two parts, and whom to ask when."""

    users: Path
    posts: Path
    events: tuple[Path, Path]
    moment: str
    asked: list[int]


def make_network(server: Server, folder: Path, users: int, seed: int) -> Network:
    """Simulate a network into files; the second part of the events are those of its last three days."""
    server.verb("postgres", "simulate", "--users", users, "--posts", POSTS, "--days", 30, "--seed", seed,
                "--to", folder)
    events = folder / "feed_data.csv"
    lines = events.read_text().splitlines(keepends=True)
    last = max(line[:10] for line in lines[1:])
    parts = folder / "first.csv", folder / "second.csv"
    cut = f"{last[:8]}{int(last[8:]) - 2:02d}"
    parts[0].write_text(lines[0] + "".join(line for line in lines[1:] if line < cut))
    parts[1].write_text(lines[0] + "".join(line for line in lines[1:] if line >= cut))
    with open(folder / "user_data.csv") as file:
        known = [int(row["user_id"]) for row in csv.DictReader(file)]
    asked = random.Random(seed).sample(known, ASKED_USERS)
    return Network(folder / "user_data.csv", folder / "post_text_df.csv", parts, f"{last} 23:59:59+00", asked)


def make_templates(server: Server, network: Network) -> None:
    """Make the databases that the jobs start from."""
    steps = (
        ("f_empty", None, [("migrate",)]),
        ("f_fed", "f_empty", [
            ("ingest", network.users, network.posts, network.events[0]), ("refresh",),
            ("train", "control", "--activate"), ("train", "control"), ("ingest", network.events[1]),
        ]),
        ("f_fresh", "f_fed", [("refresh",)]),
        ("f_old", "f_fresh", []),
    )
    with progress("databases to start from", len(steps)) as advance:
        for name, template, verbs in steps:
            server.clone(template, name)
            for verb in verbs:
                server.verb(name, *verb)
            programs = {"f_fresh": ["-c", EMBED, "first"], "f_old": ["-m", "alembic", "downgrade", OLD_REVISION]}
            if name in programs:
                process = server.command(name, programs[name])
                _, complaints = process.communicate()
                assert process.returncode == 0, complaints
            advance(1)


def jobs_of(network: Network) -> list[Job]:
    cli = ["-m", "loader.cli"]
    files = map(str, (network.users, network.posts, *network.events))
    return [
        Job("ingest", "f_empty", [*cli, "ingest", *files]),
        Job("roll_up_events", "f_fed", ["-c", ROLL_UP], is_ours=False),
        Job("refresh", "f_fed", [*cli, "refresh"]),
        Job("recommend --batch", "f_fresh", [*cli, "recommend", "--batch", "--workers", "2", "--at", network.moment]),
        Job("train --activate", "f_fresh", [*cli, "train", "control", "--activate"]),
        Job("activate", "f_fresh", [*cli, "activate", "control", "2"]),
        Job("embed, in place of another", "f_fresh", ["-c", EMBED, "second"], is_ours=False),
        Job("migrate", "f_old", [*cli, "migrate"]),
        Job("downgrade", "f_fresh", ["-m", "alembic", "downgrade", OLD_REVISION], is_ours=False),
    ]


def rows_or_error(query, statement: str, *parameters: object) -> object:
    """Return the rows of a statement; of one that fails, the message."""
    try:
        return query(statement, *parameters)
    except psycopg2.Error as error:
        return error.diag.message_primary


def state_of(query, network: Network) -> dict[str, object]:
    """Return the figures of a database that an undisturbed run determines, and what it answers."""
    requests: list[tuple] = [(RECOMMEND, user, network.moment) for user in network.asked]
    requests += [(SIMILAR, post) for post in range(1, ASKED_POSTS + 1)]
    found = {name: rows_or_error(query, statement) for name, statement in STATE.items()}
    return found | {"answers": [rows_or_error(query, *request) for request in requests]}


def never_of(query, job: Job) -> list[str]:
    """Return which of the things are there that must never be."""
    found = []
    for sentence, statement in NEVER.items():
        try:
            if (sentence != PACK or job.name not in MIGRATIONS) and query(statement):
                found.append(sentence)
        except psycopg2.errors.UndefinedTable:
            pass
    return found


def probes_of(server: Server, database: str, outcome: Outcome) -> set[str]:
    """Return the names of the probes of `pgfeed check` that are not ok; a missing remedy is wrong."""
    process = server.command(database, ["-m", "loader.cli", "check", "--json"])
    printed, complaints = process.communicate()
    try:
        bad = [probe for probe in json.loads(printed) if probe["status"] != "ok"]
    except ValueError:
        outcome.crashed.append(f"check: {complaints.strip()[-300:]}")
        return set()
    outcome.wrong += [f"check names no remedy for {probe['name']}: {probe['found']}" for probe in bad
                      if not probe["remedy"]]
    return {probe["name"] for probe in bad}


@dataclass
class Undisturbed:
    """How a job goes that nobody disturbs: seconds in sessions, the state before and after, the probes after."""

    seconds: float
    before: dict[str, object]
    after: dict[str, object]
    probes: set[str]


def wait_for_session(query, database: str, process) -> float:
    """Wait until the program has its first session; return the moment."""
    while not query(SESSIONS, database) and process.poll() is None:
        time.sleep(0.003)
    return time.monotonic()


def run_undisturbed(server: Server, job: Job, network: Network) -> Undisturbed:
    server.clone(job.template, "f_job")
    with server.connect("f_job") as query:
        before = state_of(query, network)
    process = server.command("f_job", job.arguments)
    with server.connect() as query:
        started = wait_for_session(query, "f_job", process)
    _, complaints = process.communicate()
    seconds = time.monotonic() - started
    assert process.returncode == 0, (job.name, complaints)
    with server.connect("f_job") as query:
        after = state_of(query, network)
    return Undisturbed(seconds, before, after, probes_of(server, "f_job", Outcome()))


def kill_at(server: Server, job: Job, victim: str, delay: float, rng: random.Random, outcome: Outcome) -> bool:
    """Start a job and kill its victim so many seconds after its first session; return whether it was still at work."""
    process = server.command("f_job", job.arguments)
    postmaster = server.process.pid
    with server.connect() as query:
        wait_for_session(query, "f_job", process)
        time.sleep(delay)
        sessions = [pid for pid, in query(SESSIONS, "f_job")]
        is_at_work = process.poll() is None and bool(sessions)
        if is_at_work:
            os.kill({"backend": rng.choice(sessions), "postmaster": postmaster, "client": process.pid}[victim],
                    signal.SIGKILL)
    _, complaints = process.communicate(timeout=600)
    if is_at_work and victim != "client" and job.is_ours and "Traceback" in complaints:
        outcome.crashed.append(f"a stack trace instead of an error: {complaints.strip().splitlines()[-1]}")
    if victim == "postmaster" and is_at_work:
        server.start()
    server.wait()
    return is_at_work


def wait_for_end(server: Server) -> None:
    """Wait until no session of a killed client is at work any more."""
    with server.connect() as query:
        while query(SESSIONS, "f_job"):
            time.sleep(0.05)


def crash(
    server: Server, job: Job, victim: str, expected: Undisturbed, network: Network, rng: random.Random
) -> tuple[float, Outcome]:
    """Kill a job once, look, run it again and look again; return when it was killed and what was wrong."""
    outcome = Outcome()
    delay, is_killed = 0.0, False
    while not is_killed:
        server.clone(job.template, "f_job")
        delay = rng.random() * expected.seconds
        is_killed = kill_at(server, job, victim, delay, rng, outcome)
    wait_for_end(server)
    with server.connect("f_job") as query:
        outcome.wrong += never_of(query, job)
        found = state_of(query, network)
    if job.name != "ingest" and found["events"] != expected.before["events"]:
        outcome.lost.append(f"events: {found['events']} instead of {expected.before['events']}")
    is_migration = found["alembic_version"] not in (expected.before["alembic_version"],
                                                    expected.after["alembic_version"])
    if not is_migration and found["answers"] not in (expected.before["answers"], expected.after["answers"]):
        outcome.wrong.append("answers are neither those from before nor those from after")
    probes_of(server, "f_job", outcome)

    process = server.command("f_job", job.arguments)
    _, complaints = process.communicate()
    if process.returncode:
        outcome.crashed.append(f"run again it failed: {complaints.strip()[-300:]}")
    with server.connect("f_job") as query:
        outcome.wrong += never_of(query, job)
        found = state_of(query, network)
    for name, value in expected.after.items():
        if found[name] != value:
            kind = outcome.lost if name in ("events", "users", "posts") else outcome.wrong
            kind.append(f"{name} after another run: {str(found[name])[:200]} instead of {str(value)[:200]}")
    outcome.wrong += [f"check complains of {name} after another run"
                      for name in probes_of(server, "f_job", outcome) - expected.probes]
    return delay, outcome


def crashes(server: Server, network: Network, rng: random.Random, rounds: int) -> list[tuple[Job, str, float, Outcome]]:
    """Kill each victim of each job so many times; return job, victim, seconds and what was wrong."""
    found = []
    jobs = jobs_of(network)
    with progress("kills", len(jobs) * len(VICTIMS) * rounds) as advance:
        for job in jobs:
            expected = run_undisturbed(server, job, network)
            for victim in VICTIMS * rounds:
                seconds, outcome = crash(server, job, victim, expected, network, rng)
                found.append((job, victim, seconds, outcome))
                for sentence in outcome.lost + outcome.crashed + outcome.wrong:
                    console.print(f"{job.name}, {victim} killed after {seconds:.2f} s: {sentence}", markup=False)
                advance(1)
    return found
