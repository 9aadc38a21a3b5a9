"""What the report says about an active model on held-out days: SHAP importances and calibration."""

from dataclasses import dataclass

import numpy as np
from catboost import Pool
from psycopg2.extensions import connection as Connection

from loader.learning import impressions, registry
from loader.learning.impressions import Impressions
from loader.learning.model import predict
from loader.learning.split import load as load_split
from loader.learning.split import spread, user_share
from loader.learning.train import nuisance
from loader.metrics import compact, request_auc
from loader.report.rates import Group, groups_of

MAX_ROWS = 60_000
MAX_DAYS = 6
SHAP_ROWS = 4_000
BINS = 10
CLEAR = 0.3  # a rank correlation from which on a direction is named


@dataclass
class Importance:
    """Mean absolute SHAP value of a feature, in log-odds; direction is the rank correlation of value and SHAP."""

    name: str
    strength: float
    direction: float

    @property
    def leans(self) -> int:
        """1 if a higher value raises the score, -1 if it lowers it, 0 if neither is clear."""
        return (self.direction >= CLEAR) - (self.direction <= -CLEAR)


@dataclass
class Explanation:
    """A model on held-out rows. bins: like rate by tenth of the served score; predicted: the mean prediction of each.

    share_within: of the scores' variance, what lies between posts shown to one user on one day.
    """

    version: int
    row_count: int
    shap_count: int
    first_day: str
    last_day: str
    importances: list[Importance]
    predicted: list[float]
    bins: list[Group]
    slope: float | None
    request_auc: float | None
    share_within: float


def explain(connection: Connection, variant: str) -> Explanation:
    """Return what the active model of a variant does on a sample of the held-out days."""
    model = registry.load_active(connection, variant)
    names = model.feature_names
    held_out = load_split(connection).held_out
    days = spread(list(held_out), MAX_DAYS)
    share = user_share(sum(held_out[day] for day in days), MAX_ROWS)
    rows = impressions.load(connection, days, names, model.encoders, share, f"held-out days, {variant}")
    scores = predict(model.booster, rows.features)
    request = compact(rows.request)
    offset, _ = nuisance(rows)
    log_odds = scores + offset
    parts = [part for part in np.array_split(np.argsort(scores, kind="stable"), BINS) if len(part)]
    chosen = np.random.default_rng(0).permutation(len(scores))[:SHAP_ROWS]
    return Explanation(
        model.version, len(scores), len(chosen), str(days[0]), str(days[-1]),
        importances(model.booster, rows.features[chosen], names),
        [float(np.mean(chance(log_odds[part]))) for part in parts],
        groups_of([str(n) for n in range(1, len(parts) + 1)], np.array([moments(rows, part) for part in parts])),
        slope(scores, offset, rows.is_liked),
        request_auc(scores, request, rows.is_liked),
        float(np.var(scores - request_means(scores, request)) / max(np.var(scores), 1e-12)),
    )


def request_means(scores: np.ndarray, request: np.ndarray) -> np.ndarray:
    """Return for each row the mean score of its request."""
    return (np.bincount(request, scores) / np.bincount(request))[request]


def chance(log_odds: np.ndarray) -> np.ndarray:
    """Return the probabilities of log-odds."""
    return np.exp(-np.logaddexp(0, -log_odds))  # without the overflow of exp(-log_odds)


def moments(rows: Impressions, part: np.ndarray) -> list[float]:
    """Return the moments over users of the views and likes of some rows, as groups_of() takes them."""
    _, user = np.unique(rows.user_ids[part], return_inverse=True)
    views, likes = np.bincount(user).astype(float), np.bincount(user, rows.is_liked[part])
    return [len(views), views.sum(), likes.sum(), views @ views, views @ likes, likes @ likes]


def importances(booster, features: np.ndarray, names: list[str]) -> list[Importance]:
    """Return the features' importances, the greatest first."""
    values = booster.get_feature_importance(Pool(features, feature_names=names), type="ShapValues")[:, :-1]
    unsorted = [
        Importance(name, float(np.abs(shap).mean()), direction(feature, shap))
        for name, feature, shap in zip(names, features.T, values.T, strict=True)
    ]
    return sorted(unsorted, key=lambda importance: -importance.strength)


def direction(feature: np.ndarray, shap: np.ndarray) -> float:
    """Return the rank correlation of a feature's known values and its SHAP values; 0 where one does not vary."""
    is_known = ~np.isnan(feature)
    ranks = [compact(values[is_known]).astype(float) for values in (feature, shap)]
    if not is_known.any() or min(np.ptp(r) for r in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def slope(scores: np.ndarray, offset: np.ndarray, is_liked: np.ndarray) -> float | None:
    """Return b of the logistic regression of the likes on offset + a + b * score, by Newton's method.

    None: all are liked or none is, or no score differs from another.
    """
    design = np.column_stack([np.ones(len(scores)), scores])
    estimate = np.array([0.0, 1.0])
    for _ in range(20):
        rate = chance(offset + design @ estimate)
        curvature = (design * (rate * (1 - rate))[:, None]).T @ design
        if np.linalg.cond(curvature) > 1e12:
            return None
        estimate = estimate + np.linalg.solve(curvature, design.T @ (is_liked - rate))
    return float(estimate[1])
