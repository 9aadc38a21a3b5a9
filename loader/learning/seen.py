"""What showing a post again does to the chance of a like, learned from the impressions that a model is trained on.

log-odds of a like = score of the model + effect of the day and of the place in the session
    + effect of how often the post was shown before + effect of the days since + effect of being only served.
The first line is fixed, so that neither the post nor its place is mistaken for what showing again does. The effects
are those of a ridge regression that shrinks to a prior, as strongly as is best on the validation days; or none, if that
is better there.
"""

from datetime import date, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.figures import rounded
from loader.learning.impressions import Impressions
from loader.learning.split import in_sample, midnight
from loader.metrics import log_loss
from loader.terminal import status
from plpy.seen import DAYS, ONLY_SERVED, RULE_DAYS, RULE_EFFECT, RULE_SHARE, TIMES, bucket

EFFECTS = (*(f"times: {times}" for times in TIMES), *(f"days: {days}" for days in DAYS), ONLY_SERVED)
# A post that was not liked when it was shown is less likely to be liked: the chance of a user and a post as a beta
# distribution of mean 0.1 that weighs 10 showings has the odds 1 : (9 + times) then.
PRIOR = np.array([*(-np.log(1 + times / 9) for times in TIMES), *(0.0 for _ in DAYS), 0.0])
PENALTIES = {"penalty 10": 10.0, "penalty 100": 100.0, "penalty 1000": 1000.0, "prior": np.inf}
STEPS = 25
# What was shown in the last days and not liked counts as if it were twenty times less likely to be liked: it comes
# after all but what the user does not care for. In a small catalogue that holds for what was shown last, a quarter of
# it at most.
RULE = {RULE_DAYS: 28.0, RULE_EFFECT: -3.0, RULE_SHARE: 0.25}
SHOWN_AGAIN = f"""
    with shown as (
        select v.user_id, v.post_id, v.event_at as shown_at, true as is_view
        from pgfeed.feed_events as v
        where v.action = 'view' and v.event_at < %(until)s and {in_sample("v.user_id")}
        union all
        select x.user_id, p.post_id, x.served_at, false
        from pgfeed.exposures as x cross join lateral unnest(x.post_ids) as p (post_id)
        where x.served_at < %(until)s and {in_sample("x.user_id")}
    ),
    marked as (
        select s.*, coalesce(
            s.shown_at > lag(s.shown_at) over (partition by s.user_id, s.post_id order by s.shown_at)
            + pgfeed._like_window(), true
        ) as is_new
        from shown as s
    ),
    numbered as (
        select m.*, count(*) filter (where m.is_new) over (
            partition by m.user_id, m.post_id order by m.shown_at, m.is_view
        ) as number
        from marked as m
    ),
    showings as (
        select n.user_id, n.post_id, n.number, max(n.shown_at) as ends_at, bool_or(n.is_view) as is_viewed,
            min(n.shown_at) filter (where n.is_view) as viewed_at
        from numbered as n
        group by n.user_id, n.post_id, n.number
    )
    select a.user_id, a.post_id, (a.viewed_at at time zone 'UTC')::date, a.number - 1,
        extract(epoch from a.viewed_at - a.before_at)::float8 / 86400, a.was_viewed
    from (
        select s.*, lag(s.ends_at) over w as before_at,
            bool_or(s.is_viewed) over (w rows between unbounded preceding and 1 preceding) as was_viewed
        from showings as s
        window w as (partition by s.user_id, s.post_id order by s.number)
    ) as a
    where a.number > 1 and a.viewed_at is not null and (a.viewed_at at time zone 'UTC')::date = any(%(days)s::date[])
"""


