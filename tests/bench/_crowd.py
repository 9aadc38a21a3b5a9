"""Calls and writes of many sessions while all else goes on: none may fail, wait for a lock or mix versions."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2

from loader.terminal import progress
from migrations import objects
from tests.bench._crashes import Network
from tests.servers import Server, queries

CALLERS, WRITERS = 2, 2
LONGEST_WAIT = "100ms"
FIRST_WRITER = 10**9
AT_LEAST_SECONDS = 2
CALL = (
    "select post_id, round(score::numeric, 6), features_as_of, model_version from pgfeed.recommend_posts(%s, %s)"
    " order by rank"
)
INSERT = "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (%s, %s, %s, 'view')"


@dataclass
class Watch:
    """What a session saw: calls, errors, the slowest call, and answers by user, features and model."""

    longest_wait: str = LONGEST_WAIT
    calls: int = 0
    slowest: float = 0.0
    errors: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    answers: dict[tuple, object] = field(default_factory=dict)
    written: int = 0
    is_comparing: bool = True

    def note(self, seconds: float) -> None:
        self.calls += 1
        self.slowest = max(self.slowest, seconds)

    def compare(self, user: int, rows: list[tuple]) -> None:
        """Note an answer of two versions, or one that differs from an earlier one of the same version."""
        versions = {row[2:] for row in rows}
        if not self.is_comparing:
            self.answers.clear()
        elif len(versions) != 1:
            self.mixed.append(f"user {user} got rows of {versions}")
        elif self.answers.setdefault((user, *versions), rows) != rows:
            self.mixed.append(f"user {user} got two lists of {versions}")


def call_all_the_time(server: Server, database: str, network: Network, moment: str, watch: Watch,
                      stop: threading.Event) -> None:
    """Ask for the posts of users without new events until told to stop."""
    with closing(server.session(database, options=f"-c lock_timeout={watch.longest_wait}")) as connection:
        query, number = queries(connection), 0
        query(CALL, network.asked[0], moment)
        while not stop.is_set():
            user, number, started = network.asked[number % len(network.asked)], number + 1, time.perf_counter()
            try:
                watch.compare(user, query(CALL, user, moment))
            except psycopg2.Error as error:
                watch.errors.append(f"recommend_posts: {str(error).splitlines()[0]}")
                if connection.closed:
                    return
            watch.note(time.perf_counter() - started)


def write_all_the_time(server: Server, database: str, user: int, watch: Watch, stop: threading.Event) -> None:
    """Serve a user of its own and insert what it sees until told to stop."""
    with closing(server.session(database, options=f"-c lock_timeout={watch.longest_wait}")) as connection:
        query = queries(connection)
        query("select from pgfeed.serve_posts(%s)", user)
        while not stop.is_set():
            started = time.perf_counter()
            try:
                (post,), *_ = query("select post_id from pgfeed.serve_posts(%s)", user)
                query(INSERT, datetime.now().astimezone(), user, post)
                watch.written += 1
            except psycopg2.Error as error:
                watch.errors.append(f"serve_posts and insert: {str(error).splitlines()[0]}")
                if connection.closed:
                    return
            watch.note(time.perf_counter() - started)


@contextmanager
def crowd(
    server: Server, database: str, network: Network, moment: str, callers: int = CALLERS, writers: int = WRITERS,
    longest_wait: str = LONGEST_WAIT,
) -> Iterator[list[Watch]]:
    """Let sessions call and write meanwhile; yield what each saw."""
    stop = threading.Event()
    watches = [Watch(longest_wait) for _ in range(callers + writers)]
    threads = [
        threading.Thread(target=call_all_the_time, args=[server, database, network, moment, watch, stop])
        for watch in watches[:callers]
    ] + [
        threading.Thread(target=write_all_the_time, args=[server, database, FIRST_WRITER + number, watch, stop])
        for number, watch in enumerate(watches[callers:])
    ]
    for thread in threads:
        thread.start()
    try:
        yield watches
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Do several things at the same time; return the errors."""
    errors: list[str] = []

    def run(deed: Callable[[], object]) -> None:
        try:
            deed()
        except Exception as error:  # whatever it is, it is counted
            errors.append(str(error).strip().splitlines()[0])

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def replace_all(server: Server, database: str) -> None:
    """Replace every function and procedure, one after the other."""
    with server.connect(database) as query:
        for name in objects.pins():
            if name.startswith(("functions/", "procedures/")):
                query(objects.compose(name))


