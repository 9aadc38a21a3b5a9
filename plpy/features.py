"""Features of requests: what belongs to users, and the values for pairs of a request and a post.

Training calls the same functions on many requests at once, so that a feature has one formula.
"""

import json

import numpy as np

from plpy.columns import (
    APPEAL,
    CATEGORICAL,
    CATEGORY_LENGTH,
    FRESH_COLUMNS,
    LIKE_WINDOW_SECONDS,
    LIVE_COLUMNS,
    MATCH_COLUMNS,
    PAIR_COLUMNS,
    PREFERENCE_COLUMNS,
    SCORE,
    TOPIC_COLUMNS,
    USER_COLUMNS,
    encode,
    encode_tags,
    int8s,
    numbers_of,
    tags_of,
    unix_seconds,
)
from plpy.known import attributes_of
from plpy.pack import FACTORS

POPULARITY_PRIOR_VIEWS = 20
FACTOR_CONFIDENCE = 10.0
FACTOR_LAMBDA = 10.0
TOPIC_PRIOR_VIEWS, TOPIC_PRIOR_RATE = 20, 0.1
TEXT_LIKES = {"match.text": 50, "match.text_last": 5}


def with_history(row):
    """Return a row of _request_users() with what the user did as arrays, in the order of time, ties by post_id.

    liked_post_ids, liked_at: int64 and float64, unix seconds, of the first like of each post. viewed_post_ids,
    viewed_at: of the views; one within _like_window() after another of the post repeats it and is left out.
    hidden_post_ids: of the posts that the user's actions keep out of the lists, in any order.
    """
    liked, at = by_time(int8s(row["liked_post_ids"]), int8s(row["liked_at"]))
    order = np.argsort(liked, kind="stable")
    is_again = np.zeros(len(liked), bool)
    is_again[order[1:]] = liked[order[1:]] == liked[order[:-1]]
    liked, at = liked[~is_again], at[~is_again]
    viewed, viewed_at = by_time(int8s(row["viewed_post_ids"]), int8s(row["viewed_at"]))
    order = np.argsort(viewed, kind="stable")
    ids, moments, is_repeat = viewed[order], viewed_at[order], np.zeros(len(viewed), bool)
    is_repeat[order[1:]] = (ids[1:] == ids[:-1]) & (moments[1:] - moments[:-1] < LIKE_WINDOW_SECONDS * 1_000_000)
    hidden = row["hidden_post_ids"]
    return row | {
        "liked_post_ids": liked, "liked_at": unix_seconds(at),
        "viewed_post_ids": viewed[~is_repeat], "viewed_at": unix_seconds(viewed_at[~is_repeat]),
        "hidden_post_ids": liked if hidden is None else int8s(hidden),
    }


def by_time(post_ids, at):
    """Return post_ids and at in the order of time, ties by post_id."""
    if (at[1:] > at[:-1]).all():
        return post_ids, at
    order = np.lexsort((post_ids, at))
    return post_ids[order], at[order]


def with_clicks(user, clicked, moment):
    """Return a row of with_history() in which the posts clicked are the newest that the user viewed and liked.

    clicked: ids, the newest last, None is no post; moment: when, unix seconds.
    """
    ids = np.array([post_id for post_id in clicked if post_id is not None], np.int64)
    ids = ids[np.sort(len(ids) - 1 - np.unique(ids[::-1], return_index=True)[1])]
    is_older, at = ~np.isin(user["liked_post_ids"], ids), np.full(len(ids), moment)
    return user | {
        "hidden_post_ids": np.concatenate([user["hidden_post_ids"], ids]),
        "has_history": user["has_history"] or len(ids) > 0,
        "liked_post_ids": np.concatenate([user["liked_post_ids"][is_older], ids]),
        "liked_at": np.concatenate([user["liked_at"][is_older], at]),
        "viewed_post_ids": np.concatenate([user["viewed_post_ids"], ids]),
        "viewed_at": np.concatenate([user["viewed_at"], at]),
    }


