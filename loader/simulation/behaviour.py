"""What users do: sessions, gaps, repeats, and the like rate by position, time, group and taste."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np

from loader.simulation.facts import SLICE_USERS, Fact
from loader.simulation.feed import Feed
from loader.simulation.population import POPULAR_LEVEL, TOPICS


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


def behaviour_facts(feed: Feed) -> Iterator[Fact]:
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
    yield Fact("user-post pairs seen again", 0.045, n.sum() / d.sum(),
               (n / d).std() * np.sqrt(1 / v.users + 1 / SLICE_USERS))
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
