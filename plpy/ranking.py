"""Scores of all posts for a request, and the best of them."""

import numpy as np

from plpy.columns import APPEAL, SCORE
from plpy.features import feature_values

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Scores:
    """Scores of a pack's posts, float64, -inf: left out, that are computed exactly where they decide.

    values: the exact ones, or such as are at most `margin` from them. exact: returns the exact ones of posts at some
    places, before anything was added; None: all are.
    """

    def __init__(self, values, margin=0.0, exact=None):
        self.values, self.margin, self.exact, self.added = values, margin, exact, []
        self.is_exact = np.full(len(values), exact is None)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, places):
        """Return the exact scores of posts at some places."""
        self.refine(np.atleast_1d(np.arange(len(self))[places]))
        return self.values[places]

    def __setitem__(self, places, value):
        """Leave out the posts at some places, by -inf."""
        self.values[places] = value

    def __iadd__(self, added):
        """Add to each score."""
        if added.any():
            self.values = self.values + added
            if self.exact is not None:
                self.added.append(added)
                least = self.values.min(initial=0, where=True if self.values.min(initial=0) > -np.inf else self.is_in)
                self.margin += 2.0**-51 * max(-least, self.values.max(initial=0))
        return self

    def __add__(self, added):
        result = self.copy()
        result += added
        return result

    def copy(self):
        """Return scores of which others can be left out."""
        result = Scores(self.values.copy(), self.margin, self.exact)
        result.added, result.is_exact = self.added.copy(), self.is_exact.copy()
        return result

    @property
    def is_in(self):
        """Which posts are not left out."""
        return self.values > -np.inf

    def refine(self, places):
        """Make the scores of posts at some places exact."""
        places = places[~self.is_exact[places] & (self.values[places] > -np.inf)]
        if len(places):
            values = self.exact(places)
            for added in self.added:
                values = values + added[places]
            self.values[places], self.is_exact[places] = values, True


def rank(scores, post_ids, k):
    """Return the indices of the k best scores, best first, ties by post_id; a score of -inf is never ranked.

    scores: float64, or Scores, of which those that may be among the best become exact.
    """
    values, margin = (scores.values, scores.margin) if isinstance(scores, Scores) else (scores, 0.0)
    k = min(k, int(np.count_nonzero(values > -np.inf)))
    if k == 0:
        return np.empty(0, np.int64)
    least = np.partition(values, len(values) - k)[len(values) - k]
    best = np.flatnonzero(values >= least - 2 * margin)
    if margin:
        scores.refine(best)
    return best[np.lexsort((post_ids[best], -values[best]))][:k]


def popularity(pack):
    """Return the scores of all posts without a model, float64, which may be changed: the log-odds of a like."""
    return pack.like_log_odds.copy()


def lottery(post_ids, user_id, moment):
    """Return scores drawn by lot, float64 from 0 to 1, the same for the same post, user and moment.

    The mixing of SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014).
    """
    seed = np.random.default_rng([user_id % 2**64, round(moment * 1e6) % 2**64]).integers(2**64, dtype=np.uint64)
    return (mixed(seed + post_ids.astype(np.uint64) * GOLDEN) >> np.uint64(11)) * 2.0**-53


def mixed(bits):
    """Return uint64 whose bits are as good as random, each a function of one of `bits`: see lottery()."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def score(model, pack, requests, places=None):
    """Return the model's Scores of the posts at some places for the only request, None: of all posts.

    Those of other posts are -inf.
    """
    tables = model.tables(len(pack.topics))
    if tables is None or not tables.fit(requests):
        return Scores(spread(predicted(model, pack, requests, places), places, len(pack)))
    values = values_of_both(tables, pack, requests, slice(None) if places is None else places)
    sums, exact = tables.score(pack, requests, values, places)
    if places is None:
        return Scores(sums, tables.trees.margin, exact)
    return Scores(
        spread(sums, places, len(pack)), tables.trees.margin, lambda some: exact(np.searchsorted(places, some))
    )


def values_of_both(tables, pack, requests, places):
    """Return what depends on both a post and the only request, float32, by feature; places: of the posts."""
    columns = {}

    def column(name):
        if name not in columns:
            if name == SCORE:
                columns[name] = column("match.preference") + column(APPEAL)
            else:
                columns[name] = np.asarray(feature_values(name, pack, requests, places, 0), np.float32)
        return columns[name]

    return {feature: column(tables.names[feature]) for feature in tables.of_both}


def spread(scores, places, count):
    """Return scores of posts at some places, None: of all, among so many; those of the others are -inf."""
    if places is None:
        return scores
    of_all = np.full(count, -np.inf)
    of_all[places] = scores
    return of_all


def predicted(model, pack, requests, places=None):
    """Return what CatBoost says of the posts at some places, float64; None: of all."""
    matrix = model_inputs(model, pack)
    if places is not None:
        matrix = np.take(matrix.T, places, axis=1).T  # column by column, unlike matrix[places]
    matrix.flags.writeable = True  # predict() takes this away
    names = model.feature_names
    is_sum = {"match.preference", APPEAL, SCORE} <= set(names)
    for number, name in enumerate(names):
        if name not in pack.columns and not (is_sum and name == SCORE):
            matrix[:, number] = feature_values(name, pack, requests, slice(None) if places is None else places, 0)
    if is_sum:
        matrix[:, names.index(SCORE)] = matrix[:, names.index("match.preference")] + matrix[:, names.index(APPEAL)]
    return model.booster.predict(matrix, prediction_type="RawFormulaVal", thread_count=1)


def model_inputs(model, pack):
    """Return the matrix that a model scores, float32 (posts, features), column by column, with the pack's own filled.

    The pack keeps that of the model that scored last.
    """
    pack.encode(model.encoders)
    if pack.inputs[0] != model.model_id:
        matrix = np.empty((len(pack), len(model.feature_names)), np.float32, order="F")
        for number, name in enumerate(model.feature_names):
            if name in pack.columns:
                matrix[:, number] = pack.columns[name]
        pack.inputs = model.model_id, matrix
    return pack.inputs[1]
