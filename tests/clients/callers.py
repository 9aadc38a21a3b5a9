"""How each client calls recommend_posts: a function per client that returns the rows of every call.

A row is the nine columns in order as Python values; features_as_of is a datetime with a zone.
"""

import asyncio
import csv
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
COLUMNS = "rank, post_id, topic, text, score, variant, source, model_version, features_as_of"
JDBC = Path("/usr/share/java/postgresql.jar")
ODBC = "psqlodbcw.so"


@dataclass(frozen=True)
class Address:
    """Where a client connects to, and as whom."""

    host: str
    port: int
    database: str
    user: str
    password: str

    def keywords(self, database: str = "dbname") -> dict:
        """Return the address as a driver's keyword arguments; `database` is its word for the database."""
        return {"host": self.host, "port": self.port, database: self.database, "user": self.user,
                "password": self.password}

    def environment(self) -> dict[str, str]:
        """Return this process's environment with the address in libpq's variables."""
        own = {"PGHOST": self.host, "PGPORT": str(self.port), "PGDATABASE": self.database, "PGUSER": self.user,
               "PGPASSWORD": self.password}
        return {**os.environ, **own}


@dataclass(frozen=True)
class Call:
    """The arguments of recommend_posts, and how often to call it in one connection."""

    user_id: int
    ts: datetime
    k: int
    variant: str | None
    count: int

    def values(self) -> list:
        return [self.user_id, self.ts, self.k, self.variant]

    def texts(self) -> list[str]:
        """Return the arguments for a program; a null variant is left out."""
        return [str(self.user_id), self.ts.isoformat(), str(self.k), *filter(None, [self.variant])]


Rows = list[list]


def select(*placeholders: str) -> str:
    return f"select {COLUMNS} from pgfeed.recommend_posts({', '.join(placeholders)}) order by rank"


def require_program(name: str) -> str:
    path = shutil.which(name)
    return path or pytest.skip(f"{name} is not installed")


def run(command: Sequence[object], address: Address, **options: object) -> str:
    """Run a program with the address in its environment; return what it printed."""
    result = subprocess.run(
        list(map(str, command)), env=address.environment() | options.pop("env", {}), capture_output=True, text=True,
        timeout=120, **options
    )
    if result.returncode:
        raise RuntimeError(result.stderr.strip() or f"exit code {result.returncode}")
    return result.stdout


def from_csv(text: str, call: Call) -> list[Rows]:
    """Return the rows of all calls from CSV lines."""
    rows = [
        [int(rank), int(post), topic, body, float(score), variant, source, int(version), datetime.fromisoformat(as_of)]
        for rank, post, topic, body, score, variant, source, version, as_of in csv.reader(io.StringIO(text))
    ]
    assert len(rows) % call.count == 0
    size = len(rows) // call.count
    return [rows[start:start + size] for start in range(0, len(rows), size)]


def from_json(text: str) -> list[Rows]:
    """Return the rows of all calls from lines of JSON."""
    return [[[*row[:8], datetime.fromisoformat(row[8])] for row in json.loads(line)] for line in text.splitlines()]


def fetch_all(cursor: object, statement: str, values: object, count: int) -> list[Rows]:
    """Return the rows of `count` executions by a DB-API cursor."""
    results = []
    for _ in range(count):
        cursor.execute(statement, values)
        results.append([list(row) for row in cursor.fetchall()])
    return results


