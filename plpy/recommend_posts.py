"""The body of pgfeed.recommend_posts: features of one user and all posts, scores, the best k.

Training calls the same functions on many requests at once, so that a feature has one formula.
A request is a user at a moment. Feature names say where a value comes from:

    post.like_rate            a column of the post pack
    user.age                  a column of the user row
    user_topic.view_share     the user's row for the topic of the candidate
    user_topic.view_share:sport   the user's row for a stated topic
    post.quality              from columns of the pack, compared with the rest of the catalogue
    taste.like_rate           from the posts that the user liked before
    fresh.like_1h             from a column of the post pack and the events since then, exact at the moment
    pair.co_like              from the candidate and what the user liked or viewed before
    match.factors             the product of the candidate's vector and one made of what the user liked before
    time.hour                 from the moment (UTC)
"""

import hashlib
import json

import numpy as np
from plpy.import_catboost import import_catboost

MAX_K = 1000
DEFAULT_VARIANT = "control"
WITHOUT_MODEL = ("popular", "random")
CACHED_PACKS = 4
CATEGORICAL = ("user.country", "user.city", "user.os", "user.source", "post.topic")
UNKNOWN_CATEGORY = -1.0
USER_COLUMNS = (
    "gender", "age", "country", "city", "exp_group", "os", "source",
    "view_count", "like_count", "like_rate", "days_since_active",
)
TOPIC_COLUMNS = ("view_share", "like_rate")
HALF_LIFE_HOURS = {"1h": 1, "6h": 6, "1d": 24, "3d": 72, "7d": 168, "30d": 720}
FRESH_TRENDS = (("like", "1h", "1d"), ("like", "1d", "7d"), ("like", "7d", "30d"))
FRESH_COLUMNS = (
    *(f"fresh.{action}_{name}" for action in ("view", "like") for name in HALF_LIFE_HOURS),
    *(f"fresh.{action}_trend_{short}_{long}" for action, short, long in FRESH_TRENDS),
    "fresh.like_total", "fresh.age_days", "fresh.days_since_event",
)
PAIR_COLUMNS = (
    "pair.co_like", "pair.co_like_7d", "pair.co_like_last", "pair.co_like_last_3", "pair.co_like_day",
    "pair.ease", "pair.view_count",
)
RELATIVE_COLUMNS = ("post.view_ratio", "post.quality")
USER_TASTE_COLUMNS = ("taste.like_rate", "taste.view_count_ratio", "taste.popularity_like_rate")
POPULARITY_PRIOR_VIEWS, GROUP_PRIOR_VIEWS = 20, 100
QUALITIES = np.exp(np.linspace(np.log(0.3), np.log(2.5), 50))
QUALITY_ROUNDS = 60
TASTE_COLUMNS = ("taste.like_count", "taste.days_since_like", "taste.popularity", "taste.age_days")
MATCH_COLUMNS = ("match.factors", "match.text", "match.text_last")
FACTORS = 16
FACTOR_CONFIDENCE = 10.0
FACTOR_LAMBDA = 10.0
TEXT_LIKES = {"match.text": 50, "match.text_last": 5}
CANDIDATE_LIKES, CANDIDATE_VIEWS = 100, 200
TEXT_COMPONENT = "text.component_"
LEAST_SHARE = 1e-4
MAX_TASTE_LIKES = 200
TASTE_HALF_LIFE_DAYS = 7
NEAR_LIKES = 10
DAY_SECONDS = 86400

PLANS = {
    "state": (
        "select is_finite, variants, serving_variant as variant, model_id, model_version, features_as_of, is_current, pack_id,"
        " pack_version, is_shortlist, hour, weekday, case when is_finite then extract(epoch from $1)::double precision end as moment,"
        " extract(epoch from features_as_of)::double precision as pack_moment from pgfeed._serving_state($1, $2, $3)",
        ["timestamptz", "text", "bigint"],
    ),
    "user": (
        "select user_id, has_profile, has_history, " + ", ".join(USER_COLUMNS) + ", topics, topic_view_share, topic_like_rate,"
        " liked_post_ids, liked_at, viewed_post_ids from pgfeed._request_users($1, $2, $3)",
        ["timestamptz", "bigint[]", "boolean"],
    ),
    "model": ("select artifact, sha256, feature_names, encoders from pgfeed.models where model_id = $1", ["bigint"]),
    "stored pack": (
        "select feature_names, topics, post_ids, topic_codes, matrix, relative from pgfeed.feature_packs where pack_id = $1",
        ["bigint"],
    ),
    "computed pack": (
        "select feature_names, topics, post_ids, topic_codes, matrix from pgfeed._post_pack("
        "$1, case when pgfeed._is_large() then pgfeed._shortlist($1) end)",
        ["timestamptz"],
    ),
    "candidates": ("select pgfeed._user_candidates($1, $2) as post_ids", ["timestamptz", "bigint[]"]),
    "candidate pack": (
        "select feature_names, topics, post_ids, topic_codes, matrix from pgfeed._post_pack($1, $2, $3)",
        ["timestamptz", "bigint[]", "text[]"],
    ),
    "recent": (
        "select post_ids, seconds, view_counts, like_counts from pgfeed._recent_events($1, $2)",
        ["timestamptz", "timestamptz"],
    ),
    "stored factors": ("select factors from pgfeed.feature_packs where pack_id = $1", ["bigint"]),
    "computed factors": ("select pgfeed._post_factors($1, $2) as factors", ["timestamptz", "bytea"]),
    "candidate factors": (
        "select coalesce(v.factors::real[], array_fill(0::real, array[16])) as factors"
        " from unnest($1) with ordinality as o (post_id, number)"
        " left join pgfeed.post_vectors as v on v.post_id = o.post_id order by o.number",
        ["bigint[]"],
    ),
    "stored neighbours": ("select neighbours from pgfeed.feature_packs where pack_id = $1", ["bigint"]),
    "computed neighbours": ("select pgfeed._post_neighbours($1, $2) as neighbours", ["timestamptz", "bytea"]),
    "posts": (
        "select p.post_id, p.topic, p.text from unnest($1) with ordinality as o (post_id, number)"
        " join pgfeed.posts as p on p.post_id = o.post_id order by o.number",
        ["bigint[]"],
    ),
}


