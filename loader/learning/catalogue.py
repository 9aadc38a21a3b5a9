"""Training on requests: which of all posts a user likes next. For feeds without impressions; negatives are drawn.

It starts as decayed popularity (posts are liked in proportion to their decayed likes) and adds trees to it.
"""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from catboost import CatBoost, Pool, sum_models
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.features import Encoders, feature_matrix, load_attributes, load_encoders
from loader.learning.model import HeldOut, NewModel, golden_sample, predict, thread_count
from loader.learning.recipes import RequestRecipe, as_settings
from loader.learning.requests import (
    Likes,
    Request,
    Scorer,
    column_scorer,
    is_viewed,
    later_likes,
    load_likes,
    model_scorer,
    next_likes,
    rank_all,
    with_features,
)
from loader.learning.split import Split, midnight, spread
from loader.learning.split import load as load_split
from loader.metrics import Ranking
from loader.terminal import status
from plpy.columns import FRESH_COLUMNS, HALF_LIFE_HOURS, PAIR_COLUMNS, TASTE_COLUMNS
from plpy.moment import LEAST_SHARE
from plpy.pack import Pack
from plpy.seen import KEY as SEEN
from plpy.seen import LAST, VIEWED

FEATURES = [
    *FRESH_COLUMNS, *PAIR_COLUMNS, *TASTE_COLUMNS, "post.like_rate", "user_topic.view_share", "user_topic.like_rate",
    "user.age", "user.gender",
]
MAX_REQUESTS = 3_000
MAX_VALIDATION_REQUESTS = 500
CUT_OFFS, VALIDATION_CUT_OFFS = 60, 5
WARM_UP_SHARE = 0.15
VALIDATION_SHARE = 0.2
PARAMETERS = {
    "loss_function": "QuerySoftMax", "learning_rate": 0.06, "l2_leaf_reg": 10.0, "rsm": 0.6,
    "border_count": 64, "leaf_estimation_iterations": 5, "random_seed": 20211001,
}
TREES = (0, 30, 60, 150, 300)
PARTS = {"all": (None, 6), "fresh": (FRESH_COLUMNS, 3)}  # features (None: all) and depth
HIDES = (False, True)
MIXTURES = (("all",), ("fresh",), ("all", "fresh"))
PRIORS = (*(f"fresh.like_{name}" for name in HALF_LIFE_HOURS), "fresh.like_total")
ALL_NEW = "every post that was liked after another one was new on that day, without a created_at before the like"


@dataclass
class Choices:
    """Rows of candidates with the named features; request numbers them from 0, in the order of time."""

    names: list[str]
    features: np.ndarray
    request: np.ndarray
    is_liked: np.ndarray


def too_little(cause: str) -> PgfeedError:
    """Return the error about a feed that a model cannot learn from."""
    return PgfeedError("there is too little to learn from", cause, "pgfeed ingest FILE...")


def requests_until(likes: Likes, end: float, horizon: float | None, count: int) -> list[Request]:
    """Return training requests whose targets were all liked before `end`; horizon in seconds or None."""
    start = likes.at[int(len(likes.at) * WARM_UP_SHARE)]
    if horizon is None:
        return next_likes(likes, start, end, count)
    return requests_at(likes, start, end, horizon, CUT_OFFS, count)


