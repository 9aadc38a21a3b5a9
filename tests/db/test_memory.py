"""Sessions without memory: an error each or the answer, never the end of the session, and the answer afterwards."""

from contextlib import suppress

import psycopg2
import pytest

from tests.db.conftest import autocommit, queries
from tests.servers import limit_memory

CALL = "select post_id, score from pgfeed.recommend_posts(7, '2021-12-13 12:00+00') order by rank"
EXPLANATION = (
    "select feature, contribution from pgfeed.explain_recommendation(7, 1, '2021-12-13 12:00+00') order by rank"
)
CALLS = {"numpy": CALL, "CatBoost": EXPLANATION}


@pytest.fixture
def expected(network):
    """What a session with memory answers."""
    return network(CALL)


# OpenBLAS ended sessions with 46 to 74 MB, CatBoost the whole server with 342 to 350.
@pytest.mark.parametrize(("megabytes", "name"), [
    (20, "numpy"), (46, "numpy"), (60, "numpy"), (74, "numpy"), (110, "numpy"),
    (160, "CatBoost"), (342, "CatBoost"), (346, "CatBoost"), (350, "CatBoost"), (390, "CatBoost"),
])
def test_a_new_session_says_what_needs_memory_and_answers_when_it_has_some(network_dsn, network, megabytes, name):
    call = CALLS[name]
    expected = network(call)
    with autocommit(network_dsn) as connection:
        query, process = queries(connection), connection.info.backend_pid
        limit_memory(process, megabytes << 20)
        with pytest.raises(psycopg2.errors.OutOfMemory, match=f"^out of memory: {name} needs") as raised:
            query(call)
        assert raised.value.diag.message_hint
        limit_memory(process, None)
        assert query(call) == expected


@pytest.mark.parametrize("kilobytes", [0, 256, 600, 1024, 1400])
def test_one_without_enough_for_a_function_answers_when_it_has_some(network_dsn, expected, kilobytes):
    with autocommit(network_dsn) as connection:
        query, process = queries(connection), connection.info.backend_pid
        limit_memory(process, kilobytes << 10)
        with pytest.raises(psycopg2.Error):
            query(CALL)
        limit_memory(process, None)
        assert query(CALL) == expected


def test_one_that_has_loaded_all_goes_on(network_dsn, expected):
    with autocommit(network_dsn) as connection:
        query, process = queries(connection), connection.info.backend_pid
        query(CALL)
        for kilobytes in (0, 64, 1024):
            limit_memory(process, kilobytes << 10)
            with suppress(psycopg2.errors.OutOfMemory):
                assert query(CALL) == expected
            limit_memory(process, None)
            assert query(CALL) == expected
