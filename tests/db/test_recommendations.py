"""Recommendations of all users as a table: batches, interruptions, workers, dashboard views."""

import signal
import subprocess
import sys
import threading
import time

import psycopg2
import pytest
from click.testing import CliRunner

from loader import batch
from loader.cli import main
from loader.errors import PgfeedError
from tests.db.conftest import ROOT, autocommit, queries

END = "2021-12-13 12:00+00"
STORED = (
    "select user_id, rank, post_id, score, variant, source, model_version, features_as_of from pgfeed.recommendations"
    " order by 1, 2"
)
CALLED = (
    "select u.user_id, r.rank, r.post_id, r.score, r.variant, r.source, r.model_version, r.features_as_of"
    " from pgfeed.user_features as u cross join lateral pgfeed.recommend_posts(u.user_id, %s, %s) as r order by 1, 2"
)


def small_chunks(query) -> None:
    """Split the unfinished batch's only chunk into chunks of four users."""
    query("""
        with taken as (delete from pgfeed.recommendation_chunks returning batch_id, user_ids)
        insert into pgfeed.recommendation_chunks (batch_id, chunk_number, user_ids)
        select batch_id, n / 4, array_agg(user_id) from taken
            cross join unnest(user_ids) with ordinality as u (user_id, n)
        group by batch_id, n / 4
    """)


def start_small(query, *arguments) -> int:
    """Start a batch in chunks of four users; return its id."""
    placeholders = ", ".join(["%s"] * len(arguments))
    batch_id = query(f"select pgfeed._start_recommendation_batch({placeholders})", *arguments)[0][0]
    small_chunks(query)
    return batch_id


def test_the_table_holds_what_recommend_posts_gives(network):
    network("call pgfeed.refresh_recommendations(%s, 7)", END)
    stored, called = network(STORED), network(CALLED, END, 7)
    assert len(stored) == 60 * 7
    assert stored == called
    assert network(
        "select recommended_at = %s, user_count, finished_at is not null from pgfeed.recommendation_batches", END
    ) == [(True, 60, True)]
    assert network("select count(*) from pgfeed.recommendation_chunks") == [(0,)]


def test_while_an_experiment_runs_a_list_is_that_of_the_users_arm(network):
    network("call pgfeed.create_experiment('try', '{control,popular,random}')")
    network("call pgfeed.start_experiment('try')")
    network("call pgfeed.refresh_recommendations(%s)", END)
    assert network(
        "select distinct variant = pgfeed.experiment_arm(user_id, 'try') from pgfeed.recommendations"
    ) == [(True,)]
    assert network("select count(distinct source) from pgfeed.recommendations") == [(3,)]


def test_the_next_batch_replaces_the_lists_and_drops_users_that_are_gone(network):
    network("insert into pgfeed.users (user_id) values (999)")
    network("call pgfeed.refresh_features()")
    first = network("call pgfeed.refresh_recommendations(%s, 9)", END)[0][0]
    network("delete from pgfeed.users where user_id = 999")
    network("call pgfeed.refresh_features()")
    second = network("call pgfeed.refresh_recommendations(%s, 3)", END)[0][0]
    assert second > first
    assert network(
        "select count(*), count(distinct user_id), min(batch_id) from pgfeed.recommendations"
    ) == [(180, 60, second)]


def test_active_users_only_leaves_the_others_alone(network):
    network("insert into pgfeed.users (user_id) values (999)")
    network("call pgfeed.refresh_features()")
    first = network("call pgfeed.refresh_recommendations(%s)", END)[0][0]
    second = network("call pgfeed.refresh_recommendations(%s, active_days => 1)", END)[0][0]
    assert network(
        "select batch_id, count(distinct user_id) from pgfeed.recommendations group by 1 order by 1"
    ) == [(first, 1), (second, 60)]