class Deeds:
    """What goes on beside the crowd, by name; each returns its errors."""

    def __init__(self, server: Server, database: str, network: Network, folder: Path, end: datetime):
        self.server, self.database, self.network, self.folder, self.end = server, database, network, folder, end
        self.refreshes = self.files = self.years = 0

    def sql(self, statement: str, *parameters: object) -> None:
        with self.server.connect(self.database) as query:
            query(statement, *parameters)

    def refresh(self) -> None:
        self.refreshes += 1
        self.sql("call pgfeed.refresh_features(%s)", self.end + timedelta(seconds=self.refreshes))

    def activate(self, version: int) -> None:
        self.sql("call pgfeed.activate_model('control', %s)", version)

    def events_file(self) -> Path:
        """Return a file of events in a month that has no partition yet."""
        self.files += 1
        path = self.folder / f"more{self.files}.csv"
        first = datetime(1980 + self.files // 12, self.files % 12 + 1, 1)
        lines = (f"{first + timedelta(seconds=n)},{FIRST_WRITER + 100 + n % 50},{n % 1000 + 1},view,0\n"
                 for n in range(50_000))
        path.write_text("timestamp,user_id,post_id,action,target\n" + "".join(lines))
        return path

    def ingest(self, path: Path) -> None:
        self.server.verb(self.database, "ingest", path)

    def ingest_twice(self) -> list[str]:
        path = self.events_file()
        return at_once(*[lambda: self.ingest(path)] * 2)

    def make_partitions(self) -> None:
        """Make the months of a year of long ago."""
        self.years += 1
        self.sql("call pgfeed.create_event_partitions(%s, %s)", f"{1971 + self.years // 2}-01-01",
                 f"{1971 + self.years // 2}-12-01")

    def retain(self) -> None:
        """Serve in two months of long ago, then drop them."""
        for month in ("2001-01-10", "2001-02-10"):
            self.sql("select from generate_series(1, 50) as u, pgfeed.serve_posts(u, %s)", month)
        self.sql("call pgfeed.drop_exposures('2001-03-01')")

    def replace(self) -> None:
        replace_all(self.server, self.database)

    def all(self) -> Iterator[tuple[str, Callable[[], list[str]]]]:
        """Yield each deed's name and a function that does it once."""
        yield "refresh_features", lambda: at_once(self.refresh)
        yield "two refreshes at once", lambda: at_once(self.refresh, self.refresh)
        yield "activate_model, to and fro", lambda: [
            *at_once(lambda: self.activate(2)), *at_once(lambda: self.activate(1))
        ]
        yield "two activations at once", lambda: at_once(lambda: self.activate(2), lambda: self.activate(1))
        yield "ingest into a new month", lambda: at_once(lambda: self.ingest(self.events_file()))
        yield "two ingests of a file at once", self.ingest_twice
        yield "partition creation", lambda: at_once(*[self.make_partitions] * 2)
        yield "drop_exposures", lambda: at_once(self.retain)
        yield "create or replace of every function", lambda: at_once(self.replace)


def crowds(server: Server, template: str, network: Network, folder: Path) -> Iterator[
    tuple[str, int, int, list[str], list[Watch]]
]:
    """Do each deed for some seconds in a crowd; yield its name, how often, events lost, errors and watches."""
    server.clone(template, "f_crowd")
    with server.connect("f_crowd") as query:
        end = query("select as_of from pgfeed.feature_refreshes order by refresh_id desc limit 1")[0][0]
    moment = str(end + timedelta(days=1))
    deeds = list(Deeds(server, "f_crowd", network, folder, end).all())
    with progress("things that go on", len(deeds)) as advance:
        for name, deed in deeds:
            written = "select count(*) from pgfeed.feed_events where user_id >= %s and user_id < %s + 100"
            errors, count, started = [], 0, time.monotonic()
            with server.connect("f_crowd") as query:
                before = query(written, FIRST_WRITER, FIRST_WRITER)[0][0]
                with crowd(server, "f_crowd", network, moment) as watches:
                    while time.monotonic() < started + AT_LEAST_SECONDS:
                        errors += deed()
                        count += 1
                written_count = query(written, FIRST_WRITER, FIRST_WRITER)[0][0]
                lost = before + sum(watch.written for watch in watches) - written_count
            yield name, count, abs(lost), errors, watches
            advance(1)
