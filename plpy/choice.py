"""Which of the scored posts make the list."""

import numpy as np

from plpy.ranking import rank

WINDOW = 4
POOL, POOL_OF_K, MOST_IN_POOL = 600, 20, 2000


def choose(scores, post_ids, k, caps=(), diversity=0.0, vectors=None, pool=None):
    """Return the places of a list of k posts in its order; a score of -inf is never chosen.

    caps: pairs of a code for each post, int, negative: not capped, and how many of one code the list may have. The
    next post is the one with the best score that no cap forbids, ties by post_id. When all others are forbidden, those
    follow by their scores: a list is short only when the posts are. diversity above 0: see diversify(), which comes
    before that; vectors: of the posts; pool: of how many posts, None: POOL_OF_K * k, from POOL to MOST_IN_POOL.
    """
    if not caps and not diversity:
        return rank(scores, post_ids, k)
    counts, chosen, allowed = [{} for _ in caps], [], scores.copy()
    if diversity:
        pool = rank(scores, post_ids, pool or min(max(POOL, POOL_OF_K * k), MOST_IN_POOL))
        of_pool = [(codes[pool], most) for codes, most in caps]
        chosen = pool[diversify(scores[pool], vectors[pool], k, of_pool, counts, diversity)].tolist()
        allowed[pool] = -np.inf
    while len(chosen) < k:
        best = rank(allowed, post_ids, WINDOW * k)
        if not len(best):
            break
        for place in best.tolist():
            if len(chosen) < k and count(place, caps, counts):
                chosen.append(place)
        allowed[best] = -np.inf
        for (codes, most), of_cap in zip(caps, counts):
            allowed[np.isin(codes, [code for code, number in of_cap.items() if number >= most])] = -np.inf
    if len(chosen) < k:
        rest = scores.copy()
        rest[chosen] = -np.inf
        chosen += rank(rest, post_ids, k - len(chosen)).tolist()
    return np.array(chosen, np.int64)


def diversify(scores, vectors, k, caps, counts, diversity):
    """Return the places of at most k posts, the next one that with the most marginal relevance that no cap forbids.

    scores: descending, which decides ties; vectors: float32 (posts, dimensions) of length 1, or 0. Marginal relevance
    is (1 - diversity) * relevance - diversity * likeness, where relevance is the score scaled from 0 to 1 and likeness
    the largest cosine with a post that was chosen before (Carbonell and Goldstein, The use of MMR, diversity-based
    reranking for reordering documents and producing summaries, 1998). Differences below 1e-9 are none.
    """
    vectors = vectors.astype(np.float64)
    chosen, near = [], np.zeros(len(scores))
    span = scores[0] - scores[-1] if len(scores) else 0
    relevance = (scores - scores[-1]) / span if span else near
    free = np.ones(len(scores), bool)
    while len(chosen) < k and free.any():
        gains = np.round((1 - diversity) * relevance - diversity * near, 9)
        best = int(np.argmax(np.where(free, gains, -np.inf)))
        free[best] = False
        if count(best, caps, counts):
            likeness = vectors @ vectors[best]
            near = np.maximum(near, likeness) if chosen else likeness
            chosen.append(best)
    return np.array(chosen, np.int64)


def gave_way(places, caps):
    """Return whether a list has more of one code than a cap lets it have."""
    codes_of = [(codes[places], most) for codes, most in caps]
    return any((np.bincount(codes[codes >= 0]) > most).any() for codes, most in codes_of)


def count(place, caps, counts):
    """Count a post for each cap, unless one forbids it; return whether none does."""
    codes = [int(codes[place]) for codes, _ in caps]
    if any(of_cap.get(code, 0) >= most for code, of_cap, (_, most) in zip(codes, counts, caps)):
        return False
    for code, of_cap in zip(codes, counts):
        if code >= 0:
            of_cap[code] = of_cap.get(code, 0) + 1
    return True
