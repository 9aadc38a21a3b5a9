"""The live protocol on a small simulated world."""

from datetime import date

import numpy as np
import psycopg2
import pytest

from loader.cli.measuring import gain_line
from loader.data import refresh
from loader.errors import PgfeedError
from loader.learning import registry, train
from loader.measuring import live
from loader.simulation import simulate
from loader.simulation.world import World


@pytest.fixture
def world(dsn):
    connection = psycopg2.connect(dsn)
    simulate.simulate(connection, 200, 1, posts=300, days=30)
    refresh.refresh(connection)
    registry.activate(connection, "control", registry.store(connection, "control", train.train(connection, "control")))
    yield connection
    connection.close()


def test_live_protocol(world):
    run = live.send(world, registry.load_active(world, "control"), 200, seed=3)
    rates = {name: hits.mean() for name, hits in run.hits.items()}
    assert list(rates) == ["model", "random", "most popular", "best like rate", "best recent like rate", "oracle"]
    assert rates["oracle"] > rates["random"] and rates["oracle"] >= rates["model"]
    assert (run.seconds > 0).all() and len(run.moments) == 200
    again = live.send(world, registry.load_active(world, "control"), 200, seed=3)
    assert all(np.array_equal(run.hits[name], again.hits[name]) for name in run.hits)
    gains = live.gains(run, [again])
    assert [gain.gain for gain in gains] == [0, 0] and "expected HitRate@5: +0.0000" in gain_line(gains[1])
    assert run.chances["oracle"].mean() >= run.chances["model"].mean()
    assert abs(run.chances["random"].mean() - rates["random"]) < 0.15


def test_offline_scores_give_the_posts_that_sql_serves(world):
    model = registry.load_active(world, "control")
    calls = []

    def score(matrix: np.ndarray) -> np.ndarray:
        calls.append(model.booster.predict(np.asfortranarray(matrix), prediction_type="RawFormulaVal"))
        return calls[-1]

    live.offline_chances(world, model.feature_names, model.encoders, {"model": score}, 30)
    user_ids, moments = live.draw_requests(World.load(world), [date(2021, 10, 1 + n) for n in range(30)], 30, 0)
    for scores, number in zip(calls, np.argsort(moments)):
        with world.cursor() as cursor:
            cursor.execute(
                "select r.rank, r.score from pgfeed.recommend_posts(%s, %s) as r",
                [int(user_ids[number]), moments[number]]
            )
            served = [score for _, score in cursor.fetchall()]
        # SQL leaves out what was liked before, so its best is among ours, in the same order.
        assert np.isin(np.round(served, 6), np.round(scores, 6)).all()
        assert served[0] <= scores.max() + 1e-9


def test_real_data_has_no_live_protocol(network_dsn):
    connection = psycopg2.connect(network_dsn)
    assert not live.is_simulated(connection)
    with pytest.raises(PgfeedError, match="no simulated world"):
        live.send(connection, registry.load_active(connection, "control"), 10)
    connection.close()