def clicked_topics(topics):
    """Return the columns about topics of a row of _request_users() for a visitor who clicked posts of these topics.

    A click is a view and a like; the rates are smoothed as in user_topic_features_as_of().
    """
    names, counts = np.unique([topic or "" for topic in topics], return_counts=True)
    own = (len(topics) + TOPIC_PRIOR_VIEWS * TOPIC_PRIOR_RATE) / (len(topics) + TOPIC_PRIOR_VIEWS)
    rates = (counts + TOPIC_PRIOR_VIEWS * own) / (counts + TOPIC_PRIOR_VIEWS)
    shares = counts / max(len(topics), 1)
    return {"topics": names.tolist(), "topic_view_share": shares.tolist(), "topic_like_rate": rates.tolist()}


def request_columns(users, pack, encoders, names=MATCH_COLUMNS, since=0.0):
    """Return the values that belong to requests, by feature name, from rows of with_history(); match.* if in names.

    since: days from the cut-off of the posts' features to the moment of the requests. Each is float32 of shape
    (requests,); user_topic.* have the shape (requests, topics + 1), whose last column, NaN, is for posts without a
    topic. Encoders map category to code, by feature name.
    """
    columns = user_columns(users, encoders) | attribute_columns(users, pack, encoders)
    columns |= user_topic_columns(users, pack, columns["user.like_rate"])
    liked = [pack.places(user["liked_post_ids"]) for user in users]
    viewed = [pack.places(user["viewed_post_ids"]) for user in users]
    columns |= taste_columns(liked, viewed, pack)
    if any(name in MATCH_COLUMNS for name in names):
        columns |= match_vectors(liked, pack)
    days = columns[APPEAL] = np.full(len(users), since, np.float32)
    if any(name in PREFERENCE_COLUMNS for name in names) and pack.preference_sides is not None:
        columns |= dict.fromkeys(PREFERENCE_COLUMNS, preference_sides(users, pack, days))
    return columns


def preference_sides(users, pack, since):
    """Return the users' sides of match.preference, float32 (requests, width)."""
    if pack.preferences is None:
        return np.zeros((len(users), 1), np.float32)
    return pack.preferences.of_users(users, pack, since)


def user_columns(users, encoders):
    """Return user.*, float32 (requests,) each."""
    columns = {}
    for column in USER_COLUMNS:
        name, values = f"user.{column}", [user[column] for user in users]
        if name in CATEGORICAL:
            columns[name] = encode(values, encoders.get(name, {}))
        else:
            columns[name] = np.array([np.nan if v is None else v for v in values], np.float32)
    return columns


def attribute_columns(users, pack, encoders):
    """Return the own features of users, float32 (requests,) each, of the types that the pack knows."""
    columns, own = {}, [(name, kind) for name, kind in pack.attributes.items() if name.startswith("user.")]
    if not own:
        return columns
    rows = attributes_of(users)
    moments = [user["at"] for user in users]
    for name, kind in own:
        values = [row.get(name[len("user."):]) for row in rows]
        if kind == "category":
            columns[name] = encode(list(map(text_of, values)), encoders.get(name, {}))
        elif kind == "tags":
            columns[name] = encode_tags(list(map(tags_of, values)), encoders.get(name, {}))
        else:
            columns[name] = numbers_of(values, kind, moments)
    return columns


def text_of(value):
    """Return JSON that was read with numbers as text, as PostgreSQL's ->> has it, its first 200 characters."""
    if value is not None:
        return (value if isinstance(value, str) else json.dumps(value))[:CATEGORY_LENGTH]


def user_topic_columns(users, pack, like_rates):
    """Return user_topic.*, float32 (requests, topics + 1) each; like_rates: of users, for topics new to them."""
    columns, code_of = {}, {topic: code for code, topic in enumerate(pack.topics)}
    for column in TOPIC_COLUMNS:
        values = np.full((len(users), len(code_of) + 1), 0.0 if column == "view_share" else np.nan, np.float32)
        if column == "like_rate":
            values[:] = like_rates[:, None]
        for request, user in enumerate(users):
            for topic, value in zip(user["topics"] or (), user[f"topic_{column}"] or ()):
                if topic in code_of:
                    values[request, code_of[topic]] = value
        values[:, -1] = np.nan
        columns[f"user_topic.{column}"] = values
    return columns


