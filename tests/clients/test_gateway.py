"""The HTTP gateway: TestClient, a live server, wrong requests, a database that goes away."""

import contextlib
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urljoin

import pytest

from loader.errors import PgfeedError
from tests.db.conftest import ROOT, administer, autocommit, clone, queries

fastapi = pytest.importorskip("fastapi")
psycopg = pytest.importorskip("psycopg")
parser = pytest.importorskip("prometheus_client.parser")
openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser")

from fastapi.testclient import TestClient  # noqa: E402

from loader import gateway, monitoring  # noqa: E402
from loader.recommendations import WISHES  # noqa: E402

PATH = "/post/recommendations/"
WHY = "/post/explanation/"
SELF_TEST = {"id": 1000, "time": "2021-12-20", "limit": 5}
MOMENT = "2021-12-13 12:00:00"


@contextlib.contextmanager
def client_of(monkeypatch, dsn, **options):
    with monkeypatch.context() as environment:
        environment.setenv("PGFEED_DSN", dsn)
        app = gateway.create_app(pool_size=2, **options)
    with TestClient(app, follow_redirects=False) as client:
        yield client


def dsn_of(address):
    return psycopg.conninfo.make_conninfo(**address.keywords())


@pytest.fixture
def client(monkeypatch, direct):
    """The gateway, as a login that is in pgfeed_reader and nothing else."""
    with client_of(monkeypatch, dsn_of(direct)) as result:
        yield result


@pytest.fixture
def ask(served_dsn):
    """A function that runs one statement in the served database as its owner."""
    with autocommit(served_dsn) as connection:
        yield queries(connection)


def test_the_original_services_own_test(client):
    posts = client.get(PATH, params=SELF_TEST).json()
    assert len(posts) == 5
    assert all(list(post) == ["id", "text", "topic"] for post in posts)
    assert all(isinstance(post["id"], int) and isinstance(post["text"], str) and isinstance(post["topic"], str)
               for post in posts)


def test_it_answers_what_sql_answers(client, ask):
    expected = ask("select post_id, text, topic from pgfeed.recommend_posts(7, %s, 10) order by rank", f"{MOMENT}+00")
    posts = client.get(PATH, params={"id": 7, "time": MOMENT, "limit": 10}).json()
    assert [tuple(post.values()) for post in posts] == expected


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_both_slash_forms_answer_without_a_redirect(client, path):
    assert client.get(path, params={"id": 7}).status_code == 200


@pytest.mark.parametrize(("text", "moment"), [
    ("2021-12-20", datetime(2021, 12, 20, tzinfo=UTC)),
    ("2021-12-20 18:30", datetime(2021, 12, 20, 18, 30, tzinfo=UTC)),
    ("2021-12-20T18:30:15", datetime(2021, 12, 20, 18, 30, 15, tzinfo=UTC)),
    ("2021-12-20 18:30:00+03", datetime(2021, 12, 20, 15, 30, tzinfo=UTC)),
    ("2021-12-20T18:30:00Z", datetime(2021, 12, 20, 18, 30, tzinfo=UTC)),
])
def test_a_moment_may_be_written_in_every_usual_way(text, moment):
    assert gateway.parse_moment(text) == moment


def test_the_moment_decides(client):
    early, late = ({post["id"] for post in client.get(PATH, params={"id": 7, "time": time, "limit": 1000}).json()}
                   for time in ("2021-12-03", "2021-12-13"))
    assert late < early


def test_without_a_moment_it_is_now(client, ask):
    expected = [row[0] for row in ask("select post_id from pgfeed.recommend_posts(7) order by rank")]
    assert [post["id"] for post in client.get(PATH, params={"id": 7}).json()] == expected


def test_for_an_experiment_it_says_the_variant(monkeypatch, direct):
    with client_of(monkeypatch, dsn_of(direct), is_experiment=True) as client:
        answer = client.get(PATH, params=SELF_TEST).json()
    assert list(answer) == ["exp_group", "recommendations"] and answer["exp_group"] == "control"
    assert len(answer["recommendations"]) == 5