def test_a_killed_batch_goes_on_where_it_stopped(network, network_dsn):
    start_small(network, END, 5, None, None)
    # A trigger holds the killed session up in the middle of its third chunk.
    network("""
        create function public.wait() returns trigger language plpgsql as $$
        begin
            if new.user_id = 11 and new.rank = 3 then perform pg_sleep(60); end if;
            return new;
        end $$;
        create trigger wait before insert on pgfeed.recommendations for each row execute function public.wait();
    """)
    script = (
        "import psycopg2, sys; c = psycopg2.connect(sys.argv[1]); c.autocommit = True;"
        " c.cursor().execute('call pgfeed.refresh_recommendations(%s)', [sys.argv[2]])"
    )
    killed = subprocess.Popen([sys.executable, "-c", script, network_dsn, END])
    done = "select count(*) filter (where finished_at is not null), count(*) from pgfeed.recommendation_chunks"
    sleeping = "select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
    while not (pids := network(sleeping)):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    network("select pg_terminate_backend(%s, 10000)", pids[0][0])
    assert network(done) == [(2, 16)]
    assert network("select count(distinct user_id), count(*) from pgfeed.recommendations") == [(7, 35)]
    network("drop trigger wait on pgfeed.recommendations")
    untouched = network("select xmin::text from pgfeed.recommendations where user_id = 1 and rank = 1")

    batches = network("call pgfeed.refresh_recommendations(%s)", END)
    assert batches == network("select batch_id from pgfeed.recommendation_batches")
    assert network("select xmin::text from pgfeed.recommendations where user_id = 1 and rank = 1") == untouched
    assert network(STORED) == network(CALLED, END, 5)


@pytest.mark.parametrize("change", [
    lambda query: ("2021-12-13 13:00+00", 5, None, None),
    lambda query: (END, 6, None, None),
    lambda query: (END, 5, "control", None),
    lambda query: (END, 5, None, 3),
    lambda query: query("call pgfeed.refresh_features('2021-12-13 06:00+00')") and (END, 5, None, None),
])
def test_another_batch_takes_the_place_of_an_interrupted_one(network, change):
    first = start_small(network, END, 5, None, None)
    assert network("select pgfeed._start_recommendation_batch(%s, 5, null, null)", END) == [(first,)]
    network("select pgfeed._fill_recommendation_chunk(%s)", first)
    second = network("select pgfeed._start_recommendation_batch(%s, %s, %s, %s)", *change(network))[0][0]
    assert second > first
    with pytest.raises(psycopg2.Error, match="given up"):
        network("select pgfeed._fill_recommendation_chunk(%s)", first)


def test_bad_arguments_leave_an_interrupted_batch_alone(network):
    first = start_small(network, END, 5, None, None)
    for arguments in ("null, 0", "'infinity'", "null, 5, 'nope'"):
        with pytest.raises(psycopg2.Error):
            network(f"call pgfeed.refresh_recommendations({arguments})")
    assert network("select batch_id from pgfeed.recommendation_batches where finished_at is null") == [(first,)]


def test_never_refreshed(query):
    with pytest.raises(psycopg2.Error, match="never refreshed"):
        query("call pgfeed.refresh_recommendations()")


def test_two_sessions_share_a_batch(network, network_dsn):
    batch_id = start_small(network, END, 5, None, None)
    take = "select pgfeed._fill_recommendation_chunk(%s)"
    with psycopg2.connect(network_dsn) as first, psycopg2.connect(network_dsn) as second:
        assert queries(first)(take, batch_id) == [(3,)]
        assert queries(second)(take, batch_id) == [(4,)]
        while network(take, batch_id) != [(None,)]:
            pass
        assert network("select finished_at from pgfeed.recommendation_batches") == [(None,)]
        first.commit()
        second.commit()
    assert network("call pgfeed.refresh_recommendations(%s)", END) == [(batch_id,)]
    assert network(STORED) == network(CALLED, END, 5)


