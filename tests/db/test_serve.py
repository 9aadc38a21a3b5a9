"""Simulated users live with the recommender, and an experiment on them finds the arm that is truly worse."""

import json
from contextlib import closing

import numpy as np
import psycopg2
import pytest
from click.testing import CliRunner

from loader.cli import main
from loader.data import refresh
from loader.data.embed import embed
from loader.errors import PgfeedError
from loader.experiment import experiments, page
from loader.experiment.verdict import as_dict, verdict
from loader.learning import registry, train
from loader.simulation import future, loop, simulate
from loader.simulation.served import best_lists
from loader.simulation.world import Life, World
from tests.db.test_embed import Words

DAYS = 10


@pytest.fixture
def world(dsn):
    connection = psycopg2.connect(dsn)
    simulate.simulate(connection, 1200, 1, posts=300, days=30)
    refresh.refresh(connection)
    registry.activate(connection, "control", registry.store(connection, "control", train.train(connection, "control")))
    yield connection
    connection.close()


def test_an_experiment_finds_the_worse_arm(world, query, tmp_path):
    experiments.create(world, "worse", ["control:60", "lot=random:40"], "worse", 0.2)
    query("call pgfeed.start_experiment('worse')")
    # What somebody tried by hand today is not of the simulated days.
    query("call pgfeed.create_event_partitions(now(), now())")
    query("insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (now(), 200, 1, 'view')")
    served = future.serve(world, DAYS)
    assert [day.day for day in served] == ["2021-10-31", *(f"2021-11-{d:02}" for d in range(1, DAYS))]
    assert query("select count(*), count(distinct (user_id, served_at::date)) from pgfeed.exposures") == [
        (sum(d.exposures for d in served),) * 2
    ]
    assert query("select count(*) from pgfeed.exposures as x where not exists (select from pgfeed.feed_events as e"
                 " where e.user_id = x.user_id and e.post_id = x.post_ids[1] and e.event_at = x.served_at)") == [(0,)]
    assert query("select max(as_of)::text from pgfeed.feature_refreshes") == [("2021-11-10 00:00:00+00",)]
    assert query("select distinct features_as_of = date_trunc('day', served_at) from pgfeed.exposures") == [(True,)]

    report = experiments.load(world, "worse", "1 hour", None)
    assert verdict(report).startswith("lot is worse than control: HitRate@5 0.")
    assert all(check["is_ok"] for check in report.checks)
    file = tmp_path / "worse.html"
    page.write_html(report, file)
    text = file.read_text()
    assert verdict(report) in text and text.count('<figure class="') == 2 and text.count("<svg") == 3
    assert json.loads(json.dumps(experiments.to_json(as_dict(report))))["rows"][1]["arm"] == "lot"
    earlier = experiments.load(world, "worse", "1 hour", "2021-10-31 12:00+00")
    assert 0 < earlier.row("hit rate", "control")["exposure_count"] < served[0].exposures


def test_serving_goes_on_with_the_network_that_is_loaded():
    result = CliRunner().invoke(main, ["simulate", "--serve", "3", "--users", "500"])
    assert result.exit_code == 1 and "--serve does not go with" in result.output


def test_real_data_cannot_be_served_to_simulated_users(network_dsn):
    connection = psycopg2.connect(network_dsn)
    with pytest.raises(PgfeedError, match="no simulated world"):
        future.serve(connection, 1)
    connection.close()


