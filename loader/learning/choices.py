"""Learning to choose from the whole catalogue: for feeds without impressions, or to be measured on all posts.

A request is a user who liked something before, at a moment; what it should find is the next post that the user
likes (horizon None), or all that the user likes anew within a horizon. Negatives are drawn from the catalogue. Every feature comes
from the functions that serve recommend_posts, as of the request's moment.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from catboost import CatBoost, Pool, sum_models
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from loader.errors import PgfeedError
from loader.learning import examples
from loader.learning.examples import feature_matrix, midnight
from loader.learning.train import Trained
from loader.terminal import console, progress
from plpy.recommend_posts import (
    FRESH_COLUMNS,
    HALF_LIFE_HOURS,
    LEAST_SHARE,
    PAIR_COLUMNS,
    TASTE_COLUMNS,
    liked_post_ids,
    locate,
    moment_columns,
    unpack_neighbours,
    unpack_recent,
)

FEATURES = [
    *FRESH_COLUMNS, *PAIR_COLUMNS, *TASTE_COLUMNS, "post.like_rate", "user_topic.view_share", "user_topic.like_rate",
    "user.age", "user.gender",
]
MAX_LIKES = 400_000
MAX_REQUESTS = 3_000
MAX_VALIDATION_REQUESTS = 500
CUT_OFFS = 60
WARM_UP_SHARE = 0.15
VALIDATION_SHARE = 0.2
PARAMETERS = {
    "loss_function": "QuerySoftMax", "iterations": 300, "learning_rate": 0.06, "l2_leaf_reg": 10.0, "rsm": 0.6,
    "border_count": 64, "leaf_estimation_iterations": 5, "random_seed": 20211001,
}
TREES = (0, 30, 60, 150, 300)
PARTS = {"all": (FEATURES, 6), "fresh": (FRESH_COLUMNS, 3)}  # features and depth
MIXTURES = (("all",), ("fresh",), ("all", "fresh"))
PRIORS = tuple(f"fresh.like_{name}" for name in HALF_LIFE_HOURS)
GOLDEN_ROWS = 64


@dataclass
class Likes:
    """The first like of each user and post before a moment, in the order of time; at is in unix seconds."""

    user_ids: np.ndarray
    post_ids: np.ndarray
    at: np.ndarray


@dataclass
class Request:
    """A user at a moment (unix seconds) and the posts to find."""

    user_id: int
    at: float
    wanted: np.ndarray


def load_likes(connection: Connection, until: datetime | None = None) -> Likes:
    """Return the first likes before a moment of the posts in the catalogue, of a share of the users beyond 400,000."""
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(sum(like_count), 0) from pgfeed.rollup_days")
        share = min(1.0, MAX_LIKES / max(cursor.fetchone()[0], 1))
        cursor.execute(
            """
            select l.user_id, l.post_id, extract(epoch from min(l.liked_at))::float8
            from pgfeed.likes as l
            join pgfeed.posts as p on p.post_id = l.post_id
            where l.liked_at < coalesce(%(until)s, timestamptz 'infinity')
                and (%(share)s >= 1 or (hashint8extended(l.user_id, 0) & 1048575) < %(share)s * 1048576)
            group by l.user_id, l.post_id
            order by 3, 1, 2
            """,
            {"until": until, "share": share},
        )
        rows = cursor.fetchall()
    if not rows:
        raise PgfeedError("there is nothing to learn from", "no post of the catalogue was liked", "pgfeed ingest FILE..., then pgfeed refresh")
    user_ids, post_ids, at = zip(*rows)
    return Likes(np.array(user_ids), np.array(post_ids), np.array(at))


def next_likes(likes: Likes, start: float, end: float, count: int, seed: int = 0) -> list[Request]:
    """Return requests just before likes in [start, end), of users with an earlier like: a sample of `count`, in order of time.

    Likes of one user in the same second belong to one request: none of them comes before the other.
    """
    first = dict(zip(likes.user_ids[::-1].tolist(), likes.at[::-1].tolist()))
    found: dict[tuple, list] = {}
    lower, upper = np.searchsorted(likes.at, [start, end])
    for user, post, at in zip(*(a[lower:upper].tolist() for a in (likes.user_ids, likes.post_ids, likes.at))):
        if first[user] < at:
            found.setdefault((at, user), []).append(post)
    keys = sample(sorted(found), count, seed)
    return [Request(user, at, np.array(found[at, user])) for at, user in keys]


def later_likes(likes: Likes, cut_off: float, end: float, count: int, seed: int = 0) -> list[Request]:
    """Return requests at a cut-off: users with a like before it and new ones from it until `end`; a sample of `count`."""
    lower, upper = np.searchsorted(likes.at, [cut_off, end])
    known = set(likes.user_ids[:lower].tolist())
    found: dict[int, list] = {}
    for user, post in zip(likes.user_ids[lower:upper].tolist(), likes.post_ids[lower:upper].tolist()):
        if user in known:
            found.setdefault(user, []).append(post)
    return [Request(user, cut_off, np.array(found[user])) for user in sample(sorted(found), count, seed)]


def sample(values: list, count: int, seed: int) -> list:
    """Return `count` of the values in their order, all if there are fewer."""
    if len(values) <= count:
        return values
    return [values[i] for i in np.sort(np.random.default_rng(seed).choice(len(values), count, replace=False))]


def requests_until(likes: Likes, end: float, horizon: float | None, count: int) -> list[Request]:
    """Return training requests whose wanted posts were all liked before `end`; horizon in seconds or None."""
    start = likes.at[int(len(likes.at) * WARM_UP_SHARE)]
    if horizon is None:
        return next_likes(likes, start, end, count)
    cut_offs = np.linspace(start, max(end - horizon / 2, start), CUT_OFFS)
    return [r for c in cut_offs for r in later_likes(likes, c, min(c + horizon, end), count // CUT_OFFS)]


def load_posts(connection: Connection, day: date, codes: dict, has_factors: bool = False) -> dict:
    """Return the post pack as of the day's midnight with its neighbours, made and kept if they are not there yet."""
    posts = examples.load_posts(connection, day, codes, has_factors)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update pgfeed.feature_packs set neighbours = pgfeed._post_neighbours(as_of, post_ids)"
            " where as_of = %s and neighbours is null", [midnight(day)],
        )
        cursor.execute("select neighbours from pgfeed.feature_packs where as_of = %s", [midnight(day)])
        posts["neighbours"] = unpack_neighbours(cursor.fetchone()[0], len(posts["post_ids"]))
    return posts


