"""Named feeds: what they let in, prefer and cap."""

import json
import operator

import numpy as np

from plpy.columns import int8s

COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
FAILURES = 64
CANCELLED = "57014"


class Feed:
    """A named feed as of a pack.

    post_ids: int64, ascending, those that pass what of the filter does not depend on ts; None: there is no filter.
    moments: the left sides of its comparisons with ts, float64 (comparisons, post_ids), NaN: null.
    fallbacks: names of variants, see by_fallback().
    """

    def __init__(self, row):
        self.name, self.settings = row["name"], json.loads(row["settings"])
        self.filter_text, self.filter = row["filter"], json.loads(row["filter"] or "{}")
        self.post_ids = self.moments = None
        self.placed, self.failing = {}, set()
        self.fallbacks = self.settings.get("fallbacks", [])

    def take_posts(self, row):
        """Add the posts that pass, from a row of feed_posts or of _filtered_posts()."""
        self.post_ids = int8s(row["post_ids"])
        moments = np.frombuffer(row["moments"], ">f8").astype(np.float64)
        self.moments = moments.reshape(len(self.post_ids), len(self.filter["moments"])).T.copy()

    def on(self, pack):
        """Return what this feed knows of a pack's posts; that of the pack asked last is kept."""
        if self.placed.get("pack") is not pack:
            self.placed = {"pack": pack, "places": self.places(pack.post_ids), "boosts": boosts(self.settings, pack)}
            self.placed["caps"] = caps(self.settings, pack)
            if self.post_ids is not None:
                places = self.placed["places"]
                values = np.concatenate([self.moments, np.full((len(self.moments), 1), np.nan)], axis=1)
                self.placed["moments"] = values[:, places]
        return self.placed

    def places(self, post_ids):
        """Return the places of ids among those that pass, -1: it does not; None: there is no filter."""
        if self.post_ids is None:
            return None
        places = np.searchsorted(self.post_ids, post_ids)
        places[places == len(self.post_ids)] = -1
        if len(self.post_ids):
            places[self.post_ids[places] != post_ids] = -1
        return places

    def mask(self, session, state, ts, pack, is_asked):
        """Return which posts of a pack pass the filter at a moment, bool; is_asked: where it is of interest."""
        if self.post_ids is None:
            return np.ones(len(pack), bool)
        known = self.on(pack)
        is_in = known["places"] >= 0
        for moment, left, right in zip(self.filter["moments"], known["moments"], self.right_sides(session, ts)):
            if right is None:
                return np.zeros(len(pack), bool)
            is_in &= COMPARISONS[moment["operator"]](left, right)
        if self.filter["calls"]:
            asked = pack.post_ids[is_in & is_asked]
            is_in = np.zeros(len(pack), bool)
            is_in[pack.places(self.passing(session, state, ts, asked, [FAILURES]))] = True
        return is_in

    def right_sides(self, session, ts):
        """Return the right sides of the comparisons at a moment; all None where they cannot be evaluated.

        NaN, which PostgreSQL takes to be the largest number, is infinite, as on the left sides.
        """
        if not self.filter["moments"]:
            return []
        try:
            rights = session.run("filter moments", self.filter_text, ts)[0]["moments"]
            return [None if right is None else np.inf if np.isnan(right) else right for right in rights]
        except session.plpy.SPIError as error:
            self.warn(session, "filter", error)
            return [None]

    def passing(self, session, state, ts, post_ids, failures):
        """Return those ids that pass what of the filter takes a post and ts.

        One for which it cannot be evaluated does not: it is found by halves; failures: how many may still be met.
        """
        if not len(post_ids):
            return post_ids
        try:
            asked = self.filter_text, "calls", ts, state["features_as_of"], post_ids.tolist()
            row = session.run("filtered posts", *asked)[0]
            return int8s(row["post_ids"])
        except session.plpy.SPIError as error:
            self.warn(session, "filter", error)
        failures[0] -= 1
        if len(post_ids) == 1 or failures[0] < 0:
            return post_ids[:0]
        halves = np.array_split(post_ids, 2)
        return np.concatenate([self.passing(session, state, ts, half, failures) for half in halves])

    def warn(self, session, what, error):
        """Warn once that a part of the feed fails; a cancelled statement is none of its failures."""
        if getattr(error, "sqlstate", None) == CANCELLED:
            raise error
        if what not in self.failing:
            self.failing.add(what)
            session.plpy.warning(f"the {what} of the feed {self.name} cannot be evaluated: {error}")


def boosts(settings, pack):
    """Return what a feed's boosts add to the scores of a pack's posts, float64, by name."""
    return {name: weight * boosted(name, pack) for name, weight in settings.get("boosts", {}).items()}


def boosted(name, pack):
    """Return the numbers of a feature, float64, null as 0; of NAME:VALUE 1 where the feature is this value, else 0."""
    name, _, value = name.partition(":")
    if name in ("topic", "post.topic"):
        code = pack.topics.index(value) if value in pack.topics else len(pack.topics)
        return (pack.topic_codes == code).astype(float)
    if name in pack.categories:
        codes, values = pack.categories[name]
        is_it = [value in each if isinstance(each, list) else value == each for each in values]
        return np.array(is_it, float)[codes]
    return np.nan_to_num(pack.columns.get(name, np.zeros(len(pack)))).astype(float)


def caps(settings, pack):
    """Return a feed's caps for choose()."""
    return [(codes(name, pack), most) for name, most in settings.get("max_per", {}).items()]


def codes(name, pack):
    """Return a code for each value of a feature of a pack's posts, int; negative: it has none."""
    if name in ("topic", "post.topic"):
        return pack.topic_codes
    if name in pack.categories:
        places, values = pack.categories[name]
        return np.where(places == len(values) - 1, -1, places)
    if name not in pack.columns:
        return np.full(len(pack), -1)
    numbers = pack.columns[name]
    return np.where(np.isnan(numbers), -1, np.unique(numbers, return_inverse=True)[1])
