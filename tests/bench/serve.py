"""How fast recommend_posts answers, and the usual service beside it: `./run bench serve`."""

import json
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import click
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.measuring.live import process_megabytes
from loader.server import db
from loader.server.remedies import told
from loader.terminal import out, progress, table
from tests.bench import yardstick

CALLS = 3000
PAIRS = 1000
STEP_CALLS = 500
SESSIONS = 20
CLIENTS = (1, 2, 4, 8, 16)
SECONDS = 5
CALL = "select * from pgfeed.recommend_posts(%s)"
LEAST_STEP_MS = 0.03


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def latencies(name: str, seconds: list[float]) -> list[tuple[str, str]]:
    shares = (("median", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1))
    return [(f"{name}, {label}", milliseconds(percentile(seconds, share))) for label, share in shares]


def sql_call(connection: Connection) -> Callable[[int], None]:
    """Return a function that asks for a user's posts in this session."""
    connection.autocommit = True
    cursor = connection.cursor()

    def call(user: int) -> None:
        cursor.execute(CALL, [user])
        cursor.fetchall()

    return call


def timed(call: Callable[[int], None], users: list[int], count: int, warm_up: int, title: str) -> list[float]:
    """Return the seconds of so many calls after the first ones."""
    seconds = []
    with progress(title, count) as advance:
        for number in range(count + warm_up):
            started = time.perf_counter()
            call(users[number % len(users)])
            if number >= warm_up:
                seconds.append(time.perf_counter() - started)
                advance(1)
    return seconds


def throughput(calls: list[Callable[[int], None]], users: list[int], seconds: float = SECONDS) -> float:
    """Return the calls per second of so many clients at once, all warm."""
    counts = [0] * len(calls)
    for call in calls:
        call(users[0])
    end = time.perf_counter() + seconds

    def client(number: int) -> None:
        rng = random.Random(number)
        while time.perf_counter() < end:
            calls[number](rng.choice(users))
            counts[number] += 1

    threads = [threading.Thread(target=client, args=[number]) for number in range(len(calls))]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def first_call(users: list[int]) -> float:
    """Return the seconds of the first call in a new session."""
    with closing(db.connect()) as connection:
        call, started = sql_call(connection), time.perf_counter()
        call(users[0])
        return time.perf_counter() - started


def logging_seconds(connection: Connection, users: list[int]) -> list[float]:
    """Return how much longer serve_posts takes than recommend_posts, in pairs of calls; exposures are deleted again."""
    with connection.cursor() as cursor, progress("pairs of calls", PAIRS) as advance:
        cursor.execute("select now()")
        moment = cursor.fetchone()[0]
        differences = []
        for number in range(PAIRS + 50):
            seconds = {}
            for name in ("recommend_posts", "serve_posts")[:: 1 if number % 2 else -1]:
                started = time.perf_counter()
                cursor.execute(f"select * from pgfeed.{name}(%s, %s)", [users[number % len(users)], moment])
                cursor.fetchall()
                seconds[name] = time.perf_counter() - started
            if number >= 50:
                differences.append(seconds["serve_posts"] - seconds["recommend_posts"])
                advance(1)
        cursor.execute("delete from pgfeed.exposures where served_at = %s", [moment])
    return differences


def session_memory(connections: list[Connection]) -> list[tuple[str, str]]:
    """Return the memory of so many warm sessions at once as rows of the table."""
    pids = [connection.info.backend_pid for connection in connections]
    private, proportional = ([process_megabytes(pid, field) for pid in pids] for field in ("Private_", "Pss:"))
    if None in private + proportional:
        return [(f"memory of {len(pids)} sessions", "not readable")]
    return [
        (f"private memory of a session, median of {len(pids)}", f"{statistics.median(private):.0f} MB"),
        (f"proportional memory of a session, median of {len(pids)}", f"{statistics.median(proportional):.0f} MB"),
        (f"{len(pids)} sessions in all, proportional", f"{sum(proportional):.0f} MB"),
    ]