def test_in_an_experiment_it_says_the_arm(monkeypatch, direct, ask):
    ask("call pgfeed.create_experiment('arms', '{control,control}', arms => '{old,new}')")
    ask("call pgfeed.start_experiment('arms')")
    try:
        with client_of(monkeypatch, dsn_of(direct), is_experiment=True) as client:
            groups = [client.get(PATH, params={"id": user_id}).json()["exp_group"] for user_id in range(1, 21)]
    finally:
        ask("call pgfeed.stop_experiment('arms')")
    assert groups == [
        row[0] for row in ask("select pgfeed.experiment_arm(u, 'arms') from generate_series(1, 20) as u order by u")
    ]
    assert set(groups) == {"old", "new"}


@pytest.mark.parametrize(("parameters", "name"), [
    ({}, "id"), ({"id": "x"}, "id"), ({"id": 2**63}, "id"), ({"id": 1, "limit": 0}, "limit"),
    ({"id": 1, "limit": 1001}, "limit"),
    ({"id": 1, "time": "yesterday"}, "time"), ({"id": 1, "time": "1640000000"}, "time"),
    ({"id": 1, "time": "2021-12-20 18:00 03:00"}, "time"),
    ({"id": 1, "user_id": 7}, "user_id"), ({"id": 1, "k": 9, "limit": 3}, "k"),
    ({"id": 1, "candidates": ["1", "x"]}, "candidates"), ({"id": 1, "candidates": "1", "exclude": "1,2"}, "exclude"),
    ({"id": 1, "candidates": ""}, "candidates"), ({"id": 1, "candidates": "a\0b"}, "candidates"),
    ({"id": 1, "hide_viewed": "a week"}, "hide_viewed"), ({"id": 1, "hide_viewed": "-1 day"}, "hide_viewed"),
    ({"id": 1, "hide_viewed": "9" * 30}, "hide_viewed"),
    ({"id": 1, "max_per_topic": 0}, "max_per_topic"), ({"id": 1, "max_per_topic": 2**31}, "max_per_topic"),
    ({"id": 1, "feed": "a\0b"}, "feed"),
    ({"id": 1, "feed": "nothing"}, "feed"),
    ({"id": 1, "after": "nothing"}, "after"), ({"id": 1, "after": ""}, "after"), ({"id": 1, "after": "a\0b"}, "after"),
])
def test_a_wrong_parameter_is_named(client, parameters, name):
    answer = client.get(PATH, params=parameters)
    assert answer.status_code == 422
    assert list(answer.json()) == ["what", "cause", "next", "detail"]
    assert answer.json()["cause"].startswith(f"{name}: ")
    assert [error["loc"][:2] for error in answer.json()["detail"]] == [["query", name]]


def page_after(client, answer):
    """Return the answer to the next page of an answer, as its header says; None: it says of none."""
    link = answer.links.get("next")
    return link and client.get(urljoin(str(answer.url), link["url"]))


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [post["id"] for post in answer.json()]


def test_the_header_leads_from_page_to_page_to_the_end(client, ask):
    answer = client.get(PATH, params={"id": 7, "time": MOMENT, "limit": 9, "exclude": [3, 5], "max_per_topic": 9})
    found = []
    while answer:
        found += ids(answer)
        answer = page_after(client, answer)
    whole = ask("select post_id from pgfeed.recommend_posts(7, %s, 1000, exclude => '{3,5}') order by rank",
                f"{MOMENT}+00")
    assert found == [row[0] for row in whole] and len(found) > 30


def test_the_next_page_is_an_address_relative_to_its_own(client):
    answer = client.get(PATH, params={"id": "7", "time": MOMENT, "limit": 5, "exclude": ["3", "5"]})
    (part,) = answer.headers.get_list("Link")
    assert re.fullmatch(r'<\?id=7&limit=5&exclude=3&exclude=5&after=[\w-]+>; rel="next"', part)


def test_a_cursor_too_long_for_a_header_is_left_out(monkeypatch, client):
    monkeypatch.setattr(gateway, "MAX_LINK", 60)
    answer = client.get(PATH, params=SELF_TEST)
    assert len(ids(answer)) == 5 and "Link" not in answer.headers


