"""What every world has: how well users and posts are liked by themselves, and how worlds differ from one another.

A view is liked with probability
    1 / (1 + exp(-(user + post + preference))) * position * month * hour, at most LIKE_LIMIT,
where `user` and `post` are scaled until each user likes as often, and each post is liked as often, as the marginals of
the original network say, whatever the preferences are. The scale of preferences is a marginal, too: a post that a user
liked is liked again 1.4 times as often as one that the user did not like, and what the rates of users and posts
leave of that is taste.

Every constant is a fact of the original network. Nothing is tuned on how well a model does.
"""

import functools
from collections.abc import Sequence

import numpy as np

from loader.simulation.effects import LIKE_RATE, RATE_SD, fit, main_effects, reference_share_b
from loader.simulation.population import TOPIC_FACTS, TOPICS, USER_CHUNK, Posts, Users, make_users, view_weights
from loader.simulation.worlds.memory import Memory

REPEAT_RATIO = 0.170 / 0.121  # of the rates of what the user liked before and did not
# Quantiles of likes/(views+likes) of posts; between the known ones shaped by the mean .1015 and the sd .017.
QUALITY_QUANTILES = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1), (0.075, 0.082, 0.0893, 0.0954, 0.111, 0.135, 0.143)
USER_SPREAD = (RATE_SD / LIKE_RATE) ** 2  # squared coefficient of variation
POST_SPREAD = (0.017 / 0.1015 / (1 - 0.1015)) ** 2  # the same, of likes/views
PREFERENCE_SD = np.sqrt(np.log(REPEAT_RATIO / (1 + USER_SPREAD) / (1 + POST_SPREAD))) / (1 - LIKE_RATE)  # of log odds
# Facts by the beginnings of their names: on the two kinds of user; on single posts; on topics.
KIND_FACTS = ("users of kind", "kind ", "like rate, kind", "age of likers")
RATE_FACTS = ("likes/(views+likes)", "  sd, without noise", "  median, noise", "  95%, noise", "  max, noise")
TOPIC_FACTS_OF_VIEWS = ("view share", "user x topic", *(f"like rate, {topic}" for topic in TOPICS))
REFERENCE_USERS, REFERENCE_VIEWS = 512, 512
REFERENCE_DAYS = np.linspace(1.6, 88.6, 32)  # at what moments: days since the first one
ROUNDS = 5
CHUNK = 2048
LIKE_LIMIT = 0.9
MEAN_SESSION = 28.8  # views, none of a post twice


