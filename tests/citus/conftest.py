"""The same network in one database and on a coordinator with two workers."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg2
import pytest

from loader.data.ingest import ingest
from loader.data.refresh import refresh
from loader.data.sources import open_sources
from loader.errors import PgfeedError
from loader.learning import registry, train
from loader.simulation import simulate
from tests.citus.nodes import DATABASE, nodes, require_citus, spread
from tests.db.conftest import autocommit, clone, queries, template  # noqa: F401
from tests.servers import Server


@dataclass
class Both:
    """Connection strings of the plain database and the coordinator, a session in each, and the latter's servers."""

    plain: str
    citus: str
    sessions: list[Callable[..., list[tuple]]]
    nodes: list[Server]

    def each(self, statement: str, *parameters: object) -> list[list[tuple]]:
        """Return the rows of a statement in the plain database and on Citus."""
        return [query(statement, *parameters) for query in self.sessions]

    def connections(self) -> Iterator[psycopg2.extensions.connection]:
        for dsn in (self.plain, self.citus):
            with closing(psycopg2.connect(dsn)) as connection:
                yield connection


@pytest.fixture(scope="session")
def both(template, tmp_path_factory):  # noqa: F811
    """A network of 300 users, ingested, refreshed, and with one model that was trained on Citus."""
    try:
        require_citus(os.environ.get("PGFEED_DSN", ""))
    except PgfeedError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("network")
    simulate.simulate_to_files(folder, 300, 1, posts=300, days=24)
    with clone(template) as plain, nodes(3) as servers:
        servers[0].verb(DATABASE, "migrate")
        spread(servers[0])
        citus = servers[0].dsn(DATABASE)
        with autocommit(plain) as one, autocommit(citus) as other:
            result = Both(plain, citus, [queries(one), queries(other)], servers)
            for connection in result.connections():
                list(ingest(connection, open_sources([str(path) for path in folder.iterdir()])))
                refresh(connection)
            with closing(psycopg2.connect(result.citus)) as connection:
                trained = train.train(connection, "control")
            for connection in result.connections():
                registry.activate(connection, "control", registry.store(connection, "control", trained))
            yield result
