"""Decision tree, random forest and CatBoost on the same examples, in one table."""

import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg2.extensions import connection as Connection
from rich.table import Table
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from loader.learning import registry, train
from loader.learning.examples import Examples
from loader.measuring import live
from loader.measuring import logged as evaluate
from loader.terminal import console, table

MAX_ROWS = 400_000
LIVE_REQUESTS = 500
TREES = {"max_depth": [5, 7, 9]}
FORESTS = {"min_samples_leaf": [20, 100]}
BOOSTERS = [
    {"loss_function": "Logloss", "depth": 4}, {"loss_function": "Logloss", "depth": 6},
    {"loss_function": "YetiRank", "depth": 6, "iterations": 300},
]


@dataclass
class Candidate:
    """A fitted model: score gives log-odds or any rising function of them for a float32 matrix."""

    name: str
    parameters: dict
    score: Callable[[np.ndarray], np.ndarray]
    size_bytes: int
    fit_seconds: float
    validation_auc: float
    booster: Any = None


@dataclass
class Row:
    """One line of the comparison; live is None where the network is not simulated."""

    method: str
    validation_auc: float
    auc: float
    logged: float
    live: float | None
    fit_seconds: float
    size_mb: float
    score_ms: float


def forest_candidate(name: str, model, parameters: dict, training: Examples, validation: Examples) -> Candidate:
    """Fit a scikit-learn classifier; day and position enter as a feature that scoring keeps at its mean."""
    offset, _ = train.nuisance(training)
    mean = np.float32(offset.mean())
    started = time.monotonic()
    model.fit(np.column_stack([training.features, offset.astype(np.float32)]), training.is_liked)
    seconds = time.monotonic() - started

    def score(matrix: np.ndarray) -> np.ndarray:
        return model.predict_proba(np.column_stack([matrix, np.full(len(matrix), mean)]))[:, 1]

    auc = evaluate.request_auc(score(validation.features), evaluate.compact(validation.request), validation.is_liked)
    return Candidate(name, parameters, score, len(pickle.dumps(model)), seconds, auc)


def booster_candidate(usual: dict, parameters: dict, training: Examples, validation: Examples) -> Candidate:
    """Fit CatBoost with the usual parameters but for those given."""
    booster, figures = train.fit(training, validation, usual | parameters)

    def score(matrix: np.ndarray) -> np.ndarray:
        return booster.predict(np.asfortranarray(matrix), prediction_type="RawFormulaVal")

    return Candidate(
        f"CatBoost {parameters['loss_function']}", parameters, score, len(registry.artifact(booster)), figures["fit_seconds"],
        figures["validation_request_auc"], booster,
    )


def candidates(usual: dict, training: Examples, validation: Examples) -> list[Candidate]:
    """Return the best candidate of each method: its parameters are those with the best AUC on the validation days.

    usual: the parameters of CatBoost that are not tried.
    """
    tried = []
    with console.status("fitting decision trees and forests"):
        for depth in TREES["max_depth"]:
            model = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=100, random_state=0)
            tried.append(forest_candidate("decision tree", model, {"max_depth": depth}, training, validation))
        for leaf in FORESTS["min_samples_leaf"]:
            model = RandomForestClassifier(150, min_samples_leaf=leaf, max_samples=0.5, n_jobs=os.cpu_count(), random_state=0)
            tried.append(forest_candidate("random forest", model, {"min_samples_leaf": leaf}, training, validation))
    tried += [booster_candidate(usual, parameters, training, validation) for parameters in BOOSTERS]
    best: dict[str, Candidate] = {}
    for candidate in tried:
        if candidate.name not in best or candidate.validation_auc > best[candidate.name].validation_auc:
            best[candidate.name] = candidate
    return list(best.values())


def measure(candidate: Candidate, held_out: Examples, post_matrix: np.ndarray, live_hits: float | None) -> Row:
    """Return the candidate's line, measured on the held-out days."""
    scores = candidate.score(held_out.features)
    started = time.perf_counter()
    candidate.score(post_matrix)
    seconds = time.perf_counter() - started
    found = evaluate.hits(scores, held_out.request, held_out.is_liked, held_out.post_ids)
    return Row(
        candidate.name, candidate.validation_auc, roc_auc_score(held_out.is_liked, scores), found.mean(), live_hits, candidate.fit_seconds,
        candidate.size_bytes / 1e6, seconds * 1000,
    )


def compare(connection: Connection, variant: str) -> tuple[list[Row], train.Trained]:
    """Return a line per method and the best CatBoost of them by validation AUC, ready to be stored.

    Fitted on the training days, parameters chosen on the validation days, measured on the held-out days.
    """
    names = train.feature_names(connection, variant)
    recipe = train.RECIPES[variant]
    split = train.split_examples(connection, names, recipe, MAX_ROWS)
    chosen = candidates(recipe.parameters, split.training, split.validation)
    held_out = evaluate.with_enough_views(evaluate.held_out_examples(connection, names, split.encoders))
    live_hits: dict[str, float | None] = {candidate.name: None for candidate in chosen}
    if live.is_simulated(connection):
        scorers = {candidate.name: candidate.score for candidate in chosen}
        live_hits |= live.offline_hit_rates(connection, names, split.encoders, scorers, LIVE_REQUESTS)
    sample = np.asfortranarray(held_out.features[np.resize(np.arange(len(held_out.features)), 7023)])
    rows = [measure(candidate, held_out, sample, live_hits[candidate.name]) for candidate in chosen]
    winner = max((c for c in chosen if c.booster is not None), key=lambda c: c.validation_auc)
    metrics = {
        "validation_request_auc": round(winner.validation_auc, 4), "tree_count": winner.booster.tree_count_,
        "fit_seconds": winner.fit_seconds,
    }
    return rows, train.trained(split, winner.booster, metrics, recipe.parameters | winner.parameters)


def as_table(variant: str, rows: list[Row]) -> Table:
    """Return the comparison as a table for people."""
    stored = max((r for r in rows if r.method.startswith("CatBoost")), key=lambda r: r.validation_auc)
    headers = ["method", "AUC*", "AUC", "logged", "live", "fit s", "MB", "ms"]
    lines = [
        (r.method + (" **" if r is stored else ""), f"{r.validation_auc:.4f}", f"{r.auc:.4f}", f"{r.logged:.3f}",
         "" if r.live is None else f"{r.live:.3f}", f"{r.fit_seconds:.0f}", f"{r.size_mb:.1f}", f"{r.score_ms:.1f}")
        for r in rows
    ]
    return table(f"{variant}: AUC and HitRate@5 on the held-out days", headers, lines, headers[1:])


FOOTNOTE = "* within a user-day, on the validation days: it chose the parameters, and of the CatBoosts the one stored (**). ms: to score 7,023 posts"
