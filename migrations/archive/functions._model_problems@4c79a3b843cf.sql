create or replace function pgfeed._model_problems(model_id bigint)
returns text[]
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$
"""The body of pgfeed.recommend_posts: features of one user and all posts, scores, the best k.

Training calls the same functions on many requests at once, so that a feature has one formula.
A request is a user at a moment. Feature names say where a value comes from:

    post.like_rate            a column of the post pack
    user.age                  a column of the user row
    user_topic.view_share     the user's row for the topic of the candidate
    user_topic.view_share:sport   the user's row for a stated topic
    taste.like_rate           from the posts that the user liked before
    fresh.like_1h             from a column of the post pack and the events since then, exact at the moment
    pair.co_like              from the candidate and what the user liked or viewed before
    time.hour                 from the moment (UTC)
"""

import json

import numpy as np

MAX_K = 1000
DEFAULT_VARIANT = "control"
WITHOUT_MODEL = ("popular", "random")
CHUNK_ROWS = 50_000
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
TASTE_COLUMNS = ("taste.like_count", "taste.days_since_like", "taste.popularity", "taste.age_days")
LEAST_SHARE = 1e-4
MAX_TASTE_LIKES = 200
TASTE_HALF_LIFE_DAYS = 7
NEAR_LIKES = 10
DAY_SECONDS = 86400

PLANS = {
    "state": (
        "select is_finite, variants, serving_variant as variant, model_id, model_version, features_as_of, is_current, pack_id,"
        " pack_version, hour, weekday, case when is_finite then extract(epoch from $1)::double precision end as moment,"
        " extract(epoch from features_as_of)::double precision as pack_moment from pgfeed._serving_state($1, $2, $3)",
        ["timestamptz", "text", "bigint"],
    ),
    "user": (
        "select user_id, has_profile, has_history, " + ", ".join(USER_COLUMNS) + ", topics, topic_view_share, topic_like_rate,"
        " liked_post_ids, liked_at, viewed_post_ids from pgfeed._request_users($1, $2, $3)",
        ["timestamptz", "bigint[]", "boolean"],
    ),
    "model": ("select artifact, feature_names, encoders from pgfeed.models where model_id = $1", ["bigint"]),
    "stored pack": (
        "select feature_names, topics, post_ids, topic_codes, matrix from pgfeed.feature_packs where pack_id = $1",
        ["bigint"],
    ),
    "computed pack": (
        "select feature_names, topics, post_ids, topic_codes, matrix from pgfeed._post_pack($1)",
        ["timestamptz"],
    ),
    "recent": (
        "select post_ids, seconds, view_counts, like_counts from pgfeed._recent_events($1, $2)",
        ["timestamptz", "timestamptz"],
    ),
    "stored neighbours": ("select neighbours from pgfeed.feature_packs where pack_id = $1", ["bigint"]),
    "computed neighbours": ("select pgfeed._post_neighbours($1, $2) as neighbours", ["timestamptz", "bytea"]),
    "posts": (
        "select p.post_id, p.topic, p.text from unnest($1) with ordinality as o (post_id, number)"
        " join pgfeed.posts as p on p.post_id = o.post_id order by o.number",
        ["bigint[]"],
    ),
    "cancel point": ("select", []),
}


