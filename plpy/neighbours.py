"""The body of pgfeed._post_neighbours: which posts are liked by the same users."""

import numpy as np

from plpy.session import current_session

MAX_LIKES = 500_000
MAX_PAIRS = 500_000
FEWEST_NEIGHBOURS = 20
MOST_NEIGHBOURS = 100
PRIOR_LIKES = 3.0
BLOCK_CELLS = 4_000_000
MAX_EASE_POSTS = 2_000
EASE_LAMBDA = 300.0


def co_likes(groups, columns, count):
    """Return a sparse (groups, posts) matrix of ones: which posts each group holds; each pair is given once."""
    from scipy.sparse import csr_matrix

    _, group = np.unique(groups, return_inverse=True)
    return csr_matrix((np.ones(len(columns), np.float32), (group, columns)), (group.max(initial=-1) + 1, count))


def ease_weights(matrix):
    """Return the 2,000 most liked posts, ascending, and how much a like of one of them speaks for another.

    matrix: sparse (users, posts) of ones. Weights are float32 (posts, posts) with a zero diagonal: EASE (Steck,
    Embarrassingly Shallow Autoencoders for Sparse Data, 2019, equation 8), lambda 300.
    """
    likes = np.asarray(matrix.sum(axis=0)).ravel()
    popular = np.sort(np.argsort(-likes, kind="stable")[:MAX_EASE_POSTS])
    gram = (matrix[:, popular].T @ matrix[:, popular]).toarray()
    gram[np.diag_indices(len(gram))] += EASE_LAMBDA
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return popular, weights.astype(np.float32)


def neighbours(user_ids, days, rows, count):
    """Return float32 (5, pairs): post, neighbour, similarity by users, by users on the same day, EASE weight.

    Arguments are one entry per like, in no order; rows are places of posts, below count; days are of the years 1970 to
    2099. The similarity is a cosine with a prior, pairs / sqrt((likes + 3) (likes' + 3)) where pairs are the users (or
    user-days) that liked both. Each post keeps the 20 to 100 others, fewer the larger the catalogue, with the largest
    sum of all three; posts and neighbours ascending.
    """
    if not len(rows):
        return np.zeros((5, 0), np.float32)
    user = np.unique(user_ids, return_inverse=True)[1].astype(np.int64)
    first = np.lexsort((days, user * count + rows))
    kept = first[np.unique((user * count + rows)[first], return_index=True)[1]]
    liked, column = np.unique(rows[kept], return_inverse=True)
    by_user = co_likes(user[kept], column, len(liked))
    by_day = co_likes(user[kept] * 65_536 + days[kept], column, len(liked))
    norms = (1 / np.sqrt(np.asarray(by_user.sum(axis=0)).ravel() + PRIOR_LIKES)).astype(np.float32)
    popular, weights = ease_weights(by_user)
    most = min(max(MAX_PAIRS // count, FEWEST_NEIGHBOURS), MOST_NEIGHBOURS, len(liked))
    step, parts = max(BLOCK_CELLS // len(liked), 1), []
    for start in range(0, len(liked), step):
        block = np.arange(start, min(start + step, len(liked)))
        norm = norms[block][:, None] * norms
        similarity = (by_user[:, block].T @ by_user).toarray() * norm
        day_similarity = (by_day[:, block].T @ by_day).toarray() * norm
        weight = np.zeros_like(similarity)
        is_popular = np.isin(block, popular)
        weight[np.ix_(is_popular, popular)] = weights[np.searchsorted(popular, block[is_popular])]
        total = similarity + day_similarity + weight
        total[np.arange(len(block)), block] = 0
        best = np.sort(np.argpartition(-total, most - 1, axis=1)[:, :most], axis=1)
        place, index = np.nonzero(np.take_along_axis(total, best, axis=1) > 0)
        other = best[place, index]
        values = (each[place, other] for each in (similarity, day_similarity, weight))
        pairs = liked[block[place]], liked[other], *values
        parts.append(np.stack([each.astype(np.float32) for each in pairs]))
    return np.concatenate(parts, axis=1)


def _post_neighbours(plpy, as_of, post_ids):
    """Return the neighbours of posts, given as bytes of ascending int64, as bytes of float32, five rows; big-endian."""
    likes = current_session(plpy).likes(as_of, post_ids, MAX_LIKES)
    return neighbours(*likes, len(post_ids) // 8).astype(">f4").tobytes()
