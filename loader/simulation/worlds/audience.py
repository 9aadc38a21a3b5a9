"""The world `audience`: young and old, women and men, Moscow and the rest like different posts, post by post.

    preference = PREFERENCE_SD * sum over the user's traits of trait[user] * appeal[post, trait] * sqrt(weight[trait])

Traits of a user, each with mean 0 and sd 1: age in years up to 60, its bands (under 19, 19 to 23, 24 to 32, from 33
on), sex, and place (Moscow, the rest of Russia, other countries). appeal[post]: standard normal, sqrt(TOLD) of it by
the post's topic and theme, the rest of its own. Nothing of it goes with how popular a post is.
"""

import numpy as np

from loader.simulation.population import THEMES, TOPICS, make_users
from loader.simulation.worlds.mechanism import PREFERENCE_SD, Mechanism, products, standardised

TOLD = 0.3
BANDS = (19, 24, 33)
WEIGHTS = {"age": 0.5, "band": 0.2, "sex": 0.15, "place": 0.15}


class Audience(Mechanism):
    """A post has its own audience."""

    name = "audience"

    def prepare(self) -> None:
        """Compute the traits of users (users, traits) and draw the appeal of posts (posts, traits)."""
        reference = _traits(make_users(0, 20_480))
        mean, sd = reference.mean(0), reference.std(0)
        weights = np.array([*WEIGHTS.values()])[[0, 1, 1, 1, 1, 2, 3, 3, 3]]
        counts = np.array([1, 4, 4, 4, 4, 1, 3, 3, 3])
        # The sds of a group's indicators add up to one trait's.
        self.traits = ((_traits(self.users) - mean) / sd * np.sqrt(weights / counts)).astype(np.float32)
        rng = np.random.default_rng([self.seed, 17])
        told = rng.standard_normal((len(TOPICS), THEMES, self.traits.shape[1]))[self.posts.topic, self.posts.theme]
        own = rng.standard_normal((len(self.posts), self.traits.shape[1]))
        appeal = np.sqrt(TOLD) * standardised(told, self.views) + np.sqrt(1 - TOLD) * own
        self.appeal = standardised(appeal, self.views).astype(np.float32)

    def preference(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the post's appeal to people like the user."""
        return np.float32(PREFERENCE_SD) * products(self.traits, user, self.appeal, post)


def _traits(users) -> np.ndarray:
    """Return age, four bands, sex and three places as numbers (users, 9)."""
    band, place = np.searchsorted(BANDS, users.age, side="right"), np.minimum(users.country, 1) * 2
    place = np.where((users.country == 0) & (users.city != 0), 1, place)
    return np.column_stack([
        np.minimum(users.age, 60), band[:, None] == np.arange(4), users.gender, place[:, None] == np.arange(3)
    ]).astype(float)
