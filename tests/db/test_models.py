"""Models from files, and examples that do not look ahead."""

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import psycopg2
import pytest
from catboost import CatBoost, Pool

from loader.errors import PgfeedError
from loader.learning import impressions, recipes, registry, split, train
from loader.learning.feature_names import feature_names
from loader.learning.features import load_encoders
from loader.learning.model import NewModel, predict
from loader.measuring import full, logged
from tests.db.conftest import ROOT, autocommit, queries


@pytest.fixture
def connection(network_dsn):
    connection = psycopg2.connect(network_dsn)
    yield connection
    connection.close()


def fitted(names: list[str]) -> CatBoost:
    booster = CatBoost({"iterations": 3, "verbose": False, "allow_writing_files": False, "loss_function": "Logloss"})
    rows = np.random.default_rng(0).random((50, len(names)), np.float32)
    return booster.fit(Pool(rows, (rows[:, 0] > 0.5).astype(int), feature_names=names))


def test_a_file_from_elsewhere_serves(connection, tmp_path):
    path = tmp_path / "model.cbm"
    fitted(["user.age", "post.like_rate", "user.country", "user_topic.view_share:sport"]).save_model(str(path))
    assert registry.import_model(connection, "other", path) == 1
    assert registry.activate(connection, "other", None) == 1
    with connection.cursor() as cursor:
        cursor.execute("select source, variant from pgfeed.recommend_posts(7, '2021-12-13', 5, 'other')")
        assert cursor.fetchall() == [("model", "other")] * 5


def test_a_model_whose_scores_are_scaled_serves_and_says_that_it_cannot_be_explained(connection, tmp_path):
    booster = fitted(["user.age", "post.like_rate"])
    booster.set_scale_and_bias(2.0, [0.0])
    booster.save_model(str(tmp_path / "model.cbm"))
    registry.activate(connection, "other", registry.import_model(connection, "other", tmp_path / "model.cbm"))
    with connection.cursor() as cursor:
        cursor.execute("select distinct source from pgfeed.recommend_posts(7, '2021-12-13', 5, 'other')")
        assert cursor.fetchall() == [("model",)]
        with pytest.raises(psycopg2.errors.FeatureNotSupported, match="CatBoost cannot explain the model"):
            cursor.execute("select pgfeed.explain_recommendation(7, 3, '2021-12-13', 'other')")
    connection.rollback()


def test_export_and_import_give_the_same_scores(connection, tmp_path):
    path = tmp_path / "model.cbm"
    assert registry.export_model(connection, "control", None, path) == path.stat().st_size
    version = registry.import_model(connection, "control", path)
    call = "select post_id, score from pgfeed.recommend_posts(7, '2021-12-13', 20)"
    with connection.cursor() as cursor:
        cursor.execute(call)
        before = cursor.fetchall()
        registry.activate(connection, "control", version)
        cursor.execute(call)
        assert cursor.fetchall() == before
        cursor.execute(
            "select count(distinct encoders), count(distinct trained_until), count(trained_until) from pgfeed.models"
        )
        assert cursor.fetchone() == (1, 1, 2)  # it tells until when it was trained


def test_files_that_are_refused(connection, tmp_path):
    good = tmp_path / "good.cbm"
    fitted(["user.age", "post.like_rate"]).save_model(str(good))
    blob = good.read_bytes()
    damaged = bytearray(blob)
    damaged[100:] = bytes(b ^ 0xFF for b in damaged[100:])
    files = {
        "pickle.cbm": (pickle.dumps({}), "not a native CatBoost model"),
        "cut.cbm": (blob[:200], "cannot be loaded"),
        "damaged.cbm": (bytes(damaged), "cannot be loaded"),
        "empty.cbm": (b"", "not a native CatBoost model"),
    }
    for name, (content, message) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PgfeedError, match=message):
            registry.import_model(connection, "control", tmp_path / name)
    with pytest.raises(PgfeedError, match="cannot read .*missing.cbm"):
        registry.import_model(connection, "control", tmp_path / "missing.cbm")
    with (tmp_path / "big.cbm").open("wb") as file:
        file.truncate(300 * 2**20)
    with pytest.raises(PgfeedError, match="300 MB: a model may have 256 MB"):
        registry.import_model(connection, "control", tmp_path / "big.cbm")
    fitted(["user.age", "shoe size", "post.colour"]).save_model(str(good))
    with pytest.raises(PgfeedError, match="does not have: shoe size, post.colour"):
        registry.import_model(connection, "control", good)
    with pytest.raises(PgfeedError, match="cannot write .*: Is a directory"):
        registry.export_model(connection, "control", None, tmp_path)
    with connection.cursor() as cursor:
        cursor.execute("select distinct model_version from pgfeed.recommend_posts(7, '2021-12-13')")
        assert cursor.fetchall() == [(1,)]


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"post.topic": ["sport"]}', '{"post.topic": {"sport": "1"}}',
                                  '{"match.text": 5}',
                                  '{"post.topic": {"sport": NaN}}', '{"post.topic": {"sport": ' + "9" * 400 + "}}",
                                  "[" * 10_000])
