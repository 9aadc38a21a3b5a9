"""The logged protocol: what users really saw on the held-out days, ranked again.

A model knows what its features do, most of them as of midnight; the baselines know all that was before each view.
"""

from collections.abc import Sequence

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import impressions
from loader.learning.impressions import Impressions
from loader.learning.model import Model, predict
from loader.learning.split import Split, for_models, midnight, user_share
from loader.learning.split import load as load_split
from loader.measuring import baselines, outside
from loader.measuring.results import Contest, Evaluation, entrants
from loader.metrics import TOP, compact, hits, random_hits, request_aucs
from plpy.columns import needs_catalogue

MAX_ROWS = 300_000
HIT_RATE, AUC = f"HitRate@{TOP}", "AUC"


def evaluate(connection: Connection, model: Model) -> Evaluation:
    """Return HitRate@5 and AUC over user-days with more than five views."""
    return contest(connection, [model]).evaluation(model.name)


def contest(connection: Connection, models: list[Model], relations: Sequence[str] = ()) -> Contest:
    """Return what models, scores of relations and the baselines reach on the same user-days: HitRate@5 and AUC."""
    for model in models:
        require_impressions(model)
    split = for_models(load_split(connection), models)
    scores = {}
    for model in models:
        rows = with_enough_views(load_held_out(connection, split, model.feature_names, model.encoders))
        scores[model.name] = predict(model.booster, rows.features)
    if not models:
        rows = with_enough_views(load_held_out(connection, split, ["post.like_count"], {}))
    for relation in relations:
        scores[relation] = outside.load(connection, relation, midnight(split.day)).of_views(rows)
    half_life = baselines.choose_for_views(connection, split, TOP + 1)
    scores |= baselines.scores(connection, rows, half_life.name)
    values = {method: measures(rows, each) for method, each in scores.items()}
    is_defined = np.isfinite(next(iter(values.values()))[AUC])
    values["random"] = {HIT_RATE: random_hits(rows.request, rows.is_liked), AUC: np.where(is_defined, 0.5, np.nan)}
    users = rows.user_ids[np.unique(rows.request, return_index=True)[1]]
    parameters = {"half_life": half_life.name}
    return Contest("logged", entrants(models, relations), values, users, parameters, note=half_life.sentence)


def require_impressions(model: Model) -> None:
    """Raise if a model has features that views of the past do not have."""
    if needs_catalogue(model.feature_names):
        raise PgfeedError(
            f"{model.name} has features of a request for all posts", "views of the past have none",
            f"pgfeed evaluate full {model.name}",
        )


def measures(rows: Impressions, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Return the metrics of each user-day."""
    return {
        HIT_RATE: hits(scores, rows.request, rows.is_liked, rows.post_ids).astype(float),
        AUC: request_aucs(scores, rows.request, rows.is_liked),
    }


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
