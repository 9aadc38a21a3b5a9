"""match.preference and match.appeal: who likes what, beside how good a post is, learned from impressions.

The log-odds that a user likes a post which is shown at a place of the user's day are

    level of the day + place + user + appeal of the post + c . t + effect of its age + x . b + w . t + g . h

x: what the profile says of the user, t: what the catalogue says of the post, see known; w and g belong to the user, b
and h to the post, c, the trend, to the day of the fit. match.appeal is the post's appeal at its age with the trend,
match.preference the sum of the last three products.
"""

import json

import numpy as np

from plpy.columns import DAY_SECONDS, LIKE_WINDOW_SECONDS
from plpy.known import Known, post_values, user_values

PLACES = 40
AGES = np.array([0, .05, .1, .2, .35, .6, 1, 1.5, 2.1, 3, 4.2, 6, 8.5, 12, 17, 24, 34, 48, 68, 96, 190, 380, 760])
NEWTON_STEPS, LONGEST_STEP = 3, 2.0


def sigmoid(log_odds):
    """Return probabilities."""
    return 1 / (1 + np.exp(-log_odds))


def pack_arrays(facts, arrays):
    """Return facts, a dict that JSON can hold, and arrays by name as bytes."""
    names = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    head = json.dumps([facts, names]).encode()
    return len(head).to_bytes(4, "big") + head + b"".join(array.tobytes() for array in arrays.values())


def unpack_arrays(blob):
    """Return what pack_arrays() packed."""
    start = 4 + int.from_bytes(blob[:4], "big")
    facts, names = json.loads(blob[4:start])
    arrays = {}
    for name, kind, shape in names:
        arrays[name] = np.frombuffer(blob, kind, int(np.prod(shape)), start).reshape(shape)
        start += arrays[name].nbytes
    return facts, arrays


