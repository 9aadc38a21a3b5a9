"""off_policy_report() on lists that were served and liked in a database, and its verb."""

import json

import numpy as np
import psycopg2
import pytest
from click.testing import CliRunner

from loader.cli import main

START = "2021-12-20 08:00+00"
# Even users like even posts: popular knows nothing of it, control does.
LIKE = """
    insert into pgfeed.feed_events (event_at, user_id, post_id, action)
    select x.served_at + interval '1 minute', x.user_id, p.post_id, 'like'
    from pgfeed.exposures as x cross join lateral unnest(x.post_ids) as p (post_id)
    where
        x.served_at = %s
        and ('x' || substr(md5(concat(x.user_id, x.served_at, p.post_id)), 1, 8))::bit(32)::bigint / 4294967296.0
        < case when x.user_id %% 2 = p.post_id %% 2 then 0.5 else 0.05 end
    on conflict do nothing
"""


@pytest.fixture
def served(network):
    """A function that runs statements where popular served each of 60 users 12 lists, at the normal exploration."""
    network("call pgfeed.create_feed('lively', explore => 'normal')")
    network("call pgfeed.create_event_partitions(%s, %s)", START, START)
    network("set pgfeed.default_variant = 'popular'")
    for hour in range(8, 20):
        moment = f"2021-12-20 {hour:02}:00+00"
        network("select count(r) from pgfeed.users as u"
                " cross join lateral pgfeed.serve_posts(u.user_id, %s, 4, feed => 'lively') as r", moment)
        network(LIKE, moment)
    network("reset pgfeed.default_variant")
    return network


def report(query, model, *arguments):
    """Return the rows of off_policy_report() by metric and estimator."""
    rows = query("select metric, estimator, value, low, high, list_count, user_count, effective_size, support, refusal"
                 f" from pgfeed.off_policy_report(%s, until_at => '2021-12-21'{''.join(arguments)})", model)
    return {row[:2]: row[2:] for row in rows}


def test_what_served_itself_is_as_good_as_without_exploration(served):
    rows = report(served, "popular")
    logged, ips = rows["likes per list", "logged"], rows["likes per list", "IPS"]
    assert logged[3:5] == (720, 60) and ips[-1] is None and ips[6] == pytest.approx(1, abs=0.05)
    assert ips[5] > 300
    assert abs(ips[0] - logged[0]) < 3 * (ips[2] - ips[1]) / 3.92
    assert rows["likes per place", "IPS"][0] == pytest.approx(ips[0] / 4)
    counted = served("select count(*) from pgfeed.exposures as x cross join lateral unnest(x.post_ids) as p (post_id)"
                     " where exists (select from pgfeed.liked_posts as l where l.user_id = x.user_id"
                     " and l.post_id = p.post_id and l.liked_at between x.served_at and x.served_at + interval '1 h')"
                     " or exists (select from pgfeed.feed_events as e where e.user_id = x.user_id"
                     " and e.post_id = p.post_id and e.action = 'like' and e.event_at >= x.served_at"
                     " and e.event_at < x.served_at + interval '1 hour')")[0][0]
    assert logged[0] == pytest.approx(counted / 720)


def test_a_version_that_never_served_is_ahead_if_it_is_better(served):
    rows = report(served, "control@1")
    better, logged = rows["likes per list", "doubly robust"], rows["likes per list", "logged"]
    if better[-1] is None:
        assert better[1] > logged[0]
    else:  # popular's lists hardly have what control would show
        assert "are needed" in better[-1]
    assert report(served, "control") == rows


def test_without_exploration_nothing_is_judged(network):
    network("call pgfeed.create_feed('calm')")
    network("select from pgfeed.serve_posts(1, %s, feed => 'calm')", START)
    network("select from pgfeed.serve_posts(1, %s)", START)
    rows = report(network, "control@1")
    assert list(rows) == [("likes per list", "doubly robust")]
    assert rows["likes per list", "doubly robust"][-1].startswith("no list was explored from ")


def test_only_lists_that_the_version_has_not_seen_judge_it(served):
    seen = served("select coalesce(case when evaluation_artifact is null then trained_until else evaluated_from end)"
                  " from pgfeed.models")[0][0]
    with pytest.raises(psycopg2.Error, match="control@1 has seen events until"):
        report(served, "control@1", ", from_at => '2021-12-01'")
    served("update pgfeed.models set evaluated_from = '2022-01-01', trained_until = '2022-01-01'")
    rows = report(served, "control@1")
    assert "no list was explored" in rows["likes per list", "doubly robust"][-1]
    assert seen is not None


