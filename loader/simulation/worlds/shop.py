"""The world `shop`: nobody records views. Likes are purchases, of things that go together, in some order, none twice.

A visit buys each thing that the user does not have with probability
    1 - exp(-rate[user] * month * hour * share)
    share = ((1 - NEXT) * taste[user, cluster] * appeal[thing in cluster] + NEXT * mean of next[bought last]) / what the
        user does not have yet of it

cluster: CLUSTERS in each theme of each topic; a text tells the theme, nothing tells the cluster. taste: the share of
each cluster, log-normal. appeal: level of views * quality, as shares of the cluster. next: of a thing that was bought
on the last day with purchases, NEXT_SHARES go to the things that come after it in its cluster. Things that a
recommender shows first are looked at once more than others: they are bought with the same probability again.
"""

import numpy as np

from loader.simulation.effects import LIKE_RATE
from loader.simulation.population import THEMES, TOPICS, Posts, Users
from loader.simulation.worlds.mechanism import KIND_FACTS, Mechanism, mean_view_weights, per_user, quality, user_rates
from loader.simulation.worlds.memory import Memory

CLUSTERS = 3
TASTE_SD = 1.0  # of the log
NEXT, NEXT_SHARES = 0.35, (0.5, 0.3, 0.2)
TRIES = 200  # until somebody who has nearly everything goes away
MEAN_PURCHASES = 50.3 / 14.6  # likes per active day


class Shop(Mechanism):
    """Baskets, and what comes next."""

    name = "shop"
    has_views = False
    has_memory = True
    left_out = (*KIND_FACTS, "views", "like rate per view", "posts ever viewed")

    def __init__(self, seed: int, users: Users, posts: Posts):
        self.seed, self.users, self.posts, self.created = seed, users, posts, None
        self.views = mean_view_weights(posts)
        self.remember(Memory.empty())
        self.rate = MEAN_PURCHASES * user_rates(users) / LIKE_RATE
        rng = np.random.default_rng([seed, 21])
        count = len(TOPICS) * THEMES * CLUSTERS
        theme = posts.topic.astype(int) * THEMES + posts.theme
        self.cluster = theme * CLUSTERS + rng.integers(0, CLUSTERS, len(posts))
        appeal = self.views * quality(seed, posts, self.views, self.level_correlation)
        size = np.bincount(self.cluster, appeal, count)
        self.appeal = appeal / np.maximum(size[self.cluster], 1e-12)
        taste = np.exp(TASTE_SD * per_user(seed, 22, len(users), count)) * size
        self.taste = taste / taste.sum(1, keepdims=True)
        # Things in order of cluster, in each by lot, and where each cluster begins and ends.
        self.order = np.lexsort((rng.random(len(posts)), self.cluster))
        self.place = np.empty(len(posts), int)
        self.place[self.order] = np.arange(len(posts))
        self.begin, self.end = (np.searchsorted(self.cluster[self.order], np.arange(count), side=side)
                                for side in ("left", "right"))
        self.ladder = np.cumsum(self.appeal[self.order])

    def after(self, post: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return what comes so many steps after things in their clusters, after the last one the first."""
        begin, end = self.begin[self.cluster[post]], self.end[self.cluster[post]]
        return self.order[begin + (self.place[post] - begin + step) % (end - begin)]

    def shares(self, user: int, at: float) -> np.ndarray:
        """Return the share of each thing in what a user buys next, 0 of what the user has (posts,)."""
        mine = self.memory.mine(user, at)
        shares = self.taste[user, self.cluster] * self.appeal
        if len(mine.post):
            last = mine.post[mine.first[-1]:]
            shares *= 1 - NEXT
            for step, share in enumerate(NEXT_SHARES, 1):
                np.add.at(shares, self.after(last, step), NEXT * share / len(last))
        shares[mine.post] = 0
        return shares / max(shares.sum(), 1e-12)

    def like_rate(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return how many of a thing a visit would buy."""
        requests = np.broadcast_arrays(user, at)  # (n, 1) where all of them ask for the same things
        result = np.empty(np.broadcast_shapes(requests[0].shape, np.shape(post)), np.float32)
        post = np.broadcast_to(post, result.shape)
        pairs, which = np.unique(np.stack([part.ravel() for part in requests]), axis=1, return_inverse=True)
        which = np.broadcast_to(which.reshape(requests[0].shape), result.shape)
        for number, (row, moment) in enumerate(pairs.T):
            here = which == number
            result[here] = self.rate[int(row)] * self.shares(int(row), moment)[post[here]]
        return result

    def limited(self, rate: np.ndarray) -> np.ndarray:
        """Return the probability of at least one."""
        return -np.expm1(-rate)

    def baskets(
        self, rng: np.random.Generator, user: np.ndarray, at: np.ndarray, factor: np.ndarray,
        first: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw what is bought on visits: which visit and which thing, in order of visit.

        user, at, factor (month times hour): of the visits, one a user; first: the things that are shown first.
        """
        visit = np.repeat(np.arange(len(user)), rng.poisson(self.rate[user] * factor))
        mine = self.memory.before(float(at.min())) if len(at) else self.memory
        owned = np.unique(mine.user.astype(np.int64) * len(self.posts) + mine.post)
        begin, end = mine.spans(user)
        post = np.empty(len(visit), int)
        pending = np.arange(len(visit))
        for _ in range(TRIES):
            if not len(pending):
                break
            here = visit[pending]
            post[pending] = self._drawn(rng, user[here], mine, begin[here], end[here])
            pending = pending[_is_in(user[here].astype(np.int64) * len(self.posts) + post[pending], owned)]
        visit, post = np.delete(visit, pending), np.delete(post, pending)
        if first is not None:
            shares = self.like_rate(user[:, None], first, at[:, None]) * factor[:, None]
            looked = np.nonzero(rng.random(first.shape) < self.limited(shares))
            visit, post = np.append(visit, looked[0]), np.append(post, first[looked])
        baskets = np.unique(np.stack([visit, post]), axis=1)
        order = np.lexsort((rng.random(baskets.shape[1]), baskets[0]))
        return baskets[0][order], baskets[1][order]

    def _drawn(self, rng, user: np.ndarray, mine: Memory, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Draw a thing for each user, whether the user has it or not."""
        cumulated = np.cumsum(self.taste, 1)[user] if len(user) > len(self.taste) else np.cumsum(self.taste[user], 1)
        cluster = (cumulated < rng.random(len(user))[:, None] * cumulated[:, -1:]).sum(1)
        low = np.append(0, self.ladder)[self.begin[cluster]]
        high = self.ladder[self.end[cluster] - 1]
        height = low + rng.random(len(user)) * (high - low)
        place = np.searchsorted(self.ladder, height, side="right")
        post = self.order[place.clip(self.begin[cluster], self.end[cluster] - 1)]
        follows = (rng.random(len(user)) < NEXT) & (end > begin)
        start = mine.first[end[follows] - 1]
        last = mine.post[start + (rng.random(follows.sum()) * (end[follows] - start)).astype(int)]
        post[follows] = self.after(last, 1 + rng.choice(len(NEXT_SHARES), len(last), p=NEXT_SHARES))
        return post


def _is_in(keys: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Return which keys are among ascending ones."""
    if not len(ascending):
        return np.zeros(len(keys), bool)
    return ascending[np.searchsorted(ascending, keys).clip(max=len(ascending) - 1)] == keys