def learn(
    connection: Connection, training: Impressions, validation: Impressions, scores: tuple[np.ndarray, np.ndarray],
    share: float,
) -> tuple[dict[str, float], dict]:
    """Return the effects for a model's encoders, and figures: how many impressions showed a post again, and losses.

    scores: log-odds of a like of the rows of both, with day and place; share: of the users, as the rows were loaded.
    The losses are of the validation's posts shown again, without effects and with them.
    """
    with status("what showing a post again does"):
        again = shown_again(connection, np.union1d(training.days, validation.days).tolist(), share)
    (places, inputs), (valid_places, valid_inputs) = (inputs_of_rows(rows, again) for rows in (training, validation))
    labels, weights = training.is_liked[places], training.weight[places]
    fits = {name: fit(inputs, labels, weights, scores[0][places], penalty) for name, penalty in PENALTIES.items()}
    fits["none"] = np.zeros(len(EFFECTS))
    figures: dict[str, float | str | None] = {
        "shown_again_count": len(places), "validation_shown_again_count": len(valid_places),
    }
    chosen = PRIOR
    if len(places) and len(valid_places):
        liked, without = validation.is_liked[valid_places], scores[1][valid_places]
        losses = {name: log_loss(liked, without + valid_inputs @ effects) for name, effects in fits.items()}
        best = min(losses, key=lambda name: losses[name])
        chosen = fits[best]
        figures |= {
            "shown_again_effects": best, "validation_shown_again_logloss": rounded(losses[best], 5),
            "validation_shown_again_logloss_without": rounded(losses["none"], 5),
        }
    return {name: round(float(value), 4) for name, value in zip(EFFECTS, chosen)} | RULE, figures


def shown_again(connection: Connection, days: list[date], share: float) -> list[tuple]:
    """Return the views of these days that showed their user a post again, see SHOWN_AGAIN.

    user_id, post_id, day, times before, days since the last time, whether it was viewed then or before.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(SHOWN_AGAIN, {"until": midnight(days[-1]) + timedelta(days=1), "days": days, "share": share})
        return cursor.fetchall()


def inputs_of_rows(rows: Impressions, again: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the impressions that showed a post again, and their inputs, see inputs_of()."""
    if not again:
        return np.empty(0, np.int64), np.empty((0, len(EFFECTS)))
    user_ids, post_ids, dates, times, days_since, was_viewed = zip(*again)
    of_rows, of_again = codes(
        (rows.user_ids, np.array(user_ids)), (rows.post_ids, np.array(post_ids)),
        (rows.days, np.array(dates, "datetime64[D]")),
    )
    order = np.argsort(of_rows, kind="stable")
    found = np.searchsorted(of_rows, of_again, sorter=order).clip(max=len(of_rows) - 1)
    is_row = of_rows[order[found]] == of_again
    inputs = inputs_of(np.array(times), np.array(days_since), np.array(was_viewed))
    return order[found[is_row]], inputs[is_row]


def codes(*columns: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return a number for each row of two tables, the same for the same values in all columns, (first, second) each."""
    first, second = np.zeros(len(columns[0][0]), np.int64), np.zeros(len(columns[0][1]), np.int64)
    for one, other in columns:
        values, code = np.unique(np.concatenate([one, other]), return_inverse=True)
        first, second = first * len(values) + code[: len(one)], second * len(values) + code[len(one):]
    return first, second


def inputs_of(times: np.ndarray, days: np.ndarray, was_viewed: np.ndarray) -> np.ndarray:
    """Return which of EFFECTS apply to showings, 0 or 1, float64 (rows, effects)."""
    return np.column_stack([
        np.eye(len(TIMES))[bucket(times, TIMES)], np.eye(len(DAYS))[bucket(days, DAYS)], ~was_viewed,
    ])


def fit(
    inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray, offset: np.ndarray, penalty: float
) -> np.ndarray:
    """Return the effects of a logistic regression with an offset, by Newton's method.

    penalty: of the squared difference from the prior, halved; infinite: the prior.
    """
    effects = PRIOR.copy()
    if np.isinf(penalty) or not len(labels):
        return effects
    for _ in range(STEPS):
        rates = 1 / (1 + np.exp(-(offset + inputs @ effects)))
        slope = inputs.T @ (weights * (labels - rates)) - penalty * (effects - PRIOR)
        curve = (inputs.T * (weights * rates * (1 - rates))) @ inputs + penalty * np.eye(len(effects))
        step = np.linalg.solve(curve, slope)
        effects = effects + step
        if np.abs(step).max() < 1e-8:
            break
    return effects
