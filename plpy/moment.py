"""Features that only a request has, from events: fresh.*, pair.* and the taste.* of TASTE_COLUMNS; see live, too."""

import numpy as np

from plpy.columns import DAY_SECONDS, FRESH_TRENDS, HALF_LIFE_HOURS, PAIR_COLUMNS, needs_neighbours
from plpy.live import ages, first_and_last

LEAST_SHARE = 1e-4
MAX_TASTE_LIKES = 200
TASTE_HALF_LIFE_DAYS = 7
NEAR_LIKES = 10


class Events:
    """The events since a pack's cut-off: places in the pack, seconds after it, views, likes, what the views weigh."""

    def __init__(self, places, seconds, views, likes, effective):
        self.places, self.seconds = places, seconds
        self.counts = {"view": views, "like": likes, "effective": effective}


class Neighbours:
    """Posts liked by the same users: starts int64 (posts + 1) into other, similarity, day_similarity and ease."""

    def __init__(self, starts, other, similarity, day_similarity, ease):
        self.starts, self.other = starts, other
        self.similarity, self.day_similarity, self.ease = similarity, day_similarity, ease

    @classmethod
    def unpack(cls, blob, count):
        """Return the neighbours of so many posts from what _post_neighbours() packed."""
        post, other, *values = np.frombuffer(blob, ">f4").astype(np.float32).reshape(5, -1)
        return cls(np.searchsorted(post, np.arange(count + 1)), other.astype(np.int64), *values)

    def spread(self, places, count):
        """Return the neighbours among so many posts, of which those here have these places, ascending."""
        lengths = np.zeros(count, np.int64)
        lengths[places] = np.diff(self.starts)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return Neighbours(starts, places[self.other], self.similarity, self.day_similarity, self.ease)

    def mean(self, kind, places, weights, count):
        """Return for all posts the weighted mean of one of their values for the posts at places, float32."""
        starts = self.starts[places]
        lengths = self.starts[places + 1] - starts
        ends = np.cumsum(lengths)
        index = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)
        values = getattr(self, kind)[index] * np.repeat(weights / max(weights.sum(), 1e-30), lengths)
        return np.bincount(self.other[index], values, count).astype(np.float32)


def fresh_columns(pack, events, seconds, most=None):
    """Return the fresh.* features of all posts, float32 each, `seconds` after the pack's cut-off.

    Decayed counts are the pack's and those of the events since, both with exact age, as the natural logarithm of
    their share of the largest one (at least 1e-4): a share does not change while nothing happens. A trend is the
    difference of two such logarithms. Age and time since the last event are in days; NaN: no event yet.
    most: the largest counts by name; those of the pack are added where it has none.
    """
    columns, most = {}, {} if most is None else most
    for action in ("view", "like"):
        for name, hours in HALF_LIFE_HOURS.items():
            values = pack.columns[f"post.decayed_{action}_count_{name}"]
            if len(events.places):
                weights = events.counts[action] * np.exp2(np.minimum(events.seconds / (3600 * hours), 1000))
                values = values + np.bincount(events.places, weights, len(pack))
            columns[f"fresh.{action}_{name}"] = log_share(np.maximum(values, 0), most, f"{action}_{name}")
    for action, short, long in FRESH_TRENDS:
        trend = columns[f"fresh.{action}_{short}"] - columns[f"fresh.{action}_{long}"]
        columns[f"fresh.{action}_trend_{short}_{long}"] = trend
    likes = pack.columns["post.like_count"] + np.bincount(events.places, events.counts["like"], len(pack))
    columns["fresh.like_total"] = log_share(likes, most, "like_total")
    columns["fresh.age_days"], columns["fresh.days_since_event"] = ages(
        pack, slice(None), *first_and_last(events, len(pack)), seconds
    )
    return columns


def log_share(values, most, name):
    """Return float32 log(share of the largest value + 1e-4); of zeros where nothing is counted. most: see above."""
    largest = most.setdefault(name, values.max(initial=0))
    return np.log((values / (largest or 1)).astype(np.float32) + np.float32(LEAST_SHARE))


def newest_likes(user, pack):
    """Return the places in the pack of the newest 200 posts that a user liked, each once, oldest first, and when."""
    places = pack.locate(user["liked_post_ids"])
    is_inside = places >= 0
    return places[is_inside][-MAX_TASTE_LIKES:], user["liked_at"][is_inside][-MAX_TASTE_LIKES:]


def pair_columns(user, pack, fresh, moment):
    """Return pair.* (float32 for all posts) and taste.* (float32 scalars) of one request.

    moment: of the request, unix seconds. co_like: mean similarity to the
    posts liked before, as in _post_neighbours(), of the newest 200 likes; _7d: weighted by 0.5 ** (days ago / 7);
    _last, _last_3: to the newest ones; _day: by likes on the same day, to the newest ten. ease: the sum of the EASE
    weights.
    """
    count, mean = len(pack), pack.neighbours.mean
    places, at = newest_likes(user, pack)
    ones, decay = np.ones(len(places)), np.exp2(-(moment - at) / DAY_SECONDS / TASTE_HALF_LIFE_DAYS)
    columns = {
        "pair.co_like": mean("similarity", places, ones, count),
        "pair.co_like_7d": mean("similarity", places, np.maximum(decay, 1e-12), count),
        "pair.co_like_last": mean("similarity", places[-1:], ones[-1:], count),
        "pair.co_like_last_3": mean("similarity", places[-3:], ones[-3:], count),
        "pair.co_like_day": mean("day_similarity", places[-NEAR_LIKES:], ones[-NEAR_LIKES:], count),
    }
    columns["pair.ease"] = mean("ease", places, ones, count) * np.float32(len(places))
    columns["pair.view_count"] = view_counts(user, pack)

    born = moment - fresh["fresh.age_days"][places].astype(np.float64) * DAY_SECONDS
    has_likes = len(places) > 0
    values = {
        "taste.like_count": len(places),
        "taste.days_since_like": (moment - at[-1]) / DAY_SECONDS if has_likes else np.nan,
        "taste.popularity": fresh["fresh.like_30d"][places].mean() if has_likes else np.nan,
        "taste.age_days": np.nanmedian(at - born) / DAY_SECONDS if np.isfinite(born).any() else np.nan,
    }
    return columns | {name: np.float32(value) for name, value in values.items()}


def moment_columns(user, pack, events, moment, pack_moment, names, others=None, events_of_others=None):
    """Return fresh.* and, if names need them, pair.* and taste.* of one request as request_columns() does.

    others: a pack whose posts they are of, None: the same. What of them is not in the pack has no neighbours.
    """
    most, columns = {}, {}
    fresh = fresh_columns(pack, events, moment - pack_moment, most)
    if needs_neighbours(names):
        columns = pair_columns(user, pack, fresh, moment)
    if others is not None:
        fresh = fresh_columns(others, events_of_others, moment - pack_moment, most)
        if columns:
            places = pack.locate(others.post_ids)
            for name in PAIR_COLUMNS:
                columns[name] = np.where(places >= 0, columns[name][places], 0)
            columns["pair.view_count"] = view_counts(user, others)
    return {name: np.asarray(values)[None] for name, values in (columns | fresh).items()}


def view_counts(user, pack):
    """Return how often a user viewed each post of a pack, float32."""
    return np.bincount(pack.places(user["viewed_post_ids"]), minlength=len(pack)).astype(np.float32)
