"""Rankings without a model: newest posts, rising ones, and those that users of a kind like."""

import json

import numpy as np

from plpy.columns import HALF_LIFE_HOURS, USER_COLUMNS, tags_of
from plpy.features import text_of
from plpy.live import ages, first_and_last
from plpy.pack import log_odds
from plpy.ranking import lottery, popularity

RISE, PAST = "1d", "30d"
PRIOR_VIEWS = 100
AGE_OF_THE_UNDATED = 36_500  # days


def ranked_post_ids(session, source, ts):
    """Return the ids of what a source ranks beside a large catalogue's shortlist: a list, empty: nothing else."""
    name = source.partition(":")[0]
    return session.run(f"{name} posts", ts)[0]["post_ids"] if name in ("newest", "trending") else []


def scores_without_model(session, state, stored, pack, user, ts, source):
    """Return the scores of a pack's posts, float64, best highest, by a variant that ranks without a model.

    source: the variant, see _is_without_model(); any other name ranks like popular. user: a row of _request_users().
    stored: the pack that serves the moment; a score does not depend on what else was joined with it.
    """
    name, _, detail = source.partition(":")
    if name == "random":
        return lottery(pack.post_ids, user["user_id"] or 0, state["moment"])
    if name == "popular_by":
        return popular_by(pack, *session.group_counts(state, *group_of(user, detail)))
    if name not in ("newest", "trending"):
        return popularity(pack)
    (of_stored, events), seconds = session.events(state, stored, pack), state["moment"] - state["pack_moment"]
    if name == "newest":
        return newness(pack, events, seconds)
    return rise(pack, events, seconds, detail or RISE, (stored, of_stored))


def group_of(user, detail):
    """Return the feature user.NAME and its values, texts, of those by whom popular_by:DETAIL ranks."""
    feature, is_given, value = detail.partition("=")
    return feature, [value] if is_given else values_of(user, feature.removeprefix("user."))


def has_own_ranking(session, state, user, source):
    """Return whether a variant ranks in another way than popular; popular_by does where enough users have a value."""
    name, _, detail = source.partition(":")
    return name != "popular_by" or len(session.group_counts(state, *group_of(user, detail))[0]) > 0


def is_in_log_odds(source):
    """Return whether scores of this source are log-odds of a like, so that effects on those can be added."""
    return source.partition(":")[0] not in ("random", "newest", "trending")


def newness(pack, events, seconds):
    """Return the negative ages of posts in days, float64, `seconds` after the pack's cut-off.

    Posts that have neither a date nor an event come last.
    """
    age, _ = ages(pack, slice(None), *first_and_last(events, len(pack)), seconds)
    return -np.nan_to_num(age.astype(np.float64), nan=AGE_OF_THE_UNDATED)


def rise(pack, events, seconds, half_life, all_posts=None):
    """Return how surprisingly high the present like rates of posts are beside their past, in standard deviations.

    Float64, `seconds` after the pack's cut-off. The signed root of the log-likelihood ratio of two rates (Dunning,
    Accurate methods for the statistics of surprise and coincidence, 1993), which small counts leave near 0. A post's
    past starts as the past of all with the weight of 100 views. A feed without views has shares of all likes for
    rates. half_life: see present_and_past(); all_posts: a pack and its events that stand for all, None: those given.
    """
    likes, views, past_likes, past_views = present_and_past(pack, events, seconds, half_life)
    everything = all_posts or (pack, events)
    all_likes, all_views, all_past_likes, all_past_views = present_and_past(*everything, seconds, half_life)
    if not (all_views.any() or all_past_views.any()):
        views, past_views = np.full(len(pack), all_likes.sum()), np.full(len(pack), all_past_likes.sum())
        all_past_views = np.full(len(all_likes), all_past_likes.sum())
    views, past_views = np.maximum(views, likes), np.maximum(past_views, past_likes)
    rate = all_past_likes.sum() / max(np.maximum(all_past_views, all_past_likes).sum(), 1e-30)
    return surprise(likes, views, past_likes + PRIOR_VIEWS * rate, past_views + PRIOR_VIEWS)


def present_and_past(pack, events, seconds, half_life):
    """Return likes, views, past likes and past views of posts, float64, `seconds` after the pack's cut-off.

    Present: counts that halve within half_life, 1h, 6h, 1d, 3d or 7d; past: those that halve in 30 days, less those.
    """
    present, past = (decayed_counts(pack, events, seconds, name) for name in (half_life, PAST))
    return [*present, *(np.maximum(all_of_it - lately, 0) for all_of_it, lately in zip(past, present))]


def decayed_counts(pack, events, seconds, name):
    """Return the likes and views of posts, float64, decayed by a half-life until `seconds` after the cut-off."""
    counts, hours = [], HALF_LIFE_HOURS[name]
    for action in ("like", "view"):
        values = pack.columns[f"post.decayed_{action}_count_{name}"] * np.exp2(-seconds / (3600 * hours))
        weights = events.counts[action] * np.exp2((events.seconds - seconds) / (3600 * hours))
        counts.append(np.maximum(values + np.bincount(events.places, weights, len(pack)), 0))
    return counts


def surprise(likes, views, past_likes, past_views):
    """Return the signed roots of Dunning's -2 log lambda for likes of views and past_likes of past_views."""
    both = (likes + past_likes) / np.maximum(views + past_views, 1e-30)
    ratio = 0
    for hits, trials in ((likes, views), (past_likes, past_views)):
        ratio = ratio + log_ratio(hits, trials * both) + log_ratio(trials - hits, trials * (1 - both))
    return np.sign(likes * past_views - past_likes * views) * np.sqrt(np.maximum(2 * ratio, 0)) + 0.0  # not -0.0


def log_ratio(counts, expected):
    """Return counts * log(counts / expected), 0 where nothing is counted."""
    is_counted = (counts > 0) & (expected > 0)
    return counts * np.log(np.where(is_counted, counts, 1) / np.where(is_counted, expected, 1)) * is_counted


def popular_by(pack, post_ids, views, likes):
    """Return log-odds of a like, float64, by what some users viewed and liked, as Session.group_counts() has it.

    A post's rate among them, decayed with a half-life of 7 days, starts as the rate of everybody with the weight of
    100 views; no counts: stays so.
    """
    rates = pack.columns["post.decayed_like_rate_7d"].astype(np.float64)
    places = pack.locate(post_ids)
    is_inside = places >= 0
    views, likes = (np.bincount(places[is_inside], each[is_inside], len(pack)).clip(0) for each in (views, likes))
    return log_odds((likes + PRIOR_VIEWS * rates) / (np.maximum(views, likes) + PRIOR_VIEWS))


def values_of(user, name):
    """Return what a row of _request_users() says of user.NAME, as texts; empty: nothing."""
    if name in USER_COLUMNS:
        return [] if user[name] is None else [str(user[name])]
    attributes = json.loads(user["attributes"] or "{}", parse_int=str, parse_float=str)
    value = attributes.get(name) if isinstance(attributes, dict) else None
    return tags_of(value) if isinstance(value, list) else [text_of(value)] if value is not None else []
