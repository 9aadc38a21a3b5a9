"""What is measured of a challenger where it was trained, for the gate in SQL to decide by: see pgfeed._decide()."""

import json

import numpy as np
import psycopg2
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.figures import defined, rounded
from loader.learning import registry, split
from loader.learning.impressions import Impressions
from loader.learning.model import Model, predict
from loader.measuring import logged, off_policy, paired
from loader.metrics import compact
from loader.terminal import excerpt

BINS = 10
STEPS = 25
LISTS = 2000
SEEN_UNTIL = """
    select max(case when m.evaluation_artifact is null then m.trained_until else m.evaluated_from end)
    from pgfeed.models as m
    where m.variant = %s and m.version = any (%s)
"""
TRIALS = 3


def trial(connection: Connection, variant: str, version: int) -> dict:
    """Return the figures of a version beside the active one's, on days that neither of them has seen.

    champion: the active version, None if there is none that can serve: then nothing is compared, and neither is a
    version that cannot serve. differences: as in paired. not_compared: why there are none. off_policy: see judged().
    The rest is as measured() has it.
    """
    champion = registry.active_version(connection, variant)
    if champion is None or champion == version:
        return {"champion": champion}
    if has_problems(connection, variant, champion):
        return {"champion": None}
    found: dict = {"champion": champion}
    if has_problems(connection, variant, version):
        return found
    try:
        differences, problems = paired.compare(connection, f"{variant}@{champion}", f"{variant}@{version}")
        found |= {"differences": [vars(difference) for difference in differences], "not_measured": problems}
    except PgfeedError as error:
        found["not_compared"] = str(error)
    found["off_policy"] = judged(connection, variant, champion, version)
    try:
        found |= measured(connection, variant, champion, version)
    except PgfeedError as error:
        found["not_measured"] = [*found.get("not_measured", []), str(error)]
    return found


def judged(connection: Connection, variant: str, champion: int, challenger: int) -> dict:
    """Return what lists of feeds that explore say of likes per list, or why they say nothing.

    Of each version: value, low and high (95%), doubly robust. Both are judged by the same lists, those that neither
    has seen: from the first day on that was held out from both.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(SEEN_UNTIL, [variant, [champion, challenger]])
        (from_at,) = cursor.fetchone()
    found: dict = {"from": from_at and from_at.isoformat()}
    for name, version in (("champion", champion), ("challenger", challenger)):
        try:
            rows = off_policy.judge(connection, f"{variant}@{version}", None, from_at, LISTS)
        except (psycopg2.errors.InvalidParameterValue, psycopg2.errors.ObjectNotInPrerequisiteState) as error:
            return {"not_judged": excerpt(error.diag.message_primary)}
        best = next(row for row in rows if row["metric"] == "likes per list" and row["estimator"] == "doubly robust")
        if best["refusal"]:
            return {"not_judged": best["refusal"]}
        found[name] = {key: rounded(best[key], 4) for key in ("value", "low", "high")}
    return found


def has_problems(connection: Connection, variant: str, version: int) -> bool:
    """Return whether something keeps a version from serving: the gate will say what."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select cardinality(pgfeed._model_problems(pgfeed._model_id(%s, %s)))", [variant, version])
        return cursor.fetchone()[0] > 0


def measured(connection: Connection, variant: str, champion: int, challenger: int) -> dict:
    """Return figures of scores on held-out impressions that neither model has seen.

    slope: of each, what its log-odds are to be multiplied by to fit the likes; slope_error: its standard error. drift:
    the population stability index of what would serve against what serves. agreement: the correlation of the
    challenger's fit that was measured with the one that would serve. not_finite_ratio: of its scores.
    """
    models = [registry.load(connection, variant, version) for version in (champion, challenger)]
    serving = [registry.load(connection, variant, version, is_measured=False) for version in (champion, challenger)]
    days = split.for_models(split.load(connection), models)
    rows = [held_out(connection, days, model) for model in models]
    scores = [predict(model.booster, each.features) for model, each in zip(models, rows)]
    served = [predict(model.booster, each.features) for model, each in zip(serving, rows)]
    slopes = [slope(score, each.is_liked, each.user_ids) for score, each in zip(scores, rows)]
    is_finite = np.isfinite(scores[1]) & np.isfinite(served[1])
    return {
        "slope": {name: rounded(found, 4) for name, (found, _) in zip(("champion", "challenger"), slopes)},
        "slope_error": {name: rounded(error, 4) for name, (_, error) in zip(("champion", "challenger"), slopes)},
        "drift": rounded(stability_index(served[0], served[1]), 4),
        "agreement": rounded(correlation(scores[1], served[1]), 4),
        "not_finite_ratio": float(1 - is_finite.mean()),
    }


