"""The bodies of pgfeed._post_factors and pgfeed._factors: vectors whose products say who likes what."""

import numpy as np

from plpy.features import FACTOR_CONFIDENCE, FACTOR_LAMBDA
from plpy.pack import FACTORS, pack_factors
from plpy.session import current_session

MAX_FACTOR_LIKES = 1_000_000
SWEEPS = 5
BLOCK_ROWS = 2_000


def like_matrix(user_ids, rows, count):
    """Return the users, ascending, and a sparse (users, posts) matrix of ones: who liked what."""
    from scipy.sparse import csr_matrix

    users, user = np.unique(user_ids, return_inverse=True)
    matrix = csr_matrix((np.ones(len(rows), np.float32), (user, rows)), (len(users), count))
    matrix.data[:] = 1  # a like counts once
    return users, matrix


def solve_side(likes, vectors):
    """Return the vectors, float32, of the rows of a sparse matrix of likes, given those of its columns.

    The least squares of fold_in() for all rows; a row without likes is 0.
    """
    from scipy.sparse import csr_matrix

    gram = vectors.T @ vectors + FACTOR_LAMBDA * np.eye(FACTORS, dtype=np.float32)
    result = np.zeros((likes.shape[0], FACTORS), np.float32)
    filled = np.flatnonzero(np.diff(likes.indptr))
    for start in range(0, len(filled), BLOCK_ROWS):
        rows = filled[start:start + BLOCK_ROWS]
        block = likes[rows]
        columns, places = np.unique(block.indices, return_inverse=True)
        block = csr_matrix((block.data, places, block.indptr), (len(rows), len(columns)))
        near = vectors[columns]
        squares = (near[:, :, None] * near[:, None, :]).reshape(len(near), FACTORS**2)
        left = gram + FACTOR_CONFIDENCE * (block @ squares).reshape(-1, FACTORS, FACTORS)
        right = (1 + FACTOR_CONFIDENCE) * (block @ near)
        result[rows] = np.linalg.solve(left, right[:, :, None])[:, :, 0]
    return result


def factorise(matrix):
    """Return the vectors of the columns, float32 (posts, factors), of a sparse (users, posts) matrix of ones.

    Alternating least squares (Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets,
    2008), five sweeps from a fixed start, so that equal likes give equal vectors.
    """
    start = np.random.default_rng(0).standard_normal((matrix.shape[1], FACTORS), np.float32)
    transposed, vectors = matrix.T.tocsr(), start / np.float32(FACTORS)
    for _ in range(SWEEPS):
        vectors = solve_side(transposed, solve_side(matrix, vectors))
    return vectors


def read_matrix(plpy, as_of, post_ids):
    """Return the users, ascending, and the matrix of the newest likes before as_of of posts.

    post_ids: bytes of ascending big-endian int8.
    """
    user_ids, _, places = current_session(plpy).likes(as_of, post_ids, MAX_FACTOR_LIKES)
    return like_matrix(user_ids, places, len(post_ids) // 8)


def _post_factors(plpy, as_of, post_ids):
    """Return the vectors of posts, packed."""
    vectors = factorise(read_matrix(plpy, as_of, post_ids)[1])
    return pack_factors(vectors, vectors.T @ vectors)


def _factors(plpy, as_of, post_ids):
    """Return posts' vectors, packed; the same as texts; the users with a like among the newest, and their vectors."""
    users, matrix = read_matrix(plpy, as_of, post_ids)
    vectors = factorise(matrix)
    packed = pack_factors(vectors, vectors.T @ vectors)
    return packed, as_texts(vectors), users.tolist(), as_texts(solve_side(matrix, vectors))


def as_texts(vectors):
    """Return vectors as pgvector reads them, without loss."""
    return [str(vector) for vector in vectors.tolist()]
