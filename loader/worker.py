"""The worker: calls tick(), takes jobs from the table pgfeed.jobs and does them as the verbs train and embed do.

It does one at a time, and holds a session's advisory lock while it is at it. If it dies the lock goes with it, and
another worker takes the job again.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.server import db
from loader.terminal import excerpt, progress
from plpy.search import EMBEDDER

ATTEMPTS = 3
PAUSE_SECONDS = 30
BEAT_SECONDS = 10
RETRY_MINUTES = 5
TODO = """
    select j.job_id from pgfeed.jobs as j
    where j.finished_at is null and (j.retry_at is null or j.retry_at <= clock_timestamp())
    order by j.job_id
"""
HOLD = """
    select j.job_id, j.kind, j.variant, j.settings, j.attempt_count, j.version, j.error
    from pgfeed.jobs as j
    where j.job_id = %s and j.finished_at is null and (j.retry_at is null or j.retry_at <= clock_timestamp())
    for update skip locked
"""
START = """
    update pgfeed.jobs as j
    set worker = %s, started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), retry_at = null,
        attempt_count = j.attempt_count + 1
    where j.job_id = %s
"""
GIVE_UP = """
    update pgfeed.jobs as j
    set finished_at = clock_timestamp(), error = coalesce(j.error, 'its worker ended without a word, each time')
    where j.job_id = %s
"""
DONE = "update pgfeed.jobs as j set finished_at = clock_timestamp(), error = null where j.job_id = %s"
FAILED = """
    update pgfeed.jobs as j
    set error = %(error)s, started_at = null,
        finished_at = case when j.attempt_count >= %(attempts)s then clock_timestamp() end,
        retry_at = clock_timestamp() + j.attempt_count * %(minutes)s * interval '1 minute'
    where j.job_id = %(job)s
"""
GIVE_BACK = "update pgfeed.jobs as j set started_at = null, attempt_count = j.attempt_count - 1 where j.job_id = %s"
BEAT = "update pgfeed.jobs as j set heartbeat_at = clock_timestamp() where j.job_id = %s"
STORED = "update pgfeed.jobs as j set version = %s where j.job_id = %s"


@dataclass(frozen=True)
class Job:
    """What is to be done; variant: empty if it is of none; version: what an earlier attempt stored already."""

    job_id: int
    kind: str
    variant: str
    settings: dict
    version: int | None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.kind} {self.variant}" if self.variant else self.kind


def name_of_worker() -> str:
    """Return the machine and the process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def take(desk: Connection) -> Job | None:
    """Take the oldest job that nobody is at, and hold its lock until let_go(); None if there is none.

    A job whose worker died at its last attempt is given up.
    """
    with desk, desk.cursor() as cursor:
        cursor.execute(TODO)
        job_ids = [job_id for (job_id,) in cursor.fetchall()]
    for job_id in job_ids:
        with desk, desk.cursor() as cursor:
            cursor.execute(HOLD, [job_id])
            row = cursor.fetchone()
            if row is None:
                continue
            cursor.execute("select pg_try_advisory_lock(hashtext('pgfeed.jobs'), %s)", [job_id])
            if not cursor.fetchone()[0]:
                continue
            _, kind, variant, settings, attempts, version, _ = row
            if attempts < ATTEMPTS:
                cursor.execute(START, [name_of_worker(), job_id])
                return Job(job_id, kind, variant or "", settings, version)
            cursor.execute(GIVE_UP, [job_id])
        let_go(desk, job_id)
    return None


def let_go(desk: Connection, job_id: int) -> None:
    """Give the lock of a job back."""
    with desk, desk.cursor() as cursor:
        cursor.execute("select pg_advisory_unlock(hashtext('pgfeed.jobs'), %s)", [job_id])


def note(desk: Connection, statement: str, parameters: list | dict) -> None:
    """Write down what became of a job."""
    with desk, desk.cursor() as cursor:
        cursor.execute(statement, parameters)