def unpack_posts(row, scale=None):
    """Return a pack as arrays: post_ids int64 ascending, topic_codes int32 (-1: none), columns float32 by name.

    scale: of the pack that this one is to be joined with, see catalogue_scale().
    """
    post_ids = np.frombuffer(row["post_ids"], ">i8").astype(np.int64)
    names = row["feature_names"]
    matrix = np.frombuffer(row["matrix"], ">f4").astype(np.float32).reshape(len(names), len(post_ids))
    posts = {
        "post_ids": post_ids,
        "topics": list(row["topics"]),
        "topic_codes": np.frombuffer(row["topic_codes"], ">i4").astype(np.int32),
        "columns": dict(zip(names, matrix)),
        "vectors": {},
    }
    relative = None
    if row.get("relative") is not None:
        scale, relative = unpack_relative(row["relative"], posts)
    posts["scale"] = scale or catalogue_scale(posts)
    posts["is_popular"] = (view_and_like_counts(posts)[0] > posts["scale"]["mean_views"]).astype(np.int64)
    posts["columns"] |= relative or relative_columns(posts)
    return posts


def pack_relative(posts):
    """Return a pack's scale and relative columns as bytes: big-endian float8, in the order of unpack_relative().

    A revision that changes what they are must clear what was packed.
    """
    scale = posts["scale"]
    numbers = [scale["mean_views"], scale["popularity_rates"], scale["qualities"], scale["group_rates"]]
    numbers += [posts["columns"][name] for name in RELATIVE_COLUMNS]
    return np.concatenate([np.ravel(each) for each in numbers]).astype(">f8").tobytes()


def unpack_relative(blob, posts):
    """Return what pack_relative() packed: the scale, see catalogue_scale(), and the columns, see relative_columns()."""
    groups, grid, count = len(posts["topics"]) + 1, len(QUALITIES), len(posts["post_ids"])
    ends = np.cumsum([1, 2, 2 * grid, 2 * groups, count])
    numbers = np.split(np.frombuffer(blob, ">f8").astype(np.float64), ends)
    scale = {
        "mean_views": numbers[0][0], "popularity_rates": numbers[1], "qualities": numbers[2].reshape(2, grid).astype(np.float32),
        "group_rates": numbers[3].reshape(groups, 2),
    }
    return scale, {name: values.astype(np.float32) for name, values in zip(RELATIVE_COLUMNS, numbers[4:])}


def catalogue_scale(posts):
    """Return what a pack's posts are compared with.

    mean_views: of the posts with views; popularity_rates: the like rates of the posts that are not, are popular, which is
    having more views than the mean; group_rates: the same by topic, float64 (topics + 1, 2), the last topic for none;
    qualities: how the qualities of posts are distributed in both, on the grid QUALITIES, float32 (2, grid).
    """
    views, likes = view_and_like_counts(posts)
    mean_views = views[views > 0].mean() if views.any() else 1.0
    like_rate = (likes.sum() + 0.1) / (views.sum() + 1)
    popular, groups = (views > mean_views).astype(np.int64), len(posts["topics"]) + 1
    group = posts["topic_codes"] % groups * 2 + popular

    def rates(number, count):
        liked, viewed = (np.bincount(number, values, count) for values in (likes, views))
        return (liked + GROUP_PRIOR_VIEWS * like_rate) / (viewed + GROUP_PRIOR_VIEWS)

    group_rates = rates(group, groups * 2)
    expected = group_rates[group] * views
    return {
        "mean_views": mean_views, "popularity_rates": rates(popular, 2), "group_rates": group_rates.reshape(groups, 2),
        "qualities": np.stack([quality_shares(likes[popular == half], expected[popular == half]) for half in (0, 1)]),
    }


