"""The demonstration: a small network from nothing to five posts, skipping what is done."""

import os
import re
import time
from contextlib import closing
from typing import Any

from psycopg2.extensions import connection as Connection

from loader.data import refresh
from loader.learning import registry, train
from loader.measuring import logged, results
from loader.server import db
from loader.server.remedies import as_command, as_verb
from loader.simulation import simulate
from loader.terminal import out, table

USERS = 3000
SEED = 1
VARIANT = "control"
USER_ID = 1000
MOMENT = "2021-12-20 18:00+00"
COLUMNS = "rank, post_id, topic, source, round(score::numeric, 4), text"
CALL = f"select {COLUMNS} from pgfeed.recommend_posts(%s, %s, variant => %s)"
WARM_CALLS = 200


def scalar(connection: Connection, statement: str, *parameters: object) -> Any:
    """Return the first column of the only row."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchone()[0]


def demo(connection: Connection) -> None:
    """Simulate, roll up, refresh, train, evaluate and recommend; print what each step gave."""
    out.rule(f"1 a network of {USERS:,} users, simulated", align="left")
    world = simulate.simulate(connection, USERS, SEED)
    already = "" if world.loaded_days else ": there already"
    out.print(f"{world.users:,} users, {world.posts:,} posts, {world.views:,} views, {world.likes:,} likes{already}")

    out.rule("2 features, as of the end of the feed", align="left")
    is_refreshed = "exists (select from pgfeed.feature_refreshes where finished_at is not null)"
    if scalar(connection, f"select {is_refreshed} and watermark_at > 'epoch' from pgfeed.rollup_watermarks"):
        out.print("there already")
    else:
        done = refresh.refresh(connection)
        out.print(f"{done.post_count:,} posts, {done.user_count:,} users as of {done.as_of}")

    out.rule("3 a CatBoost model, trained on the days before the held-out ones", align="left")
    version = scalar(connection, "select max(version) from pgfeed.active_models where variant = %s", VARIANT)
    if version is None:
        model = train.train(connection, VARIANT)
        version = registry.activate(connection, VARIANT, registry.store(connection, VARIANT, model))
        learned = f"{model.metrics['row_count']:,} impressions, {len(model.feature_names)} features"
        out.print(f"{VARIANT} version {version}: {learned}")
    else:
        out.print(f"{VARIANT} version {version} is active already")

    out.rule("4 how good it is: HitRate@5 on what users saw on the held-out days", align="left")
    evaluation = results.newest(connection, "logged", VARIANT, version)
    if evaluation is None:
        evaluation = logged.evaluate(connection, registry.load_active(connection, VARIANT))
        evaluation.store(connection)
    out.print(evaluation.table())

    out.rule(f"5 five posts for user {USER_ID} at {MOMENT}", align="left")
    show_posts()

    out.rule("6 now you", align="left")
    columns = "rank, post_id, topic, left(text, 40) as text"
    out.print(as_command(f"select {columns} from pgfeed.recommend_posts({USER_ID})"), soft_wrap=True)
    out.print(f"any driver: {address()}", soft_wrap=True)


def address() -> str:
    """Return where drivers connect to, without the password."""
    url = os.environ.get("PGFEED_URL")
    if url is None:
        return "the address in PGFEED_DSN"
    return re.sub(r":[^:@/]*@", ":***@", url) + as_verb(' (with the password: eval "$(pgfeed env)"; echo $PGFEED_URL)')


def show_posts() -> None:
    """Print the five posts and how long the first and a warm call of a new session take."""
    connection = db.connect()
    with closing(connection), connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(CALL, [USER_ID, MOMENT, VARIANT])
        first = time.perf_counter() - started
        rows = [(*row[:5], " ".join((row[5] or "").split())[:200]) for row in cursor.fetchall()]
        seconds = []
        for _ in range(WARM_CALLS):
            started = time.perf_counter()
            cursor.execute("select post_id from pgfeed.recommend_posts(%s)", [USER_ID])
            seconds.append(time.perf_counter() - started)
    out.print(table("", ["rank", "post_id", "topic", "source", "score", "text"], rows, ["rank", "post_id", "score"]))
    warm = sorted(seconds)[len(seconds) // 2]
    then = f"{warm * 1000:.1f} ms (median of {WARM_CALLS} calls for now)"
    out.print(f"first call of the session {first * 1000:.0f} ms, then {then}")
