create or replace function pgfeed._post_neighbours(as_of timestamptz, post_ids bytea)
returns bytea
language plpython3u stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
"""The body of pgfeed._post_neighbours: which posts are liked by the same users."""

import numpy as np

MAX_LIKES = 500_000
MAX_PAIRS = 500_000
FEWEST_NEIGHBOURS = 20
MOST_NEIGHBOURS = 100
PRIOR_LIKES = 3.0
BLOCK_CELLS = 4_000_000
MAX_EASE_POSTS = 2_000
EASE_LAMBDA = 300.0
LIKES_QUERY = (
    "select string_agg(int8send(l.user_id), '') as user_ids, string_agg(int4send(l.day), '') as days,"
    " string_agg(int8send(l.post_id), '') as post_ids from ("
    " select k.user_id, k.post_id, floor(extract(epoch from k.liked_at) / 86400)::integer as day from pgfeed.likes as k"
    " where k.liked_at < $1 and k.liked_at >= coalesce((select min(n.day)::timestamptz from ("
    " select d.day, sum(d.like_count) over (order by d.day desc) - d.like_count as later from pgfeed.rollup_days as d"
    " where d.day < ($1)::date) as n where n.later < $2), '-infinity')"
    ") as l"
)


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
        pairs = liked[block[place]], liked[other], similarity[place, other], day_similarity[place, other], weight[place, other]
        parts.append(np.stack([values.astype(np.float32) for values in pairs]))
    return np.concatenate(parts, axis=1)


def _post_neighbours(plpy, cache, as_of, post_ids):
    """Return the neighbours of posts, given as bytes of ascending int64, as bytes of float32, five rows; big-endian."""
    likes = plpy.execute(plpy.prepare(LIKES_QUERY, ["timestamptz", "bigint"]), [as_of, MAX_LIKES])[0]
    catalogue = np.frombuffer(post_ids, ">i8").astype(np.int64)
    user_ids, liked = (np.frombuffer(likes[name] or b"", ">i8").astype(np.int64) for name in ("user_ids", "post_ids"))
    days = np.frombuffer(likes["days"] or b"", ">i4").astype(np.int64)
    rows = np.searchsorted(catalogue, liked)
    known = rows < len(catalogue)
    known[known] = catalogue[rows[known]] == liked[known]
    return neighbours(user_ids[known], days[known], rows[known], len(catalogue)).astype(">f4").tobytes()


return _post_neighbours(plpy, SD, as_of, post_ids)
$$;

alter function pgfeed._post_neighbours(timestamptz, bytea) owner to pgfeed_owner;

comment on function pgfeed._post_neighbours(timestamptz, bytea) is
    'Which posts are liked by the same users, by the newest 500,000 likes before as_of: big-endian float4, five '
    'rows of equal length: a post and its neighbour (places in post_ids, ascending big-endian int8), their '
    'similarity by users and by users on the same day, and the EASE weight';

revoke all on function pgfeed._post_neighbours(timestamptz, bytea) from public;