def quality_likelihoods(likes, expected):
    """Return the likelihood of each post's likes, Poisson, at each of QUALITIES, float32 (posts, grid), the best at 1, the least e**-60."""
    logs = np.stack([likes, -expected], axis=1) @ np.stack([np.log(QUALITIES), QUALITIES])
    logs -= logs.max(axis=1, keepdims=True)
    return np.exp(np.maximum(logs, -60, out=logs).astype(np.float32))


def quality_shares(likes, expected):
    """Return the share of posts at each of QUALITIES, float32 (grid,), by maximum likelihood.

    Nonparametric empirical Bayes (Robbins 1956), by 60 rounds of EM (Laird 1978) from equal shares.
    """
    shares, likelihoods = np.full(len(QUALITIES), 1 / len(QUALITIES), np.float32), quality_likelihoods(likes, expected)
    for _ in range(QUALITY_ROUNDS if len(likes) else 0):
        shares = shares * (likelihoods.T @ (1 / (likelihoods @ shares))) / np.float32(len(likes))
        shares = np.float32(0.999) * shares + np.float32(0.001 / len(shares))
    return shares


def view_and_like_counts(posts):
    """Return the views, at least as many as the likes, and the likes of a pack's posts, float64."""
    likes = posts["columns"]["post.like_count"].astype(np.float64)
    return np.maximum(posts["columns"]["post.view_count"].astype(np.float64), likes), likes


def relative_columns(posts):
    """Return float32 columns that compare each post with the catalogue, so that they mean the same on any day.

    view_ratio: views over the mean of the viewed posts. quality: the like rate to be expected after the post's topic, views and likes,
    over that of the posts that are popular, or are not, as it is.
    """
    scale, (views, likes) = posts["scale"], view_and_like_counts(posts)
    popular = posts["is_popular"]
    rates = scale["group_rates"][posts["topic_codes"], popular]
    weights = quality_likelihoods(likes, rates * views) * scale["qualities"][popular]
    quality = rates / scale["popularity_rates"][popular] * (weights @ QUALITIES) / weights.sum(axis=1)
    return {"post.view_ratio": (views / scale["mean_views"]).astype(np.float32), "post.quality": quality.astype(np.float32)}


def join_packs(first, second):
    """Return the posts of two packs, which share no post, as one: columns and vectors that both have, by post_id."""
    post_ids = np.concatenate([first["post_ids"], second["post_ids"]])
    order = np.argsort(post_ids)

    def join(a, b):
        return np.concatenate([a, b])[order]

    return {
        "post_ids": post_ids[order],
        "topics": first["topics"],
        "gram": first.get("gram"),
        "scale": first["scale"],
        **{name: join(first[name], second[name]) for name in ("topic_codes", "is_popular")},
        **{
            kind: {name: join(values, second[kind][name]) for name, values in first[kind].items() if name in second[kind]}
            for kind in ("columns", "vectors")
        },
    }


def encode(values, encoder):
    """Return float32 codes of categories: unknown ones -1, null NaN."""
    return np.array([np.nan if v is None else encoder.get(v, UNKNOWN_CATEGORY) for v in values], np.float32)


def locate(posts, post_ids):
    """Return the places in the pack of post_ids, int64, one for each; -1: not in it."""
    if not len(posts["post_ids"]):
        return np.full(len(post_ids), -1)
    rows = np.searchsorted(posts["post_ids"], post_ids)
    rows[rows == len(posts["post_ids"])] = 0
    return np.where(posts["post_ids"][rows] == post_ids, rows, -1)


def post_rows_of(posts, post_ids):
    """Return the rows in the pack of those post_ids that it holds."""
    rows = locate(posts, post_ids)
    return rows[rows >= 0]


def unpack_recent(row, posts):
    """Return the events since a pack's cut-off: places in the pack, seconds after the cut-off, views and likes."""
    places = locate(posts, np.frombuffer(row["post_ids"] or b"", ">i8").astype(np.int64))
    seconds = np.frombuffer(row["seconds"] or b"", ">f8").astype(np.float64)
    views, likes = (np.frombuffer(row[name] or b"", ">f4").astype(np.float64) for name in ("view_counts", "like_counts"))
    known = places >= 0
    return {"places": places[known], "seconds": seconds[known], "view": views[known], "like": likes[known]}


