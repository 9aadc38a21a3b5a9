"""Training on impressions: which of the posts that a user saw are liked."""

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from catboost import CatBoost, CatBoostError, Pool, sum_models
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.figures import rounded
from loader.learning import impressions, seen
from loader.learning.feature_names import component_names, feature_names
from loader.learning.features import load_encoders
from loader.learning.impressions import Impressions
from loader.learning.model import HeldOut, NewModel, golden_sample, predict, thread_count
from loader.learning.recipes import LOGISTIC, OFFSETS, Recipe, as_settings, recipe_of, wrong
from loader.learning.split import HELD_OUT_SHARE, Split, fullest, user_share
from loader.learning.split import load as load_split
from loader.metrics import compact, log_loss, request_auc
from loader.terminal import status
from plpy.columns import SCORE
from plpy.seen import KEY as SEEN

MAX_ROWS = 1_000_000
SEED = 20211001
RATE_RANGE, RATE_STEPS = (0.01, 0.6), 25
SCORE_LOW, SCORE_HIGH = (-2.5, 0.0), (0.0, 3.0)
SCORE_STEPS = 300
SHARES = (1.0, 0.85, 0.7, 0.5)


def logit(rate: np.ndarray) -> np.ndarray:
    """Return the log-odds of rates, kept off 0 and 1."""
    rate = np.clip(rate, 1e-4, 1 - 1e-4)
    return np.log(rate / (1 - rate))


def nuisance(
    rows: Impressions, effects: dict[str, np.ndarray] | None = None, offsets: Collection[str] = OFFSETS
) -> tuple[np.ndarray, dict]:
    """Return each row's log-odds of a like by what is the same for all posts of a list, and the effects it comes from.

    By day, place in the session, hour, and how much the user liked so far. It enters training as an offset, so that
    none of it is learned as a property of posts, and the trees are left for what can reorder a list; served scores
    leave it out. The effects are of these rows and not those of pgfeed.place_effects: they are log-odds of the very
    labels, and there where a feed is too small for those. effects: of other rows, to reuse; days have
    their own. offsets: which of them are taken.
    """
    _, day = np.unique(rows.days, return_inverse=True)
    overall, prior = rows.is_liked.mean(), 200
    levels = {}
    if "place" in offsets:
        levels["place"] = np.minimum(rows.position, 39)
    if "hour" in offsets and "time.hour" in rows.names:
        levels["hour"] = rows.column("time.hour").astype(int)
    if "user" in offsets and "user.like_rate" in rows.names:
        steps = np.linspace(*logit(np.array(RATE_RANGE)), RATE_STEPS)
        levels["user"] = np.searchsorted(steps, logit(np.nan_to_num(rows.column("user.like_rate"), nan=overall)))

    def log_odds(level: np.ndarray) -> np.ndarray:
        liked, count = np.bincount(level, rows.is_liked), np.bincount(level)
        return logit((liked + prior * overall) / (count + prior))

    if effects is None:
        effects = {}
        for name, level in levels.items():
            effects[name] = np.zeros(RATE_STEPS + 40)
            found = log_odds(level) - logit(overall)
            effects[name][:len(found)] = found
    level_of_day = log_odds(day)[day] if "day" in offsets else np.full(len(day), logit(overall))
    return level_of_day + sum(effects[name][level] for name, level in levels.items()), effects


def score_trees(names: list[str]) -> CatBoost:
    """Return a model that gives match.score, the log-odds that preferences give, in 300 steps, the high ones finer.

    What is fitted after it starts from there: trees alone flatten the few best posts, the ones to be recommended.
    """
    grid = np.concatenate([np.linspace(*SCORE_LOW, 3_000), np.linspace(*SCORE_HIGH, 12_000)])
    features = np.zeros((len(grid), len(names)), np.float32)
    features[:, names.index(SCORE)] = grid
    booster = CatBoost({
        "loss_function": "RMSE", "iterations": 80, "depth": 6, "learning_rate": 0.7, "l2_leaf_reg": 0.0,
        "border_count": SCORE_STEPS, "random_seed": SEED, "random_strength": 0.0,
        "bootstrap_type": "No", "allow_writing_files": False, "thread_count": 1, "verbose": False,
    })
    return booster.fit(Pool(features, grid, feature_names=names))


