"""The world `popularity`: two kinds of user, of whom one likes what everybody sees and the other what few see.

A view is liked with probability
    user factor (for popular or for other posts) * post factor * position * month * hour, at most LIKE_LIMIT,
where all factors but the user's have mean 1 (effects.py). Kind B, from 25 years of age on, sees fewer popular posts.
"""

from collections.abc import Sequence

import numpy as np

from loader.simulation.effects import fit, popular_view_shares, reference_share_b, user_factors
from loader.simulation.population import Posts, Users, view_weights
from loader.simulation.worlds.mechanism import Mechanism


class Popularity(Mechanism):
    """Popular or not, by one threshold: what the original network's marginals suggest at first sight.

    user_factor (users, 2), of other posts and popular ones, post_factor (posts,) and popular are the truth.
    """

    name = "popularity"
    left_out = ()

    def __init__(self, seed: int, users: Users, posts: Posts):
        self.seed, self.users, self.posts, self.created = seed, users, posts, None
        effects = fit()
        self.user_factor = user_factors(users, effects).astype(np.float32)
        self.post_factor = (effects.topic[posts.topic] * posts.quality).astype(np.float32)
        self.popular = posts.popular
        self._popular_share = popular_view_shares(users, effects)
        # Four ladders in one, each of height 1: other and popular posts of kind A, then of kind B.
        self._order = np.argsort(self.popular, kind="stable")
        weights = view_weights(posts, reference_share_b())
        self.views = (1 - reference_share_b(), reference_share_b()) @ weights
        weights = weights[:, self._order]
        ladders = [np.where(self.popular[self._order] == popular, row, 0) for row in weights for popular in (0, 1)]
        self._kind_ladders = np.concatenate([number + np.cumsum(row / row.sum()) for number, row in enumerate(ladders)])

    def like_rate(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the product of the user's and the post's factor."""
        return self.user_factor[user, self.popular[post]] * self.post_factor[post]

    def draw_posts(self, rng: np.random.Generator, user: np.ndarray, at: np.ndarray, places: int = 0) -> np.ndarray:
        """Draw by the user's kind and share of popular posts."""
        kind, share = self.users.kind[user], self._popular_share[user]
        if places:
            kind, share = kind[:, None], share[:, None]
        height = rng.random((len(user), places) if places else len(user))
        popular = height < share
        height = np.where(popular, height / share, (height - share) / (1 - share))
        height = np.minimum(height, 1 - 1e-9) + (2 * kind + popular)
        place = np.searchsorted(self._kind_ladders, height, side="right")
        return self._order[place % len(self._order)].astype(np.int32)

    def truth(self) -> tuple[dict[str, Sequence], dict[str, Sequence]]:
        """Return the factors, too."""
        of_users, of_posts = super().truth()
        other, popular = self.user_factor.T.tolist()
        of_users |= {
            "kind": np.array(["A", "B"])[self.users.kind].tolist(), "other_factor": other, "popular_factor": popular
        }
        of_posts |= {"is_popular": (self.popular == 1).tolist(), "factor": self.post_factor.tolist()}
        return of_users, of_posts
