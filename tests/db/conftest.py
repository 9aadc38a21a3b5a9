"""A fresh database for each test, cloned from a template built by `alembic upgrade head`."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2.extensions import make_dsn

from loader.learning import registry, train
from loader.server import strangers
from tests.servers import IN_MEMORY, PORT, Server, memory_folder, primary, queries

ROOT = Path(__file__).resolve().parent.parent.parent
NETWORK = """
    select setseed(0.5);
    insert into pgfeed.users (user_id, gender, age, country, city, exp_group, os, source)
    select
        u, u % 2, case when u % 2 = 0 then 40 else 20 end, 'Russia', 'Moscow', u % 5, 'iOS', 'ads'
    from generate_series(1, 60) as u;
    insert into pgfeed.posts (post_id, text, topic)
    select
        p, 'post ' || p || case when p % 2 = 0 then ' football match' else ' прекрасный фильм' end,
        case when p % 2 = 0 then 'sport' else 'movie' end
    from generate_series(1, 80) as p;
    call pgfeed.create_event_partitions('2021-12-01', '2021-12-12');
    insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)
    select
        timestamptz '2021-12-01 10:00+00' + d * interval '1 day' + n * interval '1 minute' + u * interval '1 second',
        u, p, 'view', random() < case when u % 2 = p % 2 then 0.5 else 0.05 end
    from generate_series(0, 11) as d
    cross join generate_series(1, 60) as u
    cross join lateral (
        select row_number() over () as n, p
        from (select p from generate_series(1, 80) as p order by md5(concat_ws(' ', u, d, p)) limit 12) as shown
    ) as shown;
"""


def administer(*statements: str) -> None:
    """Run statements outside of a transaction in the maintenance database."""
    connection = psycopg2.connect(os.environ.get("PGFEED_DSN", ""), dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def dsn_of(name: str) -> str:
    return make_dsn(os.environ.get("PGFEED_DSN", ""), dbname=name)


def alembic(dsn: str, *arguments: str) -> str:
    """Run alembic on a database; return what it printed."""
    result = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT, env={**os.environ, "PGFEED_DSN": dsn}, capture_output=True, text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def database_name(purpose: str) -> str:
    return f"pgfeed_{purpose}_{os.getpid()}_{uuid.uuid4().hex[:6]}"


def wait_for_disk(server: Server, state: str) -> None:
    """Let a server wait until its disk has what is committed, as health() wants it, or not. state: on or off."""
    for name in ("fsync", "full_page_writes"):
        server.run("postgres", f"alter system set {name} = {state}")
    server.run("postgres", "select pg_reload_conf()")
    while server.run("postgres", "show fsync") != [(state,)]:
        time.sleep(0.01)


@pytest.fixture(scope="session", autouse=True)
def server():
    """A server for each of the processes that share the tests: roles are a server's, not a database's.

    None if there is one process, which works in the server that there is. One made for this run never waits for the
    disk, and needs none where there is memory to spare.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ or os.environ.get("PGFEED_DSN"):
        yield None
        return
    with primary(parent=memory_folder(), max_wal_size="256MB") as own, pytest.MonkeyPatch.context() as patch:
        wait_for_disk(own, "off")
        for name, value in {"HOST": own.folder, "PORT": PORT, "USER": own.user, "DATABASE": "postgres"}.items():
            patch.setenv(f"PG{name}", str(value))
        yield own


@pytest.fixture(scope="module")
def durable(server):
    """What is committed survives a crash of the server: health() warns of one where it does not."""
    if server:
        wait_for_disk(server, "on")
    yield
    if server:
        wait_for_disk(server, "off")


@pytest.fixture(scope="session")
def template():
    """Name of a migrated database that nobody is connected to."""
    name = database_name("template")
    administer(f'create database "{name}"')
    alembic(dsn_of(name), "upgrade", "head")
    # A cluster of an older version has the login pgfeed.
    with autocommit(dsn_of(name)) as connection, connection.cursor() as cursor:
        strangers.lead_away(cursor)
    yield name
    administer(f'drop database "{name}" with (force)')


@pytest.fixture
def empty_dsn():
    """Connection string of an empty database."""
    name = database_name("empty")
    administer(f'create database "{name}"')
    yield dsn_of(name)
    administer(f'drop database "{name}" with (force)')


@contextmanager
def copy_of(template: str, kind: str) -> Iterator[str]:
    """Name of a copy of a database, dropped afterwards."""
    name = database_name(kind)
    # In memory, files are copied faster than blocks are logged.
    strategy = "file_copy" if IN_MEMORY in Path(os.environ.get("PGHOST", "")).parents else "wal_log"
    administer(f'create database "{name}" template "{template}" strategy {strategy}')
    yield name
    administer(f'drop database "{name}" with (force)')


@contextmanager
def clone(template: str) -> Iterator[str]:
    """Connection string of a copy of a database, whose feed has ended; dropped afterwards."""
    with copy_of(template, "test") as name:
        administer(f"alter database \"{name}\" set pgfeed.events_max_age = 'off'")
        yield dsn_of(name)


@contextmanager
def autocommit(dsn: str) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    yield connection
    connection.close()


@pytest.fixture
def dsn(template):
    """Connection string of a fresh migrated database."""
    with clone(template) as result:
        yield result


@pytest.fixture
def db(dsn):
    """An autocommit connection to a fresh migrated database."""
    with autocommit(dsn) as connection:
        yield connection


@pytest.fixture
def query(db):
    """A function that runs one statement in a fresh migrated database and returns its rows."""
    return queries(db)


@pytest.fixture(scope="session")
def network_template(template):
    """Name of a database with 60 users, 80 posts, 12 days of events, features and an active model.

    Users with even ids like what posts with even ids say, the others the rest; odd users are young.
    """
    with copy_of(template, "network") as name:
        connection = psycopg2.connect(dsn_of(name))
        with connection, connection.cursor() as cursor:
            cursor.execute(NETWORK)
            cursor.execute("call pgfeed.refresh_features()")
        trained = train.train(connection, "control")
        registry.activate(connection, "control", registry.store(connection, "control", trained))
        connection.close()
        yield name


@pytest.fixture
def network_dsn(network_template):
    """Connection string of a fresh copy of the network."""
    with clone(network_template) as result:
        yield result


@pytest.fixture
def network(network_dsn):
    """A function that runs one statement in a fresh copy of the network and returns its rows."""
    with autocommit(network_dsn) as connection:
        yield queries(connection)