STEPS = """
create function pg_temp.steps(users bigint[], count integer, warm_up integer) returns text
    language plpython3u as $steps$
import json, sys, time
from types import FunctionType

plpy.execute("select pgfeed._library()")
from plpy.import_catboost import import_catboost
from plpy.pack import Pack
from plpy.recommend import recommend_posts
from plpy.session import Session

spent, nested, originals, wrappers = {}, [], [], {}

def timed(step, function):
    def call(*arguments, **named):
        started = time.perf_counter()
        nested.append(0)
        try:
            return function(*arguments, **named)
        finally:
            took = time.perf_counter() - started
            name = "query: " + arguments[1] if step == "run" else step
            spent[name] = spent.get(name, 0) + took - nested.pop()
            if nested:
                nested[-1] += took
    return call

def replace(owner, name, function):
    originals.append((owner, name, function))
    setattr(owner, name, wrappers.setdefault(function, timed(name, function)))

for owner in [*(module for name, module in sys.modules.items() if name.startswith("plpy.")), Session, Pack]:
    for name, value in list(vars(owner).items()):
        if type(value) is FunctionType:
            replace(owner, name, value)
CatBoost = import_catboost().CatBoost
originals.append((CatBoost, "predict", CatBoost.predict))
CatBoost.predict = timed("CatBoost's predict", CatBoost.predict)
moment = plpy.execute("select now()")[0]["now"]
try:
    for number in range(count + warm_up):
        if number == warm_up:
            spent.clear()
        recommend_posts(plpy, users[number % len(users)], moment, 5, None)
finally:
    for owner, name, function in originals:
        setattr(owner, name, function)
return json.dumps({step: seconds / count for step, seconds in spent.items()})
$steps$
"""


def steps_of_a_call(connection: Connection, users: list[int]) -> list[tuple[str, str]]:
    """Return where the time of a warm call goes inside the function, measured in the session, as rows of the table."""
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper from pg_roles where rolname = current_user")
        if not cursor.fetchone()[0]:
            return [("steps of a call", "only a superuser can measure them")]
        cursor.execute(STEPS)
        cursor.execute("select pg_temp.steps(%s, %s, 50)", [users, STEP_CALLS])
        seconds = json.loads(cursor.fetchone()[0])
    large = sorted((step for step in seconds if seconds[step] * 1000 >= LEAST_STEP_MS), key=lambda step: -seconds[step])
    rest = sum(value for step, value in seconds.items() if step not in large)
    return [*((f"  {step}", f"{seconds[step] * 1000:.2f} ms") for step in large),
            ("  the rest", f"{rest * 1000:.2f} ms")]


SCORING = """
create function pg_temp.scoring(users bigint[], variants text[], moments timestamptz[], count integer) returns text
    language plpython3u as $scoring$
import json, random, time

plpy.execute("select pgfeed._library()")
from plpy import kernel, ranking, recommend
from plpy.session import Model

names = ["predict", "tables", "tables in C"][: 2 + (kernel.sum_cells is not None)]
spent, different, usual, in_c, twins = {name: [] for name in names}, [0], recommend.score, kernel.sum_cells, {}

def timed(name, scored, pack):
    started = time.process_time_ns()
    scores = scored()
    best = ranking.rank(scores, pack.post_ids, 5)
    spent[name].append((time.process_time_ns() - started) / 1e6)
    return scores, best.tolist(), scores[best].tolist()

def by_numpy(model, pack, *rest):
    if model not in twins:
        twins[model] = Model(model.model_id, model.load, model.feature_names, model.encoders, model.trees)
    kernel.sum_cells = None  # when the twin makes its tables
    try:
        return usual(twins[model], pack, *rest)
    finally:
        kernel.sum_cells = in_c

def all_ways(model, *rest):
    ways = {"predict": ranking.predicted, "tables": by_numpy, "tables in C": usual}
    first = len(spent["tables"]) % len(names)
    results = {name: timed(name, lambda: ways[name](model, *rest), rest[0]) for name in names[first:] + names[:first]}
    different[0] += any(results[name][1:] != results["predict"][1:] for name in names)
    return results["tables"][0]

lot = random.Random(0)
try:
    for number in range(-50, count):
        if not number:
            spent, different = {name: [] for name in names}, [0]
            recommend.score = all_ways
        recommend.recommend_posts(plpy, lot.choice(users), lot.choice(moments), 5, lot.choice(variants))
finally:
    recommend.score = usual
return json.dumps([spent, different[0]])
$scoring$
"""


def ways_to_score(connection: Connection, users: list[int], count: int) -> list[tuple[str, str]]:
    """Return what CatBoost's predict, tables and, if preloaded, tables in C take to find the best five of requests.

    Users, variants with a model and moments are drawn: a thousand of the hours after the features' cut-off, and three
    midnights before it. The lists and their scores are compared, to the bit.
    """
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper from pg_roles where rolname = current_user")
        if not cursor.fetchone()[0]:
            return [("ways to score", "only a superuser can measure them")]
        cursor.execute("select array_agg(a.variant) from pgfeed.active_models as a")
        variants = cursor.fetchone()[0]
        cursor.execute(
            "select array_agg(case when n % 100 < 3 then r.as_of - n % 100 * interval '1 day'"
            " else r.as_of + n * interval '1 hour' end) from generate_series(1, 1000) as n"
            " cross join (select pgfeed._refresh_as_of() as as_of) as r"
        )
        moments = cursor.fetchone()[0]
        cursor.execute(SCORING)
        cursor.execute("select pg_temp.scoring(%s, %s, %s::timestamptz[], %s)", [users, variants, moments, count])
        spent, different = json.loads(cursor.fetchone()[0])
    rows = [(f"scoring, of {', '.join(variants)}, milliseconds of the processor:", "")]
    for name, values in spent.items():
        values = f"{statistics.median(values):.2f}, p99 {percentile(values, 0.99):.2f}"
        rows.append((f"  {name}, median", values))
    return [*rows, (f"  different lists or scores, of {len(spent['tables']):,}", str(different))]


