"""Names of features and what they are made from, the one list of each.

A request is a user at a moment. Feature names say where a value comes from:

    post.like_rate            a column of the post pack
    user.age                  a column of the user row
    user_topic.view_share     the user's row for the topic of the candidate
    user_topic.view_share:sport   the user's row for a stated topic
    post.quality              from columns of the pack, compared with the rest of the catalogue
    taste.like_rate           from the posts that the user liked before
    fresh.like_1h             from columns of the post pack and the events since then, exact at the moment
    fresh.like_rate_1h        the same of one post alone, so that impressions of the past have it too
    pair.co_like              from the candidate and what the user liked or viewed before
    match.factors             the product of the candidate's vector and one made of what the user liked before
    match.preference          what the user prefers beside how good a post is, match.appeal, and both; see preferences
    time.hour                 from the moment (UTC)

user.NAME and post.NAME are also own features: what the application's tables and functions say of users and posts.
"""

from datetime import UTC, datetime

import numpy as np

CATEGORICAL = ("user.country", "user.city", "user.os", "user.source", "post.topic")
UNKNOWN_CATEGORY = -1.0
CATEGORY_LENGTH = 200
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
LIVE_WINDOWS = (*HALF_LIFE_HOURS, "total")
LIVE_COUNTS = {f"fresh.{action}_count_{name}": (action, name) for action in ("view", "like") for name in LIVE_WINDOWS}
LIVE_RATES = {f"fresh.like_rate_{name}": name for name in LIVE_WINDOWS}
AGE_COLUMNS = ("fresh.age_days", "fresh.days_since_event")
LIVE_COLUMNS = (*LIVE_COUNTS, *LIVE_RATES, *AGE_COLUMNS)
PAIR_COLUMNS = (
    "pair.co_like", "pair.co_like_7d", "pair.co_like_last", "pair.co_like_last_3", "pair.co_like_day",
    "pair.ease", "pair.view_count",
)
RELATIVE_COLUMNS = ("post.view_ratio", "post.quality")
USER_TASTE_COLUMNS = ("taste.like_rate", "taste.view_count_ratio", "taste.popularity_like_rate")
TASTE_COLUMNS = ("taste.like_count", "taste.days_since_like", "taste.popularity", "taste.age_days")
APPEAL, SCORE = "match.appeal", "match.score"
PREFERENCE_COLUMNS = ("match.preference", SCORE)
MATCH_COLUMNS = ("match.factors", "match.text", "match.text_last", *PREFERENCE_COLUMNS)
TIME_COLUMNS = ("time.hour", "time.weekday")
TEXT_COMPONENT = "text.component_"
DAY_SECONDS = 86400
LIKE_WINDOW_SECONDS = 3600  # as in _like_window()
SECONDS_BEFORE_2000 = 946_684_800
LARGEST = 3e38


def int8s(packed):
    """Return what int8send() gave, one after the other, as int64; None: nothing."""
    return np.frombuffer(packed or b"", ">i8").astype(np.int64)


def unix_seconds(moments):
    """Return what timestamptz_send() gave and int8s() unpacked, microseconds since 2000, as unix seconds, float64."""
    return (moments + SECONDS_BEFORE_2000 * 1_000_000) / 1e6


def encode(values, encoder):
    """Return float32 codes of categories: unknown ones -1, null NaN."""
    return np.array([np.nan if v is None else encoder.get(v, UNKNOWN_CATEGORY) for v in values], np.float32)


def encode_tags(values, encoder):
    """Return float32 codes of lists of tags: the mean of those known, -1 if none is, NaN for null or no tags."""
    means = np.full(len(values), np.nan, np.float32)
    for number, tags in enumerate(values):
        if tags:
            codes = [encoder[tag] for tag in tags if tag in encoder]
            means[number] = sum(codes) / len(codes) if codes else UNKNOWN_CATEGORY
    return means


def tags_of(value):
    """Return tags from JSON that was read with numbers as text, the first 200 characters of each; None: it is null."""
    if value is not None:
        tags = value if isinstance(value, list) else [value]
        return [str(tag)[:CATEGORY_LENGTH] for tag in tags if tag is not None]


def numbers_of(values, kind, at):
    """Return float32 numbers from JSON, read with numbers as text; NaN: null or none. kind: number, boolean or date.

    Dates become days before `at`, a list of unix seconds; those without a zone are UTC.
    """
    numbers = np.full(len(values), np.nan)
    for place, value in enumerate(values):
        try:
            if kind == "date" and value is not None:
                date = datetime.fromisoformat(value)
                date = date if date.tzinfo else date.replace(tzinfo=UTC)
                numbers[place] = (at[place] - date.timestamp()) / DAY_SECONDS
            elif value is not None:
                numbers[place] = float(value)
        except (TypeError, ValueError):  # a value of another type than is registered
            continue
    numbers[np.isinf(numbers)] = np.nan
    return numbers.clip(-LARGEST, LARGEST).astype(np.float32)


def needs_factors(names):
    """Return whether a model with these features needs the vectors of the factor model."""
    return "match.factors" in names


def needs_preferences(names):
    """Return whether a model with these features needs a fit of _preferences()."""
    return APPEAL in names or any(name in PREFERENCE_COLUMNS for name in names)


def needs_live(names):
    """Return whether a model has features that the events of a post alone make at a moment, see LIVE_COLUMNS."""
    return any(name in LIVE_COLUMNS for name in names)


def needs_catalogue(names):
    """Return whether a model has features that only a request for all posts has, not an impression of the past."""
    return needs_neighbours(names) or any(name in FRESH_COLUMNS and name not in AGE_COLUMNS for name in names)


def needs_neighbours(names):
    """Return whether a model has features that compare a post with those that the user liked."""
    return any(name in PAIR_COLUMNS or name in TASTE_COLUMNS for name in names)


def unknown_features(names, pack_names):
    """Return those feature names that nothing computes in a database.

    pack_names: of the columns of its packs and of the attributes of users.
    """
    computed = {*pack_names, *CATEGORICAL, *USER_TASTE_COLUMNS, *MATCH_COLUMNS, APPEAL, *TIME_COLUMNS}
    computed.update((*FRESH_COLUMNS, *LIVE_COLUMNS, *PAIR_COLUMNS, *TASTE_COLUMNS, *RELATIVE_COLUMNS))
    computed.update(f"user.{column}" for column in USER_COLUMNS)
    by_topic = {f"user_topic.{column}" for column in TOPIC_COLUMNS}
    computed |= by_topic
    return [n for n in names if n not in computed and (":" not in n or n.partition(":")[0] not in by_topic)]