class Preferences:
    """A fit of _preferences(): what it found of posts, by id, and what makes the sides of any post and user.

    facts: inputs of posts and users, which of them have effects that differ (post_used, user_used), the number of
    latent factors, types of the own features, first_day, usual_aging. arrays: see fit_preferences.
    """

    def __init__(self, facts, arrays):
        self.facts, self.arrays = facts, arrays
        self.posts, self.users = (
            Known(facts[f"{side}_inputs"], arrays[f"{side}_mean"], arrays[f"{side}_deviation"])
            for side in ("post", "user")
        )
        self.profile_width = len(facts["user_used"])
        self.has_trend = "trend" in arrays
        self.width = self.profile_width + len(facts["post_used"]) + facts["latent"] + self.has_trend

    @classmethod
    def unpack(cls, blob):
        """Return the Preferences that were packed."""
        return cls(*unpack_arrays(bytes(blob)))

    def of_posts(self, pack):
        """Return of a pack's posts the appeal, (posts,), and the sides (b, t, h), (posts, width), float32 both.

        Where there is a trend, the last column of the sides is what of the appeal it is: users have 0 of it.

        A post without impressions has what is usual for posts like it.
        """
        arrays, first, used = self.arrays, self.profile_width, self.facts["post_used"]
        inputs = self.posts.standard(post_values(self.posts.inputs, pack, arrays["ratios"]))
        with_one = np.column_stack([np.ones(len(pack), np.float32), inputs])
        appeal, sides = with_one @ arrays["appeal_map"], np.zeros((len(pack), self.width))
        sides[:, first:first + len(used)] = inputs[:, used]
        latent = slice(first + len(used), self.width - self.has_trend)
        sides[:, latent] = with_one @ arrays["latent_map"]
        places = pack.locate(arrays["post_ids"])
        is_inside = places >= 0
        places, own = places[is_inside], arrays["own"][is_inside]
        appeal[places] = arrays["appeal"][is_inside]
        sides[places, :first], sides[places, latent] = own[:, :first], own[:, first:]
        if self.has_trend:
            sides[:, -1] = with_one @ arrays["trend"]
            appeal += sides[:, -1]
        return appeal.astype(np.float32), sides.astype(np.float32)

    def aging(self, ages):
        """Return what ages, float32 days, add to the appeal of posts, float32; None: nothing.

        The unknown ones add the mean of the others at the fit.
        """
        effects = self.arrays["ages"]
        if not effects.any():
            return None
        found = aging(ages, effects).astype(np.float32)
        found[np.isnan(ages)] = self.facts["usual_aging"]
        return found

    def of_users(self, users, pack, since):
        """Return the sides (x, w, g), float32 (users, width), of rows of with_history(), after what each saw.

        since: days from the pack's cut-off to the moment of each row.
        """
        profiles = self.users.standard(user_values(self.users.inputs, users, self.facts["types"]))
        # One by one: the product of many differs in its last bits.
        means = [row[None] @ self.arrays["user_map"] for row in np.column_stack([np.ones(len(users)), profiles])]
        sides = np.zeros((len(users), self.width), np.float32)
        sides[:, :self.profile_width] = profiles[:, self.facts["user_used"]]
        for side, user, (mean,), days in zip(sides, users, means, since):
            profile, own, _ = np.split(side, [self.profile_width, self.profile_width + len(mean)])
            own[:] = self.fold_in(user, pack, profile, mean, days)
        return sides

    def fold_in(self, user, pack, profile, mean, since):
        """Return w and g of a user: the most probable ones after the impressions of a row of with_history()."""
        at = user["viewed_at"]
        places, like_at = pack.locate(user["viewed_post_ids"]), like_times(user)
        is_liked = like_at < at + LIKE_WINDOW_SECONDS
        # Nobody is shown a post again after liking it, and what was shown in the last hour may still be liked.
        is_used = (places >= 0) & (like_at >= at) & (is_liked | (at < user["at"] - LIKE_WINDOW_SECONDS))
        if not self.width or not is_used.any():
            return mean
        levels = self.levels(at)[is_used]
        places, labels = places[is_used], is_liked[is_used].astype(float)
        sides = pack.preference_sides[places].astype(float)
        offset = levels + pack.appeal_at(places, since - (user["at"] - at[is_used]) / DAY_SECONDS)
        offset += sides[:, :self.profile_width] @ profile
        if self.has_trend:  # of today, not of the days on which they were seen
            offset -= sides[:, -1]
        columns = np.column_stack([sides[:, self.profile_width:self.profile_width + len(mean)], np.ones(len(places))])
        return self.newton(columns, offset, labels, np.append(mean, 0.0))[:-1]

    def newton(self, columns, offset, labels, mean):
        """Return the mode of a logistic regression with a normal prior, nearly; the last column is the user's level.

        It starts at the level that the number of likes tells, and no step moves a log-odds by more than 2.
        """
        precision, mode = self.arrays["precision"], mean.copy()
        expected = sigmoid(offset + columns @ mean).sum()
        mode[-1] = np.log((labels.sum() + 0.5) / (expected + 0.5)) * expected / (expected + precision[-1, -1])
        for _ in range(NEWTON_STEPS):
            chance = sigmoid(offset + columns @ mode)
            weighted = columns * (chance * (1 - chance))[:, None]
            slope = columns.T @ (labels - chance) - precision @ (mode - mean)
            step = np.linalg.solve(weighted.T @ columns + precision, slope)
            mode += step * min(1.0, LONGEST_STEP / max(np.abs(columns @ step).max(), 1e-9))
        return mode

    def levels(self, at):
        """Return the level of the day and the effect of the place of a user's views, at these unix seconds, ascending.

        Days after the fit are as its last ones.
        """
        day = np.floor(at / DAY_SECONDS).astype(np.int64)
        place = numbers_within(np.diff(day, prepend=-1) != 0)
        days = self.arrays["days"]
        of_day = days[(day - self.facts["first_day"]).clip(0, len(days) - 1)]
        return of_day + self.arrays["places"][place.clip(max=PLACES - 1)]


def aging(ages, effects):
    """Return the effects of ages, days, between those of the steps of AGES."""
    return np.interp(ages, np.append((AGES[1:] + AGES[:-1]) / 2, AGES[-1]), effects)


def age_steps(ages):
    """Return the places in AGES of the greatest ones at most these, days; of an unknown one, or below 0: 0."""
    return (np.searchsorted(AGES, np.nan_to_num(ages), "right") - 1).clip(min=0)


def numbers_within(is_first):
    """Return for each row its number, from 0, since the last one that is the first of its run; row 0 is one."""
    starts = np.flatnonzero(is_first)
    return np.arange(len(is_first)) - np.repeat(starts, np.diff(starts, append=len(is_first)))


def like_times(user):
    """Return when the user of a row liked each of the posts viewed, unix seconds; infinity: not yet."""
    ids, times, post_ids = user["liked_post_ids"], user["liked_at"], user["viewed_post_ids"]
    result = np.full(len(post_ids), np.inf)
    if len(ids):
        order = np.argsort(ids)
        places = order[np.searchsorted(ids, post_ids, sorter=order).clip(max=len(ids) - 1)]
        is_liked = ids[places] == post_ids
        result[is_liked] = times[places[is_liked]]
    return result
