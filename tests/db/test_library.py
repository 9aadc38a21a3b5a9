"""The Python that functions share: one text in the database, taken by open sessions when it changes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

from migrations.objects import compose
from tests.db.conftest import ROOT, autocommit, queries

AT = "2021-12-13 12:00+00"
BY_LOT = "select source from pgfeed.recommend_posts(7, %s, 1, 'random')"
SLOWLY = """
    select r.source from generate_series(1, 40) as n
    cross join lateral pg_sleep(0.03 + n * 0) as s
    cross join lateral pgfeed.recommend_posts(n, %s, 1, 'random') as r
"""
KEPT = """
    create function pg_temp.kept() returns text[] language plpython3u as $$
    import sys
    session = sys.modules["plpy.session"].current_session(plpy)
    return [str(len(session.models)), str(len(session.packs)), str(session.plans.keys() >= {"state", "model", "posts"})]
    $$
"""


def renamed(source: str) -> str:
    """Return the library with another name for what a variant without a model gives."""
    text = compose("functions/_library")
    assert text.count('source = state["variant"]') == 1
    return text.replace('source = state["variant"]', f'source = "{source}"')


def test_nobody_may_call_it_and_every_reader_is_served_by_it(network, network_dsn):
    may = "select has_function_privilege(%s, 'pgfeed._library()', 'execute')"
    for role in ("public", "pgfeed_reader", "pgfeed_writer", "pgfeed_operator"):
        assert network(may, role) == [(False,)]
    with autocommit(network_dsn) as connection:
        run = queries(connection)
        run("set role pgfeed_reader")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run("select pgfeed._library()")
        assert run("select source from pgfeed.recommend_posts(7, %s, 1)", AT) == [("model",)]


def test_an_open_session_takes_a_new_text_between_two_calls_and_goes_back_with_a_rollback(network, network_dsn):
    assert network(BY_LOT, AT) == [("random",)]
    with closing(psycopg2.connect(network_dsn)) as other, other.cursor() as cursor:
        cursor.execute(renamed("lot"))
        cursor.execute(BY_LOT, [AT])
        assert cursor.fetchall() == [("lot",)] and network(BY_LOT, AT) == [("random",)]
        other.rollback()
        cursor.execute(BY_LOT, [AT])
        assert cursor.fetchall() == [("random",)]
        cursor.execute(renamed("lot"))
        other.commit()
    assert network(BY_LOT, AT) == [("lot",)]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_an_open_session_takes_a_new_text_in_the_middle_of_a_statement(network, network_dsn, isolation):
    with autocommit(network_dsn) as other, ThreadPoolExecutor() as pool:
        run = queries(other)
        run(f"set default_transaction_isolation = '{isolation}'")
        run(BY_LOT, AT)
        statement = pool.submit(run, SLOWLY, AT)
        while not network("select pid from pg_stat_activity where datname = current_database()"
                          " and wait_event = 'PgSleep'"):
            assert not statement.done()
        network(renamed("lot"))
        network(compose("functions/_recommend_posts"))
        sources = [source for source, in statement.result()]
        assert len(sources) == 40 and sources == sorted(sources, key=["random", "lot"].index)
        assert (sources[0], sources[-1]) == ("random", "lot")
        assert run(BY_LOT, AT) == [("lot",)]


def test_what_calls_share_is_kept_once_a_session_through_a_clean_up(network):
    post = network("select post_id from pgfeed.recommend_posts(7, %s, 1)", AT)[0][0]
    network("select from pgfeed.explain_recommendation(7, %s, %s)", post, AT)
    network(KEPT)
    assert network("select pg_temp.kept()") == [(["1", "1", "True"],)]
    network("discard all")
    network("select from pgfeed.recommend_posts(7, %s, 1)", AT)
    network(KEPT)
    assert network("select pg_temp.kept()") == [(["1", "1", "True"],)]


def test_a_failure_in_it_names_the_function_and_the_line_of_the_file(network):
    text = compose("functions/_library")
    network(text.replace("    request.check(plpy)\n    return answer", "    1 / 0\n    return answer"))
    with pytest.raises(psycopg2.Error, match="division by zero") as raised:
        network(BY_LOT, AT)
    lines = (ROOT / "plpy/recommend.py").read_text().splitlines()
    line = lines.index("    request.check(plpy)") + 1
    assert f"line {line}, in recommend_posts" in raised.value.diag.context


def test_a_text_that_cannot_be_loaded_leaves_the_session_able_to_take_the_next(network):
    assert network(BY_LOT, AT) == [("random",)]
    network(renamed("lot").replace("def popularity(", "def popularity(("))
    for _ in range(2):
        with pytest.raises(psycopg2.Error, match="SyntaxError.*ranking.py"):
            network(BY_LOT, AT)
    network(compose("functions/_library"))
    assert network(BY_LOT, AT) == [("random",)]


def test_the_sql_of_an_offline_migration_makes_it(empty_dsn):
    sql = subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head", "--sql"], cwd=ROOT, capture_output=True,
                         check=True).stdout
    subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", empty_dsn], input=sql, check=True,
                   stdout=subprocess.DEVNULL)
    with autocommit(empty_dsn) as connection:
        run = queries(connection)
        with pytest.raises(psycopg2.Error, match="the features were never refreshed"):
            run(BY_LOT, AT)
        body = run("select prosrc from pg_proc where oid = 'pgfeed._library()'::regprocedure")[0][0]
    assert body in compose("functions/_library")


def test_python_in_the_catalogue_is_small(query):
    """But for what trains, judges and fills tables: no call that serves reads that."""
    size = query("select sum(length(p.prosrc)) from pg_proc as p join pg_language as l on l.oid = p.prolang"
                 " where l.lanname = 'plpython3u' and p.proname <> all (%s)",
                 ["_learning", "_train_model", "_preferences", "_recipe_error", "_off_policy_estimates",
                  "_recommend_users"])
    assert size[0][0] < 302_000  # 10,000 of it explore, 45,000 score by tables, 12,000 say why in words