def test_what_was_served_is_one_document(dsn, query, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", dsn)
    with closing(psycopg2.connect(dsn)) as connection:
        simulate.simulate(connection, 60, 1, posts=300, days=12)
        refresh.refresh(connection)
        embed(connection, Words())
    query("call pgfeed.create_feed('even', filter => 'post_id % 2 = 0')")
    query("call pgfeed.create_feed('few', filter => 'post_id = 4')")

    def serve(*arguments, exit_code=0):
        result = CliRunner().invoke(main, ["simulate", "--serve", "2", *arguments])
        assert result.exit_code == exit_code, result.output
        return result

    told = json.loads(serve("--feed", "even", "--json").stdout)
    exposures = query("select post_ids from pgfeed.exposures where feed = 'even'")
    assert len(told["days"]) == 2 and sum(day["exposures"] for day in told["days"]) == len(exposures) > 0
    assert not any(post_id % 2 for (post_ids,) in exposures for post_id in post_ids)
    lists = [[row[0] for row in query("select components::real[] from pgfeed.post_components where post_id = any(%s)",
                                      post_ids)] for (post_ids,) in exposures]
    vectors = [np.array(each) / np.linalg.norm(each, axis=1, keepdims=True) for each in lists]
    distances = [1 - (each @ each.T)[np.triu_indices(len(each), 1)].mean() for each in vectors if len(each) > 1]
    assert told["lists"]["lists"] == len(exposures)
    assert told["lists"]["distance"] == pytest.approx(np.mean(distances), abs=1e-4)
    assert "from each other" in serve().stdout
    assert "the feed lets in too few" in serve("--feed", "few", exit_code=1).output
    result = CliRunner().invoke(main, ["simulate", "--users", "5", "--feed", "even"])
    assert result.exit_code == 1 and "--feed does not go without --serve" in result.output


def test_a_network_lives_with_a_recommender_that_trains(dsn, query, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", dsn)
    with closing(psycopg2.connect(dsn)) as connection:
        simulate.simulate(connection, 120, 1, posts=300, days=10, life=Life(new_posts=3, new_users=2))
        refresh.refresh(connection)
        trained = train.train(connection, "control")
        registry.activate(connection, "control", registry.store(connection, "control", trained))
    counts = query("select (select count(*) from pgfeed.users), (select count(*) from pgfeed.posts)")[0]
    assert counts == (120 + 10 * 2, 300 + 10 * 3)
    query("call pgfeed.set_schedule('control', train => '2 days', switch => false)")
    monkeypatch.setattr(loop.train, "train", lambda *arguments, **named: trained)
    options = ["--loop", "--policies", "frozen,trained,explored,popular", "--explore", "normal", "--stop", "2",
               "--bad", "4", "--change", "3", "--outbreak", "2:sport"]
    result = CliRunner().invoke(main, ["simulate", "--serve", "4", *options, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)

    assert [day["told"] for day in told["days"]] == [
        [], [], [], ["train control: control version 2 is stored"]
    ]
    assert query("select as_of::date::text from pgfeed.feature_refreshes order by refresh_id") == [
        ("2021-10-11",), ("2021-10-11",), ("2021-10-12",), ("2021-10-14",), ("2021-10-15",)
    ]
    assert query("select version, created_at::date::text from pgfeed.models where version > 1 order by 1") == [
        (2, "2021-10-14"), (3, "2021-10-15")
    ]
    assert query("select arm, bool_or(propensities is not null), bool_and(feed is null), min(model_version),"
                 " max(model_version) from pgfeed.exposures group by 1 order by 1") == [
        ("explored", True, False, 1, 3), ("frozen", False, True, 1, 1), ("popular", False, True, None, None),
        ("trained", False, True, 1, 3),
    ]
    assert query("select count(*) from pgfeed.posts") == [(counts[1] + 4 * 3,)]
    assert query("select life -> 'changes', life -> 'outbreaks' from simulation.worlds") == [([12], [[11, "sport"]])]
    assert set(told["lists"]) == {"frozen", "trained", "explored", "popular"}
    assert all(0 < of["regret"] < 1 for of in told["lists"].values())
    with closing(psycopg2.connect(dsn)) as connection:
        world, lists = World.load(connection), loop.lists_by_policy(connection, 4)["frozen"]
        hits, best = best_lists(connection, world, lists)
        assert (hits >= lists.hits).all() and (world.mechanism.created[best] < (lists.at / 86_400)[:, None]).all()
    liked = query("select count(*) from pgfeed.feed_events where action = 'like'")[0][0]
    assert liked == query("select sum(like_count) from simulation.days")[0][0]


@pytest.mark.parametrize(("options", "problem"), [
    (["--loop"], "--loop does not go without --serve"),
    (["--serve", "2", "--loop", "--outbreak", "5"], "no day and topic"),
    (["--users", "5", "--to", "there", "--new-posts", "2"], "do not go with --to"),
    (["--serve", "2", "--policies", "frozen"], "--policies does not go without --loop"),
    (["--users", "5", "--bad", "1"], "--bad does not go without --loop"),
    (["--serve", "2", "--loop", "--bad", "9"], "day 9 is not among the 2 that are served"),
])
def test_options_of_the_loop(options, problem):
    result = CliRunner().invoke(main, ["simulate", *options])
    assert result.exit_code == 1 and problem in result.output