def test_a_cursor_of_another_user_is_refused(client):
    link = client.get(PATH, params={"id": 7}).links["next"]["url"]
    answer = client.get(PATH + link.replace("id=7", "id=8"))
    assert answer.status_code == 422 and answer.json()["cause"] == (
        "after: after is the cursor of another user. Give the cursor of the last row of the page before, as it is,"
        " for the same user and feed"
    )


@pytest.mark.parametrize(("method", "path", "status"),
                         [("GET", "/", 404), ("GET", "/x", 404), ("POST", PATH, 405), ("PUT", "/health", 405)])
def test_what_is_not_served_is_said(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status and list(answer.json()) == ["what", "cause", "next"]
    assert answer.json()["next"] == gateway.EXAMPLE


def test_monitoring_may_ask_for_the_head_alone(client):
    answer = client.head("/health")
    assert answer.status_code == 200 and answer.content == b""


def test_a_request_that_takes_too_long_is_given_up(monkeypatch, direct, ask):
    with client_of(monkeypatch, dsn_of(direct), timeout=0.3) as client:
        assert client.get(PATH, params={"id": 7}).status_code == 200  # a connection is warm
        ask("begin; lock table pgfeed.feature_refreshes in access exclusive mode")
        try:
            answer = client.get(PATH, params={"id": 7})
        finally:
            ask("rollback")
        assert answer.status_code == 503 and answer.json() == {
            "what": "the database refused", "cause": "canceling statement due to statement timeout",
            "next": "send the request again; for moments before the features' cut-off, which take longer:"
            " pgfeed serve-http --timeout 30",
        }
        assert client.get(PATH, params={"id": 7}).status_code == 200


@pytest.fixture
def explaining(monkeypatch, direct):
    """The gateway with explanations, as a login that is in pgfeed_reader and nothing else."""
    with client_of(monkeypatch, dsn_of(direct), is_explaining=True) as result:
        yield result


def test_it_explains_what_sql_explains(explaining, ask):
    post_id = ask("select post_id from pgfeed.recommend_posts(7, %s) where rank = 2", f"{MOMENT}+00")[0][0]
    for named in ({}, {"variant": "popular"}):
        expected = ask("select feature, label, advantage, contribution, because from pgfeed.explain_recommendation("
                       "7, %s, %s, %s) order by rank", post_id, f"{MOMENT}+00", named.get("variant"))
        answer = explaining.get(WHY, params={"id": 7, "post": post_id, "time": MOMENT, **named}).json()
        assert answer["because"] == expected[0][-1] and answer["because"]
        assert [tuple(each.values()) for each in answer["contributions"]] == [row[:-1] for row in expected]


def test_without_being_told_to_it_explains_nothing(client, explaining):
    answer = client.get(WHY, params={"id": 7, "post": 3})
    assert answer.status_code == 404 and WHY not in answer.json()["cause"]
    assert WHY in explaining.get("/x").json()["cause"] and WHY in explaining.get("/openapi.json").json()["paths"]


# What the database adds to an error reaches the application, too.
HINTS = {
    (("post", 987654321),): "post: 987654321 cannot be recommended at this moment. It is unknown or hidden",
    (("post", 3), ("variant", "none")):
        "there is no variant 'none'. Variants with a model: control; without one: popular",
    (("post", 3), ("feed", "none")): "there is no feed 'none'. Feeds: none yet",
}


@pytest.mark.parametrize(("parameters", "name"), [
    ({"id": 7}, "post"), ({"id": 7, "post": "x"}, "post"), ({"id": 7, "post": 987654321}, "post"),
    ({"id": "x", "post": 3}, "id"), ({"id": 7, "post": 3, "variant": "none"}, "variant"),
    ({"id": 7, "post": 3, "feed": "none"}, "feed"), ({"id": 7, "post": 3, "limit": 5}, "limit"),
    ({"id": 7, "post": 3, "time": "yesterday"}, "time"),
])
def test_a_wrong_parameter_of_an_explanation_is_named(explaining, parameters, name):
    answer = explaining.get(WHY, params=parameters)
    assert answer.status_code == 422 and answer.json()["cause"].startswith(f"{name}: ")
    assert answer.json()["next"] == gateway.EXPLANATION_EXAMPLE
    assert HINTS.get(tuple(parameters.items())[1:], "") in answer.json()["cause"]


def test_a_request_is_two_round_trips(monkeypatch, direct, tmp_path):
    with open(tmp_path / "trace", "w") as file:

        async def trace(connection):
            connection.pgconn.trace(file.fileno())

        monkeypatch.setattr(gateway, "prepare", trace)
        with client_of(monkeypatch, dsn_of(direct)) as client:
            assert client.get(PATH, params={"id": 7}).status_code == 200
    found = (tmp_path / "trace").read_text()
    assert "recommend_for" in found and found.count("ReadyForQuery") == 2


def test_a_pool_without_server_does_not_flood_the_log():
    sparse = gateway.Sparse()
    records = [logging.LogRecord("psycopg.pool", logging.WARNING, "", 0, "error connecting in %r: %s", ("pool", n),
                                 None) for n in range(9)]
    records.append(
        logging.LogRecord("psycopg.pool", logging.WARNING, "", 0, "discarding broken connection: %s", ("c",), None)
    )
    assert [sparse.filter(record) for record in records] == [True, *[False] * 8, True]


def test_a_post_without_text_has_an_empty_one(client, ask):
    post_id, text, topic = ask("select post_id, text, topic from pgfeed.recommend_posts(7) where rank = 1")[0]
    ask("update pgfeed.posts set text = null, topic = null where post_id = %s", post_id)
    try:
        assert client.get(PATH, params={"id": 7}).json()[0] == {"id": post_id, "text": "", "topic": ""}
    finally:
        ask("update pgfeed.posts set text = %s, topic = %s where post_id = %s", text, topic, post_id)


def test_what_the_database_refuses_is_said(monkeypatch, dsn_without_features):
    with client_of(monkeypatch, dsn_without_features) as client:
        for path in ("/health", f"{PATH}?id=1"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert answer.json() == {
                "what": "the database refused", "cause": "the features were never refreshed",
                "next": "Run: call pgfeed.refresh_features()"
            }


@pytest.fixture
def dsn_without_features(template):
    with clone(template) as dsn:
        yield dsn


def test_a_login_without_rights_is_told_what_to_grant(monkeypatch, direct):
    administer(f'revoke pgfeed_reader from "{direct.user}"')
    try:
        with client_of(monkeypatch, dsn_of(direct), is_explaining=True) as client:
            answers = [client.get(PATH, params={"id": 1}), client.get(WHY, params={"id": 1, "post": 3})]
    finally:
        administer(f'grant pgfeed_reader to "{direct.user}"')
    for answer in answers:
        assert answer.status_code == 503 and "grant pgfeed_reader" in answer.json()["next"]


def test_it_survives_a_restart_of_what_it_is_connected_to(monkeypatch, pgbouncer):
    monkeypatch.setattr(gateway, "WAIT_SECONDS", 1)
    with client_of(monkeypatch, dsn_of(pgbouncer.address)) as client:
        before = client.get(PATH, params=SELF_TEST)
        assert before.status_code == 200 and client.get("/health").json() == {"status": "ok"}
        pgbouncer.stop()
        for path in (PATH, "/health"):
            answer = client.get(path, params=SELF_TEST)
            assert answer.status_code == 503 and answer.json()["what"] == "no connection to the database"
        pgbouncer.start()
        # Opening and warming a connection may take longer than WAIT_SECONDS.
        answers = (client.get(PATH, params=SELF_TEST) for _ in range(30))
        assert next(answer for answer in answers if answer.status_code == 200).json() == before.json()
        assert client.get("/health").status_code == 200
    pgbouncer.fill()


def test_lost_connections_are_replaced(client, ask, direct):
    before = client.get(PATH, params=SELF_TEST).json()
    assert ask("select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = %s",
               direct.user)[0][0] >= 2
    assert client.get(PATH, params=SELF_TEST).json() == before


def test_requests_at_once_share_the_pool(client, ask, direct):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(client.get(PATH, params=SELF_TEST).status_code))
               for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 12
    assert ask("select count(*) from pg_stat_activity where usename = %s", direct.user)[0][0] <= 2


def samples_of(answer) -> dict[tuple, float]:
    """Return the samples of an answer as Prometheus's own parser reads them, by name and labels."""
    families = list(parser.text_string_to_metric_families(answer.text))
    assert {family.type for family in families} == {"gauge"} and all(family.documentation for family in families)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_metrics_are_the_figures_of_health(client, ask):
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=")
    found = samples_of(answer)
    assert found["pgfeed_up",] == 1 and found["pgfeed_posts",] == 80 and found["pgfeed_model_version", "control"] == 1
    assert found["pgfeed_features_max_age_seconds",] == 54 * 3600 and found["pgfeed_database_size_bytes",] > 10**6
    rows = ask("select name, status, figures from pgfeed.health()")
    numbers = {"ok": 0, "warn": 1, "fail": 2}
    statuses = {key[1]: value for key, value in found.items() if key[0] == "pgfeed_probe_status"}
    assert statuses == {row[0]: numbers[row[1]] for row in rows}
    figures = {name for row in rows for name in row[2]}
    assert {key[0] for key in found} == {"pgfeed_up", "pgfeed_probe_status", *(f"pgfeed_{name}" for name in figures)}
    explained = {name for row in rows if row[0] != "thresholds" for name in row[2]}
    assert explained <= set(monitoring.FIGURES)


def test_metrics_are_openmetrics_for_those_who_ask(client):
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = list(openmetrics.text_string_to_metric_families(answer.text))
    assert "pgfeed_posts" in {family.name for family in families}


def test_a_failed_probe_is_a_metric(client, ask):
    ask("update pgfeed.models set trained_until = trained_until - interval '60 days'")
    try:
        found = samples_of(client.get("/metrics"))
    finally:
        ask("update pgfeed.models set trained_until = trained_until + interval '60 days'")
    assert found["pgfeed_probe_status", "model control"] == 2
    assert found["pgfeed_model_lag_seconds", "control"] == 60 * 86400


def test_without_a_database_metrics_say_that_it_is_down(monkeypatch):
    with client_of(monkeypatch, "host=/nowhere connect_timeout=1") as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200 and samples_of(answer) == {("pgfeed_up",): 0}


def test_the_description_names_every_answer(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert list(paths) == [PATH, "/health", "/metrics"]
    assert list(paths[PATH]["get"]["responses"]) == ["200", "422", "503"]
    parameters = paths[PATH]["get"]["parameters"]
    assert [(each["name"], each["in"], each["required"]) for each in parameters] == [("id", "query", True), *(
        (name, "query", False) for name in ("time", "limit", *WISHES)
    )]
    assert "Link" in paths[PATH]["get"]["responses"]["200"]["headers"]
    assert all(each["description"] for each in parameters)


def test_a_taken_port_is_one_clear_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(PgfeedError, match=r"Address already in use.*--port 0"):
            gateway.listen("127.0.0.1", taken.getsockname()[1])


@contextlib.contextmanager
def serving(dsn, *options):
    """Yield the address of a gateway in a process of its own."""
    command = [sys.executable, "-m", "loader.cli", "serve-http", "--port", "0", "--pool", "2", *options]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PGFEED_DSN": dsn},
                               stderr=subprocess.PIPE, text=True)
    try:
        yield re.match(r"(http://127\.0\.0\.1:\d+)/docs ", process.stderr.readline()).group(1)
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert "Traceback" not in errors


@pytest.mark.parametrize("options", [[], ["--experiment"]])
def test_a_live_server_answers(direct, options):
    with serving(dsn_of(direct), *options) as address:
        with urllib.request.urlopen(f"{address}{PATH}?id=1000&time=2021-12-20&limit=5", timeout=30) as answer:
            body = json.load(answer)
        with urllib.request.urlopen(f"{address}/docs", timeout=30) as page:
            assert page.status == 200
        assert len(body["recommendations"] if options else body) == 5
        with pytest.raises(urllib.error.HTTPError, match="422"):
            urllib.request.urlopen(f"{address}{PATH}?id=x", timeout=30)