def measure_service(connection: Connection, users: list[int]) -> tuple[list[tuple[str, str]], float, float | None]:
    """Return the yardstick's rows of the table, its best throughput and a worker's memory."""
    with yardstick.model_file(connection) as (path, description):
        service = yardstick.Service(connection, path)
        inside = timed(service.recommend, users, 60, 5, "the usual service, in-process")
        rows = [(f"the usual service: {description}", ""), *latencies("  in-process", inside)]
        best, memory = 1 / statistics.mean(inside), None
        try:
            import fastapi  # noqa: F401
            import uvicorn  # noqa: F401
        except ImportError:
            return [*rows, ("  by HTTP", "needs ./run install http")], best, memory
        workers = os.cpu_count() or 1
        with yardstick.http_service(path, workers) as (port, pids):
            for count in CLIENTS[:3]:
                with ExitStack() as stack:
                    calls = [stack.enter_context(yardstick.http_call(port)) for _ in range(count)]
                    if count == 1:
                        rows += latencies("  by HTTP", timed(calls[0], users, 60, 5, "the usual service by HTTP"))
                    rate = throughput(calls, users)
                    best = max(best, rate)
                    rows.append((f"  by HTTP, {workers} workers, {count} clients", f"{rate:.1f} calls/s"))
            memory = max(filter(None, map(process_megabytes, pids())), default=None)
    if memory:
        rows.append(("  private memory of a worker", f"{memory:.0f} MB"))
    return rows, best, memory


@click.command()
@click.option("--triples", default=1000, show_default=True, help="How many requests are scored in all ways.")
def main(triples: int) -> None:
    with ExitStack() as stack:
        connection = stack.enter_context(closing(db.connect()))
        db.require_schema(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute("select user_id from pgfeed.user_features order by user_id")
            users = [row[0] for row in cursor.fetchall()]
            cursor.execute("select post_count from pgfeed.feature_packs order by pack_id desc limit 1")
            pack = cursor.fetchone()
            if not users or not pack:
                raise PgfeedError("there is nothing to serve", "the features were never refreshed", "pgfeed demo")
            cursor.execute("select source from pgfeed.recommend_posts(%s)", [users[0]])
            source = cursor.fetchone()[0]
            cursor.execute("show shared_preload_libraries")
            preload = "preloaded" if "pgfeed_preload" in cursor.fetchone()[0] else "plain"
        random.Random(0).shuffle(users)
        firsts = [first_call(users) for _ in range(5)]
        call = sql_call(connection)
        rows = latencies("warm call", timed(call, users, CALLS, 50, "warm calls"))
        rows.append(("of it inside the function, by step:", ""))
        rows += steps_of_a_call(connection, users)
        rows += ways_to_score(connection, users, triples)
        logging = logging_seconds(connection, users)
        rows.append(("serve_posts over recommend_posts, median", milliseconds(percentile(logging, 0.5))))
        rows.append((f"first call of a session, {preload}, median of 5", f"{percentile(firsts, 0.5) * 1000:.0f} ms"))

        connections = [stack.enter_context(closing(db.connect())) for _ in range(SESSIONS)]
        calls = [sql_call(each) for each in connections]
        rates = {}
        with progress("clients at once", len(CLIENTS)) as advance:
            for each in calls:
                for user in users[:20]:
                    each(user)
            rows += session_memory(connections)
            for count in CLIENTS:
                rates[count] = throughput(calls[:count], users)
                rows.append((f"{count} clients" if count > 1 else "1 client", f"{rates[count]:.0f} calls/s"))
                advance(1)
        own_memory = process_megabytes(connections[0].info.backend_pid)
        found, best, memory = measure_service(connection, users)
    rows += found
    rows.append(("recommend_posts over the usual service, best calls/s", f"{max(rates.values()) / best:.1f} times"))
    if memory and own_memory:
        rows.append(("private memory, a session of a worker", f"{own_memory / memory:.2f}"))
    out.print(table(f"recommend_posts, {pack[0]:,} posts, {source}, {CALLS:,} calls, {os.cpu_count()} cores",
                    ["what", "value"], rows, ["value"]))


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