def fit(
    training: Impressions, validation: Impressions, parameters: dict, offsets: Collection[str] = OFFSETS
) -> tuple[CatBoost, dict]:
    """Return a CatBoost model stopped early on the validation days, and its figures there.

    A ranking loss compares the rows of one user-day, needs no offset for the day and takes no weights. A model
    with match.score starts from it unless its loss is a ranking one, and adds that share of the trees which orders the
    validation days best.
    """
    started = time.monotonic()
    start = start_of(training.names, parameters)
    offset, effects = nuisance(training, offsets=offsets)
    valid_offset, _ = nuisance(validation, effects, offsets)
    pools = [
        pool_of(rows, baseline, start, parameters)
        for rows, baseline in ((training, offset), (validation, valid_offset))
    ]
    is_ranking = ranks(parameters)
    stopped = {
        "early_stopping_rounds": 60, "use_best_model": True,
        "eval_metric": "AUC:type=Ranking" if is_ranking else "Logloss",
    }
    fitted = boost(parameters | stopped, *pools)
    share = share_of_correction(start, fitted, validation)
    booster = after(start, fitted, share)
    scores = predict(booster, validation.features)
    figures = {
        "validation_request_auc": rounded(request_auc(scores, compact(validation.request), validation.is_liked), 4),
        "tree_count": booster.tree_count_, "fitted_tree_count": fitted.tree_count_, "correction_share": share,
        "fit_seconds": round(time.monotonic() - started, 1),
    }
    if not is_ranking:
        figures["validation_logloss"] = rounded(log_loss(validation.is_liked, scores + valid_offset), 5)
        figures["offset_only_logloss"] = rounded(log_loss(validation.is_liked, valid_offset), 5)
    return booster, figures


def ranks(parameters: dict) -> bool:
    """Return whether the loss compares the rows of one user-day."""
    return parameters["loss_function"] != LOGISTIC


def start_of(names: list[str], parameters: dict) -> CatBoost | None:
    """Return the trees that a fit starts from, None if it starts from nothing."""
    return score_trees(names) if SCORE in names and not ranks(parameters) else None


def share_of_correction(start: CatBoost | None, fitted: CatBoost, validation: Impressions) -> float:
    """Return which of SHARES of what was fitted after a start gives the best AUC within a validation user-day.

    Trees that are stopped where the loss is least still follow noise in the few best posts.
    """
    if start is None:
        return 1.0
    started_at, added = (predict(booster, validation.features) for booster in (start, fitted))
    request = compact(validation.request)
    aucs = {share: request_auc(started_at + share * added, request, validation.is_liked) for share in SHARES}
    return max(SHARES, key=lambda share: aucs[share] or 0)


def after(start: CatBoost | None, fitted: CatBoost, share: float) -> CatBoost:
    """Return a share of what was fitted together with what it started from."""
    return fitted if start is None else sum_models([start, fitted], weights=[1.0, share])


def pool_of(rows: Impressions, baseline: np.ndarray, start: CatBoost | None, parameters: dict) -> Pool:
    """Return the rows as CatBoost takes them. baseline: log-odds of each row that are not to be learned."""
    if ranks(parameters):
        level = {"group_id": rows.request}
    else:
        started_at = 0.0 if start is None else predict(start, rows.features)
        level = {"baseline": baseline + started_at, "weight": rows.weight}
    return Pool(rows.features, rows.is_liked.astype(int), feature_names=rows.names, **level)


def boost(parameters: dict, pool: Pool, stopped_on: Pool | None = None) -> CatBoost:
    """Return fitted trees; PgfeedError with CatBoost's own words if it cannot."""
    booster = CatBoost({
        **parameters, "allow_writing_files": False, "thread_count": thread_count(), "verbose": False,
    })
    try:
        with status(f"fitting CatBoost, {parameters['loss_function']}"):
            return booster.fit(pool, eval_set=stopped_on)
    except CatBoostError as error:
        raise PgfeedError("CatBoost cannot learn from this", words_of(error), "pgfeed ingest FILE...") from error


def words_of(error: CatBoostError) -> str:
    """Return what CatBoost says, without where in its source."""
    return str(error).rpartition(".cpp:")[2].partition(": ")[2] or str(error)


