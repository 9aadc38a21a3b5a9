"""At full size: what a call by the application's own key costs beside one by id, and how long erasing a user takes."""

import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import psycopg2
from psycopg2.extensions import connection as Connection

from loader.data import refresh
from loader.errors import PgfeedError
from loader.simulation import simulate
from tests.servers import queries
from tests.site import SITE, attach

SEED = 1
POSTS = 7023
LARGE_SITE = """
    insert into app.members
    select
        md5(i::text)::uuid, (array['free', 'pro'])[1 + i %% 2], (array['en', 'de', 'fr'])[1 + i %% 3],
        date '1980-01-01' + i %% 10000
    from generate_series(21, %(users)s) as i;
    insert into app.articles (slug, title, body, section, published_at, author_id, lang, price)
    select
        'post-' || i, 'Title ' || i, repeat('word' || i || ' ', 20), 'section ' || i %% 20,
        now() - interval '100 days', i %% 700, 'en', i
    from generate_series(31, %(posts)s) as i;
    insert into app.reads
    select
        md5((1 + i * 7919 %% %(users)s)::text)::uuid, 'post-' || 1 + i * 104729 %% %(posts)s,
        date_trunc('day', now()) - interval '90 days' + i * (interval '90 days' / %(events)s), i %% 120
    from generate_series(1, %(events)s::bigint) as i;
    analyze app.members, app.articles, app.reads
"""
CALL_COUNT, WARM_UP = 1000, 50
BY_KEY = {
    "recommend_posts(bigint)": "select * from pgfeed.recommend_posts(%(id)s)",
    "recommend_for(uuid)": "select * from pgfeed.recommend_for(%(key)s::uuid)",
    "recommend_for(text)": "select * from pgfeed.recommend_for(%(key)s)",
}
BY_EVENTS = """
    select e.user_id, count(*) from pgfeed.feed_events as e group by e.user_id order by count(*), e.user_id
"""
# A key, an id and a profile that nothing else is equal to.
MARK = """
    update pgfeed.users
    set user_id = pgfeed._key_id(%(key)s), key = %(key)s, city = %(city)s, source = %(source)s,
        attributes = jsonb_build_object('nick', %(nick)s)
    where user_id = %(id)s;
    update pgfeed.feed_events set user_id = pgfeed._key_id(%(key)s) where user_id = %(id)s
"""
WORDS = ("key", "city", "source", "nick")
CALL = "select * from pgfeed.recommend_posts(%(id)s)"
INSERT = """
    insert into pgfeed.feed_events (event_at, user_id, post_id, action)
    select clock_timestamp(), %(id)s, min(p.post_id), 'view' from pgfeed.posts as p
"""


def seconds(connection: Connection, statement: str, **values: object) -> float:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if cursor.description:
            cursor.fetchall()
    return time.perf_counter() - started


def core_seconds(connection: Connection) -> float:
    """Return how long a session has worked on a core, which other work on the machine adds little to."""
    try:
        return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError as error:
        cause = str(error)
        raise PgfeedError("a session's time on a core cannot be read", cause, "run this beside the server") from error


def keys(connection: Connection, users: int, events: int) -> Iterator[tuple[str, float, float, float]]:
    """Attach a site of this size; yield of each kind of call its median microseconds, how many more than by id, and
    how many of these on a core.
    """
    query = queries(connection)
    query(SITE)
    seconds(connection, LARGE_SITE, users=users, posts=POSTS, events=events)
    attach(query, "trigger", ["members", "articles", "reads"])
    query("call pgfeed.refresh_features()")
    query("analyze")
    yield from compared_calls(connection)