def test_encoders_from_elsewhere_that_serving_could_not_use(connection, tmp_path, text):
    booster = fitted(["post.topic", "user.age"])
    booster.get_metadata()[registry.ENCODERS_KEY] = text
    booster.save_model(str(tmp_path / "model.cbm"))
    with pytest.raises(PgfeedError, match="unusable encoders"):
        registry.import_model(connection, "other", tmp_path / "model.cbm")


def test_a_model_of_three_classes_is_refused(connection, tmp_path):
    rows = np.random.default_rng(0).random((60, 2), np.float32)
    booster = CatBoost({"iterations": 2, "verbose": False, "allow_writing_files": False, "loss_function": "MultiClass"})
    booster.fit(
        Pool(rows, np.arange(60) % 3, feature_names=["user.age", "post.like_rate"])
    ).save_model(str(tmp_path / "model.cbm"))
    with pytest.raises(PgfeedError, match="gives 3 numbers for each post"):
        registry.import_model(connection, "other", tmp_path / "model.cbm")


@pytest.mark.parametrize(("kind", "value"), [("cat", "sport"), ("text", "two words"), ("embedding", [0.5, 0.1])])
def test_features_that_are_no_numbers_are_refused(connection, tmp_path, kind, value):
    booster = CatBoost({"iterations": 2, "verbose": False, "allow_writing_files": False, "loss_function": "Logloss"})
    rows = [[value if n % 2 else value[::-1], n] for n in range(60)]
    pool = Pool(rows, [n % 2 for n in range(60)], feature_names=["post.topic", "user.age"], **{f"{kind}_features": [0]})
    booster.fit(pool).save_model(str(tmp_path / "model.cbm"))
    with pytest.raises(PgfeedError, match="has categorical, text or embedding features"):
        registry.import_model(connection, "other", tmp_path / "model.cbm")


def test_a_file_with_features_of_the_moment_serves(connection, tmp_path):
    fitted(
        ["fresh.like_1d", "pair.co_like", "taste.like_count", "user.age", "match.factors"]
    ).save_model(str(tmp_path / "model.cbm"))
    registry.activate(connection, "other", registry.import_model(connection, "other", tmp_path / "model.cbm"))
    with connection.cursor() as cursor:
        cursor.execute("select source, variant from pgfeed.recommend_posts(7, '2021-12-13', 5, 'other')")
        assert cursor.fetchall() == [("model", "other")] * 5


def test_a_model_that_is_not_there_names_what_is(connection, tmp_path):
    def error_of(job, *arguments):
        with pytest.raises(PgfeedError) as error:
            job(connection, *arguments)
        return error.value.cause, error.value.next

    assert error_of(registry.load_active, "nothing") == error_of(registry.activate, "nothing", None) == (
        "variants with a model: control; that train can make: control, negatives, test, test_fresh",
        "name one of these, or to begin a new variant: pgfeed train nothing --activate",
    )
    stored = ("stored versions: 1", "table pgfeed.model_versions")
    assert error_of(registry.activate, "control", 7) == error_of(
        registry.export_model, "control", 7, tmp_path / "model.cbm"
    ) == stored
    assert error_of(registry.load_active, "test") == ("none is stored", "pgfeed train test --activate")
    for variant in ("popular", "Control"):
        with pytest.raises(PgfeedError, match="no model can be of variant"):
            registry.import_model(connection, variant, tmp_path / "model.cbm")
    model = replace(registry.load_active(connection, "control"), feature_names=["fresh.view_1h"])
    with pytest.raises(PgfeedError, match="pgfeed evaluate full"):
        logged.evaluate(connection, model)
    registry.store(connection, "test",
                   NewModel(fitted(["user.age"]), ["user.age"], {}, None, None, np.zeros((1, 1), np.float32), {}, {}))
    assert error_of(registry.load_active, "test") == ("stored versions: 1", "pgfeed activate test")


