"""Bad and good challengers at the gate: `./run bench sabotage [--users N] [--good N] [--seed S] [--no-bad]`.

A champion is trained in a simulated network. Each challenger was trained on the same history, the bad ones after
something was done to it; all are measured as a worker does. What is served is rolled back, so that all meet the same
champion.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from types import ModuleType

import numpy as np
from catboost import CatBoost, sum_models
from psycopg2.extensions import connection as Connection

from loader.data.refresh import refresh
from loader.learning import impressions, registry, split, train
from loader.learning.feature_names import feature_names
from loader.learning.impressions import Impressions
from loader.learning.model import HeldOut, NewModel
from loader.learning.recipes import RECIPES, Recipe
from loader.learning.train import History
from loader.measuring import baselines, full, gate
from loader.simulation import simulate
from loader.terminal import console, counted, out, table
from tests.bench import temporary_database

POSTS, DAYS = 500, 30
RANKED_USERS = 80
VARIANT = "control"
QUICK = {"iterations": 200, "learning_rate": 0.1}
SLOWER = 400
STALE_DAYS = 14
SPAM_POSTS = 10


class Range:
    """A network with a champion, and what challengers are made of."""

    def __init__(self, connection: Connection, users: int, seed: int) -> None:
        simulate.simulate(connection, users, seed, POSTS, DAYS)
        refresh(connection)
        self.connection, self.rng = connection, np.random.default_rng(0)
        usual = RECIPES[VARIANT]
        assert isinstance(usual, Recipe)
        self.recipe = replace(usual, parameters=usual.parameters | QUICK)
        self.split = split.load(connection)
        self.names = feature_names(connection, VARIANT, self.split)
        self.history = self.load()
        self.champion = self.fitted(self.history)
        registry.activate(connection, VARIANT, registry.store(connection, VARIANT, self.champion))

    def load(self) -> History:
        """Return the history as training has it."""
        return train.load_history(self.connection, self.split, self.names, self.recipe)

    def fitted(self, history: History, **parameters: object) -> NewModel:
        """Return a model of a history, with other parameters of CatBoost if given."""
        booster, metrics = train.fit(
            history.training, history.validation, self.recipe.parameters | parameters, self.recipe.offsets
        )
        return train.new_model(history, booster, metrics, self.recipe.parameters | parameters)

    def of_labels(self, labels: Callable[[Impressions], np.ndarray]) -> NewModel:
        """Return a model that was taught other labels."""
        parts = [replace(rows, is_liked=labels(rows)) for rows in (self.history.training, self.history.validation)]
        return self.fitted(replace(self.history, training=parts[0], validation=parts[1]))

    def of_features(self, matrix: Callable[[Impressions], np.ndarray]) -> NewModel:
        """Return a model that was taught other features."""
        parts = [replace(rows, features=matrix(rows)) for rows in (self.history.training, self.history.validation)]
        return self.fitted(replace(self.history, training=parts[0], validation=parts[1]))

    def of_booster(self, booster: CatBoost) -> NewModel:
        """Return the champion with other trees."""
        return replace(self.champion, booster=booster)

    def topic(self) -> int:
        """Return the place of the post's topic among the features."""
        return self.names.index("post.topic")

    def one_topic(self, rows: Impressions) -> np.ndarray:
        """Return whether the rows are of the most frequent topic."""
        codes, counts = np.unique(self.history.training.features[:, self.topic()], return_counts=True)
        return rows.features[:, self.topic()] == codes[counts.argmax()]


def weighed(boosters: list[CatBoost], weights: list[float]) -> CatBoost:
    """Return the sum of models."""
    return sum_models(boosters, weights=weights)


def stale(network: Range) -> NewModel:
    """Return a model that was taught features which are two weeks older than what they are said to be."""
    loaded = impressions.load_pack

    def load_pack(connection, day, *arguments):
        return loaded(connection, day - timedelta(days=STALE_DAYS), *arguments)

    with patched(impressions, "load_pack", load_pack):
        history = network.load()
    return network.fitted(history)