def requests_at(
    likes: Likes, start: float, end: float, horizon: float, cut_offs: int, count: int
) -> list[Request]:
    """Return `count` requests with a horizon, at so many cut-offs that are spread from start until half of it is left.

    What is popular at one moment is liked or not by all users alike: one cut-off tells little of half-lives.
    """
    moments = np.unique(np.linspace(start, max(end - horizon / 2, start), 1 + 100 * (cut_offs - 1)))
    chosen = spread(list(moments[likes.has_features(moments)]), cut_offs)
    return [r for c in chosen for r in later_likes(likes, c, min(c + horizon, end), count // cut_offs)]


def load_choices(
    connection: Connection, requests: list[Request], names: list[str], encoders: Encoders, negatives: int, title: str
) -> Choices:
    """Return each request's targets and `negatives` other posts of the catalogue that the user had not liked."""
    rng = np.random.default_rng(0)
    parts = []
    answers = with_features(connection, requests, encoders, title, names)
    for number, (request, pack, columns, excluded) in enumerate(answers):
        targets = pack.locate(request.targets)
        # Nobody can know that a post without any event will be liked: it is only ever a negative.
        targets = targets[(targets >= 0) & ~np.isnan(columns["fresh.age_days"][0][targets])]
        if not len(targets):
            continue
        is_free = np.ones(len(pack), bool)
        is_free[targets] = False
        is_free[excluded] = False
        free = np.flatnonzero(is_free)
        rows = np.concatenate([targets, rng.choice(free, min(negatives, len(free)), replace=False)])
        is_target = np.arange(len(rows)) < len(targets)
        parts.append((feature_matrix(names, pack, columns, rows), np.full(len(rows), number), is_target))
    if not parts:
        raise too_little(ALL_NEW)
    return Choices(names, *(np.concatenate(column) for column in zip(*parts)))


def fit_part(training: Choices, part: str, prior: str, trees: int) -> CatBoost:
    """Return what the features of one part add to the prior as log-odds that a candidate of a request is liked.

    Fewer trees are the first ones of more.
    """
    used, depth = PARTS[part]
    pool = Pool(
        training.features, training.is_liked.astype(int), group_id=training.request, feature_names=training.names,
        baseline=training.features[:, training.names.index(prior)].astype(np.float64),
    )
    booster = CatBoost({
        **PARAMETERS, "iterations": trees, "depth": depth,
        "ignored_features": [i for i, name in enumerate(training.names) if used and name not in used],
        "allow_writing_files": False, "thread_count": thread_count(), "verbose": False,
    })
    with status(f"fitting CatBoost, {PARAMETERS['loss_function']}, {part} features"):
        return booster.fit(pool)


def fit_prior(prior: str, names: list[str]) -> CatBoost:
    """Return trees whose score is one feature, the logarithm of a share, in 250 steps of 0.04."""
    number = names.index(prior)
    grid = np.zeros((5000, len(names)), np.float32)
    grid[:, number] = np.linspace(np.log(LEAST_SHARE), np.log1p(LEAST_SHARE), len(grid))
    booster = CatBoost({
        "loss_function": "RMSE", "iterations": 150, "depth": 6, "learning_rate": 0.5, "l2_leaf_reg": 0,
        "random_strength": 0, "bootstrap_type": "No", "border_count": 250, "feature_border_type": "Uniform",
        "random_seed": 0, "ignored_features": [i for i in range(len(names)) if i != number],
        "allow_writing_files": False, "verbose": False,
    })
    return booster.fit(Pool(grid, grid[:, number], feature_names=names))


def mixed(prior: CatBoost, boosters: dict[str, CatBoost], mixture: tuple[str, ...], trees: int) -> CatBoost:
    """Return one model: the prior and the mean of what the parts add with so many trees each."""
    if trees == 0:
        return prior
    parts = []
    for part in mixture:
        booster = boosters[part].copy()
        booster.shrink(min(trees, booster.tree_count_))
        parts.append(booster)
    return sum_models([prior, *parts], weights=[1.0, *([1 / len(parts)] * len(parts))])


def train(
    connection: Connection, negatives: int, horizon_days: float | None = None, until: datetime | None = None,
    is_refitted: bool = False, split: Split | None = None,
) -> NewModel:
    """Train a model on the likes before a moment, or before the held-out days, of another split if given.

    The last 20% of them validate: the half-life, then the mixture, the number of trees and whether viewed posts come
    last, with the best NDCG@10 over the whole catalogue, are taken, and the model is fitted again on all of them;
    is_refitted: then on all, see refit().
    """
    started = time.monotonic()
    until = until or midnight((split or load_split(connection)).day)
    end, horizon = until.timestamp(), horizon_days and horizon_days * 86400
    likes = load_likes(connection, until)
    first_day = datetime.fromtimestamp(likes.at[int(len(likes.at) * WARM_UP_SHARE)], UTC).date()
    encoders = load_encoders(connection, first_day)
    with connection.cursor() as cursor:
        names = [*FEATURES, *load_attributes(cursor)]
    choice = choose(connection, likes, names, encoders, negatives, end, horizon)
    if choice.hides:
        encoders[SEEN] = {VIEWED: LAST}

    requests = requests_until(likes, end, horizon, MAX_REQUESTS)
    choices = load_choices(connection, requests, names, encoders, negatives, "requests until the split")
    booster = fit(choices, choice)
    parameters = PARAMETERS | {
        "prior": choice.prior, "parts": [f"{part} features, depth {PARTS[part][1]}" for part in choice.mixture],
        "iterations": choice.trees, "hides_viewed": choice.hides, "negatives": negatives,
        "horizon_days": horizon_days,
        "recipe": as_settings(RequestRecipe(negatives, horizon_days)),
    }
    metrics = {
        **{f"validation_{name}": value for name, value in choice.figures.items()}, "tree_count": booster.tree_count_,
        "row_count": len(choices.features), "request_count": int(choices.request[-1]) + 1,
        "fit_seconds": round(time.monotonic() - started, 1),
    }
    trained_until = until.date() if until == midnight(until.date()) else until.date() + timedelta(days=1)
    golden = golden_sample(choices.features)
    model = NewModel(booster, names, encoders, first_day, trained_until, golden, metrics, parameters)
    return refit(connection, split or load_split(connection), model, choice, horizon) if is_refitted else model


def fit(choices: Choices, choice: "Choice") -> CatBoost:
    """Return the prior with the chosen mixture of trees, fitted on these rows."""
    parts = choice.mixture if choice.trees else ()
    boosters = {part: fit_part(choices, part, choice.prior, choice.trees) for part in parts}
    return mixed(fit_prior(choice.prior, choices.names), boosters, choice.mixture, choice.trees)


def refit(
    connection: Connection, split: Split, model: NewModel, choice: "Choice", horizon: float | None
) -> NewModel:
    """Return the model fitted again on the likes of all days, after it was measured on those of the held-out ones."""
    started = time.monotonic()
    first, end = midnight(split.day).timestamp(), midnight(split.end).timestamp()
    likes, names = load_likes(connection, midnight(split.end)), model.feature_names
    figures = {}
    if held_out := requests_between(likes, first, end, horizon):
        scorers = {"model": model_scorer(model.booster, names, model.encoders)}
        ranking = rank_all(connection, held_out, model.encoders, scorers, "held-out days, all posts")["model"]
        if len(ranking.user_ids):
            figures = {f"held_out_{name}": value for name, value in figures_of(ranking).items()}
    requests = requests_until(likes, end, horizon, MAX_REQUESTS)
    choices = load_choices(
        connection, requests, names, model.encoders, model.parameters["negatives"], "requests until the end"
    )
    booster = fit(choices, choice)
    figures |= {
        "refit_row_count": len(choices.features), "refit_request_count": int(choices.request[-1]) + 1,
        "refit_seconds": round(time.monotonic() - started, 1),
    }
    measured = HeldOut(model.booster, split.day, split.end)
    return replace(
        model, booster=booster, trained_until=split.end, metrics=model.metrics | figures, held_out=measured
    )


def requests_between(likes: Likes, start: float, end: float, horizon: float | None) -> list[Request]:
    """Return requests to measure on: for the next likes in [start, end), or at cut-offs with a horizon."""
    if horizon is None:
        return next_likes(likes, start, end, MAX_VALIDATION_REQUESTS)
    return requests_at(likes, start, end, horizon, VALIDATION_CUT_OFFS, MAX_VALIDATION_REQUESTS)


def figures_of(ranking: Ranking) -> dict[str, float]:
    """Return NDCG@10 and HitRate@5 of a ranking, by the names that figures of a model have."""
    names = {"ndcg_10": "NDCG@10", "hit_rate_5": "HitRate@5"}
    return {name: round(float(ranking.metrics()[metric].mean()), 4) for name, metric in names.items()}


@dataclass
class Choice:
    """What is best on the validation requests, and how good it is there; hides: what a user viewed comes last."""

    prior: str
    mixture: tuple[str, ...]
    trees: int
    hides: bool
    figures: dict[str, float]


class Options:
    """The scores of a request by every mixture and number of trees, as mixed() gives them."""

    def __init__(self, start: CatBoost, boosters: dict[str, CatBoost], names: list[str]):
        self.names, self.start, self.boosters = names, start, {}
        for part, booster in boosters.items():
            for trees in filter(None, TREES):
                self.boosters[part, trees] = booster.copy()
                self.boosters[part, trees].shrink(min(trees, booster.tree_count_))
        self.request: Request | None = None
        self.prior, self.added = np.empty(0), dict[tuple[str, int], np.ndarray]()

    def load(self, request: Request, pack: Pack, columns: dict) -> None:
        """Score a request by the prior and by each part, unless it was the last one."""
        if request is not self.request:
            matrix = feature_matrix(self.names, pack, columns, np.arange(len(pack)))
            self.prior = predict(self.start, matrix, threads=1)
            self.added = {key: predict(booster, matrix, threads=1) for key, booster in self.boosters.items()}
            self.request = request

    def scorer(self, mixture: tuple[str, ...], trees: int) -> Scorer:
        """Return the scorer of one option."""
        def score(request: Request, pack: Pack, columns: dict) -> np.ndarray:
            self.load(request, pack, columns)
            return self.prior + sum(self.added[part, trees] for part in mixture if trees) / len(mixture)

        return score


def hiding(scorers: dict) -> dict:
    """Return the scorers by (key, hides): each as it is, and with what a user viewed at the end."""
    def hidden(score: Scorer) -> Scorer:
        return lambda request, pack, columns: score(request, pack, columns) + LAST * is_viewed(columns)

    return {(key, hides): hidden(score) if hides else score for key, score in scorers.items() for hides in HIDES}


def best_of(rankings: dict) -> tuple:
    """Return the key with the best NDCG@10, the first of equals."""
    return max(rankings, key=lambda key: rankings[key].metrics()["NDCG@10"].mean())


def choose(
    connection: Connection, likes: Likes, names: list[str], encoders: Encoders, negatives: int, end: float,
    horizon: float | None,
) -> Choice:
    """Fit on the earlier likes, and choose on the later ones: the prior, the mixture, the number of trees, and whether
    viewed posts are hidden.
    """
    moments = likes.at[likes.has_features(likes.at)]
    if not len(moments):
        raise too_little("the events that features need are gone on all days with likes")
    middle = float(moments[int(len(moments) * (1 - VALIDATION_SHARE))])
    early = requests_until(likes, middle, horizon, MAX_REQUESTS)
    late = requests_between(likes, middle, end, horizon)
    if not early or not late:
        raise too_little("nobody who liked a post liked another one later")
    popularity = hiding({name: column_scorer(name) for name in PRIORS})
    rankings = rank_all(connection, late, encoders, popularity, "validation, half-lives")
    if not len(rankings[PRIORS[0], False].user_ids):
        raise too_little(ALL_NEW)
    prior, _ = best_of(rankings)
    training = load_choices(connection, early, names, encoders, negatives, "requests to learn from")
    boosters = {part: fit_part(training, part, prior, max(TREES)) for part in PARTS}
    options = Options(fit_prior(prior, names), boosters, names)
    scorers = {(mixture, trees): options.scorer(mixture, trees) for mixture in MIXTURES for trees in TREES}
    rankings = rank_all(connection, late, encoders, hiding(scorers), "validation, all posts")
    (mixture, trees), hides = best = best_of(rankings)
    return Choice(prior, mixture, trees, hides, figures_of(rankings[best]))
