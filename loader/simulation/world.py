"""The simulated social network: what its users see and what they like, day by day.

A view is liked with probability
    user factor (for popular or for other posts) * post factor * position * month * hour, at most LIKE_LIMIT,
where all factors but the user's have mean 1.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg2.extensions

from loader.errors import PgfeedError
from loader.server import db
from loader.simulation.effects import fit, popular_view_shares, reference_share_b, user_factors
from loader.simulation.population import FULL_POSTS, USER_CHUNK, make_posts, make_users, view_weights

VERSION = 2  # of the behaviour: worlds in a database made by another one cannot be continued
FIRST_DAY = date(2021, 10, 1)
DAYS = 90
LIKE_LIMIT = 0.9
MONTH_RATES = {10: 0.094, 11: 0.125, 12: 0.140}
ACTIVE_DAYS = (6.5, 2.0), (18.2, 4.2)  # centre and width of the two humps
MEAN_ACTIVE_DAYS = 14.6
# Sessions: a sum of two uniform lengths, as the histogram of real ones shows; a few are cut short.
LONGEST_SESSION = 38
SHORT_SESSIONS = 0.008
HOURS = (6, 23)  # a session starts in this half-open range


def _position_factors() -> np.ndarray:
    position = np.arange(LONGEST_SESSION)
    rate = np.interp(position, (8, 18), (0.19, 0.06))
    shown = np.array([np.mean(np.add.outer(range(10, 20), range(10, 20)) > at) for at in position])
    return rate / np.average(rate, weights=shown)


def _hour_factors() -> np.ndarray:
    # What is seen at 6 h is seen early in a session: position alone makes it 1.17 times as likeable.
    rate = np.array([1.2] * 6 + [1.03, 1.0] + [0.95] * 11 + [1.0] + [1.2] * 3 + [1.1])
    shown = np.array([0] * 6 + [0.65] + [1] * 16 + [0.35])
    return rate / np.average(rate, weights=shown)


POSITION_FACTORS = _position_factors()
HOUR_FACTORS = _hour_factors()
MONTH_FACTORS = {
    month: rate / np.average(list(MONTH_RATES.values()), weights=(31, 30, 29)) for month, rate in MONTH_RATES.items()
}


def month_factor(moment: date) -> float:
    """Return the factor of a day's month; before the period its first month's, after it its last month's."""
    if moment < FIRST_DAY:
        return MONTH_FACTORS[10]
    return MONTH_FACTORS[moment.month] if moment < date(2022, 1, 1) else MONTH_FACTORS[12]


@dataclass
class DayEvents:
    """What happens on one day, in order of time; users and posts as rows of the world's arrays."""

    day: int  # since FIRST_DAY
    second: np.ndarray  # of the day
    user: np.ndarray
    post: np.ndarray
    is_like: np.ndarray  # false: a view
    target: np.ndarray  # of a view: whether it was liked


def make_activity(seed: int, count: int, period: int) -> np.ndarray:
    """Choose everybody's active days of one period (users, DAYS): 2 to 24, in two humps, any days."""
    lengths = np.arange(2, 25)
    low, high = (np.exp(-(((lengths - centre) / width) ** 2) / 2) for centre, width in ACTIVE_DAYS)
    low, high = low / low.sum(), high / high.sum()
    share_low = (high @ lengths - MEAN_ACTIVE_DAYS) / (high @ lengths - low @ lengths)
    cumulative = np.cumsum(share_low * low + (1 - share_low) * high)
    active = np.empty((count, DAYS), bool)
    for chunk, start in enumerate(range(0, count, USER_CHUNK)):
        rng = np.random.default_rng([seed, 3, period, chunk])
        length = lengths[np.searchsorted(cumulative, rng.random(USER_CHUNK)).clip(max=len(lengths) - 1)]
        order = rng.random((USER_CHUNK, DAYS), np.float32).argsort(1).argsort(1)
        active[start:start + USER_CHUNK] = (order < length[:, None])[:count - start]
    return active


