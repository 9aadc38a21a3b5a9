"""The simulated social network: its users' sessions day by day, whatever the world that they live in.

A view is liked with probability
    like rate (of the world's mechanism, see worlds/) * position * month * hour, as a probability,
where position, month and hour have mean 1.

All events of a world and its truth, without a database:

    world = World(seed=1, users=6000, name="taste")
    events = world.events()  # user, post (rows of world.users and world.posts), at, place, is_liked

`world.users` are the profiles, `world.posts` the topics, levels and themes, `world.texts` the texts, `world.created_at`
when posts came, and `world.chances(user_ids, post_ids, moment)` the probabilities of a like.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import psycopg2.extensions

from loader.errors import PgfeedError
from loader.server import db
from loader.simulation import worlds
from loader.simulation.population import FULL_POSTS, TOPICS, USER_CHUNK, make_posts, make_users
from loader.simulation.texts import make_texts
from loader.simulation.worlds.memory import Memory

VERSION = 2  # of the behaviour: worlds in a database made by another one cannot be continued
FIRST_DAY = date(2021, 10, 1)
START = datetime.combine(FIRST_DAY, time(), UTC)
DAYS = 90
# A database of before there were several worlds has no column for the name.
IDENTITY = (
    "select w.seed, w.user_count, w.post_count, w.version, coalesce(to_jsonb(w) ->> 'name', 'popularity')"
    " from simulation.worlds as w"
)
# What else is known of it; a database of before has none of that.
LIFE = "select coalesce(to_jsonb(w) -> 'life', '{}') from simulation.worlds as w"
ARRIVAL_DAYS = 180  # on so many days from the first one posts and users come
OLDEST_POST = 90  # days before the first one
OUTBREAK_DAYS, OUTBREAK_RATIO = 7, 1.5
LIKES = """
    select string_agg(int8send(user_id) || int8send(post_id) || int8send(extract(epoch from event_at)::bigint), '')
    from pgfeed.feed_events where action = 'like'
"""
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


_MONTHS = np.array([MONTH_FACTORS[(FIRST_DAY + timedelta(days=day)).month] for day in range(DAYS)], np.float32)


def moment_factors(at: np.ndarray) -> np.ndarray:
    """Return month times hour at moments, in seconds since FIRST_DAY; float32.

    Before the period it is the first month, after it the last one.
    """
    day, second = np.divmod(at, 86_400)
    return _MONTHS[day.clip(0, DAYS - 1)] * HOUR_FACTORS.astype(np.float32)[second // 3600]


def seconds_of(moments: Sequence[datetime]) -> np.ndarray:
    """Return moments (with a zone) as whole seconds since FIRST_DAY in UTC."""
    return np.array([(moment - START) // timedelta(seconds=1) for moment in moments], np.int64)


@dataclass(frozen=True)
class Life:
    """What happens in a network beside what its mechanism says.

    new_posts, new_users: how many come a day, for ARRIVAL_DAYS days; changes: days (since FIRST_DAY) from which on each
    user likes as another one did; outbreaks: days and topics, whose posts are liked 1.5 times as often for a week.
    """

    new_posts: int = 0
    new_users: int = 0
    changes: tuple[int, ...] = ()
    outbreaks: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, settings: dict) -> "Life":
        """Return what a database holds as JSON."""
        lists = {name: tuple(map(tuple, settings[name])) if name == "outbreaks" else tuple(settings[name])
                 for name in ("changes", "outbreaks") if name in settings}
        return cls(**settings | lists)


@dataclass
class DayEvents:
    """What happens on one day, in order of time; users and posts as rows of the world's arrays."""

    day: int  # since FIRST_DAY
    second: np.ndarray  # of the day
    user: np.ndarray
    post: np.ndarray
    is_like: np.ndarray  # false: a view
    target: np.ndarray  # of a view: whether it was liked