def test_another_batch_waits_for_the_chunks_at_work_only(network, network_dsn):
    batch_id = start_small(network, END, 5, None, None)
    outcome = []

    def run(statement: str, *parameters: object) -> None:
        with autocommit(network_dsn) as connection:
            try:
                outcome.append(queries(connection)(statement, *parameters)[0][0])
            except psycopg2.Error as error:
                outcome.append(error.diag.message_primary)

    take = "select pgfeed._fill_recommendation_chunk(%s)"
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    threads = []
    with psycopg2.connect(network_dsn) as worker:
        queries(worker)(take, batch_id)
        for call in [("select pgfeed._start_recommendation_batch(%s, 6, null, null)", END), (take, batch_id)]:
            threads.append(threading.Thread(target=run, args=call))
            threads[-1].start()
            for _ in range(250):
                if network(waiting) == [(len(threads),)]:
                    break
                time.sleep(0.02)
        worker.commit()
        for thread in threads:
            thread.join()
    assert sorted(map(str, outcome)) == [str(batch_id + 1), f"batch {batch_id} was given up for another one"]


def test_workers_of_the_command_fill_the_table(network, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    start_small(network, END, 5, None, None)
    with autocommit(network_dsn) as connection:
        done = batch.refresh_recommendations(connection, END, 5, None, None, worker_count=2)
    assert (done.user_count, done.resumed_count) == (60, 0)
    assert network(STORED) == network(CALLED, END, 5)


def test_an_error_of_a_worker_is_the_commands_error(network, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    network("alter table pgfeed.recommendations add check (user_id < 20)")
    command = [sys.executable, "-m", "loader.cli", "recommend", "--batch", "--workers", "2"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1 and "violates check constraint" in result.stderr and "Traceback" not in result.stderr


def test_the_table_is_copied_to_a_server_without_pgfeed(network, network_dsn, empty_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    with autocommit(network_dsn) as source, autocommit(empty_dsn) as target:
        plain = queries(target)
        plain("create role plain_writer login")
        try:
            plain(
                "do $$ begin execute format('grant create on database %I to plain_writer', current_database()); end $$"
            )
            address = f"{empty_dsn} options='-c role=plain_writer'"
            for k in (5, 3):
                batch.refresh_recommendations(source, END, k, None, None, worker_count=1)
                assert batch.publish(source, address) == 60 * k
                assert plain(STORED) == network(STORED)
            assert plain("select tableowner from pg_tables where schemaname = 'pgfeed'") == [("plain_writer",)]
            assert plain("select obj_description('pgfeed.recommendations'::regclass)") == network(
                "select obj_description('pgfeed.recommendations'::regclass)"
            )
            assert plain("select extname from pg_extension") == [("plpgsql",)]
        finally:
            plain("drop owned by plain_writer; drop role plain_writer")
        with pytest.raises(PgfeedError, match="has pgfeed itself"):
            batch.publish(source, network_dsn)


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "give either a user or --batch"),
    (["7", "--batch"], "give either a user or --batch"),
    (["7", "--workers", "2"], "need --batch"),
    (["--batch", "--to", "host=127.0.0.1 port=1"], "cannot connect to the server of --to"),
    (["7", "--at", "2021-13-45"],
     '"2021-13-45" is no date or moment that exists. Next: write it like 2021-12-20 or "2021-12-20 18:00+00"'),
    (["--batch", "--at", "soon"], '"soon" is no date or moment that exists'),
    (["7", "--hide-viewed", "7 dayz"], '"7 dayz" is no length of time. Next: write it like "7 days"'),
])
def test_what_the_command_refuses(network_dsn, monkeypatch, arguments, words):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    result = CliRunner().invoke(main, ["recommend", *arguments])
    assert result.exit_code == 1 and words in result.output


def test_an_operator_refreshes_and_a_reader_reads_without_events(network, network_dsn):
    with autocommit(network_dsn) as connection:
        operator = queries(connection)
        operator("set role pgfeed_operator")
        operator("call pgfeed.refresh_recommendations(%s)", END)
        operator("set role pgfeed_reader")
        for view in ("current_recommendations", "recommended_topics", "recommendation_lists", "popularity_deciles",
                     "feed_days", "data_stages"):
            assert operator(f"select * from pgfeed.{view}")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            operator("select 1 from pgfeed.feed_events")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            operator("call pgfeed.refresh_recommendations()")


def test_inside_a_transaction_it_is_refused(network_dsn):
    refused = pytest.raises(psycopg2.Error, match="inside a transaction block")
    with psycopg2.connect(network_dsn) as connection, refused as error:
        queries(connection)("call pgfeed.refresh_recommendations()")
    assert error.value.pgcode == "25001" and "autocommit" in error.value.diag.message_hint


def test_after_a_batch_of_some_users_the_stage_is_as_old_as_the_oldest_list(network):
    stage = "select as_of::text from pgfeed.data_stages where stage = 'recommendations'"
    assert network(stage) == []
    network("call pgfeed.refresh_recommendations('2021-12-13 12:00+00')")
    network("delete from pgfeed.feed_events where user_id = 7")
    network("call pgfeed.recount_days('2021-12-01', '2021-12-31'); call pgfeed.refresh_features()")
    network("call pgfeed.refresh_recommendations('2021-12-14 12:00+00', active_days => 30)")
    assert network(stage) == [("2021-12-13 12:00:00+00",)]
    network("call pgfeed.refresh_recommendations('2021-12-15 12:00+00')")
    assert network(stage) == [("2021-12-15 12:00:00+00",)]
    network("analyze pgfeed.recommendations")
    assert "using recommendations_recommended_at_idx" in str(network(f"explain {stage}"))


def test_dashboard_views_count_right(network):
    network("insert into pgfeed.posts (post_id, topic) values (900, 'opera')")
    network("call pgfeed.refresh_features()")
    network("call pgfeed.refresh_recommendations(%s)", END)
    network("delete from pgfeed.recommendations where user_id > 2")
    network("update pgfeed.recommendations set post_id = rank * 2 where user_id = 2")
    network("update pgfeed.recommendations set post_id = case rank when 1 then 1 else rank * 2 end where user_id = 1")
    topics = network("select topic, post_count, recommended_post_count, coverage_rate, recommendation_count,"
                     " recommendation_share from pgfeed.recommended_topics order by 1")
    assert topics == [("movie", 40, 1, 0.025, 1, 0.1), ("opera", 1, 0, 0, 0, 0), ("sport", 40, 5, 0.125, 9, 0.9)]
    lists = network("select user_id, post_count, topic_count, topic_diversity from pgfeed.recommendation_lists"
                    " order by 1")
    assert lists == [(1, 5, 2, pytest.approx(0.32)), (2, 5, 1, 0)]
    assert network(
        "select rank, post_id, topic, age, text from pgfeed.current_recommendations where user_id = 1 and rank = 1"
    ) == [
        (1, 1, "movie", 20, "post 1 прекрасный фильм")
    ]
    deciles = network("select decile, post_count, view_share, recommendation_share, recommendation_count"
                      " from pgfeed.popularity_deciles order by 1")
    assert [row[0] for row in deciles] == list(range(1, 11)) and sum(row[1] for row in deciles) == 81
    assert sum(row[2] for row in deciles) == pytest.approx(1) and sum(row[3] for row in deciles) == pytest.approx(1)
    assert deciles[0][2] > deciles[9][2] and sum(row[4] for row in deciles) == 10


def test_days_and_stages(network):
    days = network("select count(*), sum(view_count), sum(like_count) from pgfeed.feed_days")
    assert days == network("select 12, count(*), (select count(*) from pgfeed.likes) from pgfeed.impressions")
    assert network("select like_rate from pgfeed.feed_days where day = '2021-12-05'") == network(
        "select (select count(*) from pgfeed.likes where liked_at::date = '2021-12-05')::float / count(*)"
        " from pgfeed.impressions where viewed_at::date = '2021-12-05'"
    )
    network("call pgfeed.refresh_recommendations('2021-12-10 00:00+00')")
    assert network("select stage, as_of::text, hours_behind from pgfeed.data_stages") == [
        ("events", "2021-12-13 00:00:00+00", 0), ("features", "2021-12-13 00:00:00+00", 0),
        ("model control", "2021-12-11 00:00:00+00", 48), ("recommendations", "2021-12-10 00:00:00+00", 72),
    ]
