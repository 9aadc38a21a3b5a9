"""The full protocol: the whole catalogue ranked against the held-out likes, everything frozen at the split."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.features import load_pack
from loader.learning.model import Model
from loader.learning.requests import Request, Scorer, later_likes, load_likes, model_scorer, newest_first, rank_all
from loader.learning.split import for_models, midnight
from loader.learning.split import load as load_split
from loader.measuring import baselines, outside
from loader.measuring.baselines import HalfLife
from loader.measuring.beyond import Yardstick
from loader.measuring.results import Contest, Evaluation, entrants
from loader.metrics import Ranking
from plpy.pack import Pack

MAX_USERS = 3000
BASELINES = {"most popular": "post.like_count", "best like rate": "post.like_rate"}


def baseline_scorer(column: str) -> Scorer:
    """Return a scorer by one column of the pack."""
    return lambda request, pack, columns: pack.columns[column]


def evaluate(connection: Connection, model: Model, seed: int = 0) -> Evaluation:
    """Return how a model ranks all posts, see contest()."""
    return contest(connection, [model], seed=seed).evaluation(model.name)


def contest(connection: Connection, models: list[Model], relations: Sequence[str] = (), seed: int = 0) -> Contest:
    """Rank all posts but those liked before for up to 3,000 users who have likes both before and after the split.

    Features, baselines and the liked posts are as of the split, the first held-out day.
    """
    split = for_models(load_split(connection), models)
    day, likes = split.day, load_likes(connection)
    requests = later_likes(likes, midnight(day).timestamp(), np.inf, MAX_USERS, seed)
    if not requests:
        cause = f"nobody liked a post both before and after {day}"
        raise PgfeedError("nothing to evaluate on", cause, "pgfeed ingest FILE...")
    half_life = baselines.choose_for_catalogue(connection, split, likes)
    rankings = ranked(connection, requests, models, relations, midnight(day), half_life, seed)
    users = rankings["random"].user_ids
    if not len(users):
        cause = f"no post that was liked from {day} on is in the catalogue of that day"
        raise PgfeedError("nothing to evaluate on", cause, "pgfeed ingest FILE...")
    pack = load_pack(connection, day, {})
    yardstick = Yardstick(connection, pack)
    liked = [pack.places(likes.before(user_id, midnight(day).timestamp())) for user_id in users.tolist()]
    notes = [half_life.sentence, why_without_hits(rankings, requests, pack, f"{day}")]
    return Contest(
        "full", entrants(models, relations),
        {method: ranking.metrics() | yardstick.measures(ranking, liked) for method, ranking in rankings.items()},
        users, {"seed": seed, "half_life": half_life.name}, f", {len(pack):,} posts, likes from {day} on",
        "\n".join(filter(None, notes)),
        {method: yardstick.coverage(ranking) for method, ranking in rankings.items()},
    )


def ranked(
    connection: Connection, requests: list[Request], models: list[Model], relations: Sequence[str], moment: datetime,
    half_life: HalfLife, seed: int,
) -> dict[str, Ranking]:
    """Return what each model, relation and baseline makes of the requests, which are of one moment."""
    rankings: dict[str, Ranking] = {}
    for model in models:
        scorers = {model.name: model_scorer(model.booster, model.feature_names, model.encoders)}
        rankings |= rank_all(connection, requests, model.encoders, scorers, model.name, model.feature_names)
    user_ids = [request.user_id for request in requests]
    rng = np.random.default_rng(seed)
    scorers = {
        relation: outside.load(connection, relation, moment).scorer(moment.timestamp(), user_ids)
        for relation in relations
    }
    scorers |= {
        "random": lambda request, pack, columns: rng.random(len(pack)),
        **{name: baseline_scorer(column) for name, column in BASELINES.items()},
        "newest first": newest_first(baseline_scorer("post.age_days")),
        "decayed popularity": baseline_scorer(baselines.HALF_LIVES[half_life.name]),
    }
    return rankings | rank_all(connection, requests, {}, scorers, "relations and baselines")


def why_without_hits(rankings: dict[str, Ranking], requests: list[Request], pack: Pack, day: str) -> str | None:
    """Return why only chance hits; None if the model or a baseline does."""
    ranked = [ranking for method, ranking in rankings.items() if method != "random"]
    if any(ranking.metrics()["HitRate@5"].any() for ranking in ranked):
        return None
    places = pack.places(np.unique(np.concatenate([request.targets for request in requests])))
    seen_count = int((pack.columns["post.view_count"][places] > 0).sum())
    if not seen_count:
        return (
            f"only chance hits: none of the {len(places):,} posts liked from {day} on was viewed before, and all is"
            " frozen there"
        )
    best = 1 + min(int(each.min()) for ranking in ranked for each in ranking.places)
    return (
        f"only chance hits: {seen_count:,} of the {len(places):,} posts liked from {day} on were viewed before, and all"
        f" is frozen there; the best of them is in place {best:,} of {len(pack):,}"
    )
