"""The body of pgfeed._post_neighbours: which posts are liked by the same users."""

import numpy as np

MAX_LIKES = 500_000
MAX_PAIRS = 500_000
FEWEST_NEIGHBOURS = 20
MOST_NEIGHBOURS = 100
PRIOR_LIKES = 3.0
BLOCK_POSTS = 500
LIKES_QUERY = (
    "select string_agg(int8send(l.user_id), '') as user_ids, string_agg(int4send(l.day), '') as days,"
    " string_agg(int8send(l.post_id), '') as post_ids from ("
    " select k.user_id, k.post_id, floor(extract(epoch from k.liked_at) / 86400)::integer as day from pgfeed.likes as k"
    " where k.liked_at < $1 and k.liked_at >= coalesce((select min(n.day)::timestamptz from ("
    " select d.day, sum(d.like_count) over (order by d.day desc) - d.like_count as later from pgfeed.rollup_days as d"
    " where d.day < ($1)::date) as n where n.later < $2), '-infinity')"
    ") as l"
)


def co_likes(groups, rows, count):
    """Return a sparse (groups, posts) matrix of ones: which posts each group holds."""
    from scipy.sparse import csr_matrix

    _, group = np.unique(groups, return_inverse=True)
    matrix = csr_matrix((np.ones(len(rows), np.float32), (group, rows)), (group.max(initial=-1) + 1, count))
    matrix.data[:] = 1
    return matrix


def neighbours(user_ids, days, rows, count):
    """Return float32 (4, pairs): post, neighbour, similarity by users, similarity by users on the same day.

    Arguments are one entry per like; rows are places of posts, below count. The similarity is a cosine with a prior,
    pairs / sqrt((likes + 3) (likes' + 3)) where pairs are the users (or user-days) that liked both. Each post keeps
    its 20 to 100 most similar ones, fewer the larger the catalogue; ties to the smaller place; posts ascending.
    """
    if not len(rows):
        return np.zeros((4, 0), np.float32)
    kept = np.unique(np.column_stack([np.unique(user_ids, return_inverse=True)[1], rows]), axis=0, return_index=True)[1]
    by_user = co_likes(user_ids[kept], rows[kept], count)
    by_day = co_likes(np.unique(np.column_stack([user_ids, days])[kept], axis=0, return_inverse=True)[1].ravel(), rows[kept], count)
    norms = 1 / np.sqrt(np.asarray(by_user.sum(axis=0)).ravel() + PRIOR_LIKES)
    most = min(max(MAX_PAIRS // count, FEWEST_NEIGHBOURS), MOST_NEIGHBOURS)
    liked, parts = np.unique(rows), []
    for start in range(0, len(liked), BLOCK_POSTS):
        block = liked[start:start + BLOCK_POSTS]
        pairs = (by_user[:, block].T @ by_user).tocoo()
        same_day = (by_day[:, block].T @ by_day).tocsr()
        post, other = block[pairs.row], pairs.col
        norm = norms[post] * norms[other]
        similarity = pairs.data * norm
        similarity_of_day = np.asarray(same_day[pairs.row, pairs.col]).ravel() * norm
        differs = post != other
        order = np.lexsort((other, -(similarity + similarity_of_day), post))
        order = order[differs[order]]
        place = np.arange(len(order)) - np.searchsorted(post[order], post[order])
        order = order[place < most]
        parts.append(np.stack([post[order], other[order], similarity[order], similarity_of_day[order]]).astype(np.float32))
    return np.concatenate(parts, axis=1)


def _post_neighbours(plpy, cache, as_of, post_ids):
    """Return the neighbours of posts, given as bytes of ascending int64, as bytes of float32, four rows; big-endian."""
    likes = plpy.execute(plpy.prepare(LIKES_QUERY, ["timestamptz", "bigint"]), [as_of, MAX_LIKES])[0]
    catalogue = np.frombuffer(post_ids, ">i8").astype(np.int64)
    user_ids, liked = (np.frombuffer(likes[name] or b"", ">i8").astype(np.int64) for name in ("user_ids", "post_ids"))
    days = np.frombuffer(likes["days"] or b"", ">i4").astype(np.int64)
    rows = np.searchsorted(catalogue, liked)
    known = rows < len(catalogue)
    known[known] = catalogue[rows[known]] == liked[known]
    return neighbours(user_ids[known], days[known], rows[known], len(catalogue)).astype(">f4").tobytes()