def test_pages_after_the_first_do_not_judge(served):
    moment = "2021-12-20 20:00+00"
    page = "select r.cursor from pgfeed.serve_posts(1, %s, 4, feed => 'lively', after => %s) as r order by r.rank"
    after = served(page, moment, None)[-1][0]
    served(page, moment, after)
    later = "select count(*) from pgfeed.exposures where arguments ? 'after' and propensities is not null"
    assert served(later) == [(1,)]
    assert report(served, "popular")["likes per list", "logged"][3] == 721


def test_lists_of_a_dropped_feed_do_not_judge(served):
    served("call pgfeed.create_feed('gone', explore => 'normal')")
    served("select from pgfeed.serve_posts(1, '2021-12-20 20:00+00', 4, feed => 'gone')")
    assert report(served, "control")["likes per list", "logged"][3] == 721
    served("call pgfeed.drop_feed('gone')")
    assert report(served, "control")["likes per list", "logged"][3] == 720


def test_a_version_that_cannot_serve_is_not_judged_as_popular(served):
    served("update pgfeed.models set sha256 = repeat('0', 64)")
    with pytest.raises(psycopg2.Error, match="control@1 cannot serve: its artifact does not have the recorded sha256"):
        report(served, "control")


def test_a_version_that_does_not_say_what_it_has_seen_needs_from_at(served):
    served("update pgfeed.models set trained_until = null, evaluation_artifact = null, evaluated_from = null")
    with pytest.raises(psycopg2.Error, match="it is not known which events control@1 has seen"):
        report(served, "control")
    rows = report(served, "control", ", from_at => '2021-12-20 12:00+00'")
    assert rows["likes per list", "logged"][3] == 480


@pytest.mark.parametrize("model", ["control@7", "nobody", "control@", "a@b", None])
def test_what_is_no_model_is_refused(network, model):
    with pytest.raises(psycopg2.Error, match="there is no model"):
        report(network, model)


@pytest.mark.parametrize(("more", "words"), [
    ("most => 0", "nothing can be told from 0 lists"), ("most => null", "nothing can be told from null lists"),
    ("attribution => '-1 hour'", "no like belongs to a list for -01:00:00"), ("attribution => null", "for null"),
    ("from_at => '2021-12-21', until_at => '2021-12-20'", "there are no lists from 2021-12-21"),
    ("until_at => null", "there are no lists from the beginning until null"),
    ("feed => 'nobody'", "there is no feed 'nobody'"),
])
def test_what_makes_no_sense_is_refused(network, more, words):
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match=words) as raised:
        network(f"select from pgfeed.off_policy_report('control', {more})")
    assert raised.value.diag.message_hint


def test_a_variant_without_an_active_version_is_named(network):
    network("delete from pgfeed.model_activations")
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="no version of control is active"):
        report(network, "control")
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="no version of control is named"):
        network("call pgfeed.activate_model('control', null)")


def test_the_verb(served, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    result = CliRunner().invoke(main, ["evaluate", "off-policy", "popular", "--feed", "lively", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    by_name = {(row["metric"], row["estimator"]): row for row in told["estimates"]}
    assert told["model"] == "popular" and by_name["likes per list", "IPS"]["list_count"] == 720
    result = CliRunner().invoke(main, ["evaluate", "off-policy", "popular", "control@1"])
    assert "popular would have had " in result.stdout and "720 lists of 60 users" in result.stdout
    result = CliRunner().invoke(main, ["evaluate", "off-policy", "popular", "--feed", "nobody"])
    assert result.exit_code == 1 and "there is no feed 'nobody'" in result.output
    served("call pgfeed.create_feed('quiet')")
    result = CliRunner().invoke(main, ["evaluate", "off-policy,logged", "control", "--feed", "quiet"])
    assert result.output.startswith("control is not judged: no list was explored")
    assert "logged, control" in result.output
    result = CliRunner().invoke(main, ["evaluate", "logged", "control", "--feed", "lively"])
    assert "--feed names no lists: it is of off-policy" in result.output
    assert np.isfinite([row["value"] for row in told["estimates"]]).all()


def test_a_version_is_judged_by_what_serves_on_lists_after_its_days(served):
    served("call pgfeed.create_feed('own', explore => 'normal')")
    served("set pgfeed.default_variant = 'control'")
    for hour in range(8, 20):
        served("select count(r) from pgfeed.users as u"
               " cross join lateral pgfeed.serve_posts(u.user_id, %s, 4, feed => 'own') as r",
               f"2021-12-20 {hour:02}:30+00")
    served("reset pgfeed.default_variant")
    served("update pgfeed.models set evaluation_artifact = 'x', evaluated_from = '2021-12-01',"
           " evaluated_until = '2021-12-10', trained_until = '2021-12-19' where variant = 'control'")
    assert report(served, "control", ", feed => 'own'")["likes per list", "IPS"][6] == pytest.approx(1, abs=0.05)
