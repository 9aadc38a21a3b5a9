"""Which recipe a new variant is trained by, and which version serves."""

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date

import numpy as np
import psycopg2
import pytest

from loader.errors import PgfeedError
from loader.learning import catalogue, registry, selection, split
from loader.learning.candidates import train_by
from loader.learning.recipes import RECIPES, shipped
from loader.learning.requests import Request
from tests.db.conftest import ROOT


@pytest.fixture
def connection(network_dsn):
    with closing(psycopg2.connect(network_dsn)) as connection:
        yield connection


@pytest.fixture
def small(monkeypatch):
    """Fewer requests and trees."""
    for name, value in (("MAX_REQUESTS", 300), ("MAX_VALIDATION_REQUESTS", 60), ("TREES", (30,))):
        monkeypatch.setattr(catalogue, name, value)
    monkeypatch.setattr(selection, "MAX_SESSIONS", 80)


def verb(dsn: str, *words: str) -> dict:
    """Run a verb of the command line; return what it prints as JSON."""
    done = subprocess.run([sys.executable, "-m", "loader.cli", *words, "--json"], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, "PGFEED_DSN": dsn})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_recipe_is_selected_on_days_before_the_held_out_ones(connection, small, monkeypatch):
    """What users like is written into their features, which control knows; test needs texts that are not embedded."""
    days, looked_at = split.load(connection), []
    load, told = selection.prepared, []

    def noted(connection, asked, *rest):
        looked_at.extend(asked)
        return load(connection, asked, *rest)

    def trained(*arguments, **options):
        assert len(told) == 2, "all that cannot be tried is told before anything is trained"
        return train_by(*arguments, **options)

    monkeypatch.setattr(selection, "prepared", noted)
    monkeypatch.setattr(selection, "train_by", trained)
    recipe, found = selection.select(connection, "mine", told.append)
    assert recipe == RECIPES["control"] and found.chosen == "control"
    assert list(found.figures)[:2] == ["control", "negatives"] and found.rules == list(found.figures)[2:]
    assert "no text components" in found.problems["test"]
    assert [text.split(":")[0] for text in told] == ["test cannot be tried", "test_fresh cannot be tried"]
    assert found.figures["control"].as_dict()["request_auc"] > 0.6 and "the best rule" in found.reason
    moments = [request.at for request in looked_at]
    inner = selection.validation_split(days)
    assert split.midnight(inner.day).timestamp() <= min(moments)
    assert max(moments) < split.midnight(days.day).timestamp()


def test_recipes_reach_together_what_each_reaches_alone(connection, small):
    """Also a model that encodes the categories of users and posts in the opposite order."""
    days = selection.validation_split(split.load(connection))
    sessions = selection.load_sessions(connection, days)
    models = {name: train_by(connection, "mine", shipped(name), split=days) for name in ("control", "negatives")}
    encoders = models["control"].encoders
    turned = {name: {value: -code for value, code in codes.items()} for name, codes in encoders.items()}
    models["turned"] = replace(models["control"], encoders=turned)
    together = selection.measured(connection, sessions, models)
    for name, model in models.items():
        alone = selection.measured(connection, sessions, {name: model})
        for figure, values in vars(alone[name]).items():
            np.testing.assert_array_equal(values, getattr(together[name], figure), f"{figure} of {name}")
        for rule in selection.rule_scorers():
            np.testing.assert_array_equal(alone[rule].ndcg, together[rule].ndcg, rule)
    assert not np.array_equal(together["control"].ndcg, together["turned"].ndcg)


def test_each_stands_against_the_best_rule():
    users = np.arange(40)
    figures = {name: selection.Figures(*(np.full(40, value) for _ in range(3)))
               for name, value in (("control", 0.3), ("rule, 1 d", 0.2), ("rule, 2 d", 0.25), ("newest first", 0.1))}
    sessions = [selection.Session(Request(user, 0.0, np.empty(0)), np.empty(0)) for user in users]
    found = selection.selection_of(sessions, figures, ["control"], {})
    assert found.rules == ["rule, 2 d", "newest first"]
    methods = found.as_dict()["methods"]
    assert list(methods) == ["control", "rule, 2 d", "newest first"] and "over_best_rule" not in methods["rule, 2 d"]
    assert methods["control"]["over_best_rule"]["low"] == pytest.approx(0.05)
    assert methods["newest first"]["over_best_rule"]["gain"] == pytest.approx(-0.15)
    assert "clear of the best rule, rule, 2 d (NDCG@10 +0.050, +0.050 to +0.050)" in found.reason


