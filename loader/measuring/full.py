"""The full protocol: the whole catalogue ranked against the held-out likes, everything frozen at the split."""

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.features import load_pack
from loader.learning.model import Model
from loader.learning.requests import Scorer, later_likes, load_likes, model_scorer, rank_all
from loader.learning.split import load as load_split
from loader.learning.split import midnight
from loader.measuring.results import Evaluation, Result
from loader.metrics import bootstrap

MAX_USERS = 3000
BASELINES = {
    "most popular": "post.like_count",
    "best like rate": "post.like_rate",
    "decayed popularity": "post.decayed_like_count_7d",
}


def baseline_scorer(column: str) -> Scorer:
    """Return a scorer by one column of the pack."""
    return lambda request, pack, columns: pack.columns[column]


def evaluate(connection: Connection, model: Model, seed: int = 0) -> Evaluation:
    """Rank all posts but those liked before for up to 3,000 users who have likes both before and after the split.

    Features, baselines and the liked posts are as of the split, the first held-out day.
    """
    day = load_split(connection).for_model(model.trained_until).day
    requests = later_likes(load_likes(connection), midnight(day).timestamp(), np.inf, MAX_USERS, seed)
    if not requests:
        cause = f"nobody liked a post both before and after {day}"
        raise PgfeedError("nothing to evaluate on", cause, "pgfeed ingest FILE...")
    rng = np.random.default_rng(seed)
    scorers = {
        "model": model_scorer(model.booster, model.feature_names),
        "random": lambda request, pack, columns: rng.random(len(pack)),
        **{name: baseline_scorer(column) for name, column in BASELINES.items()},
    }
    has_factors = "match.factors" in model.feature_names
    rankings = rank_all(connection, requests, model.encoders, scorers, "users, all posts", has_factors)
    results = [
        Result(method, name, *bootstrap(values, ranking.user_ids), len(values))
        for method, ranking in rankings.items() for name, values in ranking.metrics().items()
    ]
    post_count = len(load_pack(connection, day, {}))
    detail = f", {post_count:,} posts, likes from {day} on"
    return Evaluation("full", model.variant, model.version, results, {"seed": seed}, detail)
