"""The live protocol on a small simulated world."""

import numpy as np
import psycopg2
import pytest

from loader import live, models, refresh, simulate, train
from loader.errors import PgfeedError


@pytest.fixture
def world(dsn):
    connection = psycopg2.connect(dsn)
    simulate.simulate(connection, 200, 1, posts=300, days=30)
    refresh.refresh(connection)
    models.activate(connection, "control", models.store(connection, "control", train.train(connection, "control")))
    yield connection
    connection.close()


def test_live_protocol(world):
    run = live.evaluate_live(world, "control", 200, seed=3)
    rates = {name: hits.mean() for name, hits in run.hits.items()}
    assert list(rates) == ["model", "random", "most popular", "best like rate", "best recent like rate", "oracle"]
    assert rates["oracle"] > rates["random"] and rates["oracle"] >= rates["model"]
    assert (run.seconds > 0).all() and len(run.moments) == 200
    again = live.evaluate_live(world, "control", 200, seed=3)
    assert all(np.array_equal(run.hits[name], again.hits[name]) for name in run.hits)
    gains, _, text = live.paired(run, [again], False)
    assert gains["paired"][0]["gain"] == 0 and "+0.000" in text


def test_offline_scores_agree_with_what_sql_serves(world):
    model = models.load_active(world, "control")

    def score(matrix: np.ndarray) -> np.ndarray:
        return model["booster"].predict(np.asfortranarray(matrix), prediction_type="RawFormulaVal")

    rate = live.offline_hit_rates(world, model["feature_names"], model["encoders"], {"model": score}, 300)["model"]
    run = live.evaluate_live(world, "control", 300, seed=0)
    assert rate == pytest.approx(run.hits["model"].mean(), abs=4 * np.sqrt(0.25 / 300))


def test_real_data_has_no_live_protocol(network_dsn):
    connection = psycopg2.connect(network_dsn)
    assert not live.is_simulated(connection)
    with pytest.raises(PgfeedError, match="no simulated world"):
        live.evaluate_live(connection, "control", 10)
    connection.close()
