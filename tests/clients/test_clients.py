"""recommend_posts from every client, direct and through pgbouncer in transaction mode."""

from datetime import UTC, datetime

import psycopg2
import pytest

from tests.clients.callers import CALLERS, COLUMNS, Call
from tests.clients.conftest import SERVER_CONNECTIONS, results

END = datetime(2021, 12, 13, 12, tzinfo=UTC)
CASES = [
    (name, caller, is_prepared)
    for name, caller, has_switch in CALLERS for is_prepared in ((False, True) if has_switch else (False,))
]
# It frees its statements by the command DEALLOCATE, which pgbouncer does not follow.
UNKEPT = ("ODBC",)
CALLS = [Call(7, END, 5, "control", 2 * SERVER_CONNECTIONS), Call(8, END, 3, None, 2 * SERVER_CONNECTIONS)]


@pytest.fixture(scope="session")
def expected(served_dsn):
    """A function that returns what the database's owner sees."""
    connection = psycopg2.connect(served_dsn)
    connection.autocommit = True

    def rows(call):
        with connection.cursor() as cursor:
            cursor.execute(f"select {COLUMNS} from pgfeed.recommend_posts(%s, %s, %s, %s) order by rank", call.values())
            return [list(row) for row in cursor.fetchall()]

    yield rows
    connection.close()


@pytest.mark.parametrize("route", ["direct", "pgbouncer"])
@pytest.mark.parametrize(("name", "caller", "is_prepared"), CASES,
                         ids=[f"{name}-{'prepared' if on else 'plain'}" for name, _, on in CASES])
def test_every_client_reads_the_same_rows(request, direct, expected, route, name, caller, is_prepared):
    cells = results.setdefault(name, {})
    cells[route, is_prepared] = "not installed"
    address = direct
    if route == "pgbouncer":
        bouncer = request.getfixturevalue("pgbouncer")
        address = bouncer.address
        if is_prepared and name in UNKEPT:
            cells[route, is_prepared] = "must be off"
            pytest.skip(f"{name}'s prepared statements must be off behind pgbouncer")
        if is_prepared and not bouncer.keeps_prepared:
            cells[route, is_prepared] = "needs pgbouncer 1.21"
            pytest.skip(f"prepared statements need pgbouncer 1.21, this is {'.'.join(map(str, bouncer.version))}")
    try:
        answers = [caller(address, call, is_prepared) for call in CALLS]
    except Exception:
        cells[route, is_prepared] = "FAILED"
        raise
    cells[route, is_prepared] = "differs"
    for call, repeated in zip(CALLS, answers):
        assert repeated == [expected(call)] * call.count
    cells[route, is_prepared] = "ok"


def test_pgbouncer_hands_out_other_server_connections(pgbouncer):
    connection = psycopg2.connect(**pgbouncer.address.keywords())
    connection.autocommit = True
    with connection.cursor() as cursor:
        pids = set()
        for _ in range(2 * SERVER_CONNECTIONS):
            cursor.execute("select pg_backend_pid()")
            pids.add(cursor.fetchone()[0])
    connection.close()
    assert len(pids) == SERVER_CONNECTIONS
