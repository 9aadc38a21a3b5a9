"""Facts of the original network and their simulated values: sizes, users, posts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from loader.simulation.feed import Feed
from loader.simulation.population import COUNTRIES, FULL_USERS, TOPICS, VIEW_LEVELS

SLICE_USERS = 114  # behind the facts that the original's sample gave
TOLERANCE = 0.03
END = 0.05  # share of posts that "most likes" and "fewest likes" mean


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


def size_facts(feed: Feed) -> Iterator[Fact]:
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


def user_facts(feed: Feed) -> Iterator[Fact]:
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


def post_facts(feed: Feed) -> Iterator[Fact]:
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
    if not viewed.any():
        return
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
