"""The world `news`: posts come every day, and what is old is hardly shown and hardly liked.

    preference = PREFERENCE_SD * taste[user, topic] - ln 2 * min(age / half-life[post], OLDEST)
    view weight = level of views * 2 ** -(age / VIEW_HALF_LIFE), and OLD_SHARE of all views go to what came before

age: days since the post came. taste: standard normal. half-life: log-normal around one day. POSTS_A_DAY come in a
catalogue of the original's size, at any time of day; the first ones are there a few weeks before the first day.
"""

import numpy as np

from loader.simulation.population import FULL_POSTS, TOPICS
from loader.simulation.worlds.mechanism import (
    KIND_FACTS,
    PREFERENCE_SD,
    RATE_FACTS,
    TOPIC_FACTS_OF_VIEWS,
    Mechanism,
    per_user,
)

POSTS_A_DAY = 50
DAYS_BEFORE = 20
VIEW_HALF_LIFE = 1.0  # days
HALF_LIFE_SD = 0.5  # of the log
OLDEST = 8.0  # half-lives: from then on a post gets no worse
OLD_AGE, OLD_SHARE = 7.0, 0.01


class News(Mechanism):
    """What is new counts, and the topics that a user likes."""

    name = "news"
    created: np.ndarray
    is_moving = True
    left_out = (
        *KIND_FACTS, *RATE_FACTS, *TOPIC_FACTS_OF_VIEWS, "posts ever viewed", "views per post", "sport and politics",
        "user-post pairs", "  of them within", "  days apart", "  P(like)", "any like in a random",
    )

    def prepare(self) -> None:
        """Draw when posts come (posts,), how long they live (posts,) and who likes which topic (users, topics)."""
        rng = np.random.default_rng([self.seed, 18])
        count = len(self.posts)
        a_day = POSTS_A_DAY * count / FULL_POSTS
        self.created = np.empty(count)
        self.created[rng.permutation(count)] = (np.arange(count) + rng.random(count)) / a_day - DAYS_BEFORE
        self.half_life = np.exp(HALF_LIFE_SD * rng.standard_normal(count)).astype(np.float32)
        self.taste = per_user(self.seed, 19, len(self.users), len(TOPICS))

    def preference(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the taste for the topic, less what the post's age costs."""
        age = np.minimum((at - self.created[post]) / self.half_life[post], OLDEST).astype(np.float32)
        return np.float32(PREFERENCE_SD) * self.taste[user, self.posts.topic[post]] - np.float32(np.log(2)) * age

    def view_weights(self, at: float) -> np.ndarray:
        """Return weights that halve every day; a small share is left to what is older than a week."""
        age = at - self.created
        weights = np.where(age > 0, self.views * np.exp2(-np.maximum(age, 0) / VIEW_HALF_LIFE), 0)
        old = np.where(age > OLD_AGE, self.views, 0)
        return weights / weights.sum() + OLD_SHARE * old / max(old.sum(), 1e-12)

    def post_moments(self) -> np.ndarray:
        """Return the age at which a post is liked as often as on average over its views."""
        return self.created + self.half_life * np.log2(1 + VIEW_HALF_LIFE / self.half_life)