def unpack_posts(row):
    """Return a pack as arrays: post_ids int64 ascending, topic_codes int32 (-1: none), columns float32 by name."""
    post_ids = np.frombuffer(row["post_ids"], ">i8").astype(np.int64)
    names = row["feature_names"]
    matrix = np.frombuffer(row["matrix"], ">f4").astype(np.float32).reshape(len(names), len(post_ids))
    return {
        "post_ids": post_ids,
        "topics": list(row["topics"]),
        "topic_codes": np.frombuffer(row["topic_codes"], ">i4").astype(np.int32),
        "columns": dict(zip(names, matrix)),
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
    viewed = locate(posts, np.frombuffer(row["viewed_post_ids"] or b"", ">i8").astype(np.int64))
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


def request_columns(rows, posts, encoders):
    """Return the values that belong to requests, by feature name, from rows of _request_users().

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

    like_rates = posts["columns"]["post.like_rate"]
    taste = np.full(len(rows), np.nan, np.float32)
    for request, row in enumerate(rows):
        liked = post_rows_of(posts, liked_post_ids(row))
        if len(liked):
            taste[request] = like_rates[liked].mean()
    result["taste.like_rate"] = taste
    return result


def liked_post_ids(row):
    """Return the ids, int64, of the posts that the user of a row liked before the moment."""
    return np.frombuffer(row["liked_post_ids"] or b"", ">i8").astype(np.int64)


def feature_values(name, posts, requests, post_rows, request_rows):
    """Return one feature for pairs of a request and a post, float32; the rows are indices, slices or scalars."""
    if name in posts["columns"]:
        return posts["columns"][name][post_rows]
    column, _, topic = name.partition(":")
    values = requests[column]
    if values.ndim == 1:
        return values[request_rows]
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
        from catboost import CatBoost, CatBoostError

        row = run(plpy, cache, "model", model_id)[0]
        try:
            booster = CatBoost().load_model(blob=row["artifact"])
        except CatBoostError as error:
            plpy.warning(f"model {model_id} cannot be loaded: {error}")
            booster = None
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
    """Return whether a pack has the model's post features; warn once if not, as after an update without a refresh."""
    known = posts.setdefault("has_features", {})
    if model_id not in known:
        columns = {"post.topic", *posts["columns"]}
        missing = [name for name in model["feature_names"] if name.startswith(("post.", "text.")) and name not in columns]
        known[model_id] = not missing
        if missing:
            plpy.warning(f"model {model_id} is not used: the features lack {', '.join(missing)}; call pgfeed.refresh_features()")
    return known[model_id]


def score(plpy, cache, model, model_id, posts, requests):
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
    booster = model["booster"]
    if len(matrix) <= CHUNK_ROWS:
        return booster.predict(matrix, prediction_type="RawFormulaVal", thread_count=1)
    parts = []
    for start in range(0, len(matrix), CHUNK_ROWS):
        chunk = np.asfortranarray(matrix[start:start + CHUNK_ROWS])
        parts.append(booster.predict(chunk, prediction_type="RawFormulaVal", thread_count=1))
        run(plpy, cache, "cancel point")
    return np.concatenate(parts)


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


def recommend_posts(plpy, cache, user_id, ts, k, variant):
    """Return the k best posts for a user at a moment as rows of pgfeed.recommendation, best first.

    Posts that the user liked before ts are left out; fewer rows than k come only from a small
    catalogue. Ties go to the smaller post_id. A user without profile and history, and every user
    while the variant has no usable model, gets the posts with the highest decayed like rate. The
    variant popular is that for everybody; the variant random draws by lot.
    """
    check_arguments(plpy, user_id, ts, k)
    state = run(plpy, cache, "state", ts, variant, user_id)[0]
    check_state(plpy, state, ts, variant)
    posts = load_posts(plpy, cache, state)
    users = run(plpy, cache, "user", ts, [user_id], state["is_current"])

    model, source = None, "popular"
    if state["model_id"] is not None:
        model = load_model(plpy, cache, state["model_id"])
    if model is not None and not has_features(plpy, posts, model, state["model_id"]):
        model = None
    if model is not None:
        source = "model" if users[0]["has_profile"] or users[0]["has_history"] else "cold_start"
    if source == "model":
        requests = request_columns(users, posts, model["encoders"])
        requests["time.hour"] = np.array([state["hour"]], np.float32)
        requests["time.weekday"] = np.array([state["weekday"]], np.float32)
        if needs_moment(model["feature_names"]):
            recent = unpack_recent(run(plpy, cache, "recent", state["features_as_of"], ts)[0], posts)
            neighbours = load_neighbours(plpy, cache, state, posts)
            requests |= moment_columns(users[0], posts, neighbours, recent, state["moment"], state["pack_moment"])
        scores = score(plpy, cache, model, state["model_id"], posts, requests)
    elif state["variant"] == "random":
        source, scores = "random", lottery(len(posts["post_ids"]), user_id, state["moment"])
    else:
        scores = popularity(posts)
    scores[post_rows_of(posts, liked_post_ids(users[0]))] = -np.inf

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
            number, row["post_id"], row["topic"], row["text"], score_of[row["post_id"]], state["variant"], source,
            state["model_version"], state["features_as_of"],
        )
        for number, row in enumerate(found, 1)
    ]