class Mechanism:
    """What the users of one world are shown and how they like it.

    Users and posts are given as rows of the world's arrays and `at` as days since the world's first one, with the
    time of day as fraction. Rates are at the mean over the places in a session, months and hours.
    left_out: how the names of the facts begin that this world does not share with the original.
    """

    name = ""
    has_views = True
    is_moving = False  # whether what is shown changes with time
    has_memory = False  # whether it counts what users liked before
    level_correlation = 0.6  # of a post's quality with how much it is viewed: .1195 per view, .1133 per post
    left_out: Sequence[str] = KIND_FACTS

    def __init__(self, seed: int, users: Users, posts: Posts):
        self.seed, self.users, self.posts = seed, users, posts
        self.created: np.ndarray | None = None  # when each post came, in days since the first one; None: not known
        self.views = mean_view_weights(posts)
        self._ladders: dict[float, np.ndarray] = {}
        self.memory = Memory.empty()
        self.prepare()
        self.user_level, self.post_level = self._levels()

    def prepare(self) -> None:
        """Draw what preferences are made of; `self.users` may be the reference population."""

    def remember(self, memory: Memory) -> None:
        """Take what was liked so far, for the days that come."""
        self.memory = memory

    def preference(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return what a user's liking of a post adds to the log odds of a like; all arguments broadcast together."""
        return np.zeros(np.broadcast_shapes(np.shape(user), np.shape(post), np.shape(at)), np.float32)

    def view_weights(self, at: float) -> np.ndarray:
        """Return the share of each post in what is shown at a moment (posts,)."""
        return self.views

    def available(self, at: float) -> np.ndarray:
        """Return which posts are there at a moment, bool (posts,)."""
        return np.ones(len(self.posts), bool) if self.created is None else self.created < at

    def like_rate(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return how often a post is liked by those who see it, before place, month and hour; float32."""
        return chance(self.user_level[user] + self.post_level[post] + self.preference(user, post, at))

    def draw_posts(self, rng: np.random.Generator, user: np.ndarray, at: np.ndarray, places: int = 0) -> np.ndarray:
        """Draw what users are shown in a session that begins at a moment: (n, places), or (n,) without places."""
        height = rng.random((len(user), places) if places else len(user))
        result = np.empty(height.shape, np.int32)
        hours = np.floor(at * 24) / 24 if self.is_moving else np.zeros(len(at))
        for hour in np.unique(hours):
            here = hours == hour
            result[here] = places_in(self._ladder(float(hour)), height[here])
        return result

    def _ladder(self, at: float) -> np.ndarray:
        """Return the cumulated view weights; those of one day are kept."""
        if at not in self._ladders:
            self._ladders = {hour: ladder for hour, ladder in self._ladders.items() if int(hour) == int(at)}
            self._ladders[at] = np.cumsum(self.view_weights(at))
        return self._ladders[at]

    def baskets(
        self, rng: np.random.Generator, user: np.ndarray, at: np.ndarray, factor: np.ndarray,
        first: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw which posts are liked on visits in a world without views, see Shop."""
        raise NotImplementedError

    def limited(self, rate: np.ndarray) -> np.ndarray:
        """Return the probability that a like rate times place, month and hour means."""
        return np.minimum(rate, LIKE_LIMIT)

    def truth(self) -> tuple[dict[str, Sequence], dict[str, Sequence]]:
        """Return what is worth storing of users and of posts, as columns of simulation.users and simulation.posts."""
        return {}, {"level": self.posts.level.tolist(), "theme": self.posts.theme.tolist()}

    def _levels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the log odds of users and of posts that give each its own like rate, float32."""
        post_rate = LIKE_RATE * quality(self.seed, self.posts, self.views, self.level_correlation)
        own = self.users
        self.users = make_users(self.seed, REFERENCE_USERS)  # the first ones, however many there are
        self.prepare()
        rates = user_rates(self.users)
        user, post = log_odds(rates), log_odds(post_rate)
        everybody, (shown, shown_at) = np.arange(REFERENCE_USERS)[:, None], self.shown_posts()
        moments = self.post_moments()
        post = post - log_odds(np.array(LIKE_RATE))
        liking = self.preference(everybody, shown, shown_at)
        for _ in range(ROUNDS):
            user += np.log(rates / chance(single(user[:, None] + post[shown]) + liking).mean(1))
            for start in range(0, len(post), CHUNK):
                some = np.arange(start, min(start + CHUNK, len(post)))
                odds = single(user[:, None] + post[some]) + self.preference(everybody, some, moments[some])
                post[some] += np.log(post_rate[some] / chance(odds).mean(0) * rates.mean() / LIKE_RATE)
        self.users = own
        self.prepare()
        rates = user_rates(own)
        user, post = log_odds(rates), single(post)
        for start in range(0, len(own), CHUNK):
            some = np.arange(start, min(start + CHUNK, len(own)))
            liking = post[shown] + self.preference(some[:, None], shown, shown_at)
            for _ in range(ROUNDS):
                user[some] += np.log(rates[some] / chance(single(user[some][:, None]) + liking).mean(1))
        return single(user), post

    def shown_posts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return posts as they are shown over the whole period, and when: both (REFERENCE_VIEWS,)."""
        size = REFERENCE_VIEWS // len(REFERENCE_DAYS)
        posts = []
        for number, at in enumerate(REFERENCE_DAYS):
            height = (np.arange(size) + (number + 0.5) / len(REFERENCE_DAYS)) / size
            # No post comes twice in a session: where few are on show, each of them is seen less than its weight says.
            seen = -np.expm1(-MEAN_SESSION * self.view_weights(at))
            posts.append(places_in(np.cumsum(seen), height))
        return np.concatenate(posts), np.repeat(REFERENCE_DAYS, size)

    def post_moments(self) -> np.ndarray:
        """Return a moment at which each post is shown as often as it is on average (posts,)."""
        return np.full(len(self.posts), REFERENCE_DAYS.mean())


def places_in(ladder: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Return where in cumulated weights shares of their sum are."""
    return np.searchsorted(ladder, height * ladder[-1], side="right").clip(max=len(ladder) - 1)


def chance(log_odds: np.ndarray) -> np.ndarray:
    """Return probabilities."""
    return 1 / (1 + np.exp(-log_odds))


def single(values: np.ndarray) -> np.ndarray:
    """Return values as float32."""
    return values.astype(np.float32)


def log_odds(rate: np.ndarray) -> np.ndarray:
    """Return the log odds of probabilities."""
    return np.log(rate / (1 - rate))


def standardised(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return values (posts, n) with mean 0 and sd 1 over views."""
    values = values - np.average(values, axis=0, weights=weights)
    return values / np.sqrt(np.average(values**2, axis=0, weights=weights))


def mean_view_weights(posts: Posts) -> np.ndarray:
    """Return the share of each post in all views."""
    share_b = reference_share_b()
    return (1 - share_b, share_b) @ view_weights(posts, share_b)


@functools.cache
def _rates_scale() -> tuple[float, float]:
    """Return what main effects are divided by, and the sd of users' own inclination that makes RATE_SD."""
    main = main_effects(make_users(0, 20_480), fit())
    scale = main.mean()
    return float(scale), float(np.sqrt(np.log((1 + USER_SPREAD) / ((main / scale) ** 2).mean())))


def user_rates(users: Users) -> np.ndarray:
    """Return each user's like rate: by group, gender, country, city and the user's own inclination."""
    scale, sd = _rates_scale()
    own = np.exp(sd * users.own.astype(float) - sd**2 / 2)
    return np.minimum(LIKE_RATE * main_effects(users, fit()) / scale * own, 0.6)


def quality(seed: int, posts: Posts, views: np.ndarray, level_correlation: float) -> np.ndarray:
    """Return how much better than the mean each post is liked: mean 1 over views, the topics' rates within each.

    What is viewed more is liked a little more, as likes per view of all posts and their mean per post say.
    """
    rng = np.random.default_rng([seed, 11])
    noise = rng.standard_normal(len(posts))
    place = np.empty(len(posts))
    place[np.lexsort((rng.random(len(posts)), posts.level))] = np.arange(len(posts))
    tilt = level_correlation * np.sqrt(12) * ((place + 0.5) / len(posts) - 0.5)
    order = (tilt + np.sqrt(1 - level_correlation**2) * noise).argsort().argsort()
    share = np.interp((order + 0.5) / len(posts), *QUALITY_QUANTILES)
    result = share / (1 - share)
    rates = np.array([facts[-1] for facts in TOPIC_FACTS.values()])
    seen = np.bincount(posts.topic, views, len(rates))
    target = rates / (rates @ seen) * seen.sum()
    mean = np.bincount(posts.topic, views * result, len(rates)) / np.maximum(seen, 1e-12)
    return result * (target / np.where(mean > 0, mean, 1))[posts.topic]


def products(left: np.ndarray, rows: np.ndarray, right: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the inner product of the rows of two matrices, broadcast: (n, 1) with (m,) is one matrix product."""
    rows, columns = np.asarray(rows), np.asarray(columns)
    if rows.ndim == 2 and rows.shape[1] == 1 and columns.ndim == 1:
        return left[rows[:, 0]] @ right[columns].T
    return np.einsum("...d,...d->...", left[rows], right[columns])


def per_user(seed: int, stream: int, count: int, columns: int) -> np.ndarray:
    """Return standard normal numbers (count, columns), the same for a user however many there are; float32."""
    chunks = range(-(-count // USER_CHUNK))
    draws = [np.random.default_rng([seed, stream, chunk]).standard_normal((USER_CHUNK, columns), np.float32)
             for chunk in chunks]
    return np.concatenate(draws)[:count]