def permuted(rows: Impressions) -> np.ndarray:
    """Return the features in another order than their names."""
    return np.roll(rows.features, 1, axis=1)


def spam(network: Range) -> NewModel:
    """Return a model of a week in which a few posts were liked by bots and nobody else liked anything."""
    spammed = network.rng.choice(np.unique(network.history.training.post_ids), SPAM_POSTS, replace=False)
    return network.of_labels(lambda rows: np.isin(rows.post_ids, spammed))


def other_features(network: Range, names: list[str]) -> NewModel:
    """Return a model that knows some features only."""
    places = [network.names.index(name) for name in names]
    parts = [
        replace(rows, names=names, features=rows.features[:, places])
        for rows in (network.history.training, network.history.validation)
    ]
    return network.fitted(replace(network.history, training=parts[0], validation=parts[1]))


def few_days(network: Range, count: int) -> NewModel:
    """Return a model of a few rows."""
    rows = network.history.training
    kept = np.zeros(len(rows.features), bool)
    kept[network.rng.choice(len(kept), count, replace=False)] = True
    return network.fitted(replace(network.history, training=rows.take(kept)))


def broken_refit(network: Range) -> NewModel:
    """Return a model whose measured fit is the champion's and whose serving one was taught shuffled labels."""
    bad = network.of_labels(lambda rows: network.rng.permutation(rows.is_liked))
    held_out = HeldOut(network.champion.booster, network.split.day, network.split.end)
    return replace(bad, held_out=held_out, trained_until=network.split.end)


BAD: dict[str, Callable[[Range], NewModel]] = {
    "shuffled labels": lambda n: n.of_labels(lambda rows: n.rng.permutation(rows.is_liked)),
    "inverted labels": lambda n: n.of_labels(lambda rows: ~rows.is_liked),
    "inverted scores": lambda n: n.of_booster(weighed([n.champion.booster], [-1.0])),
    "half the labels shuffled": lambda n: n.of_labels(
        lambda rows: np.where(n.rng.random(len(rows.is_liked)) < 0.5, n.rng.permutation(rows.is_liked), rows.is_liked)
    ),
    "features two weeks old": stale,
    "features in another order": lambda n: n.of_features(permuted),
    "one topic only": lambda n: n.of_labels(n.one_topic),
    "a bonus for one topic": lambda n: n.of_booster(
        weighed([n.champion.booster, n.of_labels(n.one_topic).booster], [1.0, 1.0])
    ),
    "a week of spam": spam,
    "popularity alone": lambda n: other_features(n, ["post.view_count", "post.like_count"]),
    "no feature of the post": lambda n: other_features(n, [name for name in n.names if name.startswith("user.")]),
    "300 impressions": lambda n: few_days(n, 300),
    "one tree": lambda n: n.fitted(n.history, iterations=1),
    "constant scores": lambda n: n.of_booster(weighed([n.champion.booster], [0.0])),
    "scores ten times as large": lambda n: n.of_booster(weighed([n.champion.booster], [10.0])),
    "scores a hundredth as large": lambda n: n.of_booster(weighed([n.champion.booster], [0.01])),
    f"{SLOWER} times the trees": lambda n: n.of_booster(weighed([n.champion.booster] * SLOWER, [1 / SLOWER] * SLOWER)),
    "serving fit broken": broken_refit,
}
LEAK, DAMAGED, UNKNOWN = "a feature that holds the label", "damaged artifact", "a feature that is gone"


@contextmanager
def leaking(network: Range) -> Iterator[None]:
    """Let a feature hold the label, in training and where models are measured."""
    loaded = impressions.load

    def load(*arguments, **named):
        rows = loaded(*arguments, **named)
        if "user.age" in rows.names:
            rows.features = rows.features.copy()
            noise = np.random.default_rng(0).normal(size=len(rows.is_liked))
            rows.features[:, rows.names.index("user.age")] = rows.is_liked + 0.5 * noise
        return rows

    with patched(impressions, "load", load):
        yield


