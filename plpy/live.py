"""Features that a post's own events make, exact at a moment: LIVE_COLUMNS.

One formula for a request, which asks of all posts at one moment, and for impressions of the past, each at its own.
"""

import numpy as np

from plpy.columns import AGE_COLUMNS, DAY_SECONDS, HALF_LIFE_HOURS, LIVE_COUNTS, LIVE_RATES, LIVE_WINDOWS

HALF_LIVES = np.array([*(3600.0 * hours for hours in HALF_LIFE_HOURS.values()), np.inf])[:, None]
TOPIC_VIEWS, LONGER_VIEWS = 100, 30
MOST_HALF_LIVES = 100
KINDS = ("view", "like", "effective")


class Counts:
    """What was counted of posts until `seconds` after a pack's cut-off (posts,) or (), a row each.

    counts: by view, like and effective view, float32 (windows, posts): each event halved with every half-life since;
    first, last: seconds of the first and last event after the cut-off, inf and -inf: none.
    """

    def __init__(self, counts, first, last, seconds):
        self.counts, self.first, self.last, self.seconds = counts, first, last, seconds

    @classmethod
    def of(cls, pack):
        """Return the counts of a pack's posts at its cut-off."""
        nothing = np.full(len(pack), np.inf)
        return cls(base_counts(pack), nothing, -nothing, 0.0)

    def later(self, events, seconds, kinds=KINDS):
        """Return those of these kinds at a later moment, with the events of all posts between the two."""
        left = halved(seconds - self.seconds).astype(np.float32)
        counts = {kind: self.counts[kind] * left for kind in kinds}
        if not len(events.places):
            return Counts(counts, self.first, self.last, seconds)
        weights, size = halved(seconds - events.seconds), len(self.first)
        for kind in kinds:
            for row, weight in zip(counts[kind], weights):
                row += np.bincount(events.places, events.counts[kind] * weight, size)
        first, last = first_and_last(events, size)
        return Counts(counts, np.minimum(self.first, first), np.maximum(self.last, last), seconds)


def first_and_last(events, count):
    """Return the seconds of the first and of the last of the events of so many posts, inf and -inf: none."""
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, events.places, events.seconds)
    np.maximum.at(last, events.places, events.seconds)
    return first, last


def microseconds(seconds):
    """Return int64 microseconds."""
    return np.round(seconds * 1e6).astype(np.int64)


def halved(seconds):
    """Return what is left of 1 after seconds, float64 (windows, ...)."""
    return np.exp2(-np.minimum(np.atleast_1d(seconds) / HALF_LIVES, MOST_HALF_LIVES))


def base_counts(pack):
    """Return the counts of a pack by view, like and effective view, float32 (windows, posts); the pack keeps them.

    Effective views are known over all time: those of a window are its views, weighed as all of the post's.
    """
    if pack.counts is None:
        columns = pack.columns
        views, likes = (
            np.stack([
                columns[f"post.{action}_count" if name == "total" else f"post.decayed_{action}_count_{name}"]
                for name in LIVE_WINDOWS
            ])
            for action in ("view", "like")
        )
        effective = columns.get("post.effective_view_count", columns["post.view_count"])
        weight = np.where(views[-1] > 0, effective / np.maximum(views[-1], 1), 1).astype(np.float32)
        pack.counts = {"view": views, "like": likes, "effective": views * weight}
    return pack.counts


def kinds_of(names):
    """Return the kinds of counts that features of these names are made of."""
    kinds = {LIVE_COUNTS[name][0] for name in names if name in LIVE_COUNTS}
    if any(name in LIVE_RATES for name in names):
        kinds |= {"like", "effective"}
    return kinds


def live_columns(pack, places, counts, names):
    """Return those of LIVE_COLUMNS that are named, float32, of the posts at places, indices or a slice.

    A rate is likes per effective view. Over all time it begins as the rate of the post's topic with the weight of 100
    views, and in each window as that of the next longer one with the weight of 30.
    """
    found = {}
    for name in names:
        if name in LIVE_COUNTS:
            action, window = LIVE_COUNTS[name]
            found[name] = np.maximum(counts.counts[action][LIVE_WINDOWS.index(window)], 0)
    if any(name in LIVE_RATES for name in names):
        found |= zip(LIVE_RATES, like_rates(pack, places, counts.counts))
    if any(name in AGE_COLUMNS for name in names):
        found |= zip(AGE_COLUMNS, ages(pack, places, counts.first, counts.last, counts.seconds))
    return {name: values.astype(np.float32, copy=False) for name, values in found.items() if name in names}


def live_of_request(pack, counts, names):
    """Return live_columns() of all posts for one request as request_columns() does: one row each."""
    return {name: values[None] for name, values in live_columns(pack, slice(None), counts, names).items()}


def like_rates(pack, places, counts):
    """Return the rates of each window, the shortest first."""
    likes = np.maximum(counts["like"], 0)
    views = np.maximum(counts["effective"], likes)
    rate = pack.scale.group_rates[pack.topic_codes[places], pack.is_popular[places]].astype(np.float32)
    rates, prior = [], TOPIC_VIEWS
    for liked, viewed in zip(likes[::-1], views[::-1]):
        rate = (liked + prior * rate) / (viewed + prior)
        rates.append(rate)
        prior = LONGER_VIEWS
    return rates[::-1]


def ages(pack, places, first, last, seconds):
    """Return the days since posts came, or since their first event, and since the last event, float32; NaN: unknown.

    first, last: see Counts; seconds: of the moment, after the pack's cut-off.
    """
    days = np.asarray(seconds / DAY_SECONDS, np.float32)
    age, since = pack.columns["post.age_days"][places] + days, pack.columns["post.days_since_event"][places] + days
    age = np.where(np.isnan(age) & np.isfinite(first), (seconds - first) / DAY_SECONDS, age)
    since = np.where(np.isfinite(last), (seconds - last) / DAY_SECONDS, since)
    return age.astype(np.float32), since.astype(np.float32)
