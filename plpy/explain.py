"""The body of pgfeed._explain_recommendation: why a post has its score."""

import numpy as np

from plpy.choice import POOL, choose
from plpy.features import feature_values
from plpy.import_catboost import import_catboost
from plpy.labels import because, because_without_model, label_of, load_words
from plpy.recommend import leave_out, reply_to, rules_of
from plpy.request import MAX_K, Request
from plpy.seen import seen_effects, times_shown
from plpy.session import current_session
from plpy.without_model import is_in_log_odds

OTHERS = 24
AVERAGE, SHOWN = "(average)", "(times shown before)"
NAMES = {
    "random": "(by lot)", "newest": "(days old)", "trending": "(rise of the like rate)",
    "popular_by": "(like rate among such users)",
}
PLACE, BY_SCORE = "(place)", "(place by score)"
BEFORE, SEEN, FILTERED = "(liked or hidden before)", "(seen within hide_viewed)", "(kept out by the filter)"


def explain_recommendation(plpy, user_id, post_id, ts, variant, feed):
    """Return rank, feature, value, contribution, advantage and label of each feature, largest effect first.

    Contributions sum to the score. advantage: how much more a feature contributes than to the mean of OTHERS posts.
    The first row has the sentence that says why, too, see because(). A post scored without a model has one row: what
    it was ranked by. One more says what it does that the user was shown the post before, see seen; and with a named
    feed, what that does, see feed_rows().
    """
    for name, value in (("user_id", user_id), ("post_id", post_id), ("ts", ts)):
        if value is None:
            plpy.error(f"{name} is null", hint="Give a user_id, a post_id and a moment.", sqlstate="22004")
    session = current_session(plpy)
    asked = np.array([post_id], np.int64)
    request = Request(user_id, ts, 1, variant, feed=feed)
    reply = reply_to(session, request, asked)
    place = reply.pack.locate(asked)[0]
    if place < 0 or not session.run("posts", [post_id]):
        plpy.error(
            f"post {post_id} cannot be recommended at this moment", sqlstate="22023",
            hint="It is unknown or hidden, or was added after ts, or more than 1,000 were since the last refresh.",
        )
    shown = shown_before(reply, place)
    if reply.requests is None:
        rows, above = [without_model(reply, place, shown)], {}
        sentence = because_without_model(reply, place)
    else:
        rows, above = contributions(plpy, reply, place)
        sentence = because(session, request, reply, place, above)
    rows += shown
    if feed is not None:
        rows += feed_rows(session, request, reply, post_id)
    rows.sort(key=lambda row: (-abs(row[2]), row[0]))
    load_words(plpy)
    return [
        (number, *row, above.get(row[0]), label_of(row[0], row[1], reply, place), sentence if number == 1 else None)
        for number, row in enumerate(rows, 1)
    ]


def shown_before(reply, place):
    """Return the row, if any, about how often the user was shown the post at a place of the pack without liking it."""
    if not is_in_log_odds(reply.source):
        return []
    moment = reply.state["moment"]
    effect = float(seen_effects(reply.user, reply.pack, reply.model, moment)[place])
    if not effect:
        return []
    return [(SHOWN, float(times_shown(reply.user, reply.pack.post_ids[place], moment)), effect)]


def without_model(reply, place, shown):
    """Return the row that explains the score of the post at a place of the pack that no model gave.

    shown: the row of shown_before(), which has its own part of the score.
    """
    score = float(reply.scores[place]) - sum(row[2] for row in shown)
    name = NAMES.get(reply.source.partition(":")[0])
    if name is not None:
        return name, None, score
    return "post.decayed_like_rate_7d", float(reply.pack.columns["post.decayed_like_rate_7d"][place]), score


