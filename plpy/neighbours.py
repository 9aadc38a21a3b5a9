"""The body of pgfeed._post_neighbours: which posts are liked by the same users."""

import numpy as np

from plpy.session import current_session

MAX_LIKES = 500_000
MAX_PAIRS = 500_000
FEWEST_NEIGHBOURS = 20
MOST_NEIGHBOURS = 100
PRIOR_LIKES = 3.0
BLOCK_CELLS = 500_000
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
    inverse = inverted(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return popular, weights.astype(np.float32)


def inverted(gram):
    """Return the inverse of a symmetric, positive definite matrix, in its type, by Cholesky's factors."""
    from scipy.linalg import lapack

    factorise, invert = lapack.get_lapack_funcs(("potrf", "potri"), (gram,))
    upper = np.triu(invert(factorise(gram)[0])[0])
    return upper + np.triu(upper, 1).T


def cosines(pairs, of_rows, of_columns):
    """Return a sparse matrix of pairs times the norms of its rows and of its columns, float32, dense."""
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    pairs.data *= of_rows[rows] * of_columns[pairs.indices]
    return pairs.toarray()


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
    rank = np.full(len(liked), -1)
    rank[popular] = np.arange(len(popular))
    most = min(max(MAX_PAIRS // count, FEWEST_NEIGHBOURS), MOST_NEIGHBOURS, len(liked))
    sides, parts = [(matrix.T.tocsr(), matrix) for matrix in (by_user, by_day)], []
    for block in np.split(np.arange(len(liked)), np.arange(0, len(liked), max(BLOCK_CELLS // len(liked), 1))[1:]):
        similarity, day_similarity = (cosines(of_posts[block[0]:block[-1] + 1] @ of_groups, norms[block], norms)
                                      for of_posts, of_groups in sides)
        total = similarity + day_similarity
        known = np.flatnonzero(rank[block] >= 0)
        total[np.ix_(known, popular)] += weights[rank[block[known]]]
        total[np.arange(len(block)), block] = 0
        best = np.sort(np.argpartition(np.negative(total, out=total), most - 1, axis=1)[:, :most], axis=1)
        place, index = np.nonzero(np.take_along_axis(total, best, axis=1) < 0)
        other = best[place, index]
        of_ease = np.where((rank[block[place]] >= 0) & (rank[other] >= 0), weights[rank[block[place]], rank[other]], 0)
        values = similarity[place, other], day_similarity[place, other], of_ease
        pairs = liked[block[place]], liked[other], *values
        parts.append(np.stack([each.astype(np.float32) for each in pairs]))
    return np.concatenate(parts, axis=1)


def _post_neighbours(plpy, as_of, post_ids):
    """Return the neighbours of posts, given as bytes of ascending int64, as bytes of float32, five rows; big-endian."""
    likes = current_session(plpy).likes(as_of, post_ids, MAX_LIKES)
    return neighbours(*likes, len(post_ids) // 8).astype(">f4").tobytes()
