"""Decision tree, random forest and CatBoost on the same impressions, side by side. Nothing is stored."""

import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from psycopg2.extensions import connection as Connection
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from loader.errors import PgfeedError
from loader.learning import registry, train
from loader.learning.candidates import recipe_for
from loader.learning.feature_names import feature_names
from loader.learning.impressions import Impressions
from loader.learning.model import artifact, predict
from loader.learning.recipes import Recipe
from loader.learning.split import load as load_split
from loader.measuring import live, logged
from loader.metrics import compact, hits, request_auc
from loader.terminal import status

MAX_ROWS = 400_000
LIVE_REQUESTS = 500
SCORED_POSTS = 7023
TREES = {"max_depth": [5, 7, 9]}
FORESTS = {"min_samples_leaf": [20, 100]}
BOOSTERS = [
    {"loss_function": "Logloss", "depth": 4}, {"loss_function": "Logloss", "depth": 6},
    {"loss_function": "YetiRank", "depth": 6, "iterations": 300},
]


@dataclass
class Contender:
    """A fitted model: score gives log-odds or any rising function of them for a float32 matrix."""

    method: str
    parameters: dict
    score: Callable[[np.ndarray], np.ndarray]
    size_bytes: int
    fit_seconds: float
    validation_auc: float | None


@dataclass
class Comparison:
    """A contender's figures on the held-out days; live is None where the network is not simulated, logged where no
    user-day has more than five views, an AUC where all views are liked or none is.
    """

    method: str
    validation_auc: float | None
    auc: float | None
    logged: float | None
    live: float | None
    fit_seconds: float
    size_mb: float
    score_ms: float


def forest(method: str, model, parameters: dict, training: Impressions, validation: Impressions) -> Contender:
    """Fit a scikit-learn classifier; day and position enter as a feature that scoring keeps at its mean."""
    offset, _ = train.nuisance(training)
    mean = np.float32(offset.mean())
    started = time.monotonic()
    model.fit(np.column_stack([training.features, offset.astype(np.float32)]), training.is_liked)
    seconds = time.monotonic() - started

    def score(matrix: np.ndarray) -> np.ndarray:
        return model.predict_proba(np.column_stack([matrix, np.full(len(matrix), mean)]))[:, 1]

    auc = request_auc(score(validation.features), compact(validation.request), validation.is_liked)
    return Contender(method, parameters, score, len(pickle.dumps(model)), seconds, auc)


def boosted(parameters: dict, training: Impressions, validation: Impressions) -> Contender:
    """Fit CatBoost, without sampling where the views are too few to draw from."""
    try:
        booster, figures = train.fit(training, validation, parameters)
    except PgfeedError:
        whole = {name: value for name, value in parameters.items() if name != "subsample"}
        booster, figures = train.fit(training, validation, whole | {"bootstrap_type": "No"})
    seconds, auc = figures["fit_seconds"], figures["validation_request_auc"]

    def score(matrix: np.ndarray) -> np.ndarray:
        return predict(booster, matrix)

    return Contender(f"CatBoost {parameters['loss_function']}", parameters, score, len(artifact(booster)), seconds, auc)


def contenders(usual: dict, training: Impressions, validation: Impressions) -> list[Contender]:
    """Return the best of each method: its parameters are those with the best AUC on the validation days.

    usual: the parameters of CatBoost that are not tried.
    """
    fits = []
    with status("fitting decision trees and forests"):
        for depth in TREES["max_depth"]:
            tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=100, random_state=0)
            fits.append(forest("decision tree", tree, {"max_depth": depth}, training, validation))
        for leaf in FORESTS["min_samples_leaf"]:
            usual_forest = {"max_samples": 0.5, "n_jobs": os.cpu_count(), "random_state": 0}
            trees = RandomForestClassifier(150, min_samples_leaf=leaf, **usual_forest)
            fits.append(forest("random forest", trees, {"min_samples_leaf": leaf}, training, validation))
    fits += [boosted(usual | parameters, training, validation) for parameters in BOOSTERS]
    best: dict[str, Contender] = {}
    for fit in fits:
        if fit.method not in best or (fit.validation_auc or 0) > (best[fit.method].validation_auc or 0):
            best[fit.method] = fit
    return list(best.values())


def measure(contender: Contender, held_out: Impressions, posts: np.ndarray, live_hits: float | None) -> Comparison:
    """Return the contender's figures; posts: the matrix whose scoring is timed."""
    scores = contender.score(held_out.features)
    started = time.perf_counter()
    contender.score(posts)
    seconds = time.perf_counter() - started
    hit_rate = None
    if logged.has_enough_views(held_out):
        hit_rate = float(hits(scores, held_out.request, held_out.is_liked, held_out.post_ids).mean())
    auc = request_auc(scores, np.zeros(len(scores), int), held_out.is_liked)
    return Comparison(
        contender.method, contender.validation_auc, auc, hit_rate, live_hits,
        contender.fit_seconds, contender.size_bytes / 1e6, seconds * 1000,
    )


def recipe_to_compare(connection: Connection, variant: str) -> Recipe:
    """Return the recipe that a variant would be trained by; PgfeedError if there is none, or not of impressions."""
    recipe = recipe_for(connection, variant)
    if recipe is None:
        raise registry.missing(connection, variant)
    if not isinstance(recipe, Recipe):
        cause = "its recipe learns from requests for all posts, the methods from impressions"
        raise PgfeedError(f"there are no methods to compare for {variant}", cause, "pgfeed compare control")
    return recipe


def compare(connection: Connection, variant: str) -> list[Comparison]:
    """Return the figures of each method.

    Fitted on the training days of the variant's recipe, parameters chosen on the validation days, measured on the
    held-out days.
    """
    recipe, split = recipe_to_compare(connection, variant), load_split(connection)
    names = feature_names(connection, variant, split, recipe)
    history = train.load_history(connection, split, names, recipe, MAX_ROWS)
    rivals = contenders(recipe.parameters, history.training, history.validation)
    try:
        held_out = logged.with_enough_views(logged.load_held_out(connection, split, names, history.encoders))
    except PgfeedError:
        held_out = logged.load_held_out(connection, split, names, history.encoders, least_views=1)
    live_hits: dict[str, float] = {}
    if live.is_simulated(connection):
        scorers = {rival.method: rival.score for rival in rivals}
        _, chances = live.offline_chances(connection, names, history.encoders, scorers, LIVE_REQUESTS)
        live_hits = {method: float(values.mean()) for method, values in chances.items()}
    posts = np.asfortranarray(held_out.features[np.resize(np.arange(len(held_out.features)), SCORED_POSTS)])
    return [measure(rival, held_out, posts, live_hits.get(rival.method)) for rival in rivals]