def fresh_columns(posts, recent, seconds):
    """Return the fresh.* features of all posts, float32 each, `seconds` after the pack's cut-off.

    Decayed counts are the pack's and those of the events since, both with exact age, as the natural logarithm of
    their share of the largest one (at least 1e-4): a share does not change while nothing happens. A trend is the
    difference of two such logarithms. Age and time since the last event are in days; NaN: no event yet.
    """
    columns, result, count = posts["columns"], {}, len(posts["post_ids"])
    places, after = recent["places"], recent["seconds"]
    for action in ("view", "like"):
        for name, hours in HALF_LIFE_HOURS.items():
            values = columns[f"post.decayed_{action}_count_{name}"]
            if len(places):
                weights = recent[action] * np.exp2(np.minimum(after / (3600 * hours), 1000))
                values = values + np.bincount(places, weights, count)
            top = values.max(initial=0)
            result[f"fresh.{action}_{name}"] = log_share(values, top)
    for action, short, long in FRESH_TRENDS:
        result[f"fresh.{action}_trend_{short}_{long}"] = result[f"fresh.{action}_{short}"] - result[f"fresh.{action}_{long}"]
    likes = columns["post.like_count"] + np.bincount(places, recent["like"], count)
    result["fresh.like_total"] = log_share(likes, likes.max(initial=0))

    days = np.float32(seconds / DAY_SECONDS)
    age, since = columns["post.age_days"] + days, columns["post.days_since_event"] + days
    if len(places):
        first, last = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(first, places, after)
        np.maximum.at(last, places, after)
        is_new = np.isnan(age) & np.isfinite(first)
        age[is_new] = (seconds - first[is_new]) / DAY_SECONDS
        has_event = np.isfinite(last)
        since[has_event] = (seconds - last[has_event]) / DAY_SECONDS
    return result | {"fresh.age_days": age, "fresh.days_since_event": since}


def log_share(values, top):
    """Return float32 log(values / top + 1e-4); of zeros where nothing is counted."""
    return np.log((values / (top or 1)).astype(np.float32) + np.float32(LEAST_SHARE))


def unpack_neighbours(blob, count):
    """Return the neighbours of posts: starts int64 (count + 1) into other, similarity and day_similarity."""
    post, other, similarity, day_similarity, ease = np.frombuffer(blob, ">f4").astype(np.float32).reshape(5, -1)
    return {
        "starts": np.searchsorted(post, np.arange(count + 1)),
        "other": other.astype(np.int64),
        "similarity": similarity,
        "day_similarity": day_similarity,
        "ease": ease,
    }


def similarity_to(neighbours, rows, weights, kind, count):
    """Return for all posts the weighted mean of their similarities to the posts at `rows`, float32."""
    starts = neighbours["starts"][rows]
    lengths = neighbours["starts"][rows + 1] - starts
    ends = np.cumsum(lengths)
    index = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)
    values = neighbours[kind][index] * np.repeat(weights / max(weights.sum(), 1e-30), lengths)
    return np.bincount(neighbours["other"][index], values, count).astype(np.float32)


def pair_columns(row, posts, neighbours, fresh, moment):
    """Return pair.* (float32 for all posts) and taste.* (float32 scalars) of one request.

    moment: of the request, unix seconds. co_like: mean similarity to the
    posts liked before, as in _post_neighbours(), of the newest 200 likes; _7d: weighted by 0.5 ** (days ago / 7);
    _last, _last_3: to the newest ones; _day: by likes on the same day, to the newest ten. ease: the sum of the EASE weights.
    """
    count = len(posts["post_ids"])
    places = locate(posts, liked_post_ids(row))
    at = np.frombuffer(row["liked_at"] or b"", ">f8").astype(np.float64)[places >= 0]
    places = places[places >= 0]
    newest = np.sort(len(places) - 1 - np.unique(places[::-1], return_index=True)[1])[-MAX_TASTE_LIKES:]
    places, at = places[newest], at[newest]
    ones, decay = np.ones(len(places)), np.exp2(-(moment - at) / DAY_SECONDS / TASTE_HALF_LIFE_DAYS)
    result = {
        "pair.co_like": similarity_to(neighbours, places, ones, "similarity", count),
        "pair.co_like_7d": similarity_to(neighbours, places, np.maximum(decay, 1e-12), "similarity", count),
        "pair.co_like_last": similarity_to(neighbours, places[-1:], ones[-1:], "similarity", count),
        "pair.co_like_last_3": similarity_to(neighbours, places[-3:], ones[-3:], "similarity", count),
        "pair.co_like_day": similarity_to(neighbours, places[-NEAR_LIKES:], ones[-NEAR_LIKES:], "day_similarity", count),
    }
    result["pair.ease"] = similarity_to(neighbours, places, ones, "ease", count) * np.float32(len(places))
    viewed = locate(posts, viewed_post_ids(row))
    result["pair.view_count"] = np.bincount(viewed[viewed >= 0], minlength=count).astype(np.float32)

    born = moment - fresh["fresh.age_days"][places].astype(np.float64) * DAY_SECONDS
    has_likes = len(places) > 0
    values = {
        "taste.like_count": len(places),
        "taste.days_since_like": (moment - at[-1]) / DAY_SECONDS if has_likes else np.nan,
        "taste.popularity": fresh["fresh.like_30d"][places].mean() if has_likes else np.nan,
        "taste.age_days": np.nanmedian(at - born) / DAY_SECONDS if np.isfinite(born).any() else np.nan,
    }
    return result | {name: np.float32(value) for name, value in values.items()}