"""The body of pgfeed._model_problems: what keeps a stored model from serving."""

import hashlib

import numpy as np

TOLERANCE = 1e-6
MODEL_QUERY = (
    "select artifact, sha256, feature_names, golden_matrix, golden_scores from pgfeed.models where model_id = $1"
)
PACK_QUERY = "select feature_names from pgfeed.feature_packs order by pack_id desc limit 1"


def unknown_features(names, pack_names):
    """Return those feature names that nothing in this database computes."""
    known = {*pack_names, *CATEGORICAL, "taste.like_rate", "time.hour", "time.weekday"}
    known.update((*FRESH_COLUMNS, *PAIR_COLUMNS, *TASTE_COLUMNS))
    known.update(f"user.{column}" for column in USER_COLUMNS)
    known.update(f"user_topic.{column}" for column in TOPIC_COLUMNS)
    stated = {f"user_topic.{column}" for column in TOPIC_COLUMNS}
    return [name for name in names if name not in known and (":" not in name or name.partition(":")[0] not in stated)]


def _model_problems(plpy, cache, model_id):
    """Return the problems as a list of sentences; empty: the model can serve.

    The golden sample is a float32 matrix (big-endian, one row after the other) with the scores that
    the trainer computed from it; this server must give the same ones.
    """
    from catboost import CatBoost, CatBoostError

    row = plpy.execute(plpy.prepare(MODEL_QUERY, ["bigint"]), [model_id])[0]
    artifact, names = row["artifact"], row["feature_names"]
    if hashlib.sha256(artifact).hexdigest() != row["sha256"]:
        return ["its artifact does not have the recorded sha256: it was damaged after training"]
    if artifact[:4] != b"CBM1":
        return ["its artifact is not in the native CatBoost format (.cbm)"]
    try:
        booster = CatBoost().load_model(blob=artifact)
    except CatBoostError as error:
        return [f"CatBoost cannot load its artifact: {str(error).splitlines()[0]}"]

    problems = []
    if booster.feature_names_ != names:
        problems.append(
            f"its artifact has {len(booster.feature_names_)} features, the table {len(names)}, or in another order"
        )
    packs = plpy.execute(PACK_QUERY)
    unknown = unknown_features(names, packs[0]["feature_names"]) if packs else []
    if not packs:
        problems.append("the features were never refreshed, so its own cannot be checked")
    if unknown:
        problems.append("features that this database does not have: " + ", ".join(unknown))
    if not problems:
        golden = np.frombuffer(row["golden_matrix"], ">f4").astype(np.float32).reshape(-1, len(names))
        scores = booster.predict(golden, prediction_type="RawFormulaVal", thread_count=1)
        if len(golden) == 0 or len(scores) != len(row["golden_scores"]):
            problems.append("it has no golden sample")
        elif not np.allclose(scores, row["golden_scores"], rtol=TOLERANCE, atol=TOLERANCE):
            worst = np.abs(scores - row["golden_scores"]).max()
            problems.append(f"its golden sample scores differ by up to {worst:.2g} from the trainer's")
    return problems


return _model_problems(plpy, SD, model_id)
$$;

alter function pgfeed._model_problems(bigint) owner to pgfeed_owner;

comment on function pgfeed._model_problems(bigint) is 'What keeps a stored model from serving; empty: nothing';

revoke all on function pgfeed._model_problems(bigint) from public;
