"""The logged protocol: what users really saw on the held-out days, ranked again."""

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import impressions
from loader.learning.impressions import Impressions
from loader.learning.model import Model, predict
from loader.learning.split import Split, user_share
from loader.learning.split import load as load_split
from loader.measuring.results import Evaluation, Result
from loader.metrics import TOP, bootstrap, compact, hits, random_hits

MAX_ROWS = 300_000
BASELINES = {
    "most popular": "post.like_count",
    "best like rate": "post.like_rate",
    "best recent like rate": "post.decayed_like_rate_7d",
}


def evaluate(connection: Connection, model: Model) -> Evaluation:
    """Return the HitRate@5 over user-days with more than five views."""
    names = list(dict.fromkeys([*model.feature_names, *BASELINES.values()]))
    split = load_split(connection).for_model(model.trained_until)
    rows = with_enough_views(load_held_out(connection, split, names, model.encoders))
    scores = {"model": predict(model.booster, rows.features[:, : len(model.feature_names)])}
    scores |= {method: rows.column(name) for method, name in BASELINES.items()}
    is_hit = {method: hits(values, rows.request, rows.is_liked, rows.post_ids) for method, values in scores.items()}
    is_hit["random"] = random_hits(rows.request, rows.is_liked)
    users = rows.user_ids[np.unique(rows.request, return_index=True)[1]]
    results = [
        Result(method, f"HitRate@{TOP}", *bootstrap(values.astype(float), users), len(values))
        for method, values in is_hit.items()
    ]
    return Evaluation("logged", model.variant, model.version, results)


def load_held_out(
    connection: Connection, split: Split, names: list[str], encoders: dict, least_views: int = TOP + 1
) -> Impressions:
    """Return the impressions of held-out user-days with so many views, of a sample of users beyond 300,000."""
    share = user_share(sum(split.held_out.values()), MAX_ROWS)
    try:
        return impressions.load(connection, list(split.held_out), names, encoders, share, "held-out days", least_views)
    except impressions.NoImpressions as error:
        raise without_enough_views() from error


def without_enough_views() -> PgfeedError:
    """Return the error about held-out days on which nobody viewed more than five posts."""
    cause = "no held-out user-day has more than five views"
    return PgfeedError("nothing to evaluate on", cause, "pgfeed ingest FILE...")


def has_enough_views(rows: Impressions) -> bool:
    """Return whether any user-day has more than five views, among which five can be chosen."""
    return bool(len(rows.request)) and bool((np.bincount(rows.request) > TOP).any())


def with_enough_views(rows: Impressions) -> Impressions:
    """Return the rows of user-days with more than five views, numbered from 0 anew."""
    rows = rows.take(np.bincount(rows.request)[rows.request] > TOP)
    if not len(rows.request):
        raise without_enough_views()
    rows.request = compact(rows.request)
    return rows
