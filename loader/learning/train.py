"""Training: past cut-offs in, a stored model out."""

import os
import time
from dataclasses import dataclass
from datetime import date

import numpy as np
from catboost import CatBoost, Pool, sum_models
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import examples
from loader.learning.examples import Examples
from loader.measuring.logged import compact, request_auc
from loader.terminal import console
from plpy.recommend_posts import MATCH_COLUMNS, RELATIVE_COLUMNS, TEXT_COMPONENT

MAX_ROWS = 1_000_000
VALIDATION_SHARE = 0.15
GOLDEN_ROWS = 64
QUALITY = "post.quality"
QUALITY_RANGE = (0.2, 4.0)
QUALITY_STEPS = 250
PARAMETERS = {
    "loss_function": "Logloss", "iterations": 600, "learning_rate": 0.05, "depth": 6, "l2_leaf_reg": 10.0,
    "random_strength": 1.0, "border_count": 128, "random_seed": 20211001,
}
STAGE_2 = [
    "user.gender", "user.age", "user.country", "user.city", "user.exp_group", "user.os", "user.source",
    "user.view_count", "user.like_count", "user.like_rate", "user.days_since_active",
    "user_topic.view_share", "user_topic.like_rate", "taste.like_rate",
    "post.topic", "post.view_count", "post.like_count", "post.like_rate",
    "post.decayed_view_count_7d", "post.decayed_like_count_7d", "post.decayed_like_count_1d",
    "post.decayed_like_rate_7d", "post.age_days",
    "text.tfidf_sum", "text.tfidf_mean", "text.tfidf_max",
    "time.hour", "time.weekday",
]
COUNTS = [
    "post.view_count", "post.like_count", "post.like_rate",
    "post.decayed_view_count_7d", "post.decayed_like_count_7d", "post.decayed_like_count_1d",
]
TFIDF = ["text.tfidf_sum", "text.tfidf_mean", "text.tfidf_max"]
STAGE_3 = [
    *(name for name in STAGE_2 if name not in COUNTS + TFIDF + ["time.weekday"]),
    *RELATIVE_COLUMNS, "taste.view_count_ratio", "taste.popularity_like_rate", *MATCH_COLUMNS,
]


@dataclass(frozen=True)
class Recipe:
    """How a variant is trained: on at most max_days days, the first warm_up_share of the history left out."""

    features: list[str]
    parameters: dict
    warm_up_share: float = 0.2
    max_days: int = 24


RECIPES = {
    "control": Recipe(STAGE_2, PARAMETERS),
    "test": Recipe(
        STAGE_3,
        PARAMETERS | {"learning_rate": 0.1, "l2_leaf_reg": 50.0, "monotone_constraints": {QUALITY: 1}, "model_shrink_rate": 0.0},
        warm_up_share=0.05, max_days=32,
    ),
}
TOPIC_SHARES = 8


@dataclass
class Trained:
    """A model in memory, ready to be stored."""

    booster: CatBoost
    names: list[str]
    encoders: dict
    trained_from: date
    trained_until: date
    golden: np.ndarray
    metrics: dict
    parameters: dict


def feature_names(connection: Connection, variant: str) -> list[str]:
    """Return the variant's features: those of its stage and the user's share of each of the topics largest before the split."""
    if variant not in RECIPES:
        raise PgfeedError(f"there is no recipe for variant {variant!r}", f"known: {', '.join(RECIPES)}; with --negatives any name", "pgfeed train control")
    with connection.cursor() as cursor:
        cursor.execute(
            "select topic from pgfeed.user_topic_days where topic <> '' and day < %s group by topic"
            " order by sum(view_count) desc, topic limit %s",
            [examples.split_day(connection), TOPIC_SHARES],
        )
        return RECIPES[variant].features + [f"user_topic.view_share:{topic}" for (topic,) in cursor.fetchall()]


def component_names(cursor) -> list[str]:
    """Return the names of the text components as the newest feature pack has them; PgfeedError if it has none."""
    cursor.execute(
        "select n.name from (select k.feature_names from pgfeed.feature_packs as k order by k.pack_id desc limit 1) as k,"
        " unnest(k.feature_names) with ordinality as n (name, number) where n.name like %s order by n.number",
        [f"{TEXT_COMPONENT}%"],
    )
    names = [name for (name,) in cursor.fetchall()]
    if not names:
        raise PgfeedError("the features have no text components", "the posts have no embeddings", "pgfeed embed, then pgfeed refresh")
    return names


def logit(rate: np.ndarray) -> np.ndarray:
    """Return the log-odds of rates, kept off 0 and 1."""
    rate = np.clip(rate, 1e-4, 1 - 1e-4)
    return np.log(rate / (1 - rate))