@contextmanager
def measured_once() -> Iterator[None]:
    """Load the held-out impressions once, measure the champion once, few rankings and no baselines."""
    loaded, ranked, half_life = impressions.load, full.rank_all, baselines.choose_for_views
    with patched(impressions, "load", once(loaded, lambda connection, *rest, **named: repr((rest, named)))), \
            patched(full, "rank_all", once(ranked, lambda *arguments: arguments[4])), \
            patched(baselines, "choose_for_views", once(half_life, lambda *_: "")), \
            patched(baselines, "scores", lambda *_: {}), patched(full, "MAX_USERS", RANKED_USERS):
        yield


@contextmanager
def patched(module: ModuleType, name: str, value: object) -> Iterator[None]:
    """Let a module have another function."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def once(function: Callable, key_of: Callable) -> Callable:
    """Return a function that computes what has a key once."""
    kept: dict[object, object] = {}

    def call(*arguments, **named):
        key = key_of(*arguments, **named)
        if key not in kept:
            kept[key] = function(*arguments, **named)
        return kept[key]

    return call


def statement(connection: Connection, sql: str, *parameters: object) -> None:
    """Run a statement."""
    with connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)


def judged(network: Range, kind: str, make: Callable[[Range], NewModel]) -> tuple[str, str, str, float]:
    """Return what became of a challenger: kind, decision, why, seconds that the gate took."""
    connection = network.connection
    with leaking(network) if kind == LEAK else nullcontext():
        model = network.fitted(network.load()) if kind == LEAK else make(network)
        version = registry.store(connection, VARIANT, model)
        if kind == DAMAGED:
            statement(connection, "update pgfeed.models set artifact = set_byte(artifact, length(artifact) / 2, 7)"
                                  " where version = %s", version)
        if kind == UNKNOWN:
            statement(connection, "update pgfeed.models set feature_names[1] = 'user.shoe_size' where version = %s",
                      version)
        started = time.monotonic()
        try:
            decision, why = gate.decide(connection, VARIANT, version)
        except Exception as error:  # a challenger that ends the comparison is not served either
            connection.rollback()
            decision, why = "error", " ".join(str(error).split())[:200]
        seconds = time.monotonic() - started
    if decision == "served":
        statement(connection, "call pgfeed.rollback_model(%s)", VARIANT)
    return kind, decision, why, seconds


def main() -> None:
    """Print a line for each challenger, then how many bad ones were refused and good ones were not."""
    parser = argparse.ArgumentParser(prog="./run bench sabotage")
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--good", type=int, default=8, help="Good models: other seeds of the same recipe.")
    parser.add_argument("--seed", type=int, default=1, help="Of the network.")
    parser.add_argument("--no-bad", dest="has_bad", action="store_false", help="Good models alone.")
    given = parser.parse_args()
    with temporary_database("sabotage") as connection:
        network = Range(connection, given.users, given.seed)
        good = {
            f"seed {seed}": lambda n, seed=seed: n.fitted(n.history, random_seed=seed)
            for seed in range(1, given.good + 1)
        }
        kinds = BAD | dict.fromkeys((LEAK, DAMAGED, UNKNOWN), lambda n: n.champion) if given.has_bad else {}
        results = []
        with measured_once():
            for kind, make in (good | kinds).items():
                results.append(judged(network, kind, make))
                console.print(*results[-1][:3])
    rows = [(kind, decision, why.split("; ")[0], f"{seconds:.1f}") for kind, decision, why, seconds in results]
    title = f"{given.users:,} users, {counted(POSTS, 'post')}, {DAYS} days; the first reason of each"
    out.print(table(title, ["challenger", "decision", "reason", "s"], rows, ["s"]))
    refused = sum(decision != "served" for kind, decision, *_ in results if kind in kinds)
    wrong = sum(decision != "served" for kind, decision, *_ in results if kind in good)
    out.print(f"bad: {refused} of {len(kinds)} refused; good: {wrong} of {len(good)} refused")


if __name__ == "__main__":
    main()