def features_of(connection, days: list[date]) -> impressions.Impressions:
    names = feature_names(connection, "control", split.load(connection))
    return impressions.load(connection, days, names, load_encoders(connection, days[0]))


def test_flipping_all_later_labels_moves_no_earlier_row(connection, network):
    days = [date(2021, 12, 6), date(2021, 12, 7)]
    before = features_of(connection, days)
    connection.rollback()
    network("update pgfeed.feed_events set target = not target, recorded_at = now() where event_at >= '2021-12-07'")
    network("call pgfeed.refresh_features()")
    after = features_of(connection, days)
    assert np.array_equal(before.features, after.features, equal_nan=True)
    first = before.days == np.datetime64(days[0])
    assert np.array_equal(before.is_liked[first], after.is_liked[first])
    assert np.array_equal(before.is_liked[~first], ~after.is_liked[~first])


def test_an_event_planted_after_the_cut_off_moves_no_feature(connection, network):
    day = [date(2021, 12, 7)]
    before = features_of(connection, day)
    connection.rollback()
    # Of posts that the user does not view on the day: a view of what is liked already is nothing to learn from.
    network("""
        insert into pgfeed.feed_events (event_at, user_id, post_id, action)
        select timestamptz '2021-12-07 00:00+00', u, p, 'like'
        from generate_series(1, 60) u cross join generate_series(1, 80) p
        where not exists (
            select from pgfeed.feed_events as e
            where e.user_id = u and e.post_id = p and e.event_at >= '2021-12-07' and e.event_at < '2021-12-08'
        )
    """)
    network("call pgfeed.refresh_features()")
    assert np.array_equal(before.features, features_of(connection, day).features, equal_nan=True)


def test_an_event_before_the_cut_off_does(connection, network):
    day = [date(2021, 12, 7)]
    before = features_of(connection, day)
    connection.rollback()
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select timestamptz '2021-12-06 23:59:59+00', u, 4, 'like' from generate_series(1, 60) u")
    network("call pgfeed.refresh_features()")
    assert not np.array_equal(before.features, features_of(connection, day).features, equal_nan=True)


def test_verbs_print_json(network_dsn):
    for arguments in (["evaluate", "logged", "control"], ["recommend", "7", "--at", "2021-12-13"],
                      ["train", "control"]):
        done = subprocess.run(
            [sys.executable, "-m", "loader.cli", *arguments, "--json"],
            cwd=ROOT, env={**os.environ, "PGFEED_DSN": network_dsn}, capture_output=True, text=True,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)
    with autocommit(network_dsn) as connection:
        assert queries(connection)(
            "select count(distinct method), min(sample_count) > 0 from pgfeed.evaluations"
        ) == [(8, True)]


def test_no_protocol_evaluates_on_days_that_the_model_was_trained_on(connection, network):
    trained_until = network("select (trained_until at time zone 'UTC')::date from pgfeed.models")[0][0]
    assert split.load(connection).day == trained_until
    network("delete from pgfeed.feed_events where event_at >= %s + 1", trained_until)
    network("call pgfeed.recount_days(%s + 1, '2021-12-12')", trained_until)
    model = registry.load_active(connection, "control")
    assert split.load(connection).day < trained_until
    assert split.load(connection).for_model(model.trained_until).day == trained_until
    network("delete from pgfeed.feed_events where event_at >= %s", trained_until)
    network("call pgfeed.recount_days(%s, '2021-12-12')", trained_until)
    for protocol in (logged, full):
        with pytest.raises(PgfeedError, match="the model has seen all days"):
            protocol.evaluate(connection, model)