def needs_moment(names):
    """Return whether a model has features that are made for each request from events."""
    return any(name in FRESH_COLUMNS or name in PAIR_COLUMNS or name in TASTE_COLUMNS for name in names)


def moment_columns(row, posts, neighbours, recent, moment, pack_moment):
    """Return fresh.*, pair.* and taste.* of one request as request_columns() does: the first dimension is 1."""
    fresh = fresh_columns(posts, recent, moment - pack_moment)
    columns = fresh | pair_columns(row, posts, neighbours, fresh, moment)
    return {name: np.asarray(values)[None] for name, values in columns.items()}


def request_columns(rows, posts, encoders, names=MATCH_COLUMNS):
    """Return the values that belong to requests, by feature name, from rows of _request_users(); match.* if in names.

    Each is float32 of shape (requests,); user_topic.* have the shape (requests, topics + 1), whose
    last column, NaN, is for posts without a topic. Encoders map category to code, by feature name.
    """
    result = {}
    for column in USER_COLUMNS:
        name, values = f"user.{column}", [row[column] for row in rows]
        if name in CATEGORICAL:
            result[name] = encode(values, encoders.get(name, {}))
        else:
            result[name] = np.array([np.nan if v is None else v for v in values], np.float32)

    code_of = {topic: code for code, topic in enumerate(posts["topics"])}
    for column in TOPIC_COLUMNS:
        values = np.full((len(rows), len(code_of) + 1), 0.0 if column == "view_share" else np.nan, np.float32)
        if column == "like_rate":
            values[:] = result["user.like_rate"][:, None]
        for request, row in enumerate(rows):
            for topic, value in zip(row["topics"] or (), row[f"topic_{column}"] or ()):
                if topic in code_of:
                    values[request, code_of[topic]] = value
        values[:, -1] = np.nan
        result[f"user_topic.{column}"] = values

    like_rates, view_counts = (posts["columns"][f"post.{name}"] for name in ("like_rate", "view_count"))
    for name in ("taste.like_rate", "taste.view_count_ratio"):
        result[name] = np.full(len(rows), np.nan, np.float32)
    result["taste.popularity_like_rate"] = np.empty((len(rows), 2), np.float32)
    liked_rows = [post_rows_of(posts, liked_post_ids(row)) for row in rows]
    for request, (row, liked) in enumerate(zip(rows, liked_rows)):
        viewed = post_rows_of(posts, viewed_post_ids(row))
        if len(liked):
            result["taste.like_rate"][request] = like_rates[liked].mean()
            if view_counts[viewed].any():
                result["taste.view_count_ratio"][request] = view_counts[liked].mean() / view_counts[viewed].mean()
        result["taste.popularity_like_rate"][request] = popularity_taste(liked, viewed, posts)
    if any(name in MATCH_COLUMNS for name in names):
        result |= match_vectors(liked_rows, posts)
    return result


def popularity_taste(liked, viewed, posts):
    """Return a user's smoothed like rates on posts that are not popular and that are, each over everybody's.

    liked, viewed: places in the pack. Each rate starts as everybody's with the weight of 20 views.
    """
    usual = posts["scale"]["popularity_rates"]
    likes, views = (np.bincount(posts["is_popular"][places], minlength=2) for places in (liked, viewed))
    return (likes / usual + POPULARITY_PRIOR_VIEWS) / (np.maximum(views, likes) + POPULARITY_PRIOR_VIEWS)


