"""The world `kinds`: hidden kinds of user, of whom no profile and no view says who belongs to which.

    preference = PREFERENCE_SD * (mixture of the user's kind over the traits of the post, with mean 0 and sd 1)

Traits of a post, all with mean 0 and sd 1 over views: its level of views, two directions over topics and themes (which
its text tells), and two of its own that nobody sees. SHARES are the sizes of the kinds, MIXTURES (kinds, traits) what
each of them likes.
"""

from collections.abc import Sequence

import numpy as np

from loader.simulation.population import THEMES, TOPICS, VIEW_LEVELS
from loader.simulation.worlds.mechanism import PREFERENCE_SD, Mechanism, per_user, standardised

SHARES = (0.45, 0.28, 0.17, 0.10)
MIXTURES = np.array([
    [0.6, 0.8, 0.0, 0.0, 0.0],
    [-0.6, 0.0, 0.0, 0.8, 0.0],
    [0.0, -0.5, 0.6, 0.0, 0.6],
    [-0.3, 0.0, 0.0, -0.6, -0.7],
])


class Kinds(Mechanism):
    """Every kind likes its own mixture of view level, themes and traits that nobody sees."""

    name = "kinds"

    def prepare(self) -> None:
        """Draw who is of which kind (users,) and what each kind likes (kinds, posts)."""
        rng = np.random.default_rng([self.seed, 15])
        told = rng.standard_normal((len(TOPICS), THEMES, 2))[self.posts.topic, self.posts.theme]
        hidden = rng.standard_normal((len(self.posts), 2))
        traits = np.column_stack([VIEW_LEVELS[self.posts.level], told, hidden])
        traits = standardised(traits, self.views)
        self.liking = standardised(traits @ MIXTURES.T, self.views).T.astype(np.float32)
        # The angle of two normal numbers is even.
        angle = np.arctan2(*per_user(self.seed, 16, len(self.users), 2).T) / (2 * np.pi) + 0.5
        self.kind = np.searchsorted(np.cumsum(SHARES)[:-1], angle, side="right")

    def preference(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return how the user's kind likes the post."""
        return np.float32(PREFERENCE_SD) * self.liking[self.kind[user], post]

    def truth(self) -> tuple[dict[str, Sequence], dict[str, Sequence]]:
        """Return the kinds, too."""
        of_users, of_posts = super().truth()
        return of_users | {"kind": np.array(["A", "B", "C", "D"])[self.kind].tolist()}, of_posts
