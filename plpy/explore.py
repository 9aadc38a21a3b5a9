"""Exploration in a named feed: at most one place of a list is given to another post, by chances that are known.

The list without it is g. Each place j of k has the chance e that it is chosen, which is at most 1 / (2 k), so that
half of the lists stay as they are. Then a post other than g_j comes there with the chance q_j: one of the list changes
places with g_j, another one takes its place. So the chance of a post at a place is, exactly,

    e * q_j(a)                        of a at j, if a is not in g
    e * (q_j(g_m) + q_m(g_j))         of g_m at j
    1 less all others                 of g_j at j

Half of q is Thompson sampling (Chapelle and Li, An empirical evaluation of Thompson sampling, 2011) from a fixed
number of draws, the other half is even: over the other posts of the list and the 24 that come next, so that much of
what another version would show is shown, and no chance is tiny.
"""

from hashlib import blake2s

import numpy as np

from plpy.choice import gave_way
from plpy.ranking import GOLDEN, mixed, rank
from plpy.scale import effective_view_counts, view_and_like_counts
from plpy.without_model import is_in_log_odds

VERSION = 1
SHARES = {"careful": 0.02, "normal": 0.1}
LISTS, PLACES = 0.5, 50
DRAWS, NEAR, HOPEFUL = 16, 24, 40
WIDTH = 2.5
KEPT = 20_000  # posts of which a session keeps the draws, 128 bytes each
UNIT_LOGISTIC = 3**0.5 / np.pi


class Exploration:
    """What a feed's exploration made of a list.

    policy: the setting and the version of this module; seed: 0 to 2**63 - 1; chances: float64 (k, k), of the post at
    each place of the list that it is shown at each of the places; None: the list was sure.
    """

    def __init__(self, policy, seed, chances=None):
        self.policy, self.seed, self.chances = policy, seed, chances


def explore(session, request, reply, rows, rules, page):
    """Return the rows of a feed's list after its exploration, and the Exploration, None: the feed has none.

    rows: of listed(); rules: for choose(); page: how many posts the pages before had. A list is sure where it lacks
    posts, a cap gave way, it is longer than 50, or its scores are no log-odds of a like.
    """
    setting = None if reply.feed is None else reply.feed.settings.get("explore")
    if setting is None or is_baseline(session, request, reply.feed):
        return rows, None
    name, pack = reply.feed.name, reply.pack
    seed = seed_of(name, request.user_id, round(reply.state["moment"] * 1e6), page)
    result = Exploration(f"{setting}-{VERSION}", seed)
    listed = pack.locate(np.array([row[0] for row in rows], np.int64))
    if not request.k == len(rows) <= PLACES or not is_in_log_odds(reply.source) or gave_way(listed, rules[0]):
        return rows, result
    known = reply.feed.on(pack)
    share = min(SHARES[setting], LISTS / len(rows))
    if not request.needs_chances and place_of(seed, share) >= len(rows):
        return rows, result
    draws = seed_of(name, reply.state["features_as_of"])
    if "deviations" not in known:
        known["deviations"] = deviations(pack)
        if len(pack) <= KEPT:
            known["noise"] = noise(known["deviations"], pack.post_ids, draws)
    others, is_near = others_of(reply.scores, pack.post_ids, known["deviations"], listed)
    stored = session.stored_ids("shown ids", pack.post_ids[others])
    if len(stored) < len(others):  # others were deleted or hidden since the refresh
        is_there = np.isin(pack.post_ids[others], stored)
        others, is_near = others[is_there], is_near[is_there]
    if "noise" in known:
        drawn = reply.scores[others] + known["noise"][:, others]
    else:
        drawn = draw(reply.scores, known["deviations"], pack.post_ids, others, draws)
    chances = choices(drawn, listed, others, is_near, rules)
    order, result.chances = explored(chances, share, seed)
    changed = [int(choice) - len(rows) for choice in order if choice >= len(rows)]
    new = [new_row(session, reply, rows[0], others[number]) for number in changed]
    return [rows[choice] if choice < len(rows) else new[0] for choice in order.tolist()], result


def is_baseline(session, request, feed):
    """Return whether a request is of a user in a pinned baseline of the running experiment, which is not explored."""
    if feed.settings.get("explore_baseline") or request.variant is not None or request.user_id is None:
        return False
    return session.run("is pinned baseline", request.user_id)[0]["is_pinned_baseline"]


def seed_of(*parts):
    """Return an integer from 0 to 2**63 - 1 that depends on the parts alone."""
    return int.from_bytes(blake2s(repr(parts).encode(), digest_size=8).digest(), "big") >> 1


def new_row(session, reply, row, place):
    """Return the row of a post that comes into the list; row: one of the list."""
    post = session.run("posts", [int(reply.pack.post_ids[place])])[0]
    return post["post_id"], post["topic"], post["text"], float(reply.scores[place]), *row[4:]


def others_of(scores, post_ids, deviations, listed):
    """Return the places of the posts that may come into a list, and whether each is one of the 24 that come next.

    The others are the 40 with the best score plus 2.5 deviations.
    """
    free = scores.copy()
    free[listed] = -np.inf
    is_near, is_other = np.zeros((2, len(scores)), bool)
    is_near[rank(free, post_ids, NEAR)] = True
    is_other[rank(free + WIDTH * deviations, post_ids, HOPEFUL)] = True
    others = np.flatnonzero(is_near | is_other)
    return others, is_near[others]


