"""The body of pgfeed.explain_recommendation: why a post has its score."""

import numpy as np
from plpy.import_catboost import import_catboost
from plpy.recommend_posts import answer, feature_values, locate

AVERAGE = "(average)"


def explain_recommendation(plpy, cache, user_id, post_id, ts, variant):
    """Return rank, feature, value and contribution of each feature, largest effect first; they sum to the score.

    Contributions are SHAP values of the trees (Lundberg and Lee, A unified approach to interpreting model
    predictions, 2017). A post scored without a model has one row: what it was ranked by.
    """
    catboost = import_catboost()
    for name, value in (("user_id", user_id), ("post_id", post_id), ("ts", ts)):
        if value is None:
            plpy.error(f"{name} is null", hint="Give a user_id, a post_id and a moment.", sqlstate="22004")
    given = answer(plpy, cache, user_id, ts, variant, [post_id])
    posts, requests = given["posts"], given["requests"]
    place = locate(posts, np.array([post_id], np.int64))[0]
    if place < 0:
        plpy.error(
            f"post {post_id} cannot be recommended at this moment", sqlstate="22023",
            hint="It is unknown, or was added after ts or after the last refresh.",
        )
    if requests is None:
        rate = None if given["source"] == "random" else float(posts["columns"]["post.decayed_like_rate_7d"][place])
        return [(1, "(by lot)" if rate is None else "post.decayed_like_rate_7d", rate, float(given["scores"][place]))]

    names = given["model"]["feature_names"]
    values = np.array([[feature_values(name, posts, requests, place, 0) for name in names]], np.float32)
    booster = given["model"]["booster"]
    try:
        shares = booster.get_feature_importance(catboost.Pool(values), type="ShapValues", thread_count=1)[0]
    except catboost.CatBoostError as error:
        plpy.error(
            f"CatBoost cannot explain the model: {str(error).splitlines()[0]}", sqlstate="0A000",
            hint="Ask about a variant that was trained here.",
        )
    rows = [(AVERAGE, None, float(shares[-1]))] + [
        (name, None if np.isnan(value) else float(value), float(share))
        for name, value, share in zip(names, values[0], shares)
    ]
    rows.sort(key=lambda row: (-abs(row[2]), row[0]))
    return [(number, *row) for number, row in enumerate(rows, 1)]
