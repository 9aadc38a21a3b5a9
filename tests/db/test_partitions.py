"""Partitions made by many sessions at once."""

from concurrent.futures import ThreadPoolExecutor

from tests.db.conftest import autocommit, queries


def test_many_sessions_make_the_same_partitions(dsn):
    def make(_: int) -> None:
        with autocommit(dsn) as connection:
            queries(connection)("call pgfeed.create_event_partitions('2021-01-01', '2021-12-31')")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(16)))
    with autocommit(dsn) as connection:
        rows = queries(connection)("select count(*) from pg_class where relispartition and relkind = 'r' and relnamespace = 'pgfeed'::regnamespace")
    assert rows == [(12,)]