def test_what_is_clearly_worse_than_a_rule_is_taken_only_if_all_are():
    """However well it orders what was shown."""
    users = np.arange(40)
    figures = {
        name: selection.Figures(np.zeros(40), np.full(40, ndcg), np.full(40, auc))
        for name, ndcg, auc in (("orders", 0.1, 0.9), ("chooses", 0.3, 0.6), ("both", 0.2, 0.6))
    }
    rule = selection.Figures(*(np.full(40, 0.2) for _ in range(3)))
    assert selection.best_of(figures, rule, users) == "chooses"
    rule.ndcg[:] = 0.4
    assert selection.best_of(figures, rule, users) == "orders"
    rule.ndcg[:] = 0.05
    assert selection.best_of(figures, rule, users) == "orders"


def test_sessions_have_likes_and_others_and_start_with_the_first_view(connection, network):
    inner = selection.validation_split(split.load(connection))
    sessions = selection.load_sessions(connection, inner)
    assert sessions
    for session in sessions[:20]:
        request = session.request
        rows = network(
            "select post_id, is_liked, extract(epoch from viewed_at)::float8 from pgfeed.impressions where user_id = %s"
            " and viewed_at >= to_timestamp(%s) and (viewed_at at time zone 'UTC')::date"
            " = (to_timestamp(%s) at time zone 'UTC')::date",
            request.user_id, request.at, request.at,
        )
        assert {post_id for post_id, *_ in rows} >= set(session.shown) > set(request.targets)
        assert {post_id for post_id, is_liked, _ in rows if is_liked} >= set(request.targets) != set()
        assert request.at in {at for *_, at in rows}


def test_likes_alone_teach_by_negatives(connection, network):
    network("update pgfeed.feed_events set action = 'like', target = null where target")
    network("delete from pgfeed.feed_events where action = 'view'")
    network("truncate pgfeed.rollup_days, pgfeed.liked_posts")
    network("call pgfeed.refresh_features()")
    recipe, found = selection.select(connection, "mine")
    assert (found.chosen, recipe.negatives, found.figures) == ("negatives", 100, {})


def test_a_history_of_two_days_selects_nothing():
    views = {date(2021, 12, day): 100 for day in (1, 2, 3)}
    with pytest.raises(PgfeedError, match="too few days to choose a recipe on"):
        selection.validation_split(split.Split(views, date(2021, 12, 3)))


def test_a_version_serves_only_if_it_is_clearly_better(network, network_dsn):
    """The first of a variant always; one that knows what users like after one that does not; the same again not."""
    options = ["--no-refit", "--activate-if-better", "--recipe", "control"]
    first = verb(network_dsn, "train", "mine", *options, "--set", 'features=["user.age"]', "--set", "topic_count=0")
    assert (first["is_active"], first["trial"]["reason"]) == (True, "no version of mine served before")
    second = verb(network_dsn, "train", "mine", *options)
    assert second["is_active"] and "mine@2 is clearly better than mine@1: AUC of logged +" in second["trial"]["reason"]
    third = verb(network_dsn, "train", "mine", *options)
    assert not third["is_active"] and "mine@3 is not clearly better than mine@2" in third["trial"]["reason"]
    assert network("select version from pgfeed.active_models where variant = 'mine'") == [(2,)]


def test_an_imported_model_is_measured_on_days_that_it_has_not_seen(connection, network, network_dsn, tmp_path):
    path = tmp_path / "model.cbm"
    registry.export_model(connection, "control", 1, path)
    day = split.load(connection).day
    command = [sys.executable, "-m", "loader.cli", "import", "control", str(path), "--trained-until"]
    environment = {**os.environ, "PGFEED_DSN": network_dsn}
    done = subprocess.run([*command, "2021-12-12"], cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    model = registry.load_named(connection, "control@2")
    assert day < date(2021, 12, 12)
    assert split.load(connection).for_model(model.trained_until).day == date(2021, 12, 12)
    done = subprocess.run([*command, "soon"], cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and "soon" in done.stderr and "Traceback" not in done.stderr
