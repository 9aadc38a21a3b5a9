"""`pgfeed simulate --report`: every fact of the original network beside its value in the simulated one.

Values come from the generated users, posts and events. Kinds of users and levels of posts cannot be seen in events, so
those labels are taken from schema simulation.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import comb

import numpy as np
import psycopg2.extensions
from rich.table import Table

from loader.errors import PgfeedError
from loader.simulation.simulate import post_columns
from loader.simulation.world import (
    COUNTRIES,
    DAYS,
    FULL_POSTS,
    FULL_USERS,
    POPULAR_LEVEL,
    TOPICS,
    VIEW_LEVELS,
    World,
    city_names,
)
from loader.terminal import table

SAMPLE_USERS = 6_000  # whose complete histories are looked at
SLICE_USERS = 114  # behind the facts that the original's sample gave
TOLERANCE = 0.03
FEWEST_LIKES = 100
END = 0.05  # share of posts that "most likes" and "fewest likes" mean
COPY_OUT = np.dtype(  # one row of COPY's binary format
    [
        ("fields", ">i2"), ("at_size", ">i4"), ("at", ">i8"), ("user_size", ">i4"), ("user", ">i8"),
        ("post_size", ">i4"), ("post", ">i8"), ("like_size", ">i4"), ("like", "u1"),
    ]
)


@dataclass
class Feed:
    """What the facts are computed from. Columns of users and posts are parallel to their ids."""

    users: dict[str, np.ndarray]  # user_id, gender, age, country, city, exp_group, os, source, is_b
    posts: dict[str, np.ndarray]  # post_id, topic, length, text_hash, level; of all events: views, likes, liker_age
    at: np.ndarray  # of the sample's events, in order of user and time: seconds since 1970
    user: np.ndarray  # row in users
    post: np.ndarray  # row in posts
    is_like: np.ndarray
    first_at: datetime
    last_at: datetime


@dataclass
class Fact:
    """A figure of the original and the simulated network; `noise` is one standard error of their difference."""

    name: str
    real: float
    simulated: float
    noise: float = 0.0

    @property
    def verdict(self) -> str:
        difference = self.simulated - self.real
        if np.isnan(difference):
            return "no data"
        if abs(difference) <= max(TOLERANCE * abs(self.real), 2 * self.noise + 0.0005 * (abs(self.real) < 1)):
            return "ok"
        return f"off by {difference / self.real:+.0%}" if self.real else f"off by {difference:+.3g}"

    def as_dict(self) -> dict[str, object]:
        return {
            "fact": self.name, "real": float(self.real), "simulated": float(self.simulated), "verdict": self.verdict
        }


def loaded_feed(connection: psycopg2.extensions.connection) -> Feed:
    """Read the simulated network back from the database."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('simulation.days')")
        if cursor.fetchone()[0] is None:
            raise PgfeedError(
                "this database holds no simulated network", "nothing to report on",
                "pgfeed simulate --users 3000 --report",
            )
        users = _columns(
            cursor,
            "select user_id, gender, age, country, city, exp_group, os, source, kind = 'B' as is_b"
            " from pgfeed.users join simulation.users using (user_id) order by user_id",
        )
        posts = _columns(
            cursor,
            "select post_id, topic, length(text) as length, hashtextextended(text, 0) as text_hash, level,"
            " coalesce(views, 0) as views, coalesce(likes, 0) as likes, coalesce(liker_age, 0) as liker_age"
            " from pgfeed.posts join simulation.posts using (post_id) left join ("
            "   select post_id, count(*) as views, count(*) filter (where target) as likes,"
            "   sum(age) filter (where target) as liker_age"
            "   from pgfeed.feed_events join pgfeed.users using (user_id) where action = 'view' group by post_id"
            " ) as counts using (post_id) order by post_id",
        )
        cursor.execute("select min(event_at), max(event_at) from pgfeed.feed_events")
        first_at, last_at = cursor.fetchone()
        sample = users["user_id"][_sample(len(users["user_id"]))].tolist()
        events = io.BytesIO()
        query = cursor.mogrify(
            "select extract(epoch from event_at)::bigint, user_id, post_id, action = 'like' from pgfeed.feed_events"
            " where user_id = any(%s) order by user_id, event_at, action desc",
            [sample],
        )
        cursor.copy_expert(b"copy (" + query + b") to stdout (format binary)", events)
    rows = np.frombuffer(events.getbuffer()[19:-2], COPY_OUT)
    user, post = (
        np.searchsorted(ids, rows[name]) for ids, name in ((users["user_id"], "user"), (posts["post_id"], "post"))
    )
    return Feed(users, posts, rows["at"].astype(np.int64), user, post, rows["like"] == 1, first_at, last_at)


