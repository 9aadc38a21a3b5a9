"""Several models and scores from outside on the same requests."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import psycopg2
import pytest
from click.testing import CliRunner

from loader.cli import main
from loader.errors import PgfeedError
from loader.learning import registry
from loader.learning.recipes import RECIPES, as_settings
from loader.measuring import compare, full, logged, outside, paired
from loader.metrics import bootstrap

# 1 for what a user likes, as in the network of the fixtures; at the moment of each view and at the held-out midnight.
SCORES = """
    create table app.scores as
    select i.user_id, i.post_id, i.viewed_at as ts, (i.user_id %% 2 = i.post_id %% 2)::integer::float8 as score
    from pgfeed.impressions as i where i.viewed_at >= %(day)s
    union all
    select u.user_id, p.post_id, %(day)s, (u.user_id %% 2 = p.post_id %% 2)::integer::float8
    from pgfeed.users as u cross join pgfeed.posts as p
"""


@pytest.fixture
def connection(network_dsn):
    """The network with a second version of control, the first three trees of the first one."""
    with closing(psycopg2.connect(network_dsn)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, trained_from,"
                " trained_until, evaluation_artifact, evaluated_from, parameters, metrics, golden_matrix,"
                " golden_scores)"
                " select variant, 2, artifact, sha256, feature_names, encoders, trained_from,"
                " trained_until, evaluation_artifact, evaluated_from, parameters, metrics, golden_matrix, golden_scores"
                " from pgfeed.models"
            )
        yield connection


@pytest.fixture
def scored(connection):
    """The network with a table app.scores."""
    with connection, connection.cursor() as cursor:
        cursor.execute("create schema app")
        cursor.execute("select coalesce(evaluated_from, trained_until) from pgfeed.models limit 1")
        cursor.execute(SCORES, {"day": cursor.fetchone()[0]})
    return connection


def of(connection, name):
    """A version of control, of which the second knows three trees only."""
    model = registry.load_named(connection, name)
    if model.version == 2:
        model.booster.shrink(3)
    return model


@pytest.mark.parametrize("protocol", [logged, full])
def test_models_are_measured_on_the_same_requests(connection, protocol):
    models = [of(connection, "control"), of(connection, "control@2")]
    contest = protocol.contest(connection, models)
    assert list(contest.entrants) == ["control@1", "control@2"]
    for model in models:
        alone = protocol.evaluate(connection, model)
        together = contest.evaluation(model.name)
        own = [r for r in together.results if r.method in ("model", "most popular", "newest first")]
        assert own == [r for r in alone.results if r.method in ("model", "most popular", "newest first")]
    metric = next(iter(contest.values["control@1"]))
    ours, theirs = (contest.values[model.name][metric] for model in models)
    assert (ours != theirs).any()
    gain, low, high = bootstrap(theirs - ours, contest.user_ids)
    assert f"control@2 over control@1 by {metric}: {gain:+.3f} ({low:+.3f} to {high:+.3f})" in contest.verdicts()
    assert [evaluation.version for evaluation in contest.evaluations()] == [1, 2]


def test_scores_of_a_table_are_an_entrant(scored):
    for protocol in (logged, full):
        contest = protocol.contest(scored, [of(scored, "control")], ["app.scores"])
        metric = next(iter(contest.values["app.scores"]))
        assert contest.values["app.scores"][metric].mean() > contest.values["random"][metric].mean() + 0.05
        alone = protocol.contest(scored, [], ["app.scores"])
        assert np.array_equal(alone.values["app.scores"][metric], contest.values["app.scores"][metric])
        assert alone.evaluations() == [] and alone.as_dicts()[0]["scores"] == "app.scores" and alone.table()


def test_a_table_of_scores_may_have_any_name(scored):
    with scored, scored.cursor() as cursor:
        cursor.execute('create view app."50%s" as select * from app.scores')
    for protocol in (logged, full):
        found = protocol.contest(scored, [], ["app.scores", 'app."50%s"']).values
        for metric, values in found["app.scores"].items():
            np.testing.assert_array_equal(values, found['app."50%s"'][metric])
    with scored, scored.cursor() as cursor:
        cursor.execute('drop view app."50%s"')


@pytest.mark.parametrize(("change", "protocol", "words"), [
    ("drop table app.scores", logged, "there is no such table or view"),
    ("alter table app.scores rename score to value", logged, "it has no column score. Next: make a view with user_id"),
    ("alter table app.scores alter ts type text using 'noon'", logged, "invalid input syntax"),
    ("update app.scores set score = null where post_id = 3", logged, "a row has a null"),
    ("delete from app.scores where post_id = 3", logged,
     r"it has no score for [\d,]+ of [\d,]+ views, such as that of post 3 by"),
    ("insert into app.scores select * from app.scores limit 7", logged, "it has 7 rows of the same user, post and ts"),
    ("delete from app.scores where user_id = 3", full, r"no score of that ts for 1 of 58 users, such as 3"),
])
def test_scores_that_cannot_be_taken_say_why(scored, change, protocol, words):
    with scored, scored.cursor() as cursor:
        cursor.execute(change)
    with pytest.raises(PgfeedError, match=words):
        protocol.contest(scored, [], ["app.scores"])


def test_a_post_without_a_score_comes_last(scored):
    with scored, scored.cursor() as cursor:
        cursor.execute("delete from app.scores where user_id <> post_id % 60")
        cursor.execute("update app.scores set score = -1e300")
    at = registry.load_active(scored, "control").trained_until
    score = outside.load(scored, "app.scores", at).scorer(at.timestamp(), [5])
    pack = full.load_pack(scored, at.date(), {})
    scores = score(full.Request(5, at.timestamp(), np.empty(0)), pack, {})
    assert set(pack.post_ids[np.argsort(-scores)[:2]]) == {5, 65}


def test_the_verbs(scored, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)

    def run(*words):
        result = CliRunner().invoke(main, words)
        return result.exit_code, result.output

    code, printed = run("evaluate", "logged", "control@1", "control@2", "--scores", "app.scores", "--json")
    found = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert code == 0 and [row.get("version", row.get("scores")) for row in found] == [1, 2, "app.scores"]
    code, printed = run("evaluate", "logged", "control@1", "control@2")
    assert code == 0 and "control@2 over control@1 by HitRate@5: +0.000 (+0.000 to +0.000)" in printed
    code, printed = run("compare", "control@1", "control@2", "--json")
    rows = json.loads(printed.splitlines()[-1])["differences"]
    assert {(row["protocol"], row["gain"]) for row in rows} == {("logged", 0), ("full", 0)}
    for words, said in (
        (["evaluate", "logged"], "neither a model nor --scores is named"),
        (["evaluate", "logged", "control@7"], "there is no model control version 7"),
        (["evaluate", "logged", "control@x"], "'control@x' names no model"),
        (["compare", "control", "control@1"], "both are control@1"),
        (["compare", "control@1"], "control@1 is one version"),
        (["compare", "negatives"], "there are no methods to compare for negatives"),
        (["compare", "nothing"], "Next: name one of these, or to begin a new variant: "),
        (["evaluate", "live", "control", "--by", "user.gender"], "evaluate full control --by user.gender"),
        (["train", "mine", "--recipe", "control", "--set", "subsample=7"], "CatBoost refuses its parameters"),
    ):
        code, printed = run(*words)
        assert code == 1 and said in printed


def test_methods_are_compared_by_a_variants_own_recipe(connection):
    assert compare.recipe_to_compare(connection, "test_fresh") == RECIPES["test_fresh"]
    own = as_settings(RECIPES["control"]) | {"topic_count": 3}
    with connection, connection.cursor() as cursor:
        cursor.execute("update pgfeed.models set variant = 'mine', parameters = %s where version = 2",
                       [json.dumps({"recipe": own})])
    assert compare.recipe_to_compare(connection, "mine").topic_count == 3


def test_what_no_protocol_can_measure_says_why(connection, monkeypatch):
    model = replace(registry.load_named(connection, "control@1"), feature_names=["fresh.view_1h"])
    monkeypatch.setattr(paired.registry, "load_named", lambda connection, name: replace(model, version=int(name)))

    def refuse(connection, models):
        raise PgfeedError("nothing to evaluate on", "no likes")

    monkeypatch.setattr(paired.full, "contest", refuse)
    monkeypatch.setattr(paired.logged, "contest", refuse)
    with pytest.raises(PgfeedError, match="no likes"):
        paired.compare(connection, "1", "2")


def test_what_is_beside_accuracy_and_by_group(network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    result = CliRunner().invoke(main, ["evaluate", "full", "control", "--by", "user.gender", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(next(line for line in result.output.splitlines() if line.startswith("{")))
    figures = {(row["method"], row["metric"]): row["value"] for row in found["results"]}
    assert 0 < figures["most popular", "coverage"] < figures["random", "coverage"] <= 1
    assert figures["most popular", "popularity bias"] > figures["random", "popularity bias"]
    assert figures["most popular", "novelty"] < figures["random", "novelty"]
    assert 0 < figures["random", "variety"] < 1
    groups = {row["group"]: row["sample_count"] for row in found["groups"] if row["metric"] == "HitRate@5"}
    assert set(groups) == {"0", "1"} and sum(groups.values()) == found["results"][0]["sample_count"]
    result = CliRunner().invoke(main, ["evaluate", "logged,full", "control", "--by", "user.age"])
    assert result.exit_code == 0 and "beside accuracy" in result.output and "by user.age" in result.output
    result = CliRunner().invoke(main, ["evaluate", "full", "control", "--by", "user.shoes"])
    assert result.exit_code == 1 and "users cannot be grouped by user.shoes: known: user.gender" in result.output
