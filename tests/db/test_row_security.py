"""Row security: what runs as the owner sees every row or refuses in one line; policies hold for who reads directly."""

import psycopg2
import pytest

from tests.db.test_health import probes

pytestmark = pytest.mark.usefixtures("durable")

TABLES = """
    select c.oid::regclass::text from pg_class as c
    where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'
    order by 1
"""
CALLS = [
    "select post_id, score, source from pgfeed.recommend_posts(7, '2021-12-13', 20)",
    "select post_id from pgfeed.serve_posts(8, '2021-12-13')",
    "call pgfeed.roll_up_events(from_day => '2021-12-01')",
    "call pgfeed.refresh_features()",
    "select count(*), sum(view_count), sum(like_count) from pgfeed.post_features_as_of('2021-12-09')",
    "select count(*), sum(view_count), sum(like_count) from pgfeed.user_features_as_of('2021-12-09')",
    "select pgfeed.warm_up()",
    "call pgfeed.create_experiment('try', '{control,random}')",
    "call pgfeed.activate_model('control', 1)",
    "call pgfeed.drop_exposures('2021-12-01')",
    "select count(*) from pgfeed.explain_recommendation(7, 4, '2021-12-13')",
]
OF_ATTACHED_TABLES = [("_expression_facts",), ("_load_attachment",), ("_try_attachment",), ("sync_attachments",)]
ROLLED_UP = "select sum(view_count), sum(like_count) from pgfeed.post_days"


def answer(query, call: str) -> object:
    """Return the rows of a call, or the message of its error."""
    try:
        return [row for row in query(call) if "refresh" not in call]
    except psycopg2.Error as error:
        return error.diag.message_primary


def test_a_policy_that_is_forced_never_loses_a_row_in_silence(network):
    query = network
    before = {}
    for call in CALLS:
        query("begin")
        before[call] = answer(query, call)
        query("rollback")
    assert all(isinstance(rows, list) for rows in before.values()), before
    refused = set()
    for table, in query(TABLES):
        for call in CALLS:
            query("begin")
            query(f"alter table {table} enable row level security, force row level security")
            query("set local role pgfeed_owner")
            now = answer(query, call)
            if now != before[call]:
                name = table.partition(".")[2]
                refusal = f'query would be affected by row-level security policy for table "{name}"'
                assert now == refusal, (table, call)
                refused.add((table, call))
            query("rollback")
    assert {("pgfeed.feed_events", CALLS[2]), ("pgfeed.post_days", CALLS[2]), ("pgfeed.feed_events", CALLS[3]),
            ("pgfeed.posts", CALLS[0])} <= refused  # fmt: skip


def test_health_names_the_table_and_what_mends_it(network):
    for table in ("posts", "feed_events"):
        network(f"alter table pgfeed.{table} enable row level security, force row level security")
    network("set role pgfeed_reader")
    status, said, remedy = probes(network)["row security"]
    assert status == "fail" and "forced on posts" in said and "forced on feed_events" in said
    network("reset role")
    for statement in remedy.split("; "):
        network(statement)
    rows = probes(network)
    assert "holds for who reads feed_events, posts directly" in rows["row security"][1]
    assert {row[0] for row in rows.values()} == {"ok"}


def test_a_policy_on_posts_holds_where_the_caller_joins(network):
    network("alter table pgfeed.posts enable row level security")
    network("create policy sport on pgfeed.posts for select to pgfeed_reader using (topic = 'sport')")
    network("set role pgfeed_reader")
    given = network("select post_id from pgfeed.recommend_posts(7, '2021-12-13', 80) order by rank")
    assert any(post_id % 2 for (post_id,) in given)
    allowed = network("""
        select r.post_id
        from pgfeed.recommend_posts(7, '2021-12-13', 80) as r
        inner join pgfeed.posts as p on p.post_id = r.post_id
        order by r.rank limit 5
    """)
    assert allowed == [row for row in given if row[0] % 2 == 0][:5] and len(allowed) == 5


def test_every_routine_that_runs_as_its_owner_has_it(query):
    # But for those that read the application's tables, whose policies let the owner read.
    assert query("""
        select p.proname from pg_proc as p
        where p.pronamespace = 'pgfeed'::regnamespace and p.prosecdef and not 'row_security=off' = any(p.proconfig)
        order by 1
    """) == OF_ATTACHED_TABLES
