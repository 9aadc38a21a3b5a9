"""Mixed traffic for minutes, many calls in one session, no connection left, and no memory left."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import datetime

import psycopg2

from loader.measuring.live import process_megabytes
from loader.terminal import progress
from tests.bench._crashes import Network
from tests.bench._crowd import INSERT
from tests.servers import Server, limit_memory, queries

CLIENTS = 3
SECONDS_BETWEEN = {"refresh": 30, "activate": 5}
CALL = "select post_id, round(score::numeric, 6) from pgfeed.recommend_posts(%s, %s) order by rank"
LIKE_RATE = 0.03  # nobody runs out of posts to like
MEMORY_MB = (0, 1, 2, 5, 10, 20, 40, 50, 60, 70, 80, 100, 120, 130, 160, 240, *range(320, 480, 8))
REFUSED = 20


def traffic(server: Server, database: str, minutes: float) -> tuple[dict[str, int], list[str], float]:
    """Serve, like, refresh and activate for so long; return how often each, the errors, the slowest call's seconds."""
    with server.connect(database) as query:
        users = [row[0] for row in query("select user_id from pgfeed.users")]
    end = time.monotonic() + 60 * minutes
    counts, errors, slowest = {"serve_posts": 0, "likes": 0, "refresh": 0, "activate": 0}, [], [0.0]

    def client(number: int) -> None:
        rng = random.Random(number)
        with closing(server.session(database)) as connection:
            query = queries(connection)
            while time.monotonic() < end:
                user, started = rng.choice(users), time.perf_counter()
                rows = query("select post_id from pgfeed.serve_posts(%s)", user)
                slowest[0] = max(slowest[0], time.perf_counter() - started)
                counts["serve_posts"] += 1
                if len(rows) != 5:
                    errors.append(f"user {user} got {len(rows)} posts")
                elif rng.random() < LIKE_RATE:
                    query(INSERT.replace("'view'", "'like'"), datetime.now().astimezone(), user, rows[0][0])
                    counts["likes"] += 1

    def now_and_then(name: str, statement: str, parameters: Callable[[], list]) -> None:
        with closing(server.session(database)) as connection:
            query = queries(connection)
            while time.monotonic() < end:
                query(statement, *parameters())
                counts[name] += 1
                time.sleep(max(0, min(SECONDS_BETWEEN[name], end - time.monotonic())))

    work = [(client, number) for number in range(CLIENTS)]
    work.append((now_and_then, "refresh", "call pgfeed.refresh_features()", list))
    activate = "call pgfeed.activate_model('control', %s)"
    work.append((now_and_then, "activate", activate, lambda: [1 + counts["activate"] % 2]))
    threads = [threading.Thread(target=guarded, args=[errors, *each]) for each in work]
    for thread in threads:
        thread.start()
    with progress("seconds of traffic", round(60 * minutes)) as advance:
        while time.monotonic() < end:
            time.sleep(1)
            advance(1)
    for thread in threads:
        thread.join()
    return counts, errors, slowest[0]


def guarded(errors: list[str], work: Callable, *arguments: object) -> None:
    """Do a thread's work; whatever ends it is an error that counts."""
    try:
        work(*arguments)
    except Exception as error:
        errors.append(str(error).splitlines()[0])


def memory_growth(server: Server, database: str, network: Network, calls: int) -> list[float]:
    """Return the memory of a session, in MB, after each quarter of so many calls."""
    with closing(server.session(database)) as connection, progress("calls of one session", calls) as advance:
        query, found = queries(connection), []
        for number in range(1, calls + 1):
            query(CALL, network.asked[number % len(network.asked)], network.moment)
            if number % 500 == 0:
                advance(500)
            if number % (calls // 4) == 0:
                found.append(process_megabytes(connection.info.backend_pid) or 0)
    return found


def no_connection_left(server: Server, database: str, network: Network) -> tuple[int, list[str], list[str]]:
    """Take all connections and ask for more; return how many were refused, what crashed and what was wrong."""
    crashed, wrong, refused = [], [], 0
    with closing(server.session(database)) as warm, ExitStack() as stack:
        expected = queries(warm)(CALL, network.asked[0], network.moment)
        try:
            while True:
                stack.enter_context(closing(server.session(database)))
        except psycopg2.OperationalError:
            pass
        for _ in range(REFUSED):
            try:
                stack.enter_context(closing(server.session(database)))
            except psycopg2.OperationalError as error:
                refused += 1
                if "too many clients" not in str(error) and "connection slots" not in str(error):
                    wrong.append(str(error).splitlines()[0])
        process = server.command(database, ["-m", "loader.cli", "recommend", str(network.asked[0])])
        _, complaints = process.communicate()
        if process.returncode != 1 or "Traceback" in complaints or "Next:" not in complaints:
            wrong.append(f"the command said: {complaints.strip()[-200:]}")
        try:
            if queries(warm)(CALL, network.asked[0], network.moment) != expected:
                wrong.append("a session from before answered differently")
        except psycopg2.OperationalError as error:
            crashed.append(f"a session from before ended: {str(error).splitlines()[0]}")
    server.wait()
    with server.connect(database) as query:
        if query(CALL, network.asked[0], network.moment) != expected:
            wrong.append("the next session answered differently")
    return refused, crashed, wrong


def no_memory_left(server: Server, database: str, network: Network) -> tuple[int, int, list[str], list[str]]:
    """Call with ever more address space, in new and warm sessions; return calls, errors, crashes and what was wrong."""
    crashed, wrong, tried, refused = [], [], 0, 0
    with server.connect(database) as query:
        expected = query(CALL, network.asked[0], network.moment)
    for megabytes in MEMORY_MB:
        for is_warm in (False, True):
            name = f"{'warm' if is_warm else 'new'} session with {megabytes} MB"
            tried += 1
            with closing(server.session(database)) as connection:
                query, process = queries(connection), connection.info.backend_pid
                try:
                    query("do language plpython3u $$ pass $$")  # PostgreSQL ends where Python cannot start
                    if is_warm:
                        query(CALL, network.asked[1], network.moment)
                    limit_memory(process, megabytes * 2**20)
                    try:
                        found = query(CALL, network.asked[0], network.moment)
                    except psycopg2.Error:
                        if connection.closed:
                            raise
                        refused, found = refused + 1, expected
                    if found != expected:
                        wrong.append(f"{name}: another answer")
                    limit_memory(process, None)
                    if query(CALL, network.asked[0], network.moment) != expected:
                        wrong.append(f"{name}: another answer when there was memory again")
                except psycopg2.Error as error:
                    if connection.closed:
                        crashed.append(f"{name}: {str(error).splitlines()[0]}")
                        time.sleep(1)  # the server needs a moment to see it
                    else:
                        wrong.append(f"{name}: with memory again: {str(error).splitlines()[0]}")
            server.wait()
    return tried, refused, crashed, wrong
