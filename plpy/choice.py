"""Which of the scored posts make the list."""

import numpy as np

from plpy.ranking import rank

WINDOW = 4


def choose(scores, post_ids, k, caps=()):
    """Return the places of a list of k posts in its order; a score of -inf is never chosen.

    caps: pairs of a code for each post, int, negative: not capped, and how many of one code the list may have. The
    next post is the one with the best score that no cap forbids, ties by post_id. When all others are forbidden, those
    follow by their scores: a list is short only when the posts are.
    """
    if not caps:
        return rank(scores, post_ids, k)
    allowed, chosen = scores.copy(), []
    counts = [{} for _ in caps]
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


def count(place, caps, counts):
    """Count a post for each cap, unless one forbids it; return whether none does."""
    codes = [int(codes[place]) for codes, _ in caps]
    if any(of_cap.get(code, 0) >= most for code, of_cap, (_, most) in zip(codes, counts, caps)):
        return False
    for code, of_cap in zip(codes, counts):
        if code >= 0:
            of_cap[code] = of_cap.get(code, 0) + 1
    return True