def nuisance(rows: Examples, positions: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's log-odds of a like by its day and session position alone, and the effect by position.

    It enters training as an offset, so that neither the place in a session nor the month's level is
    learned as a property of posts or users; served scores leave it out. positions: effects to reuse.
    """
    place = np.minimum(rows.position, 39)
    _, day = np.unique(rows.days, return_inverse=True)
    overall = rows.is_liked.mean()
    prior = 200
    if positions is None:
        seen = np.bincount(place, minlength=40)
        liked = np.bincount(place, rows.is_liked, minlength=40)
        positions = logit((liked + prior * overall) / (seen + prior)) - logit(overall)
    days = logit((np.bincount(day, rows.is_liked) + prior * overall) / (np.bincount(day) + prior))
    return days[day] + positions[place], positions


def quality_trees(names: list[str]) -> CatBoost:
    """Return a model that gives the logarithm of post.quality, in 250 steps.

    What is fitted after it starts from there: trees alone flatten the few best posts, the ones to be recommended.
    """
    quality = np.exp(np.linspace(*np.log(QUALITY_RANGE), 20 * QUALITY_STEPS))
    features = np.zeros((len(quality), len(names)), np.float32)
    features[:, names.index(QUALITY)] = quality
    booster = CatBoost({
        "loss_function": "RMSE", "iterations": 60, "depth": 6, "learning_rate": 0.7, "l2_leaf_reg": 0.0, "border_count": QUALITY_STEPS,
        "random_seed": PARAMETERS["random_seed"], "random_strength": 0.0, "bootstrap_type": "No", "allow_writing_files": False,
        "thread_count": 1, "verbose": False,
    })
    return booster.fit(Pool(features, np.log(quality), feature_names=names))


def fit(training: Examples, validation: Examples, parameters: dict) -> tuple[CatBoost, dict]:
    """Return a CatBoost model stopped early on the validation days, and its figures there.

    A ranking loss compares the rows of one user-day and needs no offset for the day. A model with post.quality starts from it
    unless its loss is a ranking one.
    """
    started = time.monotonic()
    is_ranking = parameters["loss_function"] != "Logloss"
    start = quality_trees(training.names) if QUALITY in training.names and not is_ranking else None
    offset, positions = nuisance(training)
    valid_offset, _ = nuisance(validation, positions)
    pools = [
        Pool(
            rows.features, rows.is_liked.astype(int), feature_names=rows.names,
            **({"group_id": rows.request} if is_ranking else {"baseline": baseline + started_at(start, rows)}),
        )
        for rows, baseline in ((training, offset), (validation, valid_offset))
    ]
    booster = CatBoost({
        **parameters, "early_stopping_rounds": 60, "use_best_model": True, "allow_writing_files": False,
        "thread_count": os.cpu_count(), "verbose": False,
        "eval_metric": "AUC:type=Ranking" if is_ranking else "Logloss",
    })
    with console.status(f"fitting CatBoost, {parameters['loss_function']}"):
        booster.fit(pools[0], eval_set=pools[1])
    if start is not None:
        booster = sum_models([start, booster])
    scores = booster.predict(np.asfortranarray(validation.features), prediction_type="RawFormulaVal")
    figures = {
        "validation_request_auc": round(request_auc(scores, compact(validation.request), validation.is_liked), 4),
        "tree_count": booster.tree_count_,
        "fit_seconds": round(time.monotonic() - started, 1),
    }
    if not is_ranking:
        figures["validation_logloss"] = round(log_loss(validation.is_liked, scores + valid_offset), 5)
        figures["offset_only_logloss"] = round(log_loss(validation.is_liked, valid_offset), 5)
    return booster, figures


def started_at(start: CatBoost | None, rows: Examples) -> np.ndarray | float:
    """Return the scores that a fit starts from."""
    return 0.0 if start is None else start.predict(np.asfortranarray(rows.features), prediction_type="RawFormulaVal")


def log_loss(is_liked: np.ndarray, log_odds: np.ndarray) -> float:
    """Return the mean negative log-likelihood of labels under predicted log-odds."""
    return float(np.mean(np.logaddexp(0, log_odds) - is_liked * log_odds))


@dataclass
class Split:
    """Examples before the held-out days: those to fit on and the last days, to validate on."""

    training: Examples
    validation: Examples
    encoders: dict
    first_day: date
    until: date
    user_share: float


def split_examples(connection: Connection, names: list[str], recipe: Recipe, max_rows: int = MAX_ROWS) -> Split:
    """Return training and validation examples: the recipe's days, evenly spread, of a share of the users if need be."""
    until = examples.split_day(connection)
    history = [(day, views) for day, views in examples.day_views(connection) if day < until]
    days = [day for day, _ in history]
    days = examples.spread(days[int(len(days) * recipe.warm_up_share):], recipe.max_days)
    share = min(1.0, max_rows / sum(views for day, views in history if day in set(days)))
    codes = examples.encoders(connection, days[0])
    if "match.text" in names:
        with connection, connection.cursor() as cursor:
            codes["match.text"] = {name: float(number) for number, name in enumerate(component_names(cursor))}
    rows = examples.load_examples(connection, days, names, codes, share, "training days")
    is_training = rows.days < np.datetime64(days[-max(1, round(len(days) * VALIDATION_SHARE))])
    labels = rows.is_liked[is_training]
    if not len(labels) or labels.all() or not labels.any():
        raise PgfeedError("there is too little to learn from", "the training days hold no likes, or nothing else", "pgfeed ingest FILE...")
    return Split(rows.take(is_training), rows.take(~is_training), codes, days[0], until, share)


def train(connection: Connection, variant: str) -> Trained:
    """Train a variant on the days before the held-out ones."""
    names = feature_names(connection, variant)
    recipe = RECIPES[variant]
    split = split_examples(connection, names, recipe)
    booster, metrics = fit(split.training, split.validation, recipe.parameters)
    return trained(split, booster, metrics, recipe.parameters)


def trained(split: Split, booster: CatBoost, metrics: dict, parameters: dict) -> Trained:
    """Return a fitted model with what storing it needs."""
    rows = split.training
    metrics |= {
        "row_count": len(rows.features), "day_count": len(np.unique(rows.days)), "user_share": round(split.user_share, 4)
    }
    chosen = np.random.default_rng(0).choice(len(rows.features), min(GOLDEN_ROWS, len(rows.features)), replace=False)
    return Trained(
        booster, rows.names, split.encoders, split.first_day, split.until, rows.features[chosen], metrics, parameters
    )
