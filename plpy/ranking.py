"""Scores of all posts for a request, and the best of them."""

import numpy as np

from plpy.columns import APPEAL, SCORE
from plpy.features import feature_values

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def rank(scores, post_ids, k):
    """Return the indices of the k best scores, best first, ties by post_id; a score of -inf is never ranked."""
    k = min(k, int(np.count_nonzero(scores > -np.inf)))
    if k == 0:
        return np.empty(0, np.int64)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    best = np.flatnonzero(scores >= least)
    return best[np.lexsort((post_ids[best], -scores[best]))][:k]


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
    """Return the model's scores, float64, of the posts at some places for the only request, None: of all posts.

    The scores of other posts are -inf.
    """
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
    scores = model.booster.predict(matrix, prediction_type="RawFormulaVal", thread_count=1)
    if places is None:
        return scores
    of_all = np.full(len(pack), -np.inf)
    of_all[places] = scores
    return of_all


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