def contributions(plpy, reply, place):
    """Return the features, values and contributions that make a model's score of the post at a place of the pack.

    Beside them: how much more each feature contributes than for the mean of OTHERS posts of the pack, by name.
    Contributions are SHAP values of the trees (Lundberg and Lee, A unified approach to interpreting model
    predictions, 2017).
    """
    names, pack = reply.model.feature_names, reply.pack
    try:
        booster = reply.model.booster
    except ValueError as error:
        plpy.error(
            f"model {reply.model.model_id} cannot be explained: {error}", sqlstate="55000",
            hint="See: select * from pgfeed.health()",
        )
    catboost = import_catboost()  # which the booster has asked memory for
    pack.encode(reply.model.encoders)
    places = np.unique(np.linspace(0, len(pack) - 1, OTHERS).astype(int))
    places = np.array([place, *places[places != place]])
    columns = [feature_values(name, pack, reply.requests, places, 0) for name in names]
    values = np.stack([np.broadcast_to(column, len(places)) for column in columns], axis=1).astype(np.float32)
    try:
        pool = catboost.Pool(values)
        shares = booster.get_feature_importance(pool, type="ShapValues", thread_count=1)
    except catboost.CatBoostError as error:
        plpy.error(
            f"CatBoost cannot explain the model: {str(error).splitlines()[0]}", sqlstate="0A000",
            hint="Ask about a variant that was trained here.",
        )
    above = shares[0] - shares[1:].mean(axis=0) if len(places) > 1 else shares[0]
    return [(AVERAGE, None, float(shares[0, -1]))] + [
        (name, None if np.isnan(value) else float(value), float(share))
        for name, value, share in zip(names, values[0], shares[0])
    ], dict(zip(names, above.tolist()))


def feed_rows(session, request, reply, post_id):
    """Return what a reply's feed does to a post that it has scored: rows of feature, value and contribution.

    Those of the boosts add to the score. The others have a contribution of 0: why the post is kept out, or its place
    among the first MAX_K, None: it is not among them, its place without the rules, and how many places up each rule
    moves it. A rule is applied beside those before it: boosts, caps, diversity as in a list of 10 posts or fewer.
    """
    pack = reply.pack
    place = int(pack.locate(np.array([post_id]))[0])
    boosts, weights = reply.feed.on(pack)["boosts"], reply.feed.settings.get("boosts", {})
    rows = [
        (f"(boost {name})", float(added[place]) / weights[name], float(added[place]))
        for name, added in boosts.items() if added[place]
    ]
    own = reply.scores.copy()
    leave_out(session, request, reply)
    if reply.scores[place] == -np.inf:
        return [*rows, (reason(session, request, reply, post_id), None, 0.0)]
    leave_out_gone(session, reply)
    caps, diversity, vectors = rules_of(request, reply)
    own[~reply.scores.is_in] = -np.inf
    lists = {
        BY_SCORE: (own, ()), "(boosts)": (reply.scores, ()), "(caps)": (reply.scores, caps),
        "(diversity)": (reply.scores, caps, diversity, vectors),
    }
    has_rule = {"(boosts)": bool(boosts), "(caps)": bool(caps), "(diversity)": bool(diversity)}
    last = None
    for name, (scores, *rules) in lists.items():
        if has_rule.get(name, True):
            found = place_in(choose(scores, pack.post_ids, MAX_K, *rules, pool=POOL), place)
            value = found if name == BY_SCORE else None if None in (last, found) else last - found
            rows.append((name, value, 0.0))
            last = found
    return [*rows, (PLACE, last, 0.0)]


def reason(session, request, reply, post_id):
    """Return why a post is not in a list."""
    if post_id in reply.user["hidden_post_ids"]:
        return BEFORE
    if request.hide_viewed is not None and post_id in session.seen_post_ids(request):
        return SEEN
    return FILTERED


def leave_out_gone(session, reply):
    """Give posts that were deleted or hidden since the refresh a score of -inf."""
    ids = reply.pack.post_ids[reply.scores.is_in]
    shown = session.stored_ids("shown ids", ids)
    reply.scores[reply.pack.places(np.setdiff1d(ids, shown))] = -np.inf


def place_in(best, place):
    """Return where a list has a place of the pack, from 1 on, None: nowhere."""
    found = np.flatnonzero(best == place)
    return int(found[0]) + 1 if len(found) else None
