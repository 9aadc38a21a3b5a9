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
from loader.simulation import simulate, site
from loader.terminal import excerpt, out, table, tell

USERS = 3000
SEED = 1
VARIANT = "control"
USER_ID = 1000
MOMENT = "2021-12-20 18:00+00"
COLUMNS = "rank, post_id, topic, source, round(score::numeric, 4), text"
CALL = f"select {COLUMNS} from pgfeed.recommend_posts(%s, %s, variant => %s)"
WARM_CALLS = 200
ATTACHED = (
    """call pgfeed.attach_users('app.members', key => 'id',
    features => '["plan", "lang", {"age": "extract(year from age(born))"}]');""",
    """call pgfeed.attach_posts('app.articles', key => 'slug', text => 'title || chr(10) || body', topic => 'section',
    created_at => 'published_at', available => 'not is_hidden and (expires_at is null or expires_at > now())',
    features => '["author_id", "lang", "price"]');""",
    """call pgfeed.attach_events('app.reads', user_key => 'member_id', post_key => 'slug', at => 'at',
    action => 'view');""",
    """call pgfeed.attach_events('app.hearts', user_key => 'member_id', post_key => 'slug', at => 'at',
    action => 'like');""",
)
FOR_MEMBER = "select rank, post_key, topic, source, round(score::numeric, 4), text from pgfeed.recommend_for(%s)"


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
    tell(f"{world.users:,} users, {world.posts:,} posts, {world.views:,} views, {world.likes:,} likes{already}")

    out.rule("2 features, as of the end of the feed", align="left")
    is_refreshed = "exists (select from pgfeed.feature_refreshes where finished_at is not null)"
    if scalar(connection, f"select {is_refreshed} and watermark_at > 'epoch' from pgfeed.rollup_watermarks"):
        tell("there already")
    else:
        done = refresh.refresh(connection)
        tell(f"{done.post_count:,} posts, {done.user_count:,} users as of {done.as_of}")

    out.rule("3 a CatBoost model, trained on all but the held-out days, then on all", align="left")
    version = trained(connection)

    out.rule("4 how good it is: HitRate@5 on what users saw on the held-out days", align="left")
    out.print(evaluated(connection, version).table())

    out.rule(f"5 five posts for user {USER_ID} at {MOMENT}", align="left")
    show_posts()

    out.rule("6 now you", align="left")
    columns = "rank, post_id, topic, left(text, 40) as text"
    tell(as_command(f"select {columns} from pgfeed.recommend_posts({USER_ID})"))
    tell(f"any driver: {address()}")


def trained(connection: Connection) -> int:
    """Return the active version of the model, trained now if there is none."""
    version = scalar(connection, "select max(version) from pgfeed.active_models where variant = %s", VARIANT)
    if version is not None:
        tell(f"{VARIANT} version {version} is active already")
        return version
    model = train.train(connection, VARIANT, is_refitted=True)
    version = registry.activate(connection, VARIANT, registry.store(connection, VARIANT, model))
    learned = f"{model.metrics['row_count']:,} impressions, {len(model.feature_names)} features"
    tell(f"{VARIANT} version {version}: {learned}")
    return version


def evaluated(connection: Connection, version: int) -> results.Evaluation:
    """Return how good a version is on what users saw, measured now if it was not before."""
    evaluation = results.newest(connection, "logged", VARIANT, version)
    if evaluation is None:
        evaluation = logged.evaluate(connection, registry.load_active(connection, VARIANT))
        evaluation.store(connection)
    return evaluation


def own_tables(connection: Connection) -> None:
    """Make a community site with tables of its own, attach them and recommend; print what each step gave."""
    out.rule("1 a community site with tables of its own, in the schema app", align="left")
    community = site.make(connection)
    tell(
        f"{community.members:,} members with uuid, {community.articles:,} articles with slugs,"
        f" {community.reads:,} reads, {community.hearts:,} hearts; row security on"
    )

    out.rule("2 attached in four statements", align="left")
    attach(connection)

    out.rule("3 features and a model of the site's own columns", align="left")
    timed(connection, "call pgfeed.refresh_features();")
    out.print(evaluated(connection, trained(connection)).table())

    out.rule(f"4 five articles for member {community.member}", align="left")
    best = show_articles(connection, community.member)

    out.rule("5 the member hearts the first, and the site hides the second", align="left")
    timed(connection, "insert into app.hearts values (%s, %s, now());", community.member, best[0])
    timed(connection, "update app.articles set is_hidden = true where slug = %s;", best[1])
    show_articles(connection, community.member)
    timed(connection, "update app.articles set is_hidden = false where slug = %s;", best[1])
    timed(connection, "delete from app.hearts where member_id = %s and slug = %s;", community.member, best[0])

    out.rule("6 now you", align="left")
    tell(as_command("select * from pgfeed.attachments"))
    tell(f"any driver: {address()}")


def attach(connection: Connection) -> None:
    """Attach the tables that are not yet attached, with the time of each."""
    attached = scalar(connection, "select coalesce(array_agg(relation_name), '{}') from pgfeed.attached_tables")
    for statement in ATTACHED:
        if statement.split("'")[1] not in attached:
            timed(connection, statement)
    if attached:
        tell(f"there already: {', '.join(sorted(attached))}")


def timed(connection: Connection, statement: str, *parameters: object) -> None:
    """Print a statement, run it in a transaction of its own, print how long it took."""
    connection.rollback()
    connection.autocommit = True  # the first load of a table commits as it goes
    try:
        with connection.cursor() as cursor:
            text = cursor.mogrify(statement, parameters or None).decode()
            tell(text)
            started = time.perf_counter()
            cursor.execute(text)
            tell(f"  {time.perf_counter() - started:.2f} s")
    finally:
        connection.autocommit = False


def show_articles(connection: Connection, member: str) -> list[str]:
    """Print the five articles for a member and return their slugs."""
    with connection, connection.cursor() as cursor:
        cursor.execute(FOR_MEMBER, [member])
        rows = cursor.fetchall()
    show_rows("post_key", rows, ["rank", "score"])
    return [row[1] for row in rows]


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
        rows = cursor.fetchall()
        seconds = []
        for _ in range(WARM_CALLS):
            started = time.perf_counter()
            cursor.execute("select post_id from pgfeed.recommend_posts(%s)", [USER_ID])
            seconds.append(time.perf_counter() - started)
    show_rows("post_id", rows, ["rank", "post_id", "score"])
    warm = sorted(seconds)[len(seconds) // 2]
    then = f"{warm * 1000:.1f} ms (median of {WARM_CALLS} calls for now)"
    tell(f"first call of the session {first * 1000:.0f} ms, then {then}")


def show_rows(key: str, rows: list[tuple], numeric: list[str]) -> None:
    """Print recommended posts as a table; key: what names a post in it."""
    shortened = [(*row[:5], excerpt(row[5])) for row in rows]
    out.print(table("", ["rank", key, "topic", "source", "score", "text"], shortened, numeric))