def generated_feed(user_count: int, seed: int, post_count: int = FULL_POSTS, days: int = DAYS) -> Feed:
    """Generate the events again, for a network that was written to files."""
    world = World(seed, user_count, post_count)
    users, posts, count = world.users, world.posts, post_count
    texts = post_columns(world)["text"]
    in_sample = np.zeros(len(users), bool)
    in_sample[_sample(len(users))] = True
    totals = np.zeros((3, count))
    parts, edges = [], []
    for events in world.days(days):
        midnight = 1_633_046_400 + 86_400 * events.day
        edges += [midnight + events.second[[0, -1]].astype(np.int64)] if len(events.second) else []
        views = ~events.is_like
        totals += [
            np.bincount(events.post[views], minlength=count), np.bincount(events.post[events.target], minlength=count),
            np.bincount(events.post[events.target], users.age[events.user[events.target]], count),
        ]
        kept = in_sample[events.user]
        at = midnight + events.second[kept].astype(np.int64)
        parts.append((at, events.user[kept], events.post[kept], events.is_like[kept]))
    at, user, post, is_like = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((is_like, at, user))
    first_at, last_at = (datetime.fromtimestamp(int(moment), UTC) for moment in (edges[0][0], edges[-1][1]))
    profile = {
        "user_id": users.user_id, "gender": users.gender, "age": users.age,
        "country": np.array(list(COUNTRIES))[users.country],
        "city": np.array(city_names()[0])[users.city], "exp_group": users.exp_group,
        "os": np.where(users.is_android, "Android", "iOS"),
        "source": np.where(users.is_ads, "ads", "organic"), "is_b": users.kind == 1,
    }
    catalogue = {
        "post_id": posts.post_id, "topic": np.array(TOPICS)[posts.topic],
        "length": np.array([len(text) for text in texts]),
        "text_hash": np.array([hash(text) for text in texts]), "level": posts.level, "views": totals[0],
        "likes": totals[1], "liker_age": totals[2],
    }
    return Feed(profile, catalogue, at[order], user[order], post[order], is_like[order], first_at, last_at)