def load_recent(connection: Connection, posts: dict, day: date, moment: datetime) -> dict:
    """Return the events from the day's midnight until before the moment."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        return unpack_recent(examples.run_plan(cursor, "recent", midnight(day), moment)[0], posts)


def with_features(
    connection: Connection, requests: list[Request], codes: dict, title: str, has_factors: bool = False
) -> Iterator[tuple[Request, dict, dict]]:
    """Yield each request, in the order of time, with the pack of its day and its own columns."""
    day, moment, posts = None, None, {}
    with progress(title, len(requests)) as advance:
        for request in sorted(requests, key=lambda r: r.at):
            if request.at != moment:
                moment = request.at
                when = datetime.fromtimestamp(moment, UTC)
                if when.date() != day:
                    day = when.date()
                    posts = load_posts(connection, day, codes, has_factors)
                recent = load_recent(connection, posts, day, when)
                users = {r.user_id for r in requests if r.at == moment}
                rows = dict(zip(sorted(users), examples.load_users(connection, when, sorted(users))))
            row = rows[request.user_id]
            columns = examples.columns_at(row, posts, codes, when)
            columns |= moment_columns(row, posts, posts["neighbours"], recent, moment, midnight(day).timestamp())
            yield request, posts | {"liked": locate(posts, liked_post_ids(row))}, columns
            advance(1)


@dataclass
class Choices:
    """Rows of candidates with their features; request numbers them from 0, in the order of time."""

    features: np.ndarray
    request: np.ndarray
    is_liked: np.ndarray


def load_choices(connection: Connection, requests: list[Request], names: list[str], codes: dict, negatives: int, title: str) -> Choices:
    """Return for each request the wanted posts and `negatives` others of the catalogue that the user had not liked."""
    rng = np.random.default_rng(0)
    parts = []
    for number, (request, posts, columns) in enumerate(with_features(connection, requests, codes, title, "match.factors" in names)):
        wanted = locate(posts, request.wanted)
        # Nobody can know that a post without any event will be liked: it is only ever a negative.
        wanted = wanted[(wanted >= 0) & ~np.isnan(columns["fresh.age_days"][0][wanted])]
        if not len(wanted):
            continue
        is_free = np.ones(len(posts["post_ids"]), bool)
        is_free[wanted] = False
        is_free[posts["liked"][posts["liked"] >= 0]] = False
        free = np.flatnonzero(is_free)
        others = rng.choice(free, min(negatives, len(free)), replace=False)
        rows = np.concatenate([wanted, others])
        parts.append((feature_matrix(names, posts, columns, rows), np.full(len(rows), number), np.arange(len(rows)) < len(wanted)))
    return Choices(*(np.concatenate(column) for column in zip(*parts)))


@dataclass
class Ranking:
    """Places (from 0) of the wanted posts among all posts that may be shown, best first; one array per request."""

    user_ids: np.ndarray
    places: list[np.ndarray]
    wanted_counts: np.ndarray

    def metrics(self) -> dict[str, np.ndarray]:
        """Return HitRate@5, NDCG@10 (binary, ideal over at most ten) and Recall@20 per request."""
        gains = 1 / np.log2(np.arange(10) + 2)
        ideal = np.cumsum(gains)
        return {
            "HitRate@5": np.array([float((p < 5).any()) for p in self.places]),
            "NDCG@10": np.array([gains[p[p < 10]].sum() for p in self.places]) / ideal[np.minimum(self.wanted_counts, 10) - 1],
            "Recall@20": np.array([float((p < 20).sum()) for p in self.places]) / self.wanted_counts,
        }


def places_of(scores: np.ndarray, wanted: np.ndarray, excluded: np.ndarray) -> np.ndarray:
    """Return the places of wanted rows by falling score, ties to the smaller row; excluded rows are not shown."""
    scores = np.array(scores, np.float64)
    scores[excluded] = -np.inf
    targets = scores[wanted]
    above = (scores[None, :] > targets[:, None]).sum(axis=1)
    ties = (scores[None, :] == targets[:, None]) & (np.arange(len(scores))[None, :] < wanted[:, None])
    return above + ties.sum(axis=1)


def rank_all(
    connection: Connection, requests: list[Request], codes: dict, scorers: dict, title: str, has_factors: bool = False
) -> dict[str, Ranking]:
    """Return the ranking of every scorer, which takes (request, posts, columns) and gives a score for all posts of the pack."""
    users, counts, places = [], [], {name: [] for name in scorers}
    for request, posts, columns in with_features(connection, requests, codes, title, has_factors):
        wanted = locate(posts, request.wanted)
        wanted = wanted[wanted >= 0]
        if not len(wanted):
            continue
        users.append(request.user_id)
        counts.append(len(wanted))
        excluded = np.setdiff1d(posts["liked"][posts["liked"] >= 0], wanted)
        for name, score in scorers.items():
            places[name].append(places_of(score(request, posts, columns), wanted, excluded))
    return {name: Ranking(np.array(users), found, np.array(counts)) for name, found in places.items()}


def model_scorer(booster: CatBoost, names: list[str]):
    """Return a scorer for rank_all()."""

    def score(request: Request, posts: dict, columns: dict) -> np.ndarray:
        rows = np.arange(len(posts["post_ids"]))
        inputs = np.asfortranarray(feature_matrix(names, posts, columns, rows))
        return booster.predict(inputs, prediction_type="RawFormulaVal", thread_count=1)

    return score


def fit(training: Choices, names: list[str], part: str, prior: str) -> CatBoost:
    """Return what the features of one part add to the prior as log-odds that a candidate of a request is liked."""
    used, depth = PARTS[part]
    pool = Pool(
        training.features, training.is_liked.astype(int), group_id=training.request, feature_names=names,
        baseline=training.features[:, names.index(prior)].astype(np.float64),
    )
    booster = CatBoost({
        **PARAMETERS, "depth": depth, "ignored_features": [i for i, name in enumerate(names) if name not in used],
        "allow_writing_files": False, "thread_count": os.cpu_count(), "verbose": False,
    })
    with console.status(f"fitting CatBoost, {PARAMETERS['loss_function']}, {part} features"):
        return booster.fit(pool)


def fit_prior(names: list[str], prior: str) -> CatBoost:
    """Return trees whose score is one feature, the logarithm of a share, in 250 steps of 0.04: popularity as a model."""
    number = names.index(prior)
    grid = np.zeros((5000, len(names)), np.float32)
    grid[:, number] = np.linspace(np.log(LEAST_SHARE), np.log1p(LEAST_SHARE), len(grid))
    booster = CatBoost({
        "loss_function": "RMSE", "iterations": 150, "depth": 6, "learning_rate": 0.5, "l2_leaf_reg": 0, "random_strength": 0,
        "bootstrap_type": "No", "border_count": 250, "feature_border_type": "Uniform", "random_seed": 0,
        "ignored_features": [i for i in range(len(names)) if i != number], "allow_writing_files": False, "verbose": False,
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


def column_scorer(name: str):
    """Return a scorer for rank_all(): one feature."""
    return lambda request, posts, columns: columns[name][0]


def train(
    connection: Connection, negatives: int, horizon_days: float | None = None, split: datetime | None = None,
) -> Trained:
    """Train a model to choose from the whole catalogue, on what was before the split.

    It starts as decayed popularity (posts are liked in proportion to their decayed likes) and adds trees to it. The
    last 20% of the likes before the split validate: the half-life, then the mixture and number of trees with the best
    NDCG@10 over the whole catalogue are taken, and the model is fitted again on all that was before the split.
    """
    until = split or midnight(examples.split_day(connection))
    end, horizon = until.timestamp(), horizon_days and horizon_days * 86400
    likes = load_likes(connection, until)
    middle = float(likes.at[int(len(likes.at) * (1 - VALIDATION_SHARE))])
    first_day = datetime.fromtimestamp(likes.at[int(len(likes.at) * WARM_UP_SHARE)], UTC).date()
    codes = examples.encoders(connection, first_day)
    names = FEATURES
    started = time.monotonic()

    early = requests_until(likes, middle, horizon, MAX_REQUESTS)
    if horizon is None:
        late = next_likes(likes, middle, end, MAX_VALIDATION_REQUESTS)
    else:
        late = later_likes(likes, middle, end, MAX_VALIDATION_REQUESTS)
    if not early or not late:
        raise PgfeedError("there is too little to learn from", "nobody who liked a post liked another one later", "pgfeed ingest FILE...")
    popular = rank_all(connection, late, codes, {name: column_scorer(name) for name in PRIORS}, "validation, half-lives")
    prior = max(PRIORS, key=lambda name: popular[name].metrics()["NDCG@10"].mean())
    start = fit_prior(names, prior)
    training = load_choices(connection, early, names, codes, negatives, "requests to learn from")
    boosters = {part: fit(training, names, part, prior) for part in PARTS}
    tried = [(mixture, trees) for mixture in MIXTURES for trees in TREES]
    scorers = {option: model_scorer(mixed(start, boosters, *option), names) for option in tried}
    found = {option: r.metrics() for option, r in rank_all(connection, late, codes, scorers, "validation, all posts").items()}
    best = max(tried, key=lambda option: found[option]["NDCG@10"].mean())

    everything = load_choices(connection, requests_until(likes, end, horizon, MAX_REQUESTS), names, codes, negatives, "requests until the split")
    booster = mixed(start, {part: fit(everything, names, part, prior) for part in best[0]}, *best)
    parameters = PARAMETERS | {
        "prior": prior, "parts": [f"{part} features, depth {PARTS[part][1]}" for part in best[0]], "iterations": best[1], "negatives": negatives,
        "horizon_days": horizon_days,
    }
    metrics = {
        "validation_ndcg_10": round(float(found[best]["NDCG@10"].mean()), 4),
        "validation_hit_rate_5": round(float(found[best]["HitRate@5"].mean()), 4),
        "tree_count": booster.tree_count_, "row_count": len(everything.features),
        "request_count": int(everything.request[-1]) + 1, "fit_seconds": round(time.monotonic() - started, 1),
    }
    trained_until = until.date() if until == midnight(until.date()) else until.date() + timedelta(days=1)
    chosen = np.random.default_rng(0).choice(len(everything.features), min(GOLDEN_ROWS, len(everything.features)), replace=False)
    return Trained(booster, names, codes, first_day, trained_until, everything.features[chosen], metrics, parameters)