@dataclass
class Events:
    """What happened, one entry per view in order of time; where a world has no views, one per like."""

    user: np.ndarray  # row in World.users
    post: np.ndarray  # row in World.posts
    at: np.ndarray  # seconds since FIRST_DAY
    place: np.ndarray  # in the session, from 0
    is_liked: np.ndarray


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
    """One simulated network: the same for the same name, seed and sizes, however it is generated.

    `mechanism` holds the truth that likes are drawn from.
    """

    def __init__(
        self, seed: int, users: int, posts: int = FULL_POSTS, name: str = worlds.DEFAULT, life: Life | None = None
    ):
        self.seed, self.name, self.life = seed, name, life or Life()
        self.users, self.posts = make_users(seed, users), make_posts(seed, posts)
        self.mechanism = worlds.named(name)(seed, self.users, self.posts)
        self.joined: np.ndarray | None = None  # on which day each user comes; None: all are there
        self._has_arrivals = self.life.new_posts > 0
        if self._has_arrivals:
            if self.mechanism.created is not None or not self.mechanism.has_views:
                raise PgfeedError(f"no new posts can come to the world {name}", "it has its own posts, or no views",
                                  "pgfeed simulate --world taste --new-posts 10")
            rng = np.random.default_rng([seed, 21])
            created = rng.uniform(-OLDEST_POST, 0, posts)
            new = rng.permutation(posts)[:self.life.new_posts * ARRIVAL_DAYS]
            created[new] = np.repeat(np.arange(ARRIVAL_DAYS), self.life.new_posts)[:len(new)] + rng.random(len(new))
            self.mechanism.created = created
        if self.life.new_users:
            new = np.random.default_rng([seed, 22]).permutation(users)[:self.life.new_users * ARRIVAL_DAYS]
            self.joined = np.full(users, -1)
            self.joined[new] = np.repeat(np.arange(ARRIVAL_DAYS), self.life.new_users)[:len(new)]
        self._activity: dict[int, np.ndarray] = {}
        self._remembered_days, self._is_loaded = 0, False

    @classmethod
    def load(cls, connection: psycopg2.extensions.connection) -> "World":
        """Return the world that the database holds, with the truth as it is stored there."""
        with connection.cursor() as cursor:
            cursor.execute("select to_regclass('simulation.worlds') is not null")
            row = None
            if cursor.fetchone()[0]:
                cursor.execute(IDENTITY)
                row = cursor.fetchone()
            if row is None:
                raise PgfeedError(
                    "this database holds no simulated world", "its users are real or it is empty",
                    "pgfeed simulate --users 3000",
                )
            seed, users, posts, version, name = row
            if version != VERSION:
                raise PgfeedError(
                    f"the simulated world is of version {version}", f"this program makes version {VERSION}",
                    db.emptying(db.holds_only_ours(cursor)),
                )
            cursor.execute(LIFE)
            world = cls(seed, users, posts, name, Life.of(cursor.fetchone()[0]))
            cursor.execute("select array(select user_id from simulation.users order by user_id),"
                           " array(select post_id from simulation.posts order by post_id)")
            user_id, post_id = cursor.fetchone()
        if not (np.array_equal(user_id, world.users.user_id) and np.array_equal(post_id, world.posts.post_id)):
            raise PgfeedError(
                "the simulated world is incomplete", "its load was interrupted", "the same pgfeed simulate again"
            )
        if world.mechanism.has_memory:
            world._remember(connection)
        return world

    def _remember(self, connection: psycopg2.extensions.connection) -> None:
        """Take what was liked in the database, whose users may have lived with a recommender."""
        with connection.cursor() as cursor:
            cursor.execute(LIKES)
            user, post, second = np.frombuffer(cursor.fetchone()[0] or b"", ">i8").reshape(-1, 3).T
            cursor.execute("select coalesce(max(day_date) - %s + 1, 0) from simulation.days", [FIRST_DAY])
            self._remembered_days = cursor.fetchone()[0]
        at = (second - START.timestamp()) / 86_400
        self.mechanism.remember(Memory(self.user_rows(user), self.post_rows(post), at))
        self._is_loaded = True

    def _recall(self, day: int) -> None:
        """Live through the days before a day, where it counts what was liked on them."""
        while self.mechanism.has_memory and not self._is_loaded and self._remembered_days < day:
            self.day_events(self._remembered_days)

    def user_rows(self, user_ids: Sequence[int]) -> np.ndarray:
        return _rows(self.users.user_id, user_ids, "user")

    def post_rows(self, post_ids: Sequence[int]) -> np.ndarray:
        return _rows(self.posts.post_id, post_ids, "post")

    @functools.cached_property
    def created_at(self) -> list[datetime] | None:
        """When each post came; None where that is not known."""
        created = self.mechanism.created
        if created is None:
            return None
        return [START + timedelta(seconds=round(86_400 * days)) for days in created.tolist()]

    @functools.cached_property
    def texts(self) -> list[str]:
        """The text of each post."""
        topics = [TOPICS[code] for code in self.posts.topic.tolist()]
        return list(make_texts(topics, self.posts.theme.tolist(), self.seed))

    def like_probability(
        self, user: np.ndarray, post: np.ndarray, at: np.ndarray, position: np.ndarray | None
    ) -> np.ndarray:
        """Return the probability that each view is liked.

        user, post: rows of the world's arrays; at: seconds since FIRST_DAY; position in the session, from 0, None: at
        the mean over places. All broadcast together: user (n, 1) with post (m,) gives (n, m).
        """
        result = self._like_rate(user, post, at / 86_400)
        if position is not None:
            result = result * POSITION_FACTORS.astype(np.float32)[np.minimum(position, LONGEST_SESSION - 1)]
        return self.mechanism.limited(result * moment_factors(at))

    def _like_rate(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the mechanism's like rate with the changes and outbreaks of this network."""
        for number, day in enumerate(self.life.changes):
            other = np.random.default_rng([self.seed, 23, number]).permutation(len(self.users))
            user = np.where(at >= day, other[user], user)
        result = self.mechanism.like_rate(user, post, at)
        for day, topic in self.life.outbreaks:
            is_hot = (at >= day) & (at < day + OUTBREAK_DAYS) & (self.posts.topic[post] == TOPICS.index(topic))
            result = np.where(is_hot, OUTBREAK_RATIO * result, result)
        return result

    def chances(self, user_ids: Sequence[int], post_ids: Sequence[int], moment: datetime) -> np.ndarray:
        """Return the probability that users like posts at a moment (with a zone): (users, posts).

        It is that of the mean place in a session. At the start, where people like most, even random posts would pass
        the thresholds.
        """
        user, post = self.user_rows(user_ids)[:, None], self.post_rows(post_ids)
        at = seconds_of([moment])
        self._recall(int(at[0] // 86_400))
        return self.like_probability(user, post, at, None)

    def available(self, moment: datetime) -> np.ndarray:
        """Return the ids of the posts that are there at a moment (with a zone)."""
        return self.posts.post_id[self.mechanism.available(seconds_of([moment])[0] / 86_400)]

    def active_users(self, day: int) -> np.ndarray:
        """Return the rows of those who open the feed on a day (since FIRST_DAY; days past DAYS go on the same way)."""
        period = day // DAYS
        if period not in self._activity:
            self._activity = {period: make_activity(self.seed, len(self.users), period)}
        is_active = self._activity[period][:, day % DAYS]
        return np.flatnonzero(is_active if self.joined is None else is_active & (self.joined < day))

    def day_events(
        self, day: int, recommend: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    ) -> DayEvents:
        """Generate one day: every session, view and like, in order of time.

        recommend: given the users (rows) and the second at which each opens the feed, in order of user, returns the
        different posts (rows) that each is shown first (sessions, k); the feed fills the rest of the session.
        """
        self._recall(day)
        rng = np.random.default_rng([self.seed, 4, day])
        user = self.active_users(day).astype(np.int32)
        if not self.mechanism.has_views:
            return self._noted(self._purchases(rng, day, user, recommend))
        sessions = len(user)
        length = rng.integers(10, 20, (sessions, 2), np.int16).sum(1)
        cut = rng.random(sessions) < SHORT_SESSIONS
        length[cut] = rng.integers(1, 17, cut.sum())
        gap = rng.integers(10, 180, (sessions, LONGEST_SESSION), np.int16)
        shown = np.arange(LONGEST_SESSION) < length[:, None]
        offset = np.where(shown, gap, 0).cumsum(1, dtype=np.int32)
        start = rng.integers(HOURS[0] * 3600, HOURS[1] * 3600, sessions, np.int32)
        start = np.minimum(start, 86_399 - offset[:, -1])  # a session ends on the day that it began
        opened = day + start / 86_400
        post = self._draw_posts(rng, user, opened, shown, None if recommend is None else recommend(user, start))[shown]
        position = np.broadcast_to(np.arange(LONGEST_SESSION), shown.shape)[shown]
        user = np.repeat(user, length)
        next_second = (start[:, None] + offset)[shown]
        gap = gap[shown]
        second = next_second - gap
        probability = self.like_probability(user, post, day * 86_400 + second, position)
        target = rng.random(probability.shape, np.float32) < probability
        # A like comes two seconds before the next view: U(8, 177) after its own.
        everything = np.append(second, next_second[target] - 2)
        order = np.argsort(everything, kind="stable")
        views = len(second)
        source = np.append(np.arange(views), np.flatnonzero(target))[order]
        is_like = order >= views
        return self._noted(
            DayEvents(day, everything[order], user[source], post[source], is_like, target[source] & ~is_like)
        )

    def _purchases(self, rng: np.random.Generator, day: int, user: np.ndarray, recommend) -> DayEvents:
        """Generate the likes of one day in a world without views; they follow one another as likes do elsewhere."""
        start = rng.integers(HOURS[0] * 3600, HOURS[1] * 3600, len(user), np.int32)
        first = None if recommend is None else recommend(user, start)
        at = day * 86_400 + start
        visit, post = self.mechanism.baskets(rng, user, at / 86_400, moment_factors(at), first)
        gap = rng.integers(10, 180, len(visit))
        begin = np.searchsorted(visit, visit)
        passed = np.append(0, np.cumsum(gap))
        second = np.minimum(start[visit] + passed[1:] - passed[begin], 86_399)
        order = np.argsort(second, kind="stable")
        is_like = np.ones(len(visit), bool)
        return DayEvents(day, second[order], user[visit][order], post[order].astype(np.int32), is_like, ~is_like)

    def _noted(self, events: DayEvents) -> DayEvents:
        """Return a day's events, whose likes are remembered from now on if that counts."""
        if self.mechanism.has_memory and events.day == self._remembered_days:
            liked = events.is_like
            at = events.day + events.second[liked] / 86_400
            self.mechanism.remember(self.mechanism.memory.with_likes(events.user[liked], events.post[liked], at))
            self._remembered_days += 1
        return events

    def _draw_posts(
        self, rng: np.random.Generator, user: np.ndarray, at: np.ndarray, shown: np.ndarray, first: np.ndarray | None
    ) -> np.ndarray:
        """Draw the posts of each session (sessions, LONGEST_SESSION), none twice in one session."""
        post = self._posts_there(rng, user, at, LONGEST_SESSION)
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
            post[repeated] = self._posts_there(rng, user[repeated[0]], at[repeated[0]])

    def _posts_there(self, rng: np.random.Generator, user: np.ndarray, at: np.ndarray, places: int = 0) -> np.ndarray:
        """Draw posts as the mechanism does, again and again where one is to come yet."""
        post = self.mechanism.draw_posts(rng, user, at, places)
        created = self.mechanism.created
        while self._has_arrivals and created is not None:
            early = np.nonzero(created[post] >= (at[:, None] if places else at))
            if not len(early[0]):
                break
            post[early] = self.mechanism.draw_posts(rng, user[early[0]], at[early[0]])
        return post

    def days(self, count: int = DAYS) -> Iterator[DayEvents]:
        for day in range(count):
            yield self.day_events(day)

    def events(self, days: int = DAYS) -> Events:
        """Return everything that happens on the first days."""
        parts = []
        for day in self.days(days):
            chosen = ~day.is_like if self.mechanism.has_views else day.is_like
            user, post, at = day.user[chosen], day.post[chosen], day.day * 86_400 + day.second[chosen]
            is_liked = day.target[chosen] | day.is_like[chosen]
            parts.append((user, post, at, _places(user), is_liked))
        return Events(*map(np.concatenate, zip(*parts, strict=True)))


def _places(user: np.ndarray) -> np.ndarray:
    """Return which of its user's views on one day each view is, from 0."""
    order = np.argsort(user, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(user[order]) != 0)) if len(user) else np.zeros(0, int)
    result = np.empty(len(user), np.int32)
    result[order] = np.arange(len(user)) - np.repeat(starts, np.diff(np.append(starts, len(user))))
    return result


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
