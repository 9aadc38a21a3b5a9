"""The world `drift`: what users like moves over weeks with what they liked lately, and topics break out for days.

    preference = PREFERENCE_SD / sqrt(DIMENSIONS) * (interest[user, day] * meaning[post]) - what its spread adds
        + LIKED_HEAT * heat[topic and theme, at]
    interest = OWN * taste[user] + LATELY * sum(weight * meaning[liked]) / (FEW_LIKES + sum(weight))
    weight = 2 ** -(days since the like / HALF_LIFE), of the likes of the days before
    heat = sum over the outbreaks of a topic's theme of size * 2 ** -(days since / OUTBREAK_HALF_LIFE)
    view weight = level of views * exp(VIEWED_HEAT * heat)

meaning and taste as in the world `taste`, but without a part of the profile. What somebody liked by chance makes the
like of its neighbours likelier, so that users who began alike part.
"""

import numpy as np

from loader.simulation.effects import LIKE_RATE
from loader.simulation.population import THEMES, TOPICS
from loader.simulation.worlds.mechanism import (
    KIND_FACTS,
    PREFERENCE_SD,
    RATE_FACTS,
    TOPIC_FACTS_OF_VIEWS,
    Mechanism,
    per_user,
    products,
)
from loader.simulation.worlds.memory import Memory
from loader.simulation.worlds.taste import DIMENSIONS, TOLD, meanings

OWN, LATELY = 0.6, 2.5
HALF_LIFE, FEW_LIKES = 14.0, 3.0
OUTBREAKS_A_DAY = 1.5
OUTBREAK_HALF_LIFE, OUTBREAK_SIZES = 3.0, (0.5, 1.5)
LIKED_HEAT, VIEWED_HEAT = 0.8, 1.0
PERIOD = 90  # days whose outbreaks are drawn together


class Drift(Mechanism):
    """Interest that moves, and topics that break out."""

    name = "drift"
    is_moving = has_memory = True
    left_out = (*KIND_FACTS, *RATE_FACTS, *TOPIC_FACTS_OF_VIEWS, "views per post", "sport and politics")

    def prepare(self) -> None:
        """Draw the meaning of posts and where users begin, both (n, DIMENSIONS)."""
        self.meaning = meanings(self.seed, self.posts, self.views, TOLD)
        self.taste = per_user(self.seed, 14, len(self.users), DIMENSIONS)
        self.cell = self.posts.topic.astype(int) * THEMES + self.posts.theme
        self._outbreaks: dict[int, tuple[np.ndarray, ...]] = {}
        self.remember(Memory.empty())

    def remember(self, memory: Memory) -> None:
        """Take what was liked so far."""
        super().remember(memory)
        self._interests: dict[int, np.ndarray] = {}

    def preference(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return how near the post is to the user's interest of the day, and the heat of its theme."""
        hours = np.floor(np.asarray(at) * 24).astype(int)
        if hours.size == 1:
            return self._in_hour(user, post, int(hours.ravel()[0]))
        shape = np.broadcast_shapes(np.shape(user), np.shape(post), hours.shape)
        user, post, hours = (np.broadcast_to(part, part.shape[:-1] + shape[-1:]) for part in (user, post, hours))
        result = np.empty(shape, np.float32)
        for hour in np.unique(hours):  # of each column
            here = hours == hour
            result[..., here] = self._in_hour(user[..., here], post[..., here], int(hour))
        return result

    def _in_hour(self, user: np.ndarray, post: np.ndarray, hour: int) -> np.ndarray:
        interest, scale = self.interest(hour // 24), np.float32(PREFERENCE_SD / np.sqrt(DIMENSIONS))
        # What the spread over posts adds to a user's like rate, to the second order.
        mean = (scale * interest) ** 2 @ np.full(DIMENSIONS, 0.5 - LIKE_RATE, np.float32)
        heat = LIKED_HEAT * self.heat(hour / 24).astype(np.float32)
        return scale * products(interest, user, self.meaning, post) - mean[user] + heat[self.cell[post]]

    def interest(self, day: int) -> np.ndarray:
        """Return what users are interested in on a day, by what they liked on the days before (users, DIMENSIONS)."""
        if day not in self._interests:
            liked = self.memory.before(day)
            weight = np.exp2((np.floor(liked.at) - day) / HALF_LIFE)
            count = len(self.users)
            sums = [np.bincount(liked.user, weight * column[liked.post], count) for column in self.meaning.T]
            lately = np.column_stack(sums) / (FEW_LIKES + np.bincount(liked.user, weight, count))[:, None]
            self._interests[day] = (OWN * self.taste + LATELY * lately).astype(np.float32)
        return self._interests[day]

    def heat(self, at: float) -> np.ndarray:
        """Return how hot each theme of each topic is (topics * THEMES,)."""
        result = np.zeros(len(TOPICS) * THEMES)
        for period in range(max(int(at // PERIOD) - 1, -1), int(at // PERIOD) + 1):
            if period not in self._outbreaks:
                rng = np.random.default_rng([self.seed, 20, period + 1])
                count = rng.poisson(OUTBREAKS_A_DAY * PERIOD)
                self._outbreaks[period] = (
                    (period + rng.random(count)) * PERIOD, rng.integers(0, len(result), count),
                    rng.uniform(*OUTBREAK_SIZES, count),
                )
            begun, cell, size = self._outbreaks[period]
            here = begun < at
            result += np.bincount(cell[here], (size * np.exp2((begun - at) / OUTBREAK_HALF_LIFE))[here], len(result))
        return result

    def view_weights(self, at: float) -> np.ndarray:
        """Return weights of levels, larger where a theme is hot."""
        weights = self.views * np.exp(VIEWED_HEAT * self.heat(at))[self.cell]
        return weights / weights.sum()

    def post_moments(self) -> np.ndarray:
        """Return a moment without any heat."""
        return np.full(len(self.posts), -2.0 * PERIOD)