class World:
    """One simulated network: the same for the same seed and sizes, however it is generated.

    `user_factor` (users, 2) and `post_factor` (posts,) are the truth that likes are drawn from.
    """

    def __init__(self, seed: int, users: int, posts: int = FULL_POSTS):
        self.seed = seed
        self.users, self.posts = make_users(seed, users), make_posts(seed, posts)
        effects = fit()
        self.user_factor = user_factors(self.users, effects).astype(np.float32)
        self.post_factor = (effects.topic[self.posts.topic] * self.posts.quality).astype(np.float32)
        self.popular = self.posts.popular
        self._popular_share = popular_view_shares(self.users, effects)
        # Four ladders in one, each of height 1: other and popular posts of kind A, then of kind B.
        self._view_order = np.argsort(self.popular, kind="stable")
        weights = view_weights(self.posts, reference_share_b())[:, self._view_order]
        ladders = [np.where(self.popular[self._view_order] == popular, row, 0) for row in weights for popular in (0, 1)]
        self._view_cumulative = np.concatenate(
            [number + np.cumsum(row / row.sum()) for number, row in enumerate(ladders)]
        )
        self._activity: dict[int, np.ndarray] = {}

    @classmethod
    def load(cls, connection: psycopg2.extensions.connection) -> "World":
        """Return the world that the database holds, with the truth as it is stored there."""
        with connection.cursor() as cursor:
            cursor.execute("select to_regclass('simulation.worlds') is not null")
            row = None
            if cursor.fetchone()[0]:
                cursor.execute("select seed, user_count, post_count, version from simulation.worlds")
                row = cursor.fetchone()
            if row is None:
                raise PgfeedError(
                    "this database holds no simulated world", "its users are real or it is empty",
                    "pgfeed simulate --users 3000",
                )
            if row[3] != VERSION:
                raise PgfeedError(
                    f"the simulated world is of version {row[3]}", f"this program makes version {VERSION}",
                    db.emptying(),
                )
            world = cls(*row[:3])
            cursor.execute("select user_id, other_factor, popular_factor from simulation.users order by user_id")
            user_id, other, popular = np.array(cursor.fetchall()).reshape(-1, 3).T
            cursor.execute("select post_id, is_popular, factor from simulation.posts order by post_id")
            post_id, is_popular, factor = np.array(cursor.fetchall(), float).reshape(-1, 3).T
        if not (np.array_equal(user_id, world.users.user_id) and np.array_equal(post_id, world.posts.post_id)):
            raise PgfeedError(
                "the simulated world is incomplete", "its load was interrupted", "the same pgfeed simulate again"
            )
        world.user_factor = np.stack([other, popular], 1).astype(np.float32)
        world.popular, world.post_factor = is_popular.astype(np.int8), factor.astype(np.float32)
        return world

    def user_rows(self, user_ids: Sequence[int]) -> np.ndarray:
        return _rows(self.users.user_id, user_ids, "user")

    def post_rows(self, post_ids: Sequence[int]) -> np.ndarray:
        return _rows(self.posts.post_id, post_ids, "post")

    def like_probability(
        self, user: np.ndarray, post: np.ndarray, moment_factor: np.ndarray, position: np.ndarray
    ) -> np.ndarray:
        """Return the probability that each view is liked.

        user, post: rows of the world's arrays; moment_factor: month times hour; position in the session, from 0.
        All broadcast together: user (n, 1) with post (m,) gives (n, m).
        """
        result = self.user_factor[user, self.popular[post]] * self.post_factor[post]
        result = result * POSITION_FACTORS.astype(np.float32)[np.minimum(position, LONGEST_SESSION - 1)]
        return np.minimum(result * moment_factor, LIKE_LIMIT)

    def true_like_probability(self, user_id: int, post_ids: Sequence[int], moment: datetime) -> np.ndarray:
        """Return the probability that a user likes each post recommended at a moment (with a zone).

        Convention: a recommendation is shown at the start of a session. POSITION_FACTORS are the same for positions
        0 to 8, so the order of up to nine posts makes no difference.
        """
        return self.like_probability(
            self.user_rows([user_id]), self.post_rows(post_ids), moment_factors([moment]), np.array(0)
        )

    def draw_likes(
        self, user: np.ndarray, post: np.ndarray, moment_factor: np.ndarray, position: np.ndarray,
        rng: np.random.Generator
    ) -> np.ndarray:
        """Draw which views are liked; arguments as in `like_probability`."""
        probability = self.like_probability(user, post, moment_factor, position)
        return rng.random(probability.shape, np.float32) < probability

    def active_users(self, day: int) -> np.ndarray:
        """Return the rows of those who open the feed on a day (since FIRST_DAY; days past DAYS go on the same way)."""
        period = day // DAYS
        if period not in self._activity:
            self._activity = {period: make_activity(self.seed, len(self.users), period)}
        return np.flatnonzero(self._activity[period][:, day % DAYS])

    def day_events(
        self, day: int, recommend: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    ) -> DayEvents:
        """Generate one day: every session, view and like, in order of time.

        recommend: given the users (rows) and the second at which each opens the feed, in order of user, returns the
        different posts (rows) that each is shown first (sessions, k); the feed fills the rest of the session.
        """
        rng = np.random.default_rng([self.seed, 4, day])
        user = self.active_users(day).astype(np.int32)
        sessions = len(user)
        length = rng.integers(10, 20, (sessions, 2), np.int16).sum(1)
        cut = rng.random(sessions) < SHORT_SESSIONS
        length[cut] = rng.integers(1, 17, cut.sum())
        gap = rng.integers(10, 180, (sessions, LONGEST_SESSION), np.int16)
        shown = np.arange(LONGEST_SESSION) < length[:, None]
        offset = np.where(shown, gap, 0).cumsum(1, dtype=np.int32)
        start = rng.integers(HOURS[0] * 3600, HOURS[1] * 3600, sessions, np.int32)
        start = np.minimum(start, 86_399 - offset[:, -1])  # a session ends on the day that it began
        post = self._draw_posts(rng, user, shown, None if recommend is None else recommend(user, start))[shown]
        position = np.broadcast_to(np.arange(LONGEST_SESSION), shown.shape)[shown]
        user = np.repeat(user, length)
        next_second = (start[:, None] + offset)[shown]
        gap = gap[shown]
        second = next_second - gap
        month = np.float32(month_factor(FIRST_DAY + timedelta(days=day)))
        target = self.draw_likes(user, post, month * HOUR_FACTORS.astype(np.float32)[second // 3600], position, rng)
        # A like comes two seconds before the next view: U(8, 177) after its own.
        everything = np.append(second, next_second[target] - 2)
        order = np.argsort(everything, kind="stable")
        views = len(second)
        source = np.append(np.arange(views), np.flatnonzero(target))[order]
        is_like = order >= views
        return DayEvents(day, everything[order], user[source], post[source], is_like, target[source] & ~is_like)

    def _draw_posts(
        self, rng: np.random.Generator, user: np.ndarray, shown: np.ndarray, first: np.ndarray | None
    ) -> np.ndarray:
        """Draw the posts of each session (sessions, LONGEST_SESSION), none twice in one session."""
        kind, share = self.users.kind[user][:, None], self._popular_share[user][:, None]

        def draw(kind: np.ndarray, share: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
            height = rng.random(shape)
            popular = height < share
            height = np.where(popular, height / share, (height - share) / (1 - share))
            height = np.minimum(height, 1 - 1e-9) + (2 * kind + popular)
            place = np.searchsorted(self._view_cumulative, height, side="right")
            return self._view_order[place % len(self._view_order)].astype(np.int32)

        post = draw(kind, share, shown.shape)
        if first is not None:
            post[:, : first.shape[1]] = first
        post = np.where(shown, post, -1 - np.arange(LONGEST_SESSION, dtype=np.int32))
        pending = np.arange(len(user))
        while True:
            ordered = np.sort(post[pending], axis=1)
            pending = pending[(ordered[:, 1:] == ordered[:, :-1]).any(1)]
            if not len(pending):
                return post
            order = post[pending].argsort(axis=1, kind="stable")
            ordered = np.take_along_axis(post[pending], order, 1)
            row, column = np.nonzero(ordered[:, 1:] == ordered[:, :-1])
            repeated = pending[row], order[row, column + 1]
            post[repeated] = draw(kind[repeated[0], 0], share[repeated[0], 0], repeated[0].shape)

    def days(self, count: int = DAYS) -> Iterator[DayEvents]:
        for day in range(count):
            yield self.day_events(day)


def moment_factors(moments: Sequence[datetime]) -> np.ndarray:
    """Return month times hour of each moment, both taken in UTC."""
    utc = [moment.astimezone(UTC) for moment in moments]
    return np.array([month_factor(moment.date()) * HOUR_FACTORS[moment.hour] for moment in utc], np.float32)


def _rows(all_ids: np.ndarray, ids: Sequence[int], noun: str) -> np.ndarray:
    ids = np.asarray(ids)
    rows = np.searchsorted(all_ids, ids).clip(max=len(all_ids) - 1)
    strangers = ids[all_ids[rows] != ids]
    if len(strangers):
        raise PgfeedError(
            f"{noun} {strangers[0]} is not of the simulated world", "its likes are unknown",
            "ask for one of simulation." + noun + "s"
        )
    return rows