def test_what_serves_has_learned_from_all_days_and_what_is_measured_has_not(connection, network):
    """The copy that is evaluated equals what is trained without the held-out days; what serves is another model."""
    alone, refitted = train.train(connection, "control"), train.train(connection, "control", is_refitted=True)
    version = registry.activate(connection, "control", registry.store(connection, "control", refitted))
    stored, served_until, first, until, deployed = network(
        "select v.trained_until, a.trained_until, v.evaluated_from, v.evaluated_until, m.artifact"
        " from pgfeed.model_versions as v join pgfeed.models as m using (variant, version)"
        " join pgfeed.active_models as a using (variant, version) where version = %s", version
    )[0]
    days = split.load(connection)
    assert (first, until, stored) == (split.midnight(days.day), split.midnight(days.end), served_until)
    assert until == stored == datetime(2021, 12, 13, tzinfo=UTC)
    model = registry.load_active(connection, "control")
    assert (model.trained_until, model.deployed_until) == (first, until)
    rows = np.random.default_rng(0).normal(5, 5, (200, len(model.feature_names))).astype(np.float32)
    measured = predict(model.booster, rows)
    assert (measured == predict(alone.booster, rows)).all()
    assert np.abs(measured - predict(CatBoost().load_model(blob=bytes(deployed)), rows)).max() > 0.01
    assert logged.evaluate(connection, model).results[0].sample_count > 0
    assert refitted.metrics["refit_row_count"] > refitted.metrics["row_count"] == alone.metrics["row_count"]
    with pytest.raises(PgfeedError, match="the model has seen all days before 2021-12-13"):
        days.for_model(model.deployed_until)


def test_a_recipe_of_ones_own_trains_a_variant_and_trains_it_again(network, network_dsn, tmp_path):
    """The second training has no file: the version before says how it was made."""
    (tmp_path / "small.toml").write_text(
        'learns_from = "impressions"\nfeatures = ["post.like_rate", "user.age"]\ntopic_count = 1\noffsets = []\n'
        '[parameters]\nloss_function = "QuerySoftMax"\niterations = 30\n'
    )
    for options in (["--recipe", str(tmp_path / "small.toml"), "--set", "depth=3"], ["--set", "max_days=5"]):
        done = subprocess.run(
            [sys.executable, "-m", "loader.cli", "train", "mine", *options, "--activate"],
            cwd=ROOT, env={**os.environ, "PGFEED_DSN": network_dsn}, capture_output=True, text=True,
        )
        assert done.returncode == 0, done.stderr
    rows = network(
        "select m.feature_names, m.parameters -> 'recipe' -> 'parameters', m.parameters -> 'recipe' -> 'max_days',"
        " m.encoders ? 'seen' from pgfeed.models as m where m.variant = 'mine' order by m.version"
    )
    parameters = {"loss_function": "QuerySoftMax", "iterations": 30, "depth": 3}
    names = ["post.like_rate", "user.age", rows[0][0][2]]
    assert names[2].startswith("user_topic.view_share:")
    assert rows == [(names, parameters, 24, False), (names, parameters, 5, False)]
    answer = network("select source, variant, model_version from pgfeed.recommend_posts(7, now(), 5, 'mine')")
    assert answer == [("model", "mine", 2)] * 5


def test_a_recipe_with_a_feature_that_nothing_computes_is_refused(connection):
    recipe = replace(recipes.RECIPES["control"], features=["post.like_rate", "post.beauty"])
    with pytest.raises(PgfeedError, match=r"the recipe of mine has features.* not have: post\.beauty\."):
        train.train(connection, "mine", recipe=recipe)


def test_without_refit_the_held_out_days_teach_nothing(network, network_dsn):
    done = subprocess.run(
        [sys.executable, "-m", "loader.cli", "train", "control", "--no-refit", "--json"],
        cwd=ROOT, env={**os.environ, "PGFEED_DSN": network_dsn}, capture_output=True, text=True,
    )
    assert "held_out_request_auc" not in json.loads(done.stdout), done.stderr
    assert network("select count(distinct trained_until), count(evaluation_artifact) from pgfeed.models") == [(1, 0)]


def test_topics_of_held_out_days_choose_no_features(connection, network):
    names = feature_names(connection, "control", split.load(connection))
    network("insert into pgfeed.posts (post_id, topic) values (999, 'late')")
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " select timestamptz '2021-12-12 23:00+00', u, 999, 'view' from generate_series(1, 60) u")
    network("call pgfeed.roll_up_events()")
    assert feature_names(connection, "control", split.load(connection)) == names
