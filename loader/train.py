"""Training: past cut-offs in, a stored model out."""

import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from catboost import CatBoostClassifier, Pool
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from loader import examples
from loader.errors import PgfeedError
from loader.examples import Examples
from loader.terminal import console

MAX_DAYS = 24
MAX_ROWS = 1_000_000
WARM_UP_SHARE = 0.2
VALIDATION_SHARE = 0.15
GOLDEN_ROWS = 64
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
FEATURES = {"control": STAGE_2}
TOPIC_SHARES = 8


@dataclass
class Trained:
    """A model in memory, ready to be stored."""

    booster: CatBoostClassifier
    names: list[str]
    encoders: dict
    trained_from: date
    trained_until: date
    golden: np.ndarray
    metrics: dict


def feature_names(connection: Connection, variant: str) -> list[str]:
    """Return the variant's features: those of its stage and the user's share of each of the largest topics."""
    if variant not in FEATURES:
        raise PgfeedError(f"there is no recipe for variant {variant!r}", f"known: {', '.join(FEATURES)}", "./run train control")
    with connection.cursor() as cursor:
        cursor.execute(
            "select topic from pgfeed.user_topic_days where topic <> '' group by topic"
            " order by sum(view_count) desc, topic limit %s",
            [TOPIC_SHARES],
        )
        return FEATURES[variant] + [f"user_topic.view_share:{topic}" for (topic,) in cursor.fetchall()]


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


def fit(training: Examples, validation: Examples, parameters: dict) -> tuple[CatBoostClassifier, dict]:
    """Return a CatBoost model stopped early on the validation days, and its figures there."""
    offset, positions = nuisance(training)
    valid_offset, _ = nuisance(validation, positions)
    pool = Pool(training.features, training.is_liked.astype(int), feature_names=training.names, baseline=offset)
    valid = Pool(validation.features, validation.is_liked.astype(int), feature_names=training.names, baseline=valid_offset)
    started = time.monotonic()
    booster = CatBoostClassifier(
        **parameters, eval_metric="Logloss", early_stopping_rounds=60, use_best_model=True,
        allow_writing_files=False, thread_count=os.cpu_count(), verbose=False,
    )
    with console.status("fitting CatBoost"):
        booster.fit(pool, eval_set=valid)
    figures = {
        "validation_logloss": round(booster.get_best_score()["validation"]["Logloss"], 5),
        "offset_only_logloss": round(log_loss(validation.is_liked, valid_offset), 5),
        "tree_count": booster.tree_count_,
        "fit_seconds": round(time.monotonic() - started, 1),
    }
    return booster, figures


def log_loss(is_liked: np.ndarray, log_odds: np.ndarray) -> float:
    """Return the mean negative log-likelihood of labels under predicted log-odds."""
    return float(np.mean(np.logaddexp(0, log_odds) - is_liked * log_odds))


def train(connection: Connection, variant: str) -> Trained:
    """Train a variant on the days before the held-out ones."""
    names = feature_names(connection, variant)
    split = examples.split_day(connection)
    history = [(day, views) for day, views in examples.day_views(connection) if day < split]
    days = [day for day, _ in history]
    days = examples.spread(days[int(len(days) * WARM_UP_SHARE):], MAX_DAYS)
    views = sum(count for day, count in history if day in set(days))
    share = min(1.0, MAX_ROWS / views)
    codes = examples.encoders(connection, days[0])
    rows = examples.load_examples(connection, days, names, codes, share, "training days")
    first_validation_day = np.datetime64(days[-max(1, round(len(days) * VALIDATION_SHARE))])
    is_training = rows.days < first_validation_day
    if not is_training.any() or rows.is_liked[is_training].all() or not rows.is_liked[is_training].any():
        raise PgfeedError("there is too little to learn from", "the training days hold no likes, or nothing else", "./run ingest FILE...")
    booster, metrics = fit(take(rows, is_training), take(rows, ~is_training), PARAMETERS)
    metrics |= {"row_count": int(is_training.sum()), "day_count": len(days), "user_share": round(share, 4)}
    chosen = np.random.default_rng(0).choice(len(rows.features), min(GOLDEN_ROWS, len(rows.features)), replace=False)
    return Trained(booster, names, codes, days[0], split, rows.features[chosen], metrics)


def take(rows: Examples, mask: np.ndarray) -> Examples:
    """Return those rows where the mask is true."""
    arrays = (rows.features, rows.user_ids, rows.post_ids, rows.days, rows.request, rows.position, rows.is_liked)
    return Examples(rows.names, *(array[mask] for array in arrays))


def artifact(booster: CatBoostClassifier) -> bytes:
    """Return the model in the native CatBoost format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        booster.save_model(str(path), format="cbm")
        return path.read_bytes()


def store(connection: Connection, variant: str, trained: Trained) -> int:
    """Write a model to the table models, inactive; return its version."""
    blob = artifact(trained.booster)
    scores = trained.booster.predict(np.asfortranarray(trained.golden), prediction_type="RawFormulaVal", thread_count=1)
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('pgfeed.models'))")
        cursor.execute(
            """
            insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, trained_from,
                trained_until, parameters, metrics, golden_matrix, golden_scores)
            select %(variant)s, coalesce(max(version), 0) + 1, %(artifact)s, %(sha256)s, %(names)s, %(encoders)s, %(from)s,
                %(until)s, %(parameters)s, %(metrics)s, %(golden)s, %(scores)s
            from pgfeed.models where variant = %(variant)s
            returning version
            """,
            {
                "variant": variant, "artifact": blob, "sha256": hashlib.sha256(blob).hexdigest(),
                "names": trained.names, "encoders": Json(trained.encoders),
                "from": examples.midnight(trained.trained_from), "until": examples.midnight(trained.trained_until),
                "parameters": Json(PARAMETERS), "metrics": Json(trained.metrics),
                "golden": trained.golden.astype(">f4").tobytes(), "scores": scores.tolist(),
            },
        )
        return cursor.fetchone()[0]


def activate(connection: Connection, variant: str, version: int | None) -> int:
    """Activate a stored version, the newest if none is named; return it."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(%s, (select max(version) from pgfeed.model_versions where variant = %s))", [version, variant]
        )
        version = cursor.fetchone()[0]
        if version is None:
            raise PgfeedError(f"there is no model of variant {variant}", None, f"./run train {variant}")
        cursor.execute("call pgfeed.activate_model(%s, %s)", [variant, version])
    return version
