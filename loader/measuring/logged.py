"""How good the recommendations are, always beside their baselines."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json, execute_values
from rich.table import Table

from loader.errors import PgfeedError
from loader.learning import examples
from loader.terminal import counted, table

TOP = 5
BOOTSTRAP_ROUNDS = 1000
SAMPLES = {"logged": "user-day", "live": "request", "full": "user"}
MAX_LOGGED_ROWS = 300_000
BASELINES = {
    "most popular": "post.like_count",
    "best like rate": "post.like_rate",
    "best recent like rate": "post.decayed_like_rate_7d",
}


@dataclass
class Result:
    """One metric of one method; low and high are the ends of its 95% bootstrap interval over users."""

    method: str
    metric: str
    value: float
    low: float
    high: float
    sample_count: int


def bootstrap(values: np.ndarray, user_ids: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Return the mean of values (one per user-day) and its 95% percentile interval over resampled users."""
    _, user = np.unique(user_ids, return_inverse=True)
    sums, counts = np.bincount(user, values), np.bincount(user).astype(float)
    draws = np.random.default_rng(seed).poisson(1.0, (BOOTSTRAP_ROUNDS, len(sums))).astype(np.float32)
    means = (draws @ sums) / np.maximum(draws @ counts, 1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def hits(scores: np.ndarray, request: np.ndarray, is_liked: np.ndarray, tie_break: np.ndarray) -> np.ndarray:
    """Return for each request (numbered from 0 without gaps) whether its five best-scored rows hold a like."""
    order = np.lexsort((tie_break, -scores, request))
    request, liked = request[order], is_liked[order]
    starts = np.searchsorted(request, np.arange(request[-1] + 1))
    place = np.arange(len(request)) - starts[request]
    return np.bincount(request[(place < TOP) & liked], minlength=request[-1] + 1) > 0


def request_auc(scores: np.ndarray, request: np.ndarray, is_liked: np.ndarray) -> float:
    """Return the mean AUC within requests that have both liked and other rows; ties count half.

    AUC by the Mann-Whitney statistic; within a request the day and the user's level cancel out.
    """
    order = np.lexsort((scores, request))
    scores, request, liked = scores[order], request[order], is_liked[order]
    starts = np.r_[True, (request[1:] != request[:-1]) | (scores[1:] != scores[:-1])]
    block = np.cumsum(starts) - 1
    block_rank = np.flatnonzero(starts) + (np.bincount(block) - 1) / 2
    first = np.searchsorted(request, np.arange(request[-1] + 1))
    rank = block_rank[block] - first[request] + 1
    positive = np.bincount(request, liked)
    negative = np.bincount(request) - positive
    both = (positive > 0) & (negative > 0)
    rank_sum = np.bincount(request, np.where(liked, rank, 0.0))
    auc = (rank_sum[both] - positive[both] * (positive[both] + 1) / 2) / (positive[both] * negative[both])
    return float(auc.mean()) if both.any() else float("nan")


def compact(numbers: np.ndarray) -> np.ndarray:
    """Return the numbers renumbered from 0 without gaps."""
    return np.unique(numbers, return_inverse=True)[1]


def random_hits(request: np.ndarray, is_liked: np.ndarray) -> np.ndarray:
    """Return each request's probability that five of its rows drawn at random hold a like: hypergeometric."""
    shown = np.bincount(request)
    not_liked = shown - np.bincount(request, is_liked)
    miss = np.ones(len(shown))
    for drawn in range(TOP):
        miss *= np.clip(not_liked - drawn, 0, None) / (shown - drawn)
    return 1 - miss


def first_held_out_day(connection: Connection, trained_until: datetime | None = None) -> date:
    """Return the first day to evaluate on: of the last 20% of the views, and never one that a model was trained on.

    trained_until: of the model, null if unknown; the data may have grown or shrunk since.
    """
    first = examples.split_day(connection)
    if trained_until is not None:
        first = max(first, trained_until.astimezone(UTC).date())
    if first > examples.day_views(connection)[-1][0]:
        raise PgfeedError("nothing to evaluate on", f"the model has seen all days before {first}", "pgfeed ingest newer events, then pgfeed refresh")
    return first


def held_out_examples(
    connection: Connection, names: list[str], codes: dict, trained_until: datetime | None = None
) -> examples.Examples:
    """Return the impressions of the held-out days, of a sample of users if there are more than 300,000."""
    first = first_held_out_day(connection, trained_until)
    days = [(day, views) for day, views in examples.day_views(connection) if day >= first]
    share = min(1.0, MAX_LOGGED_ROWS / sum(views for _, views in days))
    return examples.load_examples(connection, [day for day, _ in days], names, codes, share, "held-out days")


def evaluate_logged(connection: Connection, model: dict) -> list[Result]:
    """Re-rank what users really saw on the held-out days: HitRate@5 over user-days with more than five views."""
    names = list(dict.fromkeys([*model["feature_names"], *BASELINES.values()]))
    rows = with_enough_views(
        held_out_examples(connection, names, model["encoders"], model["trained_until"])
    )
    inputs = np.asfortranarray(rows.features[:, : len(model["feature_names"])])
    scores = {"model": model["booster"].predict(inputs, prediction_type="RawFormulaVal")}
    scores |= {method: rows.column(name) for method, name in BASELINES.items()}
    found = {method: hits(values, rows.request, rows.is_liked, rows.post_ids) for method, values in scores.items()}
    found["random"] = random_hits(rows.request, rows.is_liked)
    users = rows.user_ids[np.unique(rows.request, return_index=True)[1]]
    return [Result(method, f"HitRate@{TOP}", *bootstrap(h.astype(float), users), len(h)) for method, h in found.items()]


def with_enough_views(rows: examples.Examples) -> examples.Examples:
    """Return the rows of user-days with more than five views, numbered from 0 anew."""
    rows = rows.take(np.bincount(rows.request)[rows.request] > TOP)
    if not len(rows.request):
        raise PgfeedError("nothing to evaluate on", "no held-out user-day has more than five views", "pgfeed ingest FILE...")
    rows.request = compact(rows.request)
    return rows


def as_table(protocol: str, variant: str, version: int, results: list[Result]) -> Table:
    """Return the results as a table for people, the model first."""
    title = f"{protocol} HitRate@{TOP}, {variant} version {version}, {counted(results[0].sample_count, SAMPLES[protocol])}"
    rows = [(r.method, f"{r.value:.3f}", f"{r.low:.3f} to {r.high:.3f}") for r in results]
    return table(title, ["method", f"HitRate@{TOP}", "95% interval"], rows, [f"HitRate@{TOP}"])


def verdict(results: list[Result]) -> str:
    """Return one sentence by the first metric: baselines at or above the model, then those within its interval."""
    model = next(r for r in results if r.method == "model")
    others = [r for r in results if r.method not in ("model", "oracle") and r.metric == model.metric]
    better = [r.method for r in others if model.value <= r.value]
    unclear = [r.method for r in others if model.low <= r.value < model.value]
    if not better and not unclear:
        return "the model is clear of every baseline"
    if not better:
        return f"the model's interval is not clear of: {', '.join(unclear)}"
    sentence = f"the model is not better than: {', '.join(better)}"
    return f"{sentence}; its interval is not clear of: {', '.join(unclear)}" if unclear else sentence


def stored(connection: Connection, protocol: str, variant: str, version: int) -> list[Result]:
    """Return the newest results of a model version; empty if it was never evaluated."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select method, metric, value, low, high, sample_count from pgfeed.evaluations"
            " where protocol = %(protocol)s and variant = %(variant)s and model_version = %(version)s and evaluated_at ="
            " (select max(evaluated_at) from pgfeed.evaluations where protocol = %(protocol)s and variant = %(variant)s"
            " and model_version = %(version)s) order by evaluation_id",
            {"protocol": protocol, "variant": variant, "version": version},
        )
        return [Result(*row) for row in cursor.fetchall()]


def store(connection: Connection, protocol: str, variant: str, version: int, results: list[Result], parameters: dict) -> None:
    """Write results to the table evaluations."""
    with connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            "insert into pgfeed.evaluations (protocol, method, variant, model_version, metric, value, low, high,"
            " sample_count, parameters) values %s",
            [
                (protocol, r.method, variant, version, r.metric, r.value, r.low, r.high, r.sample_count, Json(parameters))
                for r in results
            ],
        )
