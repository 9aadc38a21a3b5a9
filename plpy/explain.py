"""The body of pgfeed._explain_recommendation: why a post has its score."""

import numpy as np

from plpy.features import feature_values
from plpy.import_catboost import import_catboost
from plpy.recommend import reply_to
from plpy.request import Request
from plpy.seen import seen_effects, times_shown
from plpy.session import current_session
from plpy.without_model import is_in_log_odds

AVERAGE, SHOWN = "(average)", "(times shown before)"
NAMES = {
    "random": "(by lot)", "newest": "(days old)", "trending": "(rise of the like rate)",
    "popular_by": "(like rate among such users)",
}


def explain_recommendation(plpy, user_id, post_id, ts, variant):
    """Return rank, feature, value and contribution of each feature, largest effect first; they sum to the score.

    A post scored without a model has one row: what it was ranked by. One more says what it does that the user was shown
    the post before, see seen.
    """
    for name, value in (("user_id", user_id), ("post_id", post_id), ("ts", ts)):
        if value is None:
            plpy.error(f"{name} is null", hint="Give a user_id, a post_id and a moment.", sqlstate="22004")
    session = current_session(plpy)
    asked = np.array([post_id], np.int64)
    reply = reply_to(session, Request(user_id, ts, 1, variant, candidates=asked))
    place = reply.pack.locate(asked)[0]
    if place < 0 or not session.run("posts", [post_id]):
        plpy.error(
            f"post {post_id} cannot be recommended at this moment", sqlstate="22023",
            hint="It is unknown or hidden, or was added after ts, or more than 1,000 were since the last refresh.",
        )
    rows = [without_model(reply, place)] if reply.requests is None else contributions(plpy, reply, place)
    rows += shown_before(reply, place)
    rows.sort(key=lambda row: (-abs(row[2]), row[0]))
    return [(number, *row) for number, row in enumerate(rows, 1)]


def shown_before(reply, place):
    """Return the row, if any, about how often the user was shown the post at a place of the pack without liking it."""
    if not is_in_log_odds(reply.source):
        return []
    moment = reply.state["moment"]
    times = times_shown(reply.user, reply.pack.post_ids[place], moment)
    effect = float(seen_effects(reply.user, reply.pack, reply.model, moment)[place])
    return [(SHOWN, float(times), effect)] if times and effect else []


def without_model(reply, place):
    """Return the row that explains the score of the post at a place of the pack that no model gave."""
    score = float(reply.scores[place])
    name = NAMES.get(reply.source.partition(":")[0])
    score -= sum(row[2] for row in shown_before(reply, place))
    if name is not None:
        return name, None, score
    return "post.decayed_like_rate_7d", float(reply.pack.columns["post.decayed_like_rate_7d"][place]), score


def contributions(plpy, reply, place):
    """Return the features, values and contributions that make a model's score of the post at a place of the pack.

    Contributions are SHAP values of the trees (Lundberg and Lee, A unified approach to interpreting model
    predictions, 2017).
    """
    catboost, names = import_catboost(), reply.model.feature_names
    values = np.array([[feature_values(name, reply.pack, reply.requests, place, 0) for name in names]], np.float32)
    try:
        pool = catboost.Pool(values)
        shares = reply.model.booster.get_feature_importance(pool, type="ShapValues", thread_count=1)[0]
    except catboost.CatBoostError as error:
        plpy.error(
            f"CatBoost cannot explain the model: {str(error).splitlines()[0]}", sqlstate="0A000",
            hint="Ask about a variant that was trained here.",
        )
    return [(AVERAGE, None, float(shares[-1]))] + [
        (name, None if np.isnan(value) else float(value), float(share))
        for name, value, share in zip(names, values[0], shares)
    ]