def compared_calls(connection: Connection) -> Iterator[tuple[str, float, float, float]]:
    asked = queries(connection)(
        "select u.user_id, u.key from pgfeed.users as u order by u.user_id limit %s", CALL_COUNT + WARM_UP
    )
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in BY_KEY}
    for number, (user_id, key) in enumerate(asked):
        names = random.Random(number).sample(list(BY_KEY), len(BY_KEY))
        took = {}
        for name in (names[-1], *names):  # the first call finds the user's rows on disk
            before = core_seconds(connection)
            clock = seconds(connection, BY_KEY[name], id=user_id, key=key)
            took[name] = clock, core_seconds(connection) - before
        for name in names if number >= WARM_UP else ():
            found[name].append(took[name])
    by_id = found[next(iter(BY_KEY))]
    for name, values in found.items():
        clock, core = (
            median(value[kind] - other[kind] for value, other in zip(values, by_id)) for kind in (0, 1)
        )
        yield name, median(value for value, _ in values) * 1e6, clock * 1e6, core * 1e6


def erase(connection: Connection, users: int, days: int) -> Iterator[tuple[str, int, float, float, float]]:
    """Simulate a network and erase the users with fewest, median and most events; yield of each how many it has, how
    long it took, and the slowest call and insert of others meanwhile, seconds.
    """
    simulate.simulate(connection, users, SEED, days=days)
    yield from erase_of(connection)


def erase_of(connection: Connection) -> Iterator[tuple[str, int, float, float, float]]:
    connection.autocommit = True
    query = queries(connection)
    by_events = query(BY_EVENTS)
    erased = {"fewest": by_events[0], "median": by_events[len(by_events) // 2], "most": by_events[-1]}
    others = sorted({user_id for user_id, _ in by_events} - {user_id for user_id, _ in erased.values()})
    for title, (user_id, _) in erased.items():
        seconds(connection, MARK, id=user_id, **{word: f"{word}-{title}" for word in WORDS})
    refresh.refresh(connection)
    for title, (_, count) in erased.items():
        with waits(connection.dsn, others, CALL) as calls, waits(connection.dsn, others, INSERT) as inserts:
            took = seconds(connection, "call pgfeed.erase_user(%(key)s)", key=f"key-{title}")
        yield title, count, took, max(calls), max(inserts)


def left_in_dump(connection: Connection) -> tuple[int, int, int]:
    """Return of how many words of the users that erase() erases, how often a plain dump has one, and one who stays."""
    query = queries(connection)
    words = [f"{word}-{title}" for title in ("fewest", "median", "most") for word in WORDS]
    ids = query("select pgfeed._key_id(k)::text from unnest(%s) as k", words[:: len(WORDS)])
    words += [user_id for user_id, in ids]
    ((stays,),) = query("select max(u.user_id)::text from pgfeed.users as u")
    counts = in_dump(connection.dsn, [*words, stays])
    return len(words), sum(counts[word] for word in words), counts[stays]


@contextmanager
def waits(dsn: str, users: list[int], statement: str) -> Iterator[list[float]]:
    """Run a statement about one user after the other in a session of its own; yield the seconds that each takes."""
    took: list[float] = []
    is_over = threading.Event()

    def work() -> None:
        rng = random.Random(SEED)
        with closing(psycopg2.connect(dsn)) as connection:
            connection.autocommit = True
            while not is_over.is_set():
                took.append(seconds(connection, statement, id=rng.choice(users)))

    thread = threading.Thread(target=work)
    thread.start()
    while not took:
        time.sleep(0.01)
    time.sleep(1)
    took.clear()
    try:
        yield took
    finally:
        is_over.set()
        thread.join()


def in_dump(dsn: str, words: list[str]) -> dict[str, int]:
    """Return how often each of these words stands in a plain dump."""
    pattern = re.compile(rb"(?<!\w)(?:" + b"|".join(re.escape(word.encode()) for word in words) + rb")(?!\w)")
    counts = dict.fromkeys(words, 0)
    with subprocess.Popen(["pg_dump", dsn], stdout=subprocess.PIPE) as dump:
        for line in dump.stdout:
            for word in pattern.findall(line):
                counts[word.decode()] += 1
    if dump.returncode:
        raise PgfeedError("pg_dump failed", f"it ended with {dump.returncode}", "see what it printed")
    return counts