def text_vectors(posts):
    """Return the text components of a pack's posts at length 1, float32 (posts, components); zeros: no text."""
    if "match.text" not in posts["vectors"]:
        columns = [values for name, values in posts["columns"].items() if name.startswith(TEXT_COMPONENT)]
        vectors = np.nan_to_num(np.stack(columns, axis=1)) if columns else np.zeros((len(posts["post_ids"]), 1), np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        posts["vectors"]["match.text"] = posts["vectors"]["match.text_last"] = vectors
    return posts["vectors"]["match.text"]


def match_vectors(liked_rows, posts):
    """Return the users' sides of match.*, float32 (requests, dimensions); NaN: nothing liked.

    liked_rows: the places in the pack of what each user liked, in the order of time.
    match.text, _last: the mean text vector of the newest 50, 5 likes, so that the feature is their mean cosine
    with the candidate. match.factors: the user's vector of the factor model, see fold_in().
    """
    texts, factors = text_vectors(posts), posts["vectors"].get("match.factors")
    result = {name: np.full((len(liked_rows), texts.shape[1]), np.nan, np.float32) for name in TEXT_LIKES}
    if factors is not None:
        result["match.factors"] = np.full((len(liked_rows), FACTORS), np.nan, np.float32)
    for request, liked in enumerate(liked_rows):
        if len(liked):
            for name, count in TEXT_LIKES.items():
                result[name][request] = texts[liked[-count:]].mean(axis=0)
            if factors is not None:
                result["match.factors"][request] = fold_in(factors[np.unique(liked)], posts["gram"])
    return result


def fold_in(liked, gram):
    """Return the vector, float32 (factors,), of a user who liked posts with these vectors, (likes, factors).

    gram: the vectors of all posts, transposed, times themselves. The least squares of Hu, Koren and Volinsky (Collaborative
    filtering for implicit feedback datasets, 2008, equation 4) with confidence 1 + 10 of a like.
    """
    left = gram + FACTOR_CONFIDENCE * (liked.T @ liked) + FACTOR_LAMBDA * np.eye(FACTORS, dtype=np.float32)
    return np.linalg.solve(left, (1 + FACTOR_CONFIDENCE) * liked.sum(axis=0)).astype(np.float32)


def unpack_factors(blob):
    """Return factor vectors of posts, float32 (posts, factors), and the gram (factors, factors) of all posts, which ends the blob."""
    rows = np.frombuffer(blob, ">f4").astype(np.float32).reshape(-1, FACTORS)
    return rows[:-FACTORS], rows[-FACTORS:]


def liked_post_ids(row):
    """Return the ids, int64, of the posts that the user of a row liked before the moment."""
    return np.frombuffer(row["liked_post_ids"] or b"", ">i8").astype(np.int64)


def viewed_post_ids(row):
    """Return the ids, int64, of the posts that the user of a row viewed before the moment, in the order of time."""
    return np.frombuffer(row["viewed_post_ids"] or b"", ">i8").astype(np.int64)


def feature_values(name, posts, requests, post_rows, request_rows):
    """Return one feature for pairs of a request and a post, float32; the rows are indices, slices or scalars."""
    if name in posts["columns"]:
        return posts["columns"][name][post_rows]
    column, _, topic = name.partition(":")
    values = requests[column]
    if values.ndim == 1:
        return values[request_rows]
    if column in MATCH_COLUMNS:
        return np.einsum("...d,...d->...", posts["vectors"][column][post_rows], values[request_rows])
    if column == "taste.popularity_like_rate":
        return values[request_rows, posts["is_popular"][post_rows]]
    if column in FRESH_COLUMNS or column in PAIR_COLUMNS:
        return values[request_rows, post_rows]
    if not topic:
        return values[request_rows, posts["topic_codes"][post_rows]]
    return values[request_rows, posts["topics"].index(topic) if topic in posts["topics"] else -1]


def encode_topics(posts, encoders):
    """Add post.topic, encoded, to a pack's columns."""
    codes = encode([*posts["topics"], None], encoders.get("post.topic", {}))
    posts["columns"]["post.topic"] = codes[posts["topic_codes"]]


def rank(scores, post_ids, k):
    """Return the indices of the k best scores, best first, ties by post_id; a score of -inf is never ranked."""
    k = min(k, int(np.count_nonzero(scores > -np.inf)))
    if k == 0:
        return np.empty(0, np.int64)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    best = np.flatnonzero(scores >= least)
    return best[np.lexsort((post_ids[best], -scores[best]))][:k]


def popularity(posts):
    """Return log-odds of a like, float64, from each post's decayed, smoothed like rate: the score without a model."""
    rate = posts["columns"]["post.decayed_like_rate_7d"].astype(np.float64).clip(1e-6, 1 - 1e-6)
    return np.log(rate / (1 - rate))


def lottery(count, user_id, moment):
    """Return scores drawn by lot, float64 from 0 to 1, the same for the same user and moment."""
    return np.random.default_rng([user_id % 2**64, round(moment * 1e6) % 2**64]).random(count)


def prepare(plpy, cache, name):
    """Return the session's prepared plan of that name."""
    plans = cache.setdefault("plans", {})
    if name not in plans:
        plans[name] = plpy.prepare(*PLANS[name])
    return plans[name]


def run(plpy, cache, name, *arguments):
    """Run a prepared plan; return its rows."""
    return plpy.execute(prepare(plpy, cache, name), list(arguments))


def load_model(plpy, cache, model_id):
    """Return the model from the session's cache, loading it at the first call; None if it cannot be loaded."""
    models = cache.setdefault("models", {})
    if model_id not in models:
        catboost = import_catboost()
        row = run(plpy, cache, "model", model_id)[0]
        booster = None
        try:
            # CatBoost trusts an artifact's offsets: a damaged one could end the server.
            if hashlib.sha256(row["artifact"]).hexdigest() != row["sha256"]:
                raise ValueError("its artifact does not have the recorded sha256")
            booster = catboost.CatBoost().load_model(blob=row["artifact"])
        except (catboost.CatBoostError, ValueError) as error:
            plpy.warning(f"model {model_id} cannot be loaded: {error}")
        while len(models) >= 4:
            models.pop(next(iter(models)))
        models[model_id] = booster and {
            "booster": booster,
            "feature_names": row["feature_names"],
            "encoders": json.loads(row["encoders"]),
        }
    return models[model_id]


def load_posts(plpy, cache, state):
    """Return the pack that serves a moment: the stored one, else one computed as of it."""
    packs = cache.setdefault("packs", {})
    key = state["pack_version"]
    if key in packs:
        packs[key] = packs.pop(key)  # the least recently used one goes first
    else:
        if state["pack_id"] is not None:
            row = run(plpy, cache, "stored pack", state["pack_id"])[0]
        else:
            row = run(plpy, cache, "computed pack", state["features_as_of"])[0]
        while len(packs) >= CACHED_PACKS:
            packs.pop(next(iter(packs)))
        packs[key] = unpack_posts(row)
    return packs[key]


def load_factors(plpy, cache, state, posts):
    """Give a pack its posts' factor vectors: the stored ones, else computed as of the pack's cut-off."""
    if "match.factors" not in posts["vectors"]:
        blob = None
        if state["pack_id"] is not None:
            blob = run(plpy, cache, "stored factors", state["pack_id"])[0]["factors"]
        if blob is None:
            post_ids = posts["post_ids"].astype(">i8").tobytes()
            blob = run(plpy, cache, "computed factors", state["features_as_of"], post_ids)[0]["factors"]
        posts["vectors"]["match.factors"], posts["gram"] = unpack_factors(blob)


def candidate_factors(plpy, cache, post_ids):
    """Return the vectors of posts as of the last refresh, float32 (posts, factors); zeros: it has none."""
    rows = run(plpy, cache, "candidate factors", post_ids.tolist())
    return np.array([row["factors"] for row in rows], np.float32).reshape(-1, FACTORS)


def load_candidates(plpy, cache, state, posts, user, ts, wanted):
    """Return a shortlist's pack joined with the user's candidates, the newest liked and viewed posts, and those wanted."""
    liked = np.unique(liked_post_ids(user)[-CANDIDATE_LIKES:])
    ids = run(plpy, cache, "candidates", ts, liked.tolist())[0]["post_ids"]
    ids = np.concatenate([np.array(ids, np.int64), liked, viewed_post_ids(user)[-CANDIDATE_VIEWS:], np.array(wanted, np.int64)])
    ids = np.setdiff1d(ids, posts["post_ids"]).tolist()
    if not ids:
        return posts
    row = run(plpy, cache, "candidate pack", state["features_as_of"], ids, posts["topics"])[0]
    candidates = unpack_posts(row, posts["scale"])
    if "match.factors" in posts["vectors"]:
        candidates["vectors"]["match.factors"] = candidate_factors(plpy, cache, candidates["post_ids"])
    return join_packs(posts, candidates)


def load_neighbours(plpy, cache, state, posts):
    """Return the neighbours of the pack's posts: the stored ones, else computed as of the pack's cut-off."""
    if "neighbours" not in posts:
        blob = None
        if state["pack_id"] is not None:
            blob = run(plpy, cache, "stored neighbours", state["pack_id"])[0]["neighbours"]
        if blob is None:
            post_ids = posts["post_ids"].astype(">i8").tobytes()
            blob = run(plpy, cache, "computed neighbours", state["features_as_of"], post_ids)[0]["neighbours"]
        posts["neighbours"] = unpack_neighbours(blob, len(posts["post_ids"]))
    return posts["neighbours"]


def has_features(plpy, posts, model, model_id):
    """Return whether a pack has the model's post features; warn once if not, as after an update without a refresh.

    match.text needs the components that it was made of in training, which the model's encoders name.
    """
    known = posts.setdefault("has_features", {})
    if model_id not in known:
        columns = {"post.topic", *posts["columns"]}
        needed = [*(name for name in model["feature_names"] if name.startswith(("post.", "text."))), *model.get("encoders", {}).get("match.text", ())]
        missing = [name for name in needed if name not in columns]
        known[model_id] = not missing
        if missing:
            plpy.warning(f"model {model_id} is not used: the features lack {', '.join(missing)}; call pgfeed.refresh_features()")
    return known[model_id]


def score(model, model_id, posts, requests):
    """Return the model's scores, float64, of all posts for the only request."""
    names = model["feature_names"]
    if posts.get("scored_by") != model_id:
        encode_topics(posts, model["encoders"])
        matrix = np.empty((len(posts["post_ids"]), len(names)), np.float32, order="F")
        for number, name in enumerate(names):
            if name in posts["columns"]:
                matrix[:, number] = posts["columns"][name]
        posts["scored_by"], posts["matrix"] = model_id, matrix
    matrix = posts["matrix"]
    matrix.flags.writeable = True
    for number, name in enumerate(names):
        if name not in posts["columns"]:
            matrix[:, number] = feature_values(name, posts, requests, slice(None), 0)
    return model["booster"].predict(matrix, prediction_type="RawFormulaVal", thread_count=1)


def check_arguments(plpy, user_id, ts, k):
    """Raise the one error that says which argument cannot be served."""
    for name, value in (("user_id", user_id), ("ts", ts), ("k", k)):
        if value is None:
            plpy.error(f"{name} is null", hint="Give a user_id, a moment and how many posts.", sqlstate="22004")
    if not 1 <= k <= MAX_K:
        plpy.error(f"k is {k}", hint=f"Ask for 1 to {MAX_K} posts.", sqlstate="22023")


def check_state(plpy, state, ts, variant):
    """Raise the one error that says why nothing can be served at this moment by this variant."""
    if not state["is_finite"]:
        plpy.error(f"ts is {ts}", hint="Give a moment such as now().", sqlstate="22008")
    if state["variant"] not in (None, DEFAULT_VARIANT, *WITHOUT_MODEL, *state["variants"]):
        known = ", ".join(state["variants"]) or "none yet"
        source = "" if variant is not None else " (the setting pgfeed.default_variant)"
        plpy.error(
            f"there is no variant {state['variant']!r}{source}", hint=f"Variants with a model: {known}.", sqlstate="22023"
        )
    if state["features_as_of"] is None:
        plpy.error(
            "the features were never refreshed",
            hint="Run: call pgfeed.refresh_features()",
            sqlstate="55000",
        )


def answer(plpy, cache, user_id, ts, variant, wanted):
    """Return what is known about a request: state, posts, user, source, scores of all posts, model and requests.

    wanted: ids of posts to be scored even when the catalogue is too large to score whole.
    """
    state = run(plpy, cache, "state", ts, variant, user_id)[0]
    check_state(plpy, state, ts, variant)
    posts = load_posts(plpy, cache, state)
    user = run(plpy, cache, "user", ts, [user_id], state["is_current"])[0]

    model, source, requests = None, "popular", None
    if state["model_id"] is not None:
        model = load_model(plpy, cache, state["model_id"])
    if model is not None and not has_features(plpy, posts, model, state["model_id"]):
        model = None
    if model is not None:
        source = "model" if user["has_profile"] or user["has_history"] else "cold_start"
    if source == "model" and "match.factors" in model["feature_names"]:
        load_factors(plpy, cache, state, posts)
    # Neighbours are places in the stored pack.
    if state["is_shortlist"] and not (source == "model" and needs_moment(model["feature_names"])):
        posts = load_candidates(plpy, cache, state, posts, user, ts, wanted)
    if source == "model":
        requests = request_columns([user], posts, model["encoders"], model["feature_names"])
        requests["time.hour"] = np.array([state["hour"]], np.float32)
        requests["time.weekday"] = np.array([state["weekday"]], np.float32)
        if needs_moment(model["feature_names"]):
            recent = unpack_recent(run(plpy, cache, "recent", state["features_as_of"], ts)[0], posts)
            neighbours = load_neighbours(plpy, cache, state, posts)
            requests |= moment_columns(user, posts, neighbours, recent, state["moment"], state["pack_moment"])
        scores = score(model, state["model_id"], posts, requests)
    elif state["variant"] == "random":
        source, scores = "random", lottery(len(posts["post_ids"]), user_id, state["moment"])
    else:
        scores = popularity(posts)
    return {
        "state": state, "posts": posts, "user": user, "source": source, "scores": scores, "model": model, "requests": requests,
    }


def recommend_posts(plpy, cache, user_id, ts, k, variant):
    """Return the k best posts for a user at a moment as rows of pgfeed.recommendation, best first.

    Posts that the user liked before ts are left out; fewer rows than k come only from a small
    catalogue. Ties go to the smaller post_id. A user without profile and history, and every user
    while the variant has no usable model, gets the posts with the highest decayed like rate. The
    variant popular is that for everybody; the variant random draws by lot.
    """
    check_arguments(plpy, user_id, ts, k)
    given = answer(plpy, cache, user_id, ts, variant, [])
    state, posts, scores = given["state"], given["posts"], given["scores"]
    scores[post_rows_of(posts, liked_post_ids(given["user"]))] = -np.inf

    found, wanted = [], k
    while len(found) < k:
        best = rank(scores, posts["post_ids"], wanted)
        found = run(plpy, cache, "posts", posts["post_ids"][best].tolist())[:k]
        if len(best) < wanted:
            break
        wanted *= 2
    score_of = dict(zip(posts["post_ids"][best].tolist(), scores[best].tolist()))
    return [
        (
            number, row["post_id"], row["topic"], row["text"], score_of[row["post_id"]], state["variant"], given["source"],
            state["model_version"], state["features_as_of"],
        )
        for number, row in enumerate(found, 1)
    ]