def taste_columns(liked, viewed, pack):
    """Return the taste.* of USER_TASTE_COLUMNS from the places in the pack of what each user liked and viewed."""
    like_rates, view_counts = pack.columns["post.like_rate"], pack.columns["post.view_count"]
    rates, ratios = (np.full(len(liked), np.nan, np.float32) for _ in range(2))
    by_popularity = np.empty((len(liked), 2), np.float32)
    for request, (likes, views) in enumerate(zip(liked, viewed)):
        if len(likes):
            rates[request] = like_rates[likes].mean()
            if view_counts[views].any():
                ratios[request] = view_counts[likes].mean() / view_counts[views].mean()
        by_popularity[request] = popularity_taste(likes, views, pack)
    return {"taste.like_rate": rates, "taste.view_count_ratio": ratios, "taste.popularity_like_rate": by_popularity}


def popularity_taste(liked, viewed, pack):
    """Return a user's smoothed like rates on posts that are not popular and that are, each over everybody's.

    liked, viewed: places in the pack. Each rate starts as everybody's with the weight of 20 views.
    """
    usual = pack.scale.popularity_rates
    likes, views = (np.bincount(pack.is_popular[places], minlength=2) for places in (liked, viewed))
    return (likes / usual + POPULARITY_PRIOR_VIEWS) / (np.maximum(views, likes) + POPULARITY_PRIOR_VIEWS)


def match_vectors(liked, pack):
    """Return the users' sides of match.*, float32 (requests, dimensions); NaN: nothing liked.

    liked: the places in the pack of what each user liked, in the order of time.
    match.text, _last: the mean text vector of the newest 50, 5 likes, so that the feature is their mean cosine
    with the candidate. match.factors, if the pack has factors: the user's vector of the factor model, see fold_in().
    """
    texts, columns = pack.text_vectors, {}
    for name in TEXT_LIKES:
        columns[name] = np.full((len(liked), texts.shape[1]), np.nan, np.float32)
    if pack.factors is not None:
        columns["match.factors"] = np.full((len(liked), FACTORS), np.nan, np.float32)
    for request, places in enumerate(liked):
        if len(places):
            for name, count in TEXT_LIKES.items():
                columns[name][request] = texts[places[-count:]].mean(axis=0)
            if pack.factors is not None:
                columns["match.factors"][request] = fold_in(pack.factors[np.unique(places)], pack.gram)
    return columns


def fold_in(liked, gram):
    """Return the vector, float32 (factors,), of a user who liked posts with these vectors, (likes, factors).

    gram: the vectors of all posts, transposed, times themselves. The least squares of Hu, Koren and Volinsky
    (Collaborative filtering for implicit feedback datasets, 2008, equation 4) with confidence 1 + 10 of a like.
    """
    left = gram + FACTOR_CONFIDENCE * (liked.T @ liked) + FACTOR_LAMBDA * np.eye(FACTORS, dtype=np.float32)
    return np.linalg.solve(left, (1 + FACTOR_CONFIDENCE) * liked.sum(axis=0)).astype(np.float32)


def feature_values(name, pack, requests, places, request_rows):
    """Return one feature for pairs of a request and a post, float32.

    places of the posts in the pack and rows of the requests are indices, slices or scalars.
    """
    if name in pack.columns:
        return pack.columns[name][places]
    column, _, topic = name.partition(":")
    values = requests[column]
    if column == APPEAL:
        return pack.appeal_at(places, values[request_rows])
    if values.ndim == 1:
        return values[request_rows]
    if column in MATCH_COLUMNS:
        posts, user = pack.vectors(column)[places], values[request_rows]
        product = posts @ user if user.ndim == 1 else np.einsum("...d,...d->...", posts, user)
        return product + feature_values(APPEAL, pack, requests, places, request_rows) if column == SCORE else product
    if column == "taste.popularity_like_rate":
        return values[request_rows, pack.is_popular[places]]
    if column in FRESH_COLUMNS or column in LIVE_COLUMNS or column in PAIR_COLUMNS:
        return values[request_rows, places]
    if not topic:
        return values[request_rows, pack.topic_codes[places]]
    return values[request_rows, pack.topics.index(topic) if topic in pack.topics else -1]
