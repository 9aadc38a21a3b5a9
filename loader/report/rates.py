"""Like rates of groups with their intervals, and what they say of a feature."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

TOP_GROUPS = 15
LAST_POSITION = 40
FEWEST_CLUSTERS = 10
Z = 1.96
AGE_EDGES = [18, 21, 25, 30, 35, 40, 50, 60]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
OTHERS, UNKNOWN = "others", "unknown"
TITLES = {
    "position": "place in the session", "hour": "hour of the day (UTC)", "weekday": "day of the week", "month": "month",
    "topic": "topic", "age": "age", "exp_group": "exp_group", "gender": "gender", "os": "os", "source": "source",
    "country": "country", "city": "city", "text_length": "text length", "tfidf_sum": "TF-IDF sum",
    "tfidf_mean": "TF-IDF mean", "tfidf_max": "TF-IDF max",
}
TEXT_FEATURES = ["text_length", "tfidf_sum", "tfidf_mean", "tfidf_max"]


@dataclass
class Group:
    """Like rate of one group with its 95% interval; error is the standard error, clusters how many users or posts."""

    label: str
    clusters: int
    views: int
    likes: int
    rate: float
    low: float
    high: float
    error: float


@dataclass
class Breakdown:
    """Like rate by the groups of one feature, in the order to show them."""

    feature: str
    groups: list[Group]

    @property
    def title(self) -> str:
        return TITLES.get(self.feature, self.feature)

    @property
    def is_of_posts(self) -> bool:
        """Whether a cluster is a post, not a user."""
        return self.feature in TEXT_FEATURES or self.feature.startswith("post.")

    @property
    def heading(self) -> str:
        is_name = self.title in ("exp_group", "os") or "." in self.title
        return self.title if is_name else self.title[0].upper() + self.title[1:]

    @property
    def views(self) -> int:
        return sum(group.views for group in self.groups)

    @property
    def rate(self) -> float:
        return sum(group.likes for group in self.groups) / max(self.views, 1)

    def known_groups(self) -> list[Group]:
        """Return the groups but for the unknown."""
        return [group for group in self.groups if group.label != UNKNOWN]

    def spread(self) -> tuple[float, float]:
        """Return the view-weighted standard deviation of the groups' rates without noise, and that of the noise."""
        groups = self.known_groups()
        rates, errors, views = (np.array([getattr(g, name) for g in groups]) for name in ("rate", "error", "views"))
        share = views / views.sum()
        noise = float(share @ errors**2)
        return float(np.sqrt(max(share @ (rates - share @ rates) ** 2 - noise, 0))), float(np.sqrt(noise))

    def auc(self) -> float | None:
        """Return the AUC of a group's own like rate as the score of its views; None: all are liked or none."""
        groups = sorted(self.known_groups(), key=lambda group: group.rate)
        likes = np.array([group.likes for group in groups], float)
        others = np.array([group.views for group in groups]) - likes
        below = np.r_[0, np.cumsum(others)[:-1]]
        pairs = likes.sum() * others.sum()
        return float(likes @ (below + others / 2) / pairs) if pairs > 0 else None

    def verdict(self) -> str:
        """Return how much the rate differs between groups: flat, weak, clear, strong, or that it cannot be told.

        Differences count when Cochran's Q exceeds its mean by three standard deviations.
        """
        if len(self.known_groups()) < 2:
            return "one group only"
        rates = np.array([group.rate for group in self.known_groups()])
        weights = np.array([max(group.error, 1e-9) ** -2 for group in self.known_groups()])
        freedom = len(rates) - 1
        q = weights @ (rates - weights @ rates / weights.sum()) ** 2
        is_different = q > freedom + 3 * np.sqrt(2 * freedom)
        spread, noise = (value / max(self.rate, 1e-9) for value in self.spread())
        if not is_different and noise > 0.08:
            return "too few to tell"
        if not is_different or spread < 0.02:
            return "flat"
        return "weak" if spread < 0.06 else "clear" if spread < 0.2 else "strong"