def psql(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    statement = select(":user_id::bigint", ":'ts'::timestamptz", ":k::integer", "nullif(:'variant', '')::text")
    names = dict(zip(("user_id", "ts", "k", "variant"), [*call.texts(), ""]))
    settings = [part for name, value in names.items() for part in ("-v", f"{name}={value}")]
    return from_csv(run(["psql", "-X", "--csv", "-tq", *settings], address, input=f"{statement};\n" * call.count), call)


def psycopg2(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    import psycopg2 as driver

    connection = driver.connect(**address.keywords())
    connection.autocommit = True
    try:
        return fetch_all(connection.cursor(), select(*["%s"] * 4), call.values(), call.count)
    finally:
        connection.close()


def psycopg(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    driver = pytest.importorskip("psycopg")
    threshold = 0 if is_prepared else None
    with driver.connect(**address.keywords(), autocommit=True, prepare_threshold=threshold) as connection:
        return fetch_all(connection.cursor(), select(*["%s"] * 4), call.values(), call.count)


def asyncpg(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    driver = pytest.importorskip("asyncpg")

    async def fetch() -> list[Rows]:
        connection = await driver.connect(**address.keywords("database"),
                                          statement_cache_size=100 if is_prepared else 0)
        results = []
        for _ in range(call.count):
            results.append(
                [list(row) for row in await connection.fetch(select("$1", "$2", "$3", "$4"), *call.values())]
            )
        await connection.close()
        return results

    return asyncio.run(fetch())


def pg8000(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    native = pytest.importorskip("pg8000.native")
    names = ("user_id", "ts", "k", "variant")
    statement, values = select(":user_id", ":ts", ":k", "cast(:variant as text)"), dict(zip(names, call.values()))
    connection = native.Connection(**address.keywords("database"))
    execute = connection.prepare(statement).run if is_prepared else lambda **values: connection.run(statement, **values)
    results = []
    for _ in range(call.count):
        connection.run("begin")
        results.append(execute(**values))
        connection.run("commit")
    connection.close()
    return results


def sqlalchemy(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    pytest.importorskip("psycopg")
    from sqlalchemy import URL, BigInteger, DateTime, Integer, Text, bindparam, create_engine, text

    url = URL.create("postgresql+psycopg", address.user, address.password, address.host, address.port, address.database)
    engine = create_engine(url, connect_args={"prepare_threshold": 0 if is_prepared else None})
    statement = text(select(":user_id", ":ts", ":k", ":variant")).bindparams(
        bindparam("user_id", call.user_id, BigInteger), bindparam("ts", call.ts, DateTime(timezone=True)),
        bindparam("k", call.k, Integer), bindparam("variant", call.variant, Text),
    )
    results = []
    with engine.connect() as connection:
        for _ in range(call.count):
            with connection.begin():
                results.append([list(row) for row in connection.execute(statement)])
    engine.dispose()
    return results


def jdbc(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    java = require_program("java")
    require_program("javac")
    if not JDBC.exists():
        pytest.skip("libpostgresql-jdbc-java is not installed")
    url = f"jdbc:postgresql://{address.host}:{address.port}/{address.database}"
    command = [java, "-XX:TieredStopAtLevel=1", "-cp", JDBC, FOLDER / "Recommend.java", url, address.user]
    return from_json(run([*command, 1 if is_prepared else 0, call.count, *call.texts()], address))


def odbc(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    driver = pytest.importorskip("pyodbc")
    library = next(Path("/usr/lib").glob(f"*/odbc/{ODBC}"), None) or pytest.skip("odbc-postgresql is not installed")
    parts = {
        "Driver": library, "Server": address.host, "Port": address.port, "Database": address.database,
        "Uid": address.user, "Pwd": address.password, "UseServerSidePrepare": int(is_prepared), "BoolsAsChar": 0,
    }
    connection = driver.connect(";".join(f"{name}={value}" for name, value in parts.items()), autocommit=True)
    # ODBC has no time with a zone.
    statement = select("?::bigint", "?::timestamptz", "?::integer", "?::text")
    statement = statement.replace("features_as_of", "features_as_of at time zone 'UTC'")
    values = [call.user_id, call.ts.isoformat(), call.k, call.variant]
    results = fetch_all(connection.cursor(), statement, values, call.count)
    connection.close()
    return [[[*row[:8], row[8].replace(tzinfo=UTC)] for row in rows] for rows in results]


def node_postgres(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    node = require_program("node")
    modules = Path(os.environ.get("PGFEED_NODE_MODULES", ""))
    if not (modules / "pg").exists():
        pytest.skip("the npm package pg is not installed")
    command = [node, FOLDER / "recommend.js", "prepared" if is_prepared else "plain", call.count, *call.texts()]
    return from_json(run(command, address, env={"NODE_PATH": str(modules)}))


def r(address: Address, call: Call, is_prepared: bool) -> list[Rows]:
    program = require_program("Rscript")
    try:
        run([program, "-e", "stopifnot(requireNamespace('RPostgreSQL', quietly = TRUE))"], address)
    except RuntimeError:
        pytest.skip("r-cran-rpostgresql is not installed")
    return from_csv(run([program, FOLDER / "recommend.R", call.count, *call.texts()], address), call)


# Name, function, whether the client has a switch for prepared statements.
CALLERS: list[tuple[str, Callable[[Address, Call, bool], list[Rows]], bool]] = [
    ("psql", psql, False),
    ("psycopg2", psycopg2, False),
    ("psycopg 3", psycopg, True),
    ("asyncpg", asyncpg, True),
    ("pg8000", pg8000, True),
    ("SQLAlchemy", sqlalchemy, True),
    ("JDBC", jdbc, True),
    ("ODBC", odbc, True),
    ("node-postgres", node_postgres, True),
    ("R", r, False),
]
