"""Keys as drivers send them, and over HTTP."""

import asyncio

import pytest

from tests.clients.callers import Address
from tests.clients.test_gateway import PATH, WHY, client_of
from tests.db.conftest import autocommit, clone, queries
from tests.db.test_keys import KEYED, USERS

KEY = USERS[3]
CALL = "select post_key from pgfeed.recommend_for({}) order by rank"


@pytest.fixture
def keyed(template):
    """Connection string of a database of 20 users with uuids and 30 posts with slugs."""
    with clone(template) as dsn, autocommit(dsn) as connection:
        keys = [str(key) for key in USERS]
        queries(connection)(KEYED, keys, keys)
        yield dsn


@pytest.fixture
def expected(keyed):
    """The keys of the posts for the user KEY."""
    with autocommit(keyed) as connection:
        return [row[0] for row in queries(connection)(CALL.format("%s"), str(KEY))]


@pytest.fixture
def address(keyed, direct):
    """The address of the database with keys, for the reader."""
    with autocommit(keyed) as connection:
        return Address(direct.host, direct.port, connection.info.dbname, direct.user, direct.password)


@pytest.mark.parametrize("prepare", [False, True])
def test_psycopg(keyed, expected, prepare):
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(keyed) as connection:
        for key in (str(KEY), KEY):
            rows = connection.execute(CALL.format("%s"), [key], prepare=prepare).fetchall()
            assert [row[0] for row in rows] == expected


def test_asyncpg(address, expected):
    asyncpg = pytest.importorskip("asyncpg")

    async def ask():
        connection = await asyncpg.connect(**address.keywords("database"))
        found = [await connection.fetch(CALL.format(mark), value)
                 for mark, value in (("$1", str(KEY)), ("$1::uuid", KEY), ("$1::uuid", str(KEY)))]
        await connection.close()
        return found

    assert [[row[0] for row in rows] for rows in asyncio.run(ask())] == [expected] * 3


def test_pg8000(address, expected):
    dbapi = pytest.importorskip("pg8000.dbapi")
    connection = dbapi.connect(**address.keywords("database"))
    cursor = connection.cursor()
    for value in (str(KEY), KEY):
        cursor.execute(CALL.format("%s"), [value])
        assert [row[0] for row in cursor.fetchall()] == expected
    connection.close()


def test_http_takes_and_gives_keys(keyed, expected, monkeypatch):
    with client_of(monkeypatch, keyed, is_explaining=True) as client:
        posts = client.get(PATH, params={"id": str(KEY)}).json()
        assert [post["id"] for post in posts] == expected
        for unknown in ("nobody", "", "'; select 1", "7", "Ж" * 5000):
            assert len(client.get(PATH, params={"id": unknown}).json()) == 5
        why = client.get(WHY, params={"id": str(KEY), "post": posts[0]["id"]}).json()
        assert len(why["contributions"]) > 0
        answer = client.get(PATH, params={"id": "a\0b"})
        assert answer.status_code == 422 and answer.json()["cause"].startswith("id: ")


def test_http_gives_large_integer_keys_whole(template, monkeypatch):
    largest = 2**63 - 1
    with clone(template) as dsn, autocommit(dsn) as connection:
        run = queries(connection)
        run("insert into pgfeed.posts (post_id, text) values (%s, 'a'), (%s, 'b')", largest, 2**53 + 1)
        run("call pgfeed.refresh_features('2021-12-20')")
        with client_of(monkeypatch, dsn) as client:
            answer = client.get(PATH, params={"id": largest})
    assert {f'"id":{number},' in answer.text for number in (largest, 2**53 + 1)} == {True}
