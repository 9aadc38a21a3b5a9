"""Experiments: who is in which arm, what an arm serves, what is logged."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from click.testing import CliRunner
from scipy import stats

from loader.cli import main
from loader.experiment import experiments
from tests.db.conftest import autocommit, queries

END = "2021-12-13 12:00+00"
POSTS = "select array_agg(post_id order by rank) from pgfeed.recommend_posts(%s, %s)"
SERVED = (
    "select user_id, served_at = %s, arm, variant, source, model_version, features_as_of::text, post_ids"
    " from pgfeed.exposures"
)

PARTITION = "substring(tableoid::regclass::text from '\\w+$')"


def slot(user_id: int, salt: str, count: int = 100) -> int:
    return int(hashlib.md5((str(user_id) + salt).encode()).hexdigest(), 16) % count


@pytest.mark.parametrize(("salt", "first"), [("first", 0), ("соль №2", 500_000)])
def test_slots_are_those_of_hashlib(query, salt, first):
    ids = range(first, first + 500_000)
    got = query("select array_agg(pgfeed._slot(u, %s, 100) order by u) from generate_series(%s, %s) as u", salt, ids[0],
                ids[-1])[0][0]
    assert got == [slot(user_id, salt) for user_id in ids]
    extremes = [0, -1, -1000, 2**63 - 1, -(2**63)]
    got = query("select pgfeed._slot(u, %s, 10000), pgfeed._slot(u, %s, 100) from unnest(%s) as u", salt,
                salt, extremes)
    assert got == [(slot(user_id, salt, 10000), slot(user_id, salt)) for user_id in extremes]


def test_arms_are_those_of_hashlib_and_shares_are_the_weights(query):
    query("call pgfeed.create_experiment('half', '{control,test}', salt => 'старая соль')")
    query("call pgfeed.create_experiment('parts', '{control,test@3,random}', '{9000,950,50}', '{a,b,c}', 'other')")
    count = 50_000
    half, parts = query(
        "select array_agg(pgfeed.experiment_arm(u, 'half') order by u), array_agg(pgfeed.experiment_arm(u, 'parts')"
        " order by u)"
        " from generate_series(1, %s) as u", count,
    )[0]
    assert half == ["control" if slot(u, "старая соль") < 50 else "test" for u in range(1, count + 1)]
    expected = [slot(u, "other", 10000) for u in range(1, count + 1)]
    assert parts == ["a" if s < 9000 else "b" if s < 9950 else "c" for s in expected]
    assert stats.chisquare([parts.count(arm) for arm in "abc"], [45_000, 4_750, 250]).pvalue > 0.001
    assert stats.chisquare([half.count(arm) for arm in ("control", "test")]).pvalue > 0.001
    table = [[sum(pair == (x, y) for pair in zip(half, parts)) for y in "abc"] for x in ("control", "test")]
    assert stats.chi2_contingency(table).pvalue > 0.001
    with pytest.raises(psycopg2.Error, match="there is no experiment haf"):
        query("select pgfeed.experiment_arm(7, 'haf')")
    assert query("select arm, variant, version, weight from pgfeed.experiment_arms where number = 2 order by arm") == [
        ("b", "test", 3, 950), ("test", "test", None, 5000),
    ]


MISTAKES = [
    ("create_experiment('try', '{control}')", "two or more variants"),
    ("create_experiment('try', null)", "two or more variants"),
    ("create_experiment('try', '{control,popular}', '{5000,4000}')", "add up to 10000"),
    ("create_experiment('try', '{control,popular}', '{10000,null}')", "add up to 10000"),
    ("create_experiment('try', '{control,popular}', '{10000,0}')", "not positive"),
    ("create_experiment('try', '{control,popular@3}')", "not usable"),
    ("create_experiment('try', '{control,control}')", "same name"),
    ("create_experiment('try', '{control,popular}', expected_lift => 0)", "expected lift 0 "),
    ("create_experiment('try', '{control,popular}', expected_lift => null)", "expected lift <NULL>"),
    ("create_experiment('try', '{control,popular}', salt => repeat('x', 1001))", "salt has 1001 bytes"),
    ("create_experiment('Try it', '{control,popular}')", "not usable"),
    ("create_experiment('try', '{control,popular@x}')", "not usable"),
    ("create_experiment('first', '{control,popular}')", "already"),
    ("start_experiment('nope')", "there is no experiment nope"),
    ("start_experiment('untrained')",
     r"arm test: there is no such model \(pgfeed train test --activate\); arm old: there is no such model \(see"),
    ("stop_experiment('first')", "not running"),
    ("conclude_experiment('first', 'nope')", "has no arm nope"),
    ("conclude_experiment('first', 'control')", "never ran"),
    ("drop_experiment('nope')", "there is no experiment nope"),
]


def test_mistakes_are_named(network):
    network("call pgfeed.create_experiment('first', '{control,popular}')")
    network("call pgfeed.create_experiment('untrained', '{test,control@7}', arms => '{test,old}')")
    for call, message in MISTAKES:
        with pytest.raises(psycopg2.Error, match=message) as error:
            network(f"call pgfeed.{call}")
        assert error.value.diag.message_hint


def test_one_experiment_runs_at_a_time_and_only_once(network):
    for name in ("first", "second"):
        network(f"call pgfeed.create_experiment('{name}', '{{control,popular}}')")
    network("call pgfeed.start_experiment('first')")
    with pytest.raises(psycopg2.Error, match="experiment first is running"):
        network("call pgfeed.start_experiment('second')")
    network("call pgfeed.conclude_experiment('first', 'popular')")
    network("call pgfeed.start_experiment('second')")
    network("call pgfeed.stop_experiment('second')")
    with pytest.raises(psycopg2.Error, match="was started before"):
        network("call pgfeed.start_experiment('second')")
    assert network(
        "select name, stopped_at is not null, concluded_at is not null, winner from pgfeed.experiments order by name"
    ) == [
        ("first", True, True, "popular"), ("second", True, False, None),
    ]


def test_recommend_posts_follows_the_arm(network):
    by_model, popular, lot = (network(f"{POSTS[:-1]}, variant => '{v}')", 7, END)
                              for v in ("control", "popular", "random"))
    assert len({str(rows) for rows in (by_model, popular, lot)}) == 3
    network("call pgfeed.create_experiment('try', '{control,popular,random}')")
    assert network(POSTS, 7, END) == by_model
    network("call pgfeed.start_experiment('try')")
    seen = {}
    for user_id, arm in network("select u, pgfeed.experiment_arm(u, 'try') from generate_series(1, 20) as u"):
        rows = network("select post_id, score, variant, source from pgfeed.recommend_posts(%s, %s)", user_id, END)
        assert {row[2:] for row in rows} == {(arm, {"control": "model"}.get(arm, arm))}
        assert rows == network("select post_id, score, variant, source from pgfeed.recommend_posts(%s, %s)", user_id,
                               END)
        assert network(f"{POSTS[:-1]}, variant => 'control')", user_id, END) is not None
        seen.setdefault(arm, user_id)
    assert set(seen) == {"control", "popular", "random"}
    assert network(
        "select distinct variant from pgfeed.recommend_posts(%s, %s, variant => 'control')", seen["popular"], END
    ) == [("control",)]
    assert network(POSTS, seen["random"], END) != network(POSTS, seen["random"], "2021-12-13 12:00:01+00")
    network("call pgfeed.stop_experiment('try')")
    assert network("select distinct variant from pgfeed.recommend_posts(%s, %s)", seen["random"], END) == [("control",)]


def test_an_arm_can_pin_a_version_that_is_not_active(network):
    network(
        "insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, parameters, metrics,"
        " golden_matrix, golden_scores)"
        " select v, 1 + (v = 'control')::integer, artifact, sha256, feature_names, encoders, parameters, metrics,"
        " golden_matrix, golden_scores"
        " from pgfeed.models cross join unnest(array['control', 'test']) as v"
    )
    network("call pgfeed.create_experiment('pinned', '{control@2,test@1}', arms => '{new,other}')")
    network("call pgfeed.start_experiment('pinned')")
    got = network(
        "select distinct pgfeed.experiment_arm(u, 'pinned'), r.variant, r.model_version, r.source"
        " from generate_series(1, 20) as u cross join lateral pgfeed.recommend_posts(u, %s) as r order by 1", END,
    )
    assert got == [("new", "control", 2, "model"), ("other", "test", 1, "model")]


def test_serve_posts_gives_the_same_rows_and_logs_them(network):
    shown = network("select r::text from pgfeed.recommend_posts(7, %s, 3) as r", END)
    assert network("select r::text from pgfeed.serve_posts(7, %s, 3) as r", END) == shown
    network("call pgfeed.create_experiment('try', '{popular,random}', '{1,9999}')")
    network("call pgfeed.start_experiment('try')")
    posts = [network("select array_agg(post_id order by rank) from pgfeed.serve_posts(%s, %s)", u, END)[0][0]
             for u in (7, 4242)]
    logged = network(f"{SERVED} order by experiment_id nulls first, user_id", END)
    assert logged[0][:7] == (7, True, None, "control", "model", 1, "2021-12-13 00:00:00+00") and len(logged[0][7]) == 3
    assert [row[:6] for row in logged[1:]] == [(u, True, "random", "random", "random", None) for u in (7, 4242)]
    assert [row[7] for row in logged[1:]] == posts


def test_serve_posts_on_a_read_only_server(network):
    with pytest.raises(psycopg2.Error, match="nothing can be written") as error:
        network("begin read only; select * from pgfeed.serve_posts(7)")
    assert error.value.pgcode == "25006" and "recommend_posts" in error.value.diag.message_hint


def test_no_posts_no_exposure(query):
    query("call pgfeed.refresh_features('2021-12-13')")
    assert query("select * from pgfeed.serve_posts(7, %s)", END) == query("select * from pgfeed.exposures") == []


def test_who_may_do_what(network):
    network("call pgfeed.create_experiment('try', '{control,popular}')")
    allowed = {
        "select pgfeed.serve_posts(7, now())": {"pgfeed_writer"},
        "select pgfeed.experiment_arm(7, 'try')": {"pgfeed_reader", "pgfeed_writer", "pgfeed_operator"},
        "select * from pgfeed.experiment_report('try')": {"pgfeed_reader", "pgfeed_operator"},
        "select * from pgfeed.exposures": {"pgfeed_operator"},
        "insert into pgfeed.exposures (user_id) values (1)": set(),
        "call pgfeed.start_experiment('try')": {"pgfeed_operator"},
    }
    for statement, roles in allowed.items():
        for role in ("pgfeed_reader", "pgfeed_writer", "pgfeed_operator"):
            network(f"set role {role}")
            try:
                network(statement)
                assert role in roles, statement
            except psycopg2.errors.InsufficientPrivilege:
                assert role not in roles, statement
            network("reset role")


def test_fifty_clients_lose_no_exposure(network, network_dsn):
    network("call pgfeed.create_experiment('try', '{popular,random}')")
    network("call pgfeed.start_experiment('try')")

    def serve(client: int) -> None:
        with autocommit(network_dsn) as connection:
            for number in range(10):
                queries(connection)(
                    "select pgfeed.serve_posts(%s, timestamptz '2022-01-31 23:59:59+00' + %s * interval '1 second')",
                    client % 60 + 1, number % 3
                )

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(serve, range(50)))
    assert network("select count(*), count(*) filter (where arm = pgfeed.experiment_arm(user_id, 'try')),"
                   " min(cardinality(post_ids)) from pgfeed.exposures") == [
        (500, 500, 5)
    ]
    assert network(f"select {PARTITION}, count(*) from pgfeed.exposures group by 1 order by 1") == [
        ("exposures_default", 500)
    ]


def test_old_exposures_are_dropped_by_month(network):
    network("call pgfeed.create_experiment('try', '{popular,random}')")
    network("call pgfeed.start_experiment('try')")
    for month in ("2022-01", "2022-02", "2022-03"):
        network("select pgfeed.serve_posts(7, %s)", f"{month}-10 12:00+00")
    with pytest.raises(psycopg2.Error, match="running experiment try"):
        network("call pgfeed.drop_exposures('2022-03-15')")
    network("call pgfeed.stop_experiment('try')")
    assert network("call pgfeed.drop_exposures('2022-03-15')") == [(2,)]
    assert network(f"select distinct {PARTITION} from pgfeed.exposures") == [("exposures_default",)]
    assert network("select distinct to_char(served_at, 'YYYY-MM') from pgfeed.exposures") == [("2022-03",)]
    assert network("call pgfeed.drop_exposures(null)") == [(0,)]


def test_a_refresh_makes_the_months_that_exposures_will_need(query):
    query("call pgfeed.refresh_features('2021-12-13')")
    assert query(
        "select array_agg(c.relname::text order by c.relname) = array(select to_char(m, '\"exposures_y\"YYYY\"m\"MM')"
        " from unnest(array[now(), now() + interval '1 month']) as m)"
        " from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = 'pgfeed.exposures'::regclass and c.relname <> 'exposures_default'"
    ) == [(True,)]


def test_the_life_of_an_experiment_by_its_verbs(network, network_dsn, monkeypatch, tmp_path):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)

    def run(*arguments: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(main, ["experiment", *arguments])
        assert result.exit_code == exit_code, result.output
        return result.output

    created = json.loads(run("create", "try", "control:60", "lot=random:40", "--salt", "s[/]", "--json"))
    assert [(a["arm"], a["variant"], a["weight"], a["slots"]) for a in created["arms"]] == [
        ("control", "control", 6000, "[0,60)"), ("lot", "random", 4000, "[60,100)"),
    ]
    refused = run("create", "bad", "control", "tset", exit_code=1)
    assert "there is no variant tset: variants with a model: control; that train can make: control, neg" in refused
    created = run("create", "bad", "control", "test")
    assert "./run train test --activate" in created
    assert f"Next: PGFEED_DSN={network_dsn} ./run experiment start bad" in created
    assert "call pgfeed.drop_experiment('bad')" in run("start", "bad", exit_code=1)
    assert [(e["name"], e["state"], e["exposure_count"]) for e in json.loads(run("list", "--json"))] == [
        ("try", "not started", 0), ("bad", "not started", 0),
    ]
    run("drop", "bad")
    assert "running" in run("start", "try")
    assert "was started" in run("drop", "try", exit_code=1)
    assert all(text in run("report", "try") for text in ("salt s[/]", "Nothing to report"))
    for user_id in range(1, 21):
        network("select pgfeed.serve_posts(%s, %s)", user_id, END)
    page = tmp_path / "try.html"
    report = json.loads(run("report", "try", "--json", "--html", str(page)).splitlines()[-1])
    assert report["rows"][0]["user_count"] + report["rows"][1]["user_count"] == 20
    assert report["verdict"] in page.read_text()
    assert "no interval" in run("report", "try", "--attribution", "foo", exit_code=1)
    assert '"foo" is no date or moment that exists. Next: ' in run("report", "try", "--until", "foo", exit_code=1)
    assert "control 60%, lot 40%" in run("list") and " 20 " in run("list")
    assert "default_variant = 'random'" in run("conclude", "try", "lot")
    assert "not running" in run("stop", "try", exit_code=1)
    assert json.loads(run("report", "try", "--json"))["verdict"].startswith("Concluded: lot won. By the figures: ")


def test_a_reader_sees_the_list_without_exposures(network, network_dsn):
    network("call pgfeed.create_experiment('try', '{control,popular}')")
    with autocommit(network_dsn) as connection:
        connection.autocommit = False
        queries(connection)("set role pgfeed_reader")
        connection.commit()
        assert [(e["name"], e["exposure_count"]) for e in experiments.load_all(connection)] == [("try", None)]


def test_who_never_saw_an_exposure_is_warned(network_dsn):
    with autocommit(network_dsn) as connection:
        run = queries(connection)
        run("call pgfeed.create_experiment('try', '{control,popular}'); call pgfeed.start_experiment('try')")
        run("call pgfeed.conclude_experiment('try', 'popular')")
        assert "experiment try has no exposures" in connection.notices[-1]


def test_an_experiment_that_was_never_started_can_be_dropped(network):
    network("call pgfeed.create_experiment('try', '{control,popular}')")
    network("call pgfeed.drop_experiment('try')")
    assert network("select count(*) from pgfeed.experiments") == network(
        "select count(*) from pgfeed.experiment_arms"
    ) == [(0,)]
    network("call pgfeed.create_experiment('try', '{control,popular}'); call pgfeed.start_experiment('try');"
            " call pgfeed.stop_experiment('try')")
    with pytest.raises(psycopg2.Error, match="experiment try was started"):
        network("call pgfeed.drop_experiment('try')")
