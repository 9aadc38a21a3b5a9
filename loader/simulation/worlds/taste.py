"""The world `taste`: personal taste, which texts carry, and no popularity: what is viewed more is not liked more.

    preference = PREFERENCE_SD * sum over DIMENSIONS of taste[user] * meaning[post] / sqrt(DIMENSIONS)

meaning[post]: standard normal, sqrt(TOLD) of it by the post's topic and theme, which its text tells (topics weigh less
than themes, for user x topic is weak in the original), the rest of its own, which no text carries.
taste[user]: standard normal, sqrt(PROFILED) of it by age and gender, the rest the user's own.
"""

import numpy as np

from loader.simulation.population import THEMES, TOPICS
from loader.simulation.worlds.mechanism import (
    KIND_FACTS,
    PREFERENCE_SD,
    RATE_FACTS,
    Mechanism,
    per_user,
    products,
    standardised,
)

DIMENSIONS = 4
TOLD = 0.7
TOPIC_SHARE = 0.25  # of what a text tells
PROFILED = 0.2


class Taste(Mechanism):
    """Users and posts meet in a space of few dimensions."""

    name = "taste"
    level_correlation = 0.0
    left_out = (*KIND_FACTS, *RATE_FACTS, "user x topic")

    def prepare(self) -> None:
        """Draw the meaning of posts and the tastes of users, both (n, DIMENSIONS)."""
        self.meaning = meanings(self.seed, self.posts, self.views, TOLD)
        age = (np.minimum(self.users.age, 60) - 27) / 10
        profile = np.stack([age, np.where(self.users.gender, 0.9, -1.1)], 1) / np.sqrt(2)
        directions = np.random.default_rng([self.seed, 13]).standard_normal((2, DIMENSIONS))
        own = per_user(self.seed, 14, len(self.users), DIMENSIONS)
        self.taste = (np.sqrt(PROFILED) * profile @ directions + np.sqrt(1 - PROFILED) * own).astype(np.float32)

    def preference(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the scaled product of taste and meaning."""
        scale = np.float32(PREFERENCE_SD / np.sqrt(DIMENSIONS))
        return scale * products(self.taste, user, self.meaning, post)


def meanings(seed: int, posts, views: np.ndarray, told: float) -> np.ndarray:
    """Return where each post is in the space of tastes; texts tell a share of it; float32 (posts, DIMENSIONS)."""
    rng = np.random.default_rng([seed, 12])
    topic = rng.standard_normal((len(TOPICS), DIMENSIONS))
    theme = rng.standard_normal((len(TOPICS), THEMES, DIMENSIONS))
    theme -= theme.mean(1, keepdims=True)
    text = np.sqrt(TOPIC_SHARE) * topic[posts.topic] + np.sqrt(1 - TOPIC_SHARE) * theme[posts.topic, posts.theme]
    own = rng.standard_normal((len(posts), DIMENSIONS))
    both = np.sqrt(told) * standardised(text, views) + np.sqrt(1 - told) * own
    return standardised(both, views).astype(np.float32)