def groups_of(labels: list[str], moments: np.ndarray) -> list[Group]:
    """Return groups with intervals from rows of clusters, v, l, vv, vl, ll.

    The interval is Wilson's with the number of views divided by the design effect: the variance of the
    ratio l / v over clusters, against that of independent views. Groups of fewer than ten clusters take
    the design effect of all groups together if it is larger.
    """
    n, v, likes, vv, vl, ll = np.maximum(np.array(moments, float).reshape(-1, 6), 0).T
    v = np.maximum(v, 1)
    rate = np.minimum(likes / v, 1)
    squares = np.maximum(ll - 2 * rate * vl + rate**2 * vv, 0) * n / np.maximum(n - 1, 1)
    binomial = np.maximum(rate * (1 - rate), 1e-9) * v
    effect = np.maximum(squares / binomial, 1)
    pooled = max(squares.sum() / binomial.sum(), 1)
    effect = np.where((n < FEWEST_CLUSTERS) | (likes == 0), np.maximum(effect, pooled), effect)
    size = v / effect
    middle = (rate + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z / (1 + Z**2 / size) * np.sqrt(rate * (1 - rate) / size + Z**2 / (4 * size**2))
    low, high = np.maximum(middle - half, 0), np.minimum(middle + half, 1)
    columns = [column.tolist() for column in (n, v, likes, rate, low, high, half / Z)]
    return [
        Group(label, int(clusters), int(views), int(liked), *rest)
        for label, clusters, views, liked, *rest in zip(labels, *columns, strict=True)
    ]


def breakdown(feature: str, rows: Iterable[Sequence], is_in_tenths: bool = False) -> Breakdown:
    """Return a feature's groups from rows of label and moments: ordered ones in order, others by views.

    is_in_tenths: a label is the least and the greatest value, and the rows are in order, as of TEXT_FEATURES.
    Beyond the 15 largest, groups are added up as others; that is right where no cluster is in two groups.
    """
    rows = [(label, np.array(moments, float)) for label, *moments in rows]
    known_rows = [row for row in rows if row[0] is not None and row[0] != OTHERS]
    if feature in ("hour", "weekday", "position", "age"):
        known_rows.sort(key=lambda row: int(row[0]))
    elif feature in ("month", "exp_group", "gender"):
        known_rows.sort(key=lambda row: (len(row[0]), row[0]))
    elif not is_in_tenths and feature not in TEXT_FEATURES:
        known_rows.sort(key=lambda row: (-row[1][1], row[0]))
        rest = [row[1] for row in rows if row[0] == OTHERS] + [row[1] for row in known_rows[TOP_GROUPS:]]
        known_rows = known_rows[:TOP_GROUPS] + ([(OTHERS, sum(rest))] if rest else [])
    unknown_rows = [(UNKNOWN, row[1]) for row in rows if row[0] is None]
    labels = [label_of(feature, label, is_in_tenths) for label, _ in known_rows] + [label for label, _ in unknown_rows]
    return Breakdown(feature, groups_of(labels, [moments for _, moments in known_rows + unknown_rows]))


def label_of(feature: str, label: str, is_in_tenths: bool = False) -> str:
    """Return a group's label for people."""
    if feature == "age":
        inner = [f"{low}-{high - 1}" for low, high in pairwise(AGE_EDGES)]
        return [f"<{AGE_EDGES[0]}", *inner, f"{AGE_EDGES[-1]}+"][int(label)]
    if feature == "weekday":
        return WEEKDAYS[int(label) - 1]
    if feature == "position" and int(label) == LAST_POSITION:
        return f"{label}+"
    if is_in_tenths or feature in TEXT_FEATURES:
        form = "{:,.0f}" if feature == "text_length" else "{:.3g}"
        return " to ".join(form.format(float(end)) for end in label.split())
    return label