def require_fit(recipe: Recipe, source: str) -> None:
    """Raise, before anything is loaded, if CatBoost refuses a recipe's parameters: those of one tree on drawn rows."""
    rng, names = np.random.default_rng(0), recipe.features
    groups = {"group_id": np.arange(1000) // 10} if ranks(recipe.parameters) else {}
    pool = Pool(rng.random((1000, len(names)), np.float32), rng.integers(0, 2, 1000), feature_names=names, **groups)
    try:
        CatBoost(recipe.parameters | {"iterations": 1, "allow_writing_files": False, "verbose": False}).fit(pool)
    except CatBoostError as error:
        raise wrong(source, "CatBoost refuses its parameters", words_of(error)) from error


def fit_again(
    rows: Impressions, parameters: dict, trees: int, share: float, offsets: Collection[str] = OFFSETS
) -> CatBoost:
    """Return a model fitted on all rows with so many trees, of which a share is taken; nothing stops it early."""
    start = start_of(rows.names, parameters)
    pool = pool_of(rows, nuisance(rows, offsets=offsets)[0], start, parameters)
    return after(start, boost(parameters | {"iterations": max(trees, 1)}, pool), share)


@dataclass
class History:
    """Impressions of the days before the split: those to fit on, and those of the last days, to validate on."""

    training: Impressions
    validation: Impressions
    encoders: dict
    first_day: date
    until: date
    user_share: float


def days_of(split: Split, recipe: Recipe, max_rows: int = MAX_ROWS) -> tuple[list[date], float]:
    """Return the days of the history that a recipe learns from, see fullest(), and of which share of the users."""
    days = list(split.history)[int(len(split.history) * recipe.warm_up_share):]
    days = fullest({day: split.views[day] for day in days}, recipe.max_days)
    return days, user_share(sum(split.views[day] for day in days), max_rows)


def held_out_days_of(split: Split, recipe: Recipe) -> list[date]:
    """Return the held-out days that a recipe learns from when it is fitted again."""
    return fullest(split.held_out, max(1, round(recipe.max_days * HELD_OUT_SHARE / (1 - HELD_OUT_SHARE))))


def load_history(
    connection: Connection, split: Split, names: list[str], recipe: Recipe, max_rows: int = MAX_ROWS
) -> History:
    """Return what a recipe learns from: its days, of a share of the users if need be."""
    days, share = days_of(split, recipe, max_rows)
    encoders = load_encoders(connection, days[0])
    if "match.text" in names:
        with connection, connection.cursor() as cursor:
            encoders["match.text"] = {name: float(number) for number, name in enumerate(component_names(cursor))}
    rows = impressions.load(connection, days, names, encoders, share, "training days")
    is_training = rows.days < np.datetime64(days[-max(1, round(len(days) * recipe.validation_share))])
    labels = rows.is_liked[is_training]
    if is_training.all():
        raise PgfeedError(
            "there is too little to learn from", "the days to validate on hold no view of a post of the catalogue",
            "pgfeed ingest FILE...",
        )
    if not len(labels) or labels.all() or not labels.any():
        raise PgfeedError(
            "there is too little to learn from", "the training days hold no likes, or nothing else",
            "pgfeed ingest FILE...",
        )
    return History(rows.take(is_training), rows.take(~is_training), encoders, days[0], split.day, share)


def train(
    connection: Connection, variant: str, is_refitted: bool = False, recipe: Recipe | None = None,
    split: Split | None = None,
) -> NewModel:
    """Train a variant by its recipe or another one, on the days before the held-out ones, of another split if given.

    is_refitted: then on all, see refit(). What showing a post again does is learned for scores that are log-odds.
    """
    recipe, split = recipe or recipe_of(variant), split or load_split(connection)
    history = load_history(connection, split, feature_names(connection, variant, split, recipe), recipe)
    booster, metrics = fit(history.training, history.validation, recipe.parameters, recipe.offsets)
    if not ranks(recipe.parameters):
        history.encoders[SEEN], figures = learn_repeats(connection, history, booster, recipe.offsets)
        metrics |= figures
    model = new_model(history, booster, metrics, recipe.parameters | {"recipe": as_settings(recipe)})
    return refit(connection, split, history, model, recipe) if is_refitted else model


def refit(connection: Connection, split: Split, history: History, model: NewModel, recipe: Recipe) -> NewModel:
    """Return the model fitted again on the held-out days too, which it was measured on before.

    The number of trees, the features and their encoders are those that the days before have chosen. Held-out days
    without an impression of a post of the catalogue teach nothing: the model stays as it is.
    """
    started = time.monotonic()
    days = held_out_days_of(split, recipe)
    try:
        held_out = impressions.load(
            connection, days, model.feature_names, model.encoders, history.user_share, "held-out days"
        )
    except impressions.NoImpressions:
        return model
    scores = predict(model.booster, held_out.features)
    auc = rounded(request_auc(scores, compact(held_out.request), held_out.is_liked), 4)
    rows = impressions.joined([history.training, history.validation, held_out])
    history.training = history.validation = held_out = rows  # in memory once while they are fitted
    chosen = model.metrics
    trees, share = chosen["fitted_tree_count"], chosen["correction_share"]
    booster = fit_again(rows, recipe.parameters, trees, share, recipe.offsets)
    metrics = model.metrics | {
        "held_out_request_auc": auc, "refit_row_count": len(rows.features),
        "refit_day_count": len(np.unique(rows.days)), "refit_seconds": round(time.monotonic() - started, 1),
    }
    measured = HeldOut(model.booster, split.day, split.end)
    return replace(model, booster=booster, trained_until=split.end, metrics=metrics, held_out=measured)


def learn_repeats(
    connection: Connection, history: History, booster: CatBoost, offsets: Collection[str] = OFFSETS
) -> tuple[dict, dict]:
    """Return what showing a post again does to the scores of a model whose scores are log-odds, and figures of it."""
    offset, effects = nuisance(history.training, offsets=offsets)
    valid_offset, _ = nuisance(history.validation, effects, offsets)
    scores = tuple(
        predict(booster, rows.features) + baseline
        for rows, baseline in ((history.training, offset), (history.validation, valid_offset))
    )
    return seen.learn(connection, history.training, history.validation, scores, history.user_share)


def new_model(history: History, booster: CatBoost, metrics: dict, parameters: dict) -> NewModel:
    """Return a fitted model with what storing it needs."""
    rows = history.training
    metrics |= {
        "row_count": len(rows.features), "day_count": len(np.unique(rows.days)),
        "user_share": round(history.user_share, 4),
    }
    days, golden = (history.first_day, history.until), golden_sample(rows.features)
    return NewModel(booster, rows.names, history.encoders, *days, golden, metrics, parameters)
