"""Examples for other programs: what train learns from, and what comes back as scores or as a model."""

import csv
import json
from contextlib import closing

import numpy as np
import psycopg2
import pyarrow.parquet
import pytest
from catboost import CatBoost, Pool
from click.testing import CliRunner
from psycopg2.extras import execute_values

from loader.cli import main
from loader.learning import registry, split
from loader.learning.feature_names import feature_names
from loader.learning.features import load_encoders
from loader.learning.recipes import RECIPES
from loader.learning.train import load_history, nuisance
from loader.measuring import logged

IDS = ["split", "request", "user_id", "post_id", "ts", "position", "is_liked", "weight", "offset"]


@pytest.fixture
def connection(network_dsn, monkeypatch, tmp_path):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    monkeypatch.chdir(tmp_path)
    with closing(psycopg2.connect(network_dsn)) as connection:
        yield connection


def run(*words):
    result = CliRunner().invoke(main, ["examples", *words])
    return result.exit_code, result.output


def test_they_are_what_train_learns_from(connection):
    code, said = run("control", "--to", "train.parquet", "--json")
    assert code == 0, said
    table = pyarrow.parquet.read_table("train.parquet")
    days, recipe = split.load(connection), RECIPES["control"]
    names = feature_names(connection, "control", days)
    history = load_history(connection, days, names, recipe)
    assert table.column_names == [*IDS, *names]
    parts = table["split"].to_numpy(zero_copy_only=False)
    training = table.filter(pyarrow.array(parts == "train"))
    matrix = np.column_stack([training[name].to_numpy() for name in names])
    assert np.array_equal(matrix, history.training.features, equal_nan=True)
    assert np.array_equal(training["offset"].to_numpy(), nuisance(history.training, offsets=recipe.offsets)[0])
    ts = {name: table.filter(pyarrow.array(parts == name))["ts"].to_pylist() for name in np.unique(parts)}
    cut = split.midnight(days.day)
    assert max(ts["train"]) < min(ts["validation"]) and max(ts["validation"]) < cut <= min(ts["held_out"])
    columns = [table[name].to_pylist() for name in ("request", "user_id", "ts")]
    requests = [(request, user_id, at.date()) for request, user_id, at in zip(*columns)]
    assert len(set(requests)) == len({request for request, _, _ in requests})
    encoders = json.loads(table.schema.metadata[registry.ENCODERS_KEY.encode()])
    assert encoders == load_encoders(connection, history.first_day)


def test_the_offset_of_held_out_days_knows_none_of_their_labels(connection, network):
    def offsets():
        assert run("control", "--to", "train.parquet")[0] == 0
        table = pyarrow.parquet.read_table("train.parquet")
        is_held_out = table["split"].to_numpy(zero_copy_only=False) == "held_out"
        return table.filter(pyarrow.array(is_held_out)).select(["user_id", "post_id", "ts", "offset"]).to_pylist()

    before = {tuple(row.values())[:3]: row["offset"] for row in offsets()}
    network("update pgfeed.feed_events set target = not target, recorded_at = now() where event_at >= %s",
            split.midnight(split.load(connection).day))
    connection.rollback()
    after = {tuple(row.values())[:3]: row["offset"] for row in offsets()}
    common = before.keys() & after.keys()
    # What features know on the second held-out day comes from the first one.
    first = min(ts for _, _, ts in before).date()
    common = [key for key in common if key[2].date() == first]
    assert common and all(before[key] == pytest.approx(after[key]) for key in common)


def test_another_program_learns_from_them_and_its_scores_and_model_come_back(connection, network):
    assert run("control", "--to", "train.parquet")[0] == 0
    table = pyarrow.parquet.read_table("train.parquet")
    names = table.column_names[len(IDS):]
    parts = table["split"].to_numpy(zero_copy_only=False)
    matrix = np.column_stack([table[name].to_numpy() for name in names]).astype(np.float32)
    is_known = parts != "held_out"
    booster = CatBoost({"iterations": 20, "loss_function": "Logloss", "allow_writing_files": False, "verbose": False})
    booster.fit(Pool(matrix[is_known], table["is_liked"].to_numpy(zero_copy_only=False)[is_known].astype(int),
                     baseline=table["offset"].to_numpy()[is_known], feature_names=names))
    scores = booster.predict(matrix[~is_known], prediction_type="RawFormulaVal")
    keys = table.filter(pyarrow.array(~is_known)).select(["user_id", "post_id", "ts"]).to_pylist()
    network("create schema app")
    network("create table app.scores (user_id bigint, post_id bigint, ts timestamptz, score float8)")
    with connection, connection.cursor() as cursor:
        execute_values(cursor, "insert into app.scores values %s",
                       [(*key.values(), score) for key, score in zip(keys, scores.tolist())])
    contest = logged.contest(connection, [], ["app.scores"])
    assert np.nanmean(contest.values["app.scores"]["AUC"]) > 0.6

    booster.get_metadata()[registry.ENCODERS_KEY] = table.schema.metadata[registry.ENCODERS_KEY.encode()].decode()
    booster.save_model("mine.cbm", format="cbm")
    version = registry.import_model(connection, "mine", registry.Path("mine.cbm"))
    model = registry.load(connection, "mine", version)
    again = logged.contest(connection, [model], ["app.scores"])
    for metric, values in again.values["app.scores"].items():
        assert np.array_equal(again.values[model.name][metric], values, equal_nan=True)


def test_csv_has_the_same_rows(connection):
    assert run("control", "--to", "train.csv")[0] == 0 and run("control", "--to", "train.parquet")[0] == 0
    table = pyarrow.parquet.read_table("train.parquet")
    with open("train.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == table.column_names and len(rows) == table.num_rows
    assert [int(row["post_id"]) for row in rows] == table["post_id"].to_pylist()
    assert [row["is_liked"] == "true" for row in rows] == table["is_liked"].to_pylist()


@pytest.mark.parametrize(("words", "said"), [
    (["control", "--to", "train.xlsx"], "its name ends with none of .parquet, .csv"),
    (["control", "--to", "nowhere/train.csv"], "its folder is not there"),
    (["other", "--recipe", "negatives", "--to", "train.csv"], "examples are impressions"),
])
def test_what_cannot_be_written_says_why(connection, words, said):
    code, printed = run(*words)
    assert code == 1 and said in printed