def deviations(pack):
    """Return the standard deviations of what is known of posts' quality, log-odds, float64.

    The prior is normal around the like rate of the posts with the same topic and popularity. Its variance is estimated
    from what likes deviate more than by chance from those expected from effective views (Haseman and Elston, 1972); the
    likes add their Fisher information. A new post has the prior's deviation.
    """
    likes = np.nan_to_num(view_and_like_counts(pack)[1])
    views = np.maximum(np.nan_to_num(effective_view_counts(pack)), likes)
    rates = pack.scale.group_rates[pack.topic_codes, pack.is_popular].clip(1e-3, 1 - 1e-3)
    information = views * rates * (1 - rates)
    excess = ((likes - views * rates) ** 2 - information).sum() / max((information**2).sum(), 1e-9)
    return 1 / np.sqrt(1 / np.clip(excess, 0.01, 1.0) + information)


def choices(drawn, listed, others, is_near, rules):
    """Return q, float64 (k, k + others): at each place of a list that of its own posts, then that of the others.

    drawn: of the others, see draw(); others, is_near: see others_of(). A place has zeros only where no other post is
    allowed at it.
    """
    count = len(listed)
    is_allowed = allowed(listed, others, *rules)
    sampled, near = np.zeros((2, count, count + len(others)))
    if len(others):
        sampled[:, count:] = thompson(drawn, is_allowed)
    near[:, :count] = ~np.eye(count, dtype=bool)
    near[:, count:] = is_allowed & is_near
    near /= np.maximum(near.sum(axis=1, keepdims=True), 1e-300)
    both = sampled + near
    return both / np.maximum(both.sum(axis=1, keepdims=True), 1e-300)


def noise(deviations, post_ids, seed):
    """Return what each draw adds to the scores of posts, float64 (draws, posts).

    A draw's quality has a logistic distribution around the score, the same for a post whatever stands beside it.
    """
    seeds = mixed(np.array([seed], np.uint64) + np.arange(DRAWS, dtype=np.uint64) * GOLDEN)
    lots = ((mixed(seeds[:, None] + post_ids.astype(np.uint64) * GOLDEN) >> np.uint64(11)) + 0.5) * 2.0**-53
    return deviations * UNIT_LOGISTIC * np.log(lots / (1 - lots))


def draw(scores, deviations, post_ids, others, seed):
    """Return the quality of the other posts in each draw, float64 (draws, others)."""
    return scores[others] + noise(deviations[others], post_ids[others], seed)


def thompson(drawn, is_allowed):
    """Return the shares of the draws in which each post is the best allowed one at each place, float64 (k, posts)."""
    shares = {}
    for kind in is_allowed:
        if kind.tobytes() not in shares:
            best = np.where(kind, drawn, -np.inf).argmax(axis=1)
            shares[kind.tobytes()] = np.bincount(best, minlength=len(kind)) / DRAWS * kind.any()
    return np.stack([shares[kind.tobytes()] for kind in is_allowed])


def allowed(listed, others, caps, diversity, vectors):
    """Return whether each other post may take each place of a list, bool (k, others).

    No cap forbids it there, and with diversity it is no more like another post of the list than two of those are alike.
    """
    result = np.ones((len(listed), len(others)), bool)
    for codes, most in caps:
        own, new = codes[listed], codes[others]
        count = (own[:, None] == new).sum(axis=0)
        result &= (new < 0) | (count - (own[:, None] == new) < most)
    if diversity and len(listed) > 1:
        within = vectors[listed] @ vectors[listed].T
        np.fill_diagonal(within, -1)
        likeness = vectors[listed] @ vectors[others].T
        for place in range(len(listed)):
            result[place] &= np.delete(likeness, place, axis=0).max(axis=0) <= within.max() + 1e-6
    return result


def lot_of(seed):
    """Return what a seed draws, from 0 to 1."""
    return (seed >> 10) * 2.0**-53


def place_of(seed, share):
    """Return the place that is given away, from 0; beyond the list: none."""
    return int(lot_of(seed) / share)


def explored(chances, share, seed):
    """Return a list of k columns of chances, int64, and the chance of each that it is shown at each place, (k, k).

    chances: see choices(); share: e.
    """
    count = len(chances)
    of_places = share * chances
    own = of_places[:, :count]
    matrix = own + own.T
    np.fill_diagonal(matrix, 1 - of_places.sum(axis=1) - own.sum(axis=0))
    order = np.arange(count)
    place, lot = place_of(seed, share), lot_of(seed)
    if place < count and chances[place].any():
        ends = np.cumsum(chances[place])
        choice = int(np.searchsorted(ends, (lot / share - place) * ends[-1], side="right"))
        choice = min(choice, int(np.flatnonzero(chances[place])[-1]))
        if choice < count:
            order[[place, choice]] = choice, place
            matrix[[place, choice]] = matrix[[choice, place]]
        else:
            order[place], matrix[place] = choice, of_places[:, choice]
    return order, matrix