def _sample(count: int) -> np.ndarray:
    return np.arange(0, count, -(-count // SAMPLE_USERS))


def _columns(cursor: psycopg2.extensions.cursor, query: str) -> dict[str, np.ndarray]:
    cursor.execute(query)
    names = [column.name for column in cursor.description]
    values = zip(*cursor.fetchall(), strict=True)
    kinds = {"liker_age": float}
    return {name: np.array(column, kinds.get(name)) for name, column in zip(names, values, strict=True)}


def report_table(facts: list[Fact]) -> Table:
    """Return the facts as a table of at most 80 columns."""
    rows = [(fact.name, _figure(fact.real), _figure(fact.simulated), fact.verdict) for fact in facts]
    off = sum(row[3].startswith("off") for row in rows)
    title = f"{len(rows)} facts, {off} off by more than 3% and two standard errors"
    return table(title, ["fact", "real", "simulated", "verdict"], rows, ["real", "simulated"])


def _figure(value: float) -> str:
    if abs(value) >= 10:
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}"
    return f"{value:.4f}".rstrip("0").rstrip(".")


def facts(feed: Feed) -> list[Fact]:
    """Compute every fact of the original network in the simulated one."""
    if feed.is_like.sum() < FEWEST_LIKES:
        raise PgfeedError(
            f"{feed.is_like.sum()} likes are too few for a report", f"it needs {FEWEST_LIKES}",
            "pgfeed simulate with 100 or more --users",
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return [*_size_facts(feed), *_user_facts(feed), *_post_facts(feed), *_behaviour_facts(feed)]


def _size_facts(feed: Feed) -> Iterator[Fact]:
    count = len(feed.users["user_id"])
    share = count / FULL_USERS
    views, likes = feed.posts["views"].sum(), feed.posts["likes"].sum()
    noise = 0.45 / np.sqrt(count)
    yield Fact("users", count, count)
    yield Fact("posts", 7_023, len(feed.posts["post_id"]))
    yield Fact("views (for this many users)", 68_686_455 * share, views, 68_686_455 * share * noise)
    yield Fact("likes (for this many users)", 8_206_345 * share, likes, 8_206_345 * share * 1.4 * noise)
    yield Fact("like rate per view", 0.1195, likes / views, 0.05 / np.sqrt(count))
    yield Fact(
        "first event, hour of 2021-10-01", 6.03, feed.first_at.hour + feed.first_at.minute / 60, 0.1 / share**0.5 / 50
    )
    yield Fact(
        "last event, hour of 2021-12-29", 23.85, feed.last_at.hour + feed.last_at.minute / 60, 0.1 / share**0.5 / 50
    )


def _user_facts(feed: Feed) -> Iterator[Fact]:
    users = feed.users
    count = len(users["user_id"])

    def share(name: str, real: float, chosen: np.ndarray) -> Fact:
        return Fact(name, real, chosen.mean(), np.sqrt(real * (1 - real) / count))

    yield share("gender 1", 0.5513, users["gender"] == 1)
    age = users["age"]
    yield Fact("age mean", 27.2, age.mean(), 10.2 / np.sqrt(count))
    yield Fact("age sd", 10.2, age.std(), 10.2 / np.sqrt(count))
    for name, real, at in (("min", 14, 0), ("quartile 1", 19, 0.25), ("median", 24, 0.5), ("quartile 3", 33, 0.75)):
        yield Fact(f"age {name}", real, np.quantile(age, at), 0 if at == 0 else 20 / np.sqrt(count))
    yield Fact("age max", 95, age.max(), 16 * (1 - count / FULL_USERS))
    for group in range(5):
        yield share(f"exp_group {group}", 0.2, users["exp_group"] == group)
    yield share("os Android", 105_972 / FULL_USERS, users["os"] == "Android")
    yield share("source ads", 101_685 / FULL_USERS, users["source"] == "ads")
    for country, (real, _) in COUNTRIES.items():
        yield share(f"country {country}", real / FULL_USERS, users["country"] == country)
    yield share("city Moscow", 21_874 / FULL_USERS, users["city"] == "Moscow")
    if count == FULL_USERS:
        yield Fact("cities", 3_915, len(np.unique(users["city"])))
    young, old = (age >= 25) & (age <= 33), (age >= 34) & (age <= 50)
    for name, real, chosen in (("", 0.17, age > 0), (" of age 25-33", 0.40, young), (" of age 34-50", 0.58, old)):
        noise = np.sqrt(real * (1 - real) / chosen.sum() * (1 + count / SLICE_USERS))
        yield Fact(f"users of kind B{name}", real, users["is_b"][chosen].mean(), noise)


def _post_facts(feed: Feed) -> Iterator[Fact]:
    posts = feed.posts
    share = len(feed.users["user_id"]) / FULL_USERS
    for topic, real in zip(TOPICS, (510, 386, 417, 510, 401, 1_799, 3_000), strict=True):
        yield Fact(f"posts on {topic}", real, (posts["topic"] == topic).sum())
    length = posts["length"]
    for name, real, value, noise in (
        ("mean", 1_287, length.mean(), 15), ("sd", 1_263, length.std(), 40), ("min", 30, length.min(), 4),
        ("quartile 1", 144, np.quantile(length, 0.25), 0),
        ("median", 994, np.median(length), 15), ("quartile 3", 1_852, np.quantile(length, 0.75), 15),
        ("max", 25_392, length.max(), 0),
    ):
        yield Fact(f"text length {name}", real, value, noise)
    yield Fact("distinct texts", 6_924, len(np.unique(posts["text_hash"])))
    yield Fact("posts ever viewed", 6_831, (posts["views"] > 0).sum())
    for level, real in enumerate(VIEW_LEVELS[1:], 1):
        chosen = posts["level"] == level
        yield Fact(
            f"views per post, level {level} (full size)", real, posts["views"][chosen].mean() / share,
            real / np.sqrt(share * FULL_USERS),
        )
    high = posts["level"] >= 4
    in_both = np.isin(posts["topic"], ("sport", "politics"))
    yield Fact("sport and politics on high levels, x", 3.1, high[in_both].mean() / high.mean())
    viewed = posts["views"] > 0
    views, likes = posts["views"][viewed], posts["likes"][viewed]
    ratio, mean = likes / (views + likes), likes.sum() / views.sum()
    noise = mean * (1 - mean) / (1 + mean) ** 4 / views  # of the ratio, by the delta method
    # Sampling noise is taken out: at small sizes it would hide the posts' own differences.
    own = max(ratio.var() - noise.mean(), 0)
    ratio = ratio.mean() + (ratio - ratio.mean()) * np.sqrt(own / (own + noise))
    # Shrinking keeps the variance but not the skew; what it leaves open is about as wide as one post's own uncertainty.
    open_width = np.sqrt(own * noise.mean() / (own + noise.mean()))
    error = 0.05 / np.sqrt(len(feed.users["user_id"]))
    yield Fact("likes/(views+likes) of posts, mean", 0.1015, ratio.mean(), error)
    yield Fact("  sd, without noise", 0.017, np.sqrt(own), error)
    for name, real, at, width in (("median", 0.0954, 0.5, 0.5), ("95%", 0.135, 0.95, 0.5), ("max", 0.143, 1, 1)):
        yield Fact(f"  {name}, noise shrunk", real, np.quantile(ratio, at), width * open_width)
    order = np.flatnonzero(viewed)[np.argsort(likes, kind="stable")]
    size = round(END * len(order))
    for name, real, chosen in (("least", 32.4, order[:size]), ("most", 22.6, order[-size:])):
        total = posts["likes"][chosen].sum()
        yield Fact(
            f"age of likers, 5% {name} liked posts", real, posts["liker_age"][chosen].sum() / total,
            10.2 / np.sqrt(total),
        )


@dataclass
class _Views:
    """The sample's views in order of user and time."""

    user: np.ndarray  # 0.. in the sample
    row: np.ndarray  # in Feed.users
    post: np.ndarray
    at: np.ndarray
    liked: np.ndarray
    like_delay: np.ndarray  # seconds from the view to its like; 0: none
    session: np.ndarray
    position: np.ndarray
    users: int

    def ratio(self, top: np.ndarray, bottom: np.ndarray | float = 1.0, of_slice: bool = False) -> tuple[float, float]:
        """Return sum(top) / sum(bottom) and its standard error over users, of the slice too if `of_slice`."""
        n = np.bincount(self.user, top.astype(float), self.users)
        d = np.bincount(self.user, np.broadcast_to(bottom, self.user.shape).astype(float), self.users)
        value = n.sum() / d.sum()
        error = np.sqrt(((n - value * d) ** 2).sum()) / d.sum()
        return value, error * np.sqrt(1 + of_slice * self.users / SLICE_USERS)


def _views(feed: Feed) -> _Views:
    follows = np.append(feed.is_like[1:], False)[~feed.is_like]
    delay = np.append(np.diff(feed.at), 0)[~feed.is_like] * follows
    row, post, at = feed.user[~feed.is_like], feed.post[~feed.is_like], feed.at[~feed.is_like]
    starts = np.append(True, (np.diff(row) != 0) | (np.diff(at // 86_400) != 0))
    session = np.cumsum(starts) - 1
    position = np.arange(len(row)) - np.flatnonzero(starts)[session]
    sampled, user = np.unique(row, return_inverse=True)
    return _Views(user, row, post, at, follows, delay, session, position, len(sampled))


def _behaviour_facts(feed: Feed) -> Iterator[Fact]:
    v = _views(feed)
    yield from _session_facts(v)
    yield from _gap_facts(v)
    yield from _repeat_facts(v)
    yield from _position_facts(v)
    yield from _time_facts(v)
    yield from _group_facts(feed, v)
    yield from _taste_facts(feed, v)


def _session_facts(v: _Views) -> Iterator[Fact]:
    first, length = np.flatnonzero(v.position == 0), np.bincount(v.session)
    slice_error = np.sqrt(1 / v.users + 1 / SLICE_USERS)
    per_user, likes = np.bincount(v.user), np.bincount(v.user, v.liked)
    yield Fact("views per user, mean", 420.9, per_user.mean(), 180 / np.sqrt(v.users))
    yield Fact("likes per user, mean", 50.3, likes.mean(), 30 / np.sqrt(v.users))
    for at, real_views, real_likes in (
        (0.05, 151, 10), (0.25, 227, 21), (0.5, 373, 41), (0.75, 545, 64), (0.95, 679, 102),
    ):
        for name, real, values in (("views", real_views, per_user), ("likes", real_likes, likes)):
            spread = np.sqrt(at * (1 - at)) * slice_error
            low, high = np.quantile(values, np.clip((at - spread, at + spread), 0, 1))
            yield Fact(f"{name} per user, {at:.0%}", real, np.quantile(values, at), (high - low) / 2)
    yield Fact("views per session, mean", 28.8, length.mean())
    yield Fact("views per session, sd", 4.4, length.std())
    yield Fact("views per session, max", 38, length.max())
    last = np.append(first[1:], len(v.at)) - 1
    yield Fact("minutes per session", 44, (v.at[last] - v.at[first]).mean() / 60)
    hours = np.bincount(v.at[first] // 3600 % 24, minlength=24)[6:23] / len(first)
    noise = np.sqrt(1 / 17 / len(first))
    yield Fact("sessions starting 6-22 h", 1.0, hours.sum())
    yield Fact("  the fullest start hour's share", 1 / 17, hours.max(), 1.5 * noise)
    yield Fact("  the emptiest start hour's share", 1 / 17, hours.min(), 1.5 * noise)
    days = np.bincount(v.user[first])
    for name, real, value in (("mean", 14.6, days.mean()), ("min", 2, days.min()), ("max", 24, days.max())):
        yield Fact(f"active days per user, {name}", real, value, 6 / np.sqrt(v.users) if name == "mean" else 0)
    humps = np.bincount(days, minlength=25)
    yield Fact("  hump at", 7, 2 + humps[2:12].argmax(), 1)
    yield Fact("  hump at", 18, 12 + humps[12:].argmax(), 1)


def _gap_facts(v: _Views) -> Iterator[Fact]:
    same = np.append(v.session[1:] == v.session[:-1], False)
    gap = np.append(np.diff(v.at), 0)
    for name, real, seconds in (
        ("unliked view to next view", (10, 179), gap[same & ~v.liked]),
        ("liked view to like", (8, 177), v.like_delay[v.liked]),
        ("like to next view", (2, 2), (gap - v.like_delay)[same & v.liked]),
    ):
        yield Fact(f"{name}, s, min", real[0], seconds.min())
        yield Fact(f"{name}, s, max", real[1], seconds.max())


def _repeat_facts(v: _Views) -> Iterator[Fact]:
    order = np.lexsort((v.at, v.post, v.user))
    again = (np.diff(v.user[order]) == 0) & (np.diff(v.post[order]) == 0)
    earlier, later = order[:-1][again], order[1:][again]
    pair_start = np.append(True, ~again)
    pair_user = v.user[order][pair_start]
    seen_again = np.add.reduceat(np.append(0, again), np.flatnonzero(pair_start)) > 0
    n, d = np.bincount(pair_user, seen_again, v.users), np.bincount(pair_user, minlength=v.users)
    yield Fact("user-post pairs seen again", 0.045, n.sum() / d.sum(), (n / d).std() * np.sqrt(1 / v.users + 1 / SLICE_USERS))
    yield Fact("  of them within one session", 0, (v.session[earlier] == v.session[later]).mean())
    days_between = (v.at[later] - v.at[earlier]) / 86_400
    yield Fact("  days apart, mean", 30, days_between.mean(), 21 * np.sqrt(1 / len(later) + 1 / 1_818))
    for name, real, chosen, sampled in (
        ("liked before", 0.170, v.liked[earlier], 224), ("not liked before", 0.121, ~v.liked[earlier], 1_764)
    ):
        yield Fact(
            f"  P(like), {name}", real, v.liked[later][chosen].sum() / chosen.sum(),
            np.sqrt(real * (1 - real) * (1 / sampled + 1 / chosen.sum())),
        )


def _rate(v: _Views, name: str, real: float, chosen: np.ndarray, of_slice: bool = False) -> Fact:
    return Fact(f"like rate, {name}", real, *v.ratio(v.liked & chosen, chosen, of_slice))


def _position_facts(v: _Views) -> Iterator[Fact]:
    for name, real, low, high in (
        ("positions 0-4", 0.19, 0, 5), ("positions 5-8", 0.18, 5, 9), ("position 9", 0.17, 9, 10),
        ("position 13", 0.125, 13, 14), ("position 17", 0.073, 17, 18), ("positions 18 on", 0.06, 18, 40),
    ):
        yield _rate(v, name, real, (v.position >= low) & (v.position < high), True)
    length, likes = np.bincount(v.session), np.bincount(v.session, v.liked)
    long = length >= 5
    first_five = np.bincount(v.session, v.liked & (v.position < 5))[long] > 0
    yield Fact(
        "any like in a session's first five", 0.633, first_five.mean(), 0.48 * np.sqrt(1 / 1_549 + 1 / len(first_five))
    )
    none = {(n, k): comb(n - k, 5) / comb(n, 5) for n in range(5, 39) for k in range(n + 1)}
    random_five = 1 - np.mean(
        [none[n, k] for n, k in zip(length[long].tolist(), likes[long].astype(int).tolist(), strict=True)]
    )
    yield Fact("any like in a random five", 0.429, random_five, 0.2 * np.sqrt(1 / 1_549 + 1 / len(first_five)))


def _time_facts(v: _Views) -> Iterator[Fact]:
    month = v.at.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12 + 1
    for name, real, number in (("October", 0.094, 10), ("November", 0.125, 11), ("December", 0.140, 12)):
        yield _rate(v, name, real, month == number, True)
    hour = v.at // 3600 % 24
    mean = v.liked.mean()
    for name, real, low, high in (("6 h", 1.2, 6, 7), ("10-18 h", 0.95, 10, 19), ("20-22 h", 1.2, 20, 23)):
        value, error = v.ratio(v.liked & (hour >= low) & (hour < high), (hour >= low) & (hour < high), True)
        yield Fact(f"like rate, {name}, x mean", real, value / mean, error / mean)
    weekday = (v.at // 86_400 + 3) % 7
    yield _rate(v, "Saturday and Sunday", mean, weekday >= 5, True)


def _group_facts(feed: Feed, v: _Views) -> Iterator[Fact]:
    users, mean = feed.users, v.liked.mean()
    for name, column, values in (
        ("exp_group", "exp_group", ((0, 0.094), (1, 0.148), (2, 0.148), (3, 0.093), (4, 0.113))),
        ("gender", "gender", ((1, 0.125), (0, 0.111))),
        ("", "country", (("Russia", 0.112), ("Ukraine", 0.16), ("Kazakhstan", 0.17))),
        ("", "city", (("Moscow", 0.156),)),
        ("", "os", (("Android", mean), ("iOS", mean))), ("source", "source", (("ads", mean), ("organic", mean))),
    ):
        for value, real in values:
            yield _rate(v, f"{name} {value}".strip(), real, users[column][v.row] == value)
    yield _rate(v, "other cities", 0.113, users["city"][v.row] != "Moscow")
    topic = feed.posts["topic"][v.post]
    for name, real in (("sport", 0.123), ("movie", 0.121), ("covid", 0.120), ("politics", 0.113), ("tech", 0.089)):
        yield _rate(v, name, real, topic == name)
    for name, real in (
        ("movie", 0.37), ("covid", 0.24), ("sport", 0.134), ("politics", 0.101), ("business", 0.063),
        ("entertainment", 0.051), ("tech", 0.04),
    ):
        yield Fact(f"view share of {name}", real, *v.ratio(topic == name))
    own, seen = np.bincount(v.user, v.liked) / np.bincount(v.user), np.bincount(v.user)
    yield Fact("user's own like rate, mean", 0.120, own.mean(), own.std() / np.sqrt(v.users))
    yield Fact(
        "  sd, without noise", 0.050, np.sqrt(max(own.var() - (own * (1 - own) / seen).mean(), 0)),
        0.05 * np.sqrt(1 / v.users + 1 / SLICE_USERS),
    )


def _taste_facts(feed: Feed, v: _Views) -> Iterator[Fact]:
    is_b, popular = feed.users["is_b"][v.row], feed.posts["level"][v.post] >= POPULAR_LEVEL
    topic = feed.posts["topic"][v.post]
    for kind, chosen, movie in (("A", ~is_b, 0.40), ("B", is_b, 0.26)):
        yield Fact(f"kind {kind}: view share of movie", movie, *v.ratio(chosen & (topic == "movie"), chosen))
    yield Fact("kind B: view share of politics", 0.16, *v.ratio(is_b & (topic == "politics"), is_b))
    yield Fact("kind B: view share of sport", 0.18, *v.ratio(is_b & (topic == "sport"), is_b))
    for name, real, chosen in (
        ("A, popular", 0.146, ~is_b & popular), ("A, other", 0.089, ~is_b & ~popular),
        ("B, popular", 0.089, is_b & popular), ("B, other", 0.195, is_b & ~popular),
    ):
        yield Fact(f"like rate, kind {name} posts", real, *v.ratio(v.liked & chosen, chosen))
    yield Fact("user x topic dispersion of likes", 1.10, _dispersion(feed, v), np.sqrt(2 / 680))


def _dispersion(feed: Feed, v: _Views, users: int = 1_000, rounds: int = 20) -> float:
    """Return Pearson's dispersion of likes per user and topic, beyond user, topic, position and month."""
    chosen = v.user < users
    topics = np.unique(feed.posts["topic"], return_inverse=True)[1]
    codes = [v.user[chosen], topics[v.post[chosen]], v.position[chosen], (v.at[chosen] // 86_400 - 18_901) // 30]
    liked = v.liked[chosen].astype(float)
    expected = np.full(len(liked), liked.mean())
    for _ in range(rounds):
        for code in codes:
            expected *= (np.bincount(code, liked) / np.bincount(code, expected).clip(min=1e-9))[code]
        expected = expected.clip(max=0.95)
    cell = codes[0] * len(TOPICS) + codes[1]
    sums = [np.bincount(cell, values) for values in (liked, expected, expected * (1 - expected))]
    used = sums[1] > 0
    freedom = used.sum() - len(np.unique(codes[0])) - len(TOPICS) + 1
    return ((sums[0] - sums[1])[used] ** 2 / sums[2][used]).sum() / freedom
