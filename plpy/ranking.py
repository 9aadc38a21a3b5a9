"""Scores of all posts for a request, and the best of them."""

import numpy as np

from plpy.features import feature_values


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


def lottery(count, user_id, moment):
    """Return scores drawn by lot, float64 from 0 to 1, the same for the same user and moment."""
    return np.random.default_rng([user_id % 2**64, round(moment * 1e6) % 2**64]).random(count)


def score(model, pack, requests):
    """Return the model's scores, float64, of all posts for the only request."""
    matrix = model_inputs(model, pack)
    matrix.flags.writeable = True  # predict() takes this away
    for number, name in enumerate(model.feature_names):
        if name not in pack.columns:
            matrix[:, number] = feature_values(name, pack, requests, slice(None), 0)
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
