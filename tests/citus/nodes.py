"""A coordinator and workers of Citus in folders that are removed afterwards."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg2

from loader.errors import PgfeedError
from tests.servers import PORT, ROOT, Server, primary, program, require_programs

DATABASE = "feed"
# Nothing may depend on the servers' own zones.
ZONES = ("UTC", "Asia/Tokyo", "America/New_York")
SETTINGS = {
    "shared_preload_libraries": "citus", "work_mem": "4MB", "random_page_cost": 4, "max_connections": 60,
    "max_prepared_transactions": 100,
    "wal_level": "minimal", "max_wal_senders": 0, "citus.node_conninfo": "sslmode=prefer", "citus.shard_count": 12,
}


def require_citus(dsn: str) -> None:
    """Raise unless servers with the extension citus can be made here: by the programs of the server of dsn."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("select exists (select from pg_available_extensions where name = 'citus')")
        has_citus = cursor.fetchone()[0]
    if not has_citus:
        raise PgfeedError("the extension citus is not installed", "pgfeed itself does not need it",
                          "install Citus 13 for the embedded server's PostgreSQL")
    require_programs()


@contextmanager
def nodes(count: int) -> Iterator[list[Server]]:
    """Yield running servers with an empty database each, the first of them the coordinator; remove them afterwards."""
    with ExitStack() as stack:
        servers = []
        for number in range(count):
            server = stack.enter_context(primary(**SETTINGS, timezone=ZONES[number % len(ZONES)]))
            server.run("postgres", f"alter system set citus.local_hostname = '{server.folder}'")
            server.run("postgres", "select pg_reload_conf()")
            server.clone(None, DATABASE)
            server.run(DATABASE, "create extension citus")
            servers.append(server)
        with servers[0].connect(DATABASE) as query:
            query("select citus_set_coordinator_host(%s, %s)", str(servers[0].folder), PORT)
            for worker in servers[1:]:
                query("select citus_add_node(%s, %s)", str(worker.folder), PORT)
        yield servers


def spread(coordinator: Server, with_coordinator: bool = False) -> None:
    """Spread pgfeed over the workers, and over the coordinator if it is to hold a part of the users too."""
    coordinator.run(DATABASE, "select citus_set_node_property(%s, %s, 'shouldhaveshards', %s)", str(coordinator.folder),
                    PORT, with_coordinator)
    program("psql", "-X", "-f", ROOT / "sql" / "citus.sql", coordinator.dsn(DATABASE))