@contextmanager
def heartbeat(job_id: int) -> Iterator[None]:
    """Say every ten seconds, from a session of its own, that the worker is at the job."""
    stop = threading.Event()

    def beat() -> None:
        try:
            with closing(db.connect()) as connection:
                while not stop.wait(BEAT_SECONDS):
                    note(connection, BEAT, [job_id])
        except (PgfeedError, psycopg2.Error):
            return  # the job itself will say what is wrong with the server

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(BEAT_SECONDS)


def embedder_of(connection: Connection, settings: dict) -> str:
    """Return the embedder that a job asks for, else the one that answers now, else the default."""
    if "embedder" in settings:
        return settings["embedder"]
    with connection, connection.cursor() as cursor:
        cursor.execute("select e.name from pgfeed.embedders as e where e.is_active")
        row = cursor.fetchone()
    name = row[0] if row else EMBEDDER
    if name not in (EMBEDDER, "minilm"):
        raise PgfeedError(
            f"the embedder {name} cannot be opened by its name alone", "it is of a name or folder of its own",
            f"call pgfeed.ask_for_embedding('{name}:NAME-OR-FOLDER')",
        )
    return name


def do(connection: Connection, desk: Connection, job: Job) -> str:
    """Do a job; return what it did, in a few words."""
    if job.kind == "embed":
        from loader.data import embed, embedders

        return embed.embed(connection, embedders.open_embedder(embedder_of(connection, job.settings))).text()
    from loader.learning import recipes, training

    version = job.version
    if version is None:
        # Who asks may not read the worker's files.
        version, _ = training.train_and_store(
            connection, job.variant, job.settings.get("recipe"), read=recipes.read_text,
        )
        note(desk, STORED, [version, job.job_id])
    if not job.settings.get("switch"):
        return f"{job.variant} version {version} is stored"
    from loader.measuring import gate

    decision, why = gate.decide(connection, job.variant, version)
    return f"{job.variant} version {version} is {decision}" + (f": {why}" if why else "")


def perform(desk: Connection, job: Job) -> tuple[bool, str]:
    """Do a job that was taken and write down what became of it; return whether it was done, and what to tell."""
    try:
        with heartbeat(job.job_id), closing(db.connect()) as connection, progress(job.name, 1) as advance:
            told = do(connection, desk, job)
            advance(1)
        note(desk, DONE, [job.job_id])
        return True, f"{job.name}: {told}"
    except Exception as error:
        message = excerpt(str(error)) or type(error).__name__
        is_foreseen = isinstance(error, (PgfeedError, psycopg2.Error, MemoryError))
        if not is_foreseen:
            message = f"{type(error).__name__}: {message}"
        note(desk, FAILED, {
            "error": message, "attempts": ATTEMPTS, "minutes": RETRY_MINUTES, "job": job.job_id,
        })
        if is_foreseen:
            return False, f"{job.name} failed: {message}"
        raise
    except KeyboardInterrupt:
        note(desk, GIVE_BACK, [job.job_id])
        raise
    finally:
        if not desk.closed:
            let_go(desk, job.job_id)


def tick(desk: Connection) -> tuple[bool, str] | None:
    """Call tick(); return that it failed, if it did."""
    try:
        with db.outside_transaction(desk), desk.cursor() as cursor:
            cursor.execute("call pgfeed.tick()")
    except psycopg2.Error as error:
        if desk.closed:
            raise
        return False, f"tick() failed: {excerpt(str(error))}"
    return None


def round_of(desk: Connection) -> Iterator[tuple[bool, str]]:
    """Do what is due and all jobs; yield whether each was done, and what to tell."""
    if failure := tick(desk):
        yield failure
    while job := take(desk):
        yield perform(desk, job)


def work(is_once: bool) -> Iterator[tuple[bool, str]]:
    """Do what is due and jobs; yield whether each was done, and what to tell. is_once: end then, else never.

    One that never ends outlives the server.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    while True:
        try:
            with closing(db.connect()) as desk:
                yield from round_of(desk)
        except (PgfeedError, psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            if is_once:
                raise
            yield False, excerpt(str(error))
        if is_once:
            return
        time.sleep(PAUSE_SECONDS)
