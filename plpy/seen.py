"""What a user was shown before without liking it, and what showing it again does to the score."""

import numpy as np

from plpy.columns import DAY_SECONDS, LIKE_WINDOW_SECONDS

KEY = "seen"  # of the effects in a model's encoders
TIMES = (1, 2, 3, 5)
DAYS = (0, 1, 7, 28, 90)
ONLY_SERVED = "only served"
RULE_DAYS, RULE_EFFECT, RULE_SHARE = "rule: days", "rule: effect", "rule: share"
VIEWED = "viewed"  # effect on whatever the user viewed before, in the last hour too
LAST = -30.0  # an effect after which a post comes behind all that a user did not view


class Showings:
    """Posts shown to a user, one row each: post_ids ascending, times, days since the last one, is_viewed.

    owner: whose they are, ascending; None: they are of one user.
    """

    def __init__(self, post_ids, times, days, is_viewed, owner=None):
        self.post_ids, self.times, self.days, self.is_viewed, self.owner = post_ids, times, days, is_viewed, owner

    @classmethod
    def of(cls, user, moment):
        """Return the showings to the user of a row with history and exposures before a moment, unix seconds.

        A view or an exposure within an hour of the one before of the same post belongs to it. One of the last hour
        does not count yet: the post may still be liked.
        """
        viewed, served = user["viewed_post_ids"], user["exposed_post_ids"]
        at = np.concatenate([user["viewed_at"], user["exposed_at"]])
        is_view, is_over = np.arange(len(at)) < len(viewed), at < moment - LIKE_WINDOW_SECONDS
        return cls.count(np.concatenate([viewed, served])[is_over], at[is_over], is_view[is_over], moment)

    @classmethod
    def count(cls, post_ids, at, is_view, moment, owner=None):
        """Return the showings that views and exposures at these unix seconds are."""
        order = np.lexsort((at, post_ids) if owner is None else (at, post_ids, owner))
        post_ids, at, is_view = post_ids[order], at[order], is_view[order]
        is_first, owner = changes(post_ids), None if owner is None else owner[order]
        if owner is not None:
            is_first |= changes(owner)
        is_showing = is_first.copy()
        is_showing[1:] |= at[1:] - at[:-1] > LIKE_WINDOW_SECONDS
        starts = np.flatnonzero(is_first)
        if not len(starts):
            return cls(post_ids, at, at, is_view, owner)
        last = np.append(starts[1:], len(at)) - 1
        return cls(
            post_ids[starts], np.add.reduceat(is_showing.astype(np.int64), starts),
            (moment - at[last]) / DAY_SECONDS, np.logical_or.reduceat(is_view, starts),
            None if owner is None else owner[starts],
        )

    def effects(self, encoders, count):
        """Return by how much showing each again changes the log-odds of a like, float64, by a model's encoders.

        The rule holds for those of its last days; if they are more than its share of a catalogue of so many posts, for
        those of them shown last.
        """
        effects = encoders.get(KEY, {})
        by_times = np.array([effects.get(f"times: {times}", 0.0) for times in TIMES])
        by_days = np.array([effects.get(f"days: {days}", 0.0) for days in DAYS])
        result = by_times[bucket(self.times, TIMES)] + by_days[bucket(self.days, DAYS)]
        result += np.where(self.is_viewed, 0.0, effects.get(ONLY_SERVED, 0.0))
        newest = self.newest(int(effects.get(RULE_SHARE, 1.0) * count), effects.get(RULE_DAYS, 0.0))
        result[newest] += effects.get(RULE_EFFECT, 0.0)
        return result

    def newest(self, most, days):
        """Return the rows of posts shown in the last days, at most so many of each user, those shown last."""
        rows = np.flatnonzero(self.days < days)
        if len(rows) <= most:
            return rows
        if self.owner is None:
            return rows[np.argsort(self.days[rows], kind="stable")[:most]]
        rows = rows[np.lexsort((self.days[rows], self.owner[rows]))]
        owner = self.owner[rows]
        return rows[np.arange(len(rows)) - np.searchsorted(owner, owner) < most]


def changes(values):
    """Return which values are other than the one before."""
    result = np.ones(len(values), bool)
    result[1:] = values[1:] != values[:-1]
    return result


def bucket(values, starts):
    """Return the place of the last start that each value reaches, 0 for those below all."""
    return np.maximum(np.searchsorted(starts, values, side="right") - 1, 0)


def times_shown(user, post_id, moment):
    """Return how often the user of a row was shown a post before a moment; once if only in its last hour."""
    shown = Showings.of(user, moment)
    return max(int(shown.times[shown.post_ids == post_id].sum()), int(post_id in user["viewed_post_ids"]))


def seen_effects(user, pack, model, moment):
    """Return what showing each post of a pack again does to its score, float64; zeros without a model that knows."""
    effects = np.zeros(len(pack))
    if model is not None and KEY in model.encoders:
        shown = Showings.of(user, moment)
        places = pack.locate(shown.post_ids)
        is_in = places >= 0
        effects[places[is_in]] = shown.effects(model.encoders, pack.catalogue_count)[is_in]
        if VIEWED in model.encoders[KEY]:
            is_viewed = np.zeros(len(pack), bool)
            is_viewed[pack.places(user["viewed_post_ids"])] = True
            effects[is_viewed] += model.encoders[KEY][VIEWED]
    return effects
