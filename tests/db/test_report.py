"""The report on a real database: a network, data that lacks things, hostile data."""

import re
import xml.etree.ElementTree as ElementTree

import psycopg2
import pytest
from click.testing import CliRunner

from loader.cli import main
from loader.errors import PgfeedError
from loader.learning import registry
from loader.measuring import logged
from loader.report import data as report_data
from loader.report import document

EVENTS = """
    call pgfeed.create_event_partitions('2021-12-01', '2021-12-12');
    insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)
    select timestamptz '2021-12-01 10:00+00' + u * interval '1 minute' + p * interval '1 second', u, p, 'view',
        (u + p) % 7 = 0
    from generate_series(1, 40) as u cross join generate_series(1, 6) as p
"""


@pytest.fixture
def reported(tmp_path):
    """A function that writes the report of a database; it returns the page's elements and its text without tags."""

    def write(dsn):
        connection = psycopg2.connect(dsn)
        document.write_report(connection, tmp_path / "report.html")
        connection.close()
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        root = ElementTree.fromstring(page)
        require_sound(root, page)
        body = root.find("body")
        return root, " ".join(" ".join(body.itertext()).split())

    return write


def require_sound(root, page):
    """Assert that a page is self-contained, has no script, unique ids, resolved references and alternative texts."""
    tags = {element.tag.split("}")[-1] for element in root.iter()}
    assert not tags & {"script", "link", "iframe", "object", "img", "image"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            if name.endswith("href"):
                assert value.startswith("#")
    assert "@import" not in page and not re.search(r"url\((?!#)", page)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {a.get("href")[1:] for a in root.iter("a")} <= set(ids)
    charts = [element for element in root.iter("div") if element.get("role") == "img"]
    assert all(element.get("aria-label") for element in charts)


def checks_of(root):
    """The data checks: finding and verdict by table and name."""
    found = {}
    section = next(s for s in root.iter("section") if s.get("id") == "checks")
    for row in section.iter("tr"):
        if row[0].find("span") is not None:
            verdict, table, name, finding = row
            found[table.text, name.text] = (verdict.find("span").text, finding.text)
    return found


def test_the_whole_report(network_dsn, reported):
    connection = psycopg2.connect(network_dsn)
    evaluation = logged.evaluate(connection, registry.load_active(connection, "control"))
    evaluation.store(connection)
    connection.close()
    root, text = reported(network_dsn)
    assert len(list(root.iter("section"))) == 11
    assert "60 users saw posts 8,640 times" in text and "1 December 2021 to 12 December 2021 (12 days)" in text
    assert f"HitRate@5 is {evaluation.results[0].value:.3f}" in text and "random" in text
    assert "mean |SHAP|" in text and "Slope" in text
    assert "serve_posts gave no list in the last 7 days" in text
    assert "live: not evaluated" not in text and "full: not evaluated" in text
    assert len([d for d in root.iter("div") if d.get("role") == "img"]) >= 20
    assert {name: check for name, check in checks_of(root).items() if check[0] != "ok"} == {}


def test_what_was_served(network_dsn, network, reported):
    for user_id in (7, 8, 9):
        network("select from pgfeed.serve_posts(%s, '2021-12-13 12:00+00')", user_id)
    posts, = network("select count(distinct p) from pgfeed.exposures as x, unnest(x.post_ids) as p")[0]
    _, text = reported(network_dsn)
    assert f"lists 3 posts in them {posts} share of the catalogue {posts / 80:.1%}" in text
    assert "places that show a post again 0.0%" in text


def test_counts_and_rates_are_those_of_the_database(network_dsn):
    connection = psycopg2.connect(network_dsn)
    data = list(report_data.collect(connection))[-1]
    with connection.cursor() as cursor:
        cursor.execute(
            "select u.age < 30, count(*), count(*) filter (where i.is_liked) from pgfeed.impressions as i"
            " join pgfeed.users as u on u.user_id = i.user_id group by 1 order by 1 desc"
        )
        young, old = cursor.fetchall()
        cursor.execute("select count(*), count(*) filter (where is_liked) from pgfeed.impressions")
        total = cursor.fetchone()
    connection.close()
    assert [(g.views, g.likes) for g in data.breakdowns["age"].groups] == [young[1:], old[1:]]
    for feature, found in data.breakdowns.items():
        assert (found.views, sum(g.likes for g in found.groups)) == total, feature
        assert all(g.low <= g.rate <= g.high for g in found.groups), feature
    assert [g.label for g in data.breakdowns["position"].groups] == [str(n) for n in range(1, 13)]
    assert data.distributions["session length"].counts.tolist() == [720]
    assert data.breakdowns["os"].verdict() == "one group only"


def test_a_sample_of_the_users_stands_for_all(network_dsn, monkeypatch, reported):
    monkeypatch.setattr(report_data, "SAMPLE_VIEWS", 4000)
    connection = psycopg2.connect(network_dsn)
    data = list(report_data.collect(connection))[-1]
    connection.close()
    assert 0 < data.breakdowns["hour"].views < data.overall.views == data.breakdowns["weekday"].views
    _, text = reported(network_dsn)
    assert f"rest on a sample of {4000 / 8640:.1%} of the users" in text and "views, sampled." in text


def test_nothing_loaded_and_nothing_rolled_up_are_errors(db, query, tmp_path):
    with pytest.raises(PgfeedError, match="no events are loaded.*ingest"):
        document.write_report(db, tmp_path / "a.html")
    query(EVENTS)
    with pytest.raises(PgfeedError, match="no views are rolled up.*refresh"):
        document.write_report(db, tmp_path / "a.html")
    with pytest.raises(PgfeedError, match="folder does not exist"):
        document.write_report(db, tmp_path / "none" / "a.html")
    assert not list(tmp_path.iterdir())


def test_one_day_of_events_and_nothing_else(dsn, query, reported):
    query(EVENTS)
    query("call pgfeed.roll_up_events()")
    root, text = reported(dsn)
    assert "40 users saw posts 240 times" in text and "(1 day)" in text
    for sentence in (
        "No model is active", "No texts are loaded", "No profiles are loaded", "No posts are loaded",
        "Nothing was evaluated yet", "No viewed post has a known text", "There is no model to check",
        "Events are newer than the features",
    ):
        assert sentence in text
    assert "Not shown, for they are known for less than 1% of the views: topic, age" in text
    checks = checks_of(root)
    assert checks["users", "rows"][0] == checks["posts", "rows"][0] == "look"
    assert checks["feed_events", "users without a profile"] == ("look", "40 of 40 (100.00%), with 100.0% of the views")


def test_a_model_that_cannot_be_explained(network_dsn, network, reported):
    network("delete from pgfeed.feed_events where event_at >= '2021-12-02'")
    network("call pgfeed.roll_up_events(null, '2021-12-02')")
    _, text = reported(network_dsn)
    assert "control cannot be explained: there is too little to learn from" in text
    assert "No active model could be checked" in text


def test_data_checks_find_what_is_wrong(network_dsn, network, reported):
    network("update pgfeed.users set age = 200, city = ' ' where user_id = 1")
    network("update pgfeed.users set source = null where user_id < 20")
    network("delete from pgfeed.users where user_id between 50 and 60")
    network("update pgfeed.posts set text = 'same' where post_id < 20")
    network("delete from pgfeed.posts where post_id = 80")
    network("update pgfeed.posts set created_at = '2021-12-05' where post_id = 1")
    network("delete from pgfeed.feed_events where event_at between '2021-12-04' and '2021-12-05'")
    network(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " select '2021-12-06 23:00+00', u, 2, 'like' from generate_series(1, 30) as u"
    )
    network("insert into pgfeed.ingest_files (source_name, kind, rejected_count) values ('a.csv', 'events', 3)")
    network(
        "insert into pgfeed.ingest_rejects (ingest_id, source_name, reason)"
        " select ingest_id, 'a.csv', '<no time>' from pgfeed.ingest_files"
    )
    network("call pgfeed.recount_days('2021-12-01', '2021-12-12')")
    root, _ = reported(network_dsn)
    checks = checks_of(root)
    assert checks["users", "age below 5 or above 110"] == ("look", "1 of 49 (2.04%)")
    assert checks["users", "empty text instead of null"] == ("look", "1 of 49 (2.04%)")
    assert checks["users", "missing values"] == ("look", "source 38.8%")
    assert checks["posts", "text that another post has too"] == ("look", "18 of 79 (22.78%)")
    assert checks["posts", "views on days before created_at"][0] == "look"
    assert checks["feed_events", "users without a profile"][0] == "look"
    assert checks["feed_events", "posts not in the catalogue"][0] == "look"
    assert checks["feed_events", "days without events"] == ("look", "1 of 12: 2021-12-04")
    assert checks["feed_events", "like rows without a view in the hour before"] == ("look", "30 of 30 (100.00%)")
    assert checks["ingest", "rows refused"] == ("look", "3 (<no time>: 1)")
    assert checks["ingest", "loads interrupted or running"][0] == "look"


def test_hostile_names_are_only_text(network_dsn, network, reported):
    evil = "</td><script>alert(1)</script> & $x_{$ `a` \"'" + chr(1) + chr(0x202E)
    network("update pgfeed.posts set topic = %s where post_id %% 2 = 0", evil)
    network("update pgfeed.users set city = %s || user_id, country = %s", evil * 20, "漢字 " + evil)
    network("update pgfeed.users set exp_group = -1, gender = 7 where user_id = 1")
    network("call pgfeed.roll_up_events(null, '2021-12-01')")
    _, text = reported(network_dsn)
    assert "<script>alert(1)</script>" in text


def test_two_variants_with_evaluations_of_old_versions(network_dsn, network, reported):
    network(
        "insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, trained_from,"
        " trained_until, parameters, metrics, golden_matrix, golden_scores)"
        " select 'test', 1, artifact, sha256, feature_names, encoders, trained_from,"
        " trained_until, parameters, metrics, golden_matrix, golden_scores from pgfeed.models"
    )
    network("call pgfeed.activate_model('test', 1)")
    for version, value, at in ((1, 0.4, "2022-01-02"), (1, 0.6, "2022-01-03"), (7, 0.5, "2022-01-01")):
        network(
            "insert into pgfeed.evaluations (evaluated_at, protocol, method, variant, model_version, metric, value,"
            " sample_count, parameters) values (%s, 'logged', 'model', 'test', %s, 'HitRate@5', %s, 9, '{}')",
            at, version, value,
        )
    network(
        "insert into pgfeed.evaluations (protocol, method, variant, model_version, metric, value, low, high,"
        " sample_count, parameters) values ('full', 'model', 'control', 9, 'NDCG@10', 0.1, 0.05, 0.2, 9, '{}')"
    )
    _, text = reported(network_dsn)
    assert "The model test version 1 is active. Its logged HitRate@5 is 0.600." in text
    assert "The model control version 1 is active. It was never evaluated" in text
    assert "not the active version" in text and "NDCG@10, full" in text and "0.4000" not in text


def test_the_verb(network_dsn, monkeypatch, tmp_path):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["report"])
    assert result.exit_code == 0, result.output
    assert "pgfeed-report.html" in result.output
    assert (tmp_path / "pgfeed-report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_verb_on_an_empty_database(dsn, monkeypatch, tmp_path):
    monkeypatch.setenv("PGFEED_DSN", dsn)
    result = CliRunner().invoke(main, ["report", "--out", str(tmp_path / "r.html")])
    assert result.exit_code == 1
    assert "nothing to report on" in result.output and f"Next: PGFEED_DSN={dsn} ./run ingest" in result.output