def held_out(connection: Connection, days: split.Split, model: Model) -> Impressions:
    """Return the impressions of the days as a model sees them."""
    return logged.load_held_out(connection, days, model.feature_names, model.encoders, least_views=1)


def slope(scores: np.ndarray, is_liked: np.ndarray, user_ids: np.ndarray) -> tuple[float | None, float | None]:
    """Return the slope of a logistic regression of likes on scores, and its standard error.

    None if all scores are the same, or no number. The calibration slope of D. R. Cox, Two further applications of a
    model for binary regression, Biometrika 45 (1958). The error is that of P. J. Huber, The behavior of maximum
    likelihood estimates under nonstandard conditions (1967), over users, whose own impressions are not independent.
    """
    if not np.isfinite(scores).all() or scores.std() == 0 or is_liked.all() or not is_liked.any():
        return None, None
    inputs = np.column_stack([np.ones(len(scores)), (scores - scores.mean()) / scores.std()])
    effects = np.zeros(2)
    for _ in range(STEPS):
        rates = 1 / (1 + np.exp(-np.clip(inputs @ effects, -30, 30)))
        curve = (inputs.T * (rates * (1 - rates))) @ inputs + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, inputs.T @ (is_liked - rates))
        effects = effects + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    users = compact(user_ids)
    pulls = np.stack([np.bincount(users, column * (is_liked - rates)) for column in inputs.T])
    bread = np.linalg.inv(curve)
    error = (bread @ (pulls @ pulls.T) @ bread)[1, 1] ** 0.5
    return float(effects[1] / scores.std()), float(error / scores.std())


def stability_index(expected: np.ndarray, actual: np.ndarray) -> float | None:
    """Return the population stability index of two samples of scores, by the tenths of the first.

    The sum of (a - e) * ln(a / e) over the bins, a and e the shares of the scores in them: N. Siddiqi, Credit Risk
    Scorecards (2006); below 0.1 little has changed, above 0.25 much. An empty bin counts as half a score. Scores are
    compared by how many standard deviations they are from their median: log-odds are relative, and how far apart they
    are is said by the calibration slope, with its error. Fits that stop early differ much in that.
    """
    if not (np.isfinite(expected).all() and np.isfinite(actual).all()):
        return None
    expected, actual = ((each - np.median(each)) / (each.std() or 1) for each in (expected, actual))
    edges = np.unique(np.quantile(expected, np.arange(1, BINS) / BINS))
    counts = [np.bincount(np.searchsorted(edges, each), minlength=len(edges) + 1) for each in (expected, actual)]
    e, a = (np.maximum(count, 0.5) / max(count.sum(), 1) for count in counts)
    return float(((a - e) * np.log(a / e)).sum())


def correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return the correlation of two scores of the same rows; None if either never changes."""
    if not (np.isfinite(first).all() and np.isfinite(second).all()) or not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])


def decide(connection: Connection, variant: str, version: int) -> tuple[str, str]:
    """Let a version serve or not; return the decision, and why.

    Where somebody lets another version serve meanwhile it is measured again, against that one.
    """
    for _ in range(TRIALS):
        figures = trial(connection, variant, version)
        with connection, connection.cursor() as cursor:
            cursor.execute("call pgfeed._decide(%s, %s, %s)", [variant, version, json.dumps(defined(figures))])
            decision = cursor.fetchone()[0]
        if decision is not None:
            return decision, reasons(connection, variant, version)
    raise PgfeedError(f"{variant} version {version} is not decided on", "others began to serve while it was measured",
                      f"pgfeed train {variant}")


def reasons(connection: Connection, variant: str, version: int) -> str:
    """Return why a version was refused last; nothing if it was not."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select array_to_string(d.reasons, '; ') from pgfeed.model_decisions as d"
            " where d.variant = %s and d.challenger = %s order by d.decision_id desc limit 1",
            [variant, version],
        )
        row = cursor.fetchone()
    return row[0] if row else ""
