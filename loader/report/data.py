"""What the report shows, aggregated in SQL: like rates with intervals, distributions, columns and checks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.report import checks as report_checks
from loader.report.checks import Check, Column

STEPS = 8  # of collect()
SAMPLE_VIEWS = 600_000
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

# Moments of views v and likes l over clusters: what a ratio and its variance need.
MOMENTS = "count(*), sum(v)::float8, sum(l)::float8, sum(v * v)::float8, sum(v * l)::float8, sum(l * l)::float8"
SUMS = "sum(d.view_count) as v, sum(d.like_count) as l"
USER_RATES = f"""
    with counts as (select d.user_id, {SUMS} from pgfeed.user_topic_days as d group by d.user_id)
    select g.feature, g.label, {MOMENTS}
    from counts as c
    left join pgfeed.users as u on u.user_id = c.user_id
    cross join lateral (values
        ('overall', 'all'), ('age', width_bucket(u.age, %(age_edges)s::smallint[])::text),
        ('exp_group', u.exp_group::text), ('gender', u.gender::text), ('os', u.os), ('source', u.source),
        ('country', u.country), ('city', u.city)
    ) as g (feature, label)
    group by g.feature, g.label
"""
DAY_RATES = """
    with counts as (select d.user_id, {label} as label, {sums} from pgfeed.user_topic_days as d group by 1, 2)
    select %(feature)s, c.label, {moments} from counts as c group by c.label
"""
DAY_LABELS = {
    "month": "to_char(d.day, 'YYYY-MM')",
    "weekday": "extract(isodow from d.day)::integer::text",
    "topic": "case when d.topic = any(%(topics)s) then nullif(d.topic, '') else %(others)s end",
}
SAMPLE_RATES = f"""
    with views as materialized (
        select i.user_id, t.day, t.hour, i.is_liked, i.post_id,
            row_number() over (partition by i.user_id, t.day order by i.viewed_at, i.post_id) as place
        from pgfeed.impressions as i
        cross join lateral (select
            (i.viewed_at at time zone 'UTC')::date as day, extract(hour from i.viewed_at at time zone 'UTC') as hour
        ) as t
        where %(user_ids)s::bigint[] is null or i.user_id = any(%(user_ids)s)
    ),

    counts as (
        select 'position' as feature, least(place, %(last)s)::integer as label, count(*) as v,
            count(*) filter (where is_liked) as l
        from views group by user_id, 2
        union all
        select 'hour', hour::integer, count(*), count(*) filter (where is_liked) from views group by user_id, hour
        union all
        select 'session', (max(place))::integer, count(*), count(distinct post_id) from views group by user_id, day
    )

    select c.feature, c.label::text, {MOMENTS} from counts as c group by c.feature, c.label
"""
TEXT_RATES = f"""
    with counts as (
        select d.post_id, {SUMS} from pgfeed.post_days as d group by d.post_id having sum(d.view_count) > 0
    ),

    bins as (
        select f.feature, f.value, c.v, c.l,
            ntile(10) over (partition by f.feature order by f.value, c.post_id) as label
        from counts as c
        join pgfeed.post_text_features as t on t.post_id = c.post_id
        cross join lateral (values
            ('text_length', t.text_length::real), ('tfidf_sum', t.tfidf_sum), ('tfidf_mean', t.tfidf_mean),
            ('tfidf_max', t.tfidf_max)
        ) as f (feature, value)
        where f.value is not null
    )

    select feature, min(value) || ' ' || max(value), {MOMENTS}
    from bins group by feature, label order by feature, label
"""
ENDS = """
    select min(e.event_at), max(e.event_at) from pgfeed.feed_events as e
    where e.event_at >= %(first)s and e.event_at < %(first)s::date + interval '1 day'
        or e.event_at >= %(last)s and e.event_at < %(last)s::date + interval '1 day'
"""
LARGEST_TOPICS = """
    select d.topic from pgfeed.user_topic_days as d where d.topic <> ''
    group by d.topic order by sum(d.view_count) desc, d.topic limit %s
"""
DISTRIBUTIONS = """
    select 'age' as name, u.age::bigint, count(*) from pgfeed.users as u where u.age is not null group by u.age
    union all
    select f.name, f.value, count(*)
    from (
        select sum(d.view_count) as v, sum(d.like_count) as l from pgfeed.user_topic_days as d group by d.user_id
    ) as c
    cross join lateral (values ('views per user', c.v), ('likes per user', c.l)) as f (name, value)
    group by f.name, f.value
    union all
    select 'views per post', c.v, count(*)
    from (
        select coalesce(sum(d.view_count), 0) as v
        from pgfeed.posts as p left join pgfeed.post_days as d on d.post_id = p.post_id group by p.post_id
    ) as c
    group by c.v
    union all
    select 'text length', length(p.text), count(*)
    from pgfeed.posts as p where p.text is not null group by length(p.text)
"""


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
        return TITLES[self.feature]

    @property
    def heading(self) -> str:
        return self.title if self.title in ("exp_group", "os") else self.title[0].upper() + self.title[1:]

    @property
    def views(self) -> int:
        return sum(group.views for group in self.groups)

    @property
    def rate(self) -> float:
        return sum(group.likes for group in self.groups) / max(self.views, 1)

    def known(self) -> list[Group]:
        """Return the groups but for the unknown."""
        return [group for group in self.groups if group.label != UNKNOWN]

    def spread(self) -> tuple[float, float]:
        """Return the view-weighted standard deviation of the groups' rates without noise, and that of the noise."""
        known = self.known()
        rates, errors, views = (np.array([getattr(g, name) for g in known]) for name in ("rate", "error", "views"))
        share = views / views.sum()
        noise = float(share @ errors**2)
        return float(np.sqrt(max(share @ (rates - share @ rates) ** 2 - noise, 0))), float(np.sqrt(noise))

    def auc(self) -> float:
        """Return the AUC of the group's own like rate as the score of each of its views."""
        groups = sorted(self.known(), key=lambda group: group.rate)
        likes = np.array([group.likes for group in groups], float)
        others = np.array([group.views for group in groups]) - likes
        below = np.r_[0, np.cumsum(others)[:-1]]
        pairs = likes.sum() * others.sum()
        return float(likes @ (below + others / 2) / pairs) if pairs > 0 else np.nan

    def verdict(self) -> str:
        """Return how much the rate differs between groups: flat, weak, clear, strong, or that it cannot be told.

        Differences count when Cochran's Q exceeds its mean by three standard deviations.
        """
        if len(self.known()) < 2:
            return "one group only"
        rates = np.array([group.rate for group in self.known()])
        weights = np.array([max(group.error, 1e-9) ** -2 for group in self.known()])
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


def breakdown(feature: str, rows: Iterable[Sequence]) -> Breakdown:
    """Return a feature's groups from rows of label and moments: ordered ones in order, others by views.

    Beyond the 15 largest, groups are added up as others; that is right where no cluster is in two groups.
    """
    rows = [(label, np.array(moments, float)) for label, *moments in rows]
    known = [row for row in rows if row[0] is not None and row[0] != OTHERS]
    if feature in ("hour", "weekday", "position", "age"):
        known.sort(key=lambda row: int(row[0]))
    elif feature in ("month", "exp_group", "gender"):
        known.sort(key=lambda row: (len(row[0]), row[0]))
    elif feature not in TEXT_FEATURES:
        known.sort(key=lambda row: (-row[1][1], row[0]))
        rest = [row[1] for row in rows if row[0] == OTHERS] + [row[1] for row in known[TOP_GROUPS:]]
        known = known[:TOP_GROUPS] + ([(OTHERS, sum(rest))] if rest else [])
    unknown = [(UNKNOWN, row[1]) for row in rows if row[0] is None]
    labels = [label_of(feature, label) for label, _ in known] + [label for label, _ in unknown]
    return Breakdown(feature, groups_of(labels, [moments for _, moments in known + unknown]))


def label_of(feature: str, label: str) -> str:
    """Return a group's label for people."""
    if feature == "age":
        inner = [f"{low}-{high - 1}" for low, high in pairwise(AGE_EDGES)]
        return [f"<{AGE_EDGES[0]}", *inner, f"{AGE_EDGES[-1]}+"][int(label)]
    if feature == "weekday":
        return WEEKDAYS[int(label) - 1]
    if feature == "position" and int(label) == LAST_POSITION:
        return f"{label}+"
    if feature in TEXT_FEATURES:
        form = "{:,.0f}" if feature == "text_length" else "{:.3g}"
        return " to ".join(form.format(float(end)) for end in label.split())
    return label


@dataclass
class Distribution:
    """Values and how often each occurs, ascending."""

    values: np.ndarray
    counts: np.ndarray

    def quantile(self, share: float) -> float:
        """Return the smallest value that at least this share of the cases do not exceed."""
        return float(self.values[np.searchsorted(np.cumsum(self.counts), share * self.counts.sum())])

    def mean(self) -> float:
        return float(self.values @ self.counts / self.counts.sum())


@dataclass
class Data:
    """What the database holds, as the report shows it."""

    first_at: datetime
    last_at: datetime
    days: list[tuple[date, int, int]]
    overall: Group
    sample_share: float
    breakdowns: dict[str, Breakdown] = field(default_factory=dict)
    distributions: dict[str, Distribution] = field(default_factory=dict)
    topics: list[tuple[str, int]] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


def sample_users(cursor: Cursor, views: int) -> tuple[float, list[int] | None]:
    """Return the share of the users whose views are looked at one by one, and their ids; None: all."""
    share = min(1.0, SAMPLE_VIEWS / max(views, 1))
    if share == 1:
        return share, None
    cursor.execute(
        "select distinct d.user_id from pgfeed.user_topic_days as d"
        " where (hashint8extended(d.user_id, 0) & 1048575) < %s * 1048576",
        [share],
    )
    return share, [row[0] for row in cursor.fetchall()]


def collect_distributions(cursor, known: dict[str, list[tuple]]) -> dict[str, Distribution]:
    """Return how often each value occurs, by name: those that the database counts, then the known ones."""
    cursor.execute(DISTRIBUTIONS)
    counts: dict[str, list[tuple]] = {}
    for name, value, count in cursor.fetchall():
        counts.setdefault(name, []).append((int(value), count))
    columns = {name: zip(*sorted(pairs), strict=True) for name, pairs in (counts | known).items()}
    return {name: Distribution(*map(np.array, both)) for name, both in columns.items()}


def collect(connection: Connection) -> Iterator[Data]:
    """Yield the data after each step of collecting it; the last one is complete."""
    with connection, connection.cursor() as cursor:
        cursor.execute("set local timezone = 'UTC'")
        cursor.execute("set local work_mem = '256MB'")
        cursor.execute(
            "select day, view_count, like_count from pgfeed.rollup_days where view_count + like_count > 0 order by day"
        )
        days = cursor.fetchall()
        cursor.execute(ENDS, {"first": days[0][0], "last": days[-1][0]})
        first_at, last_at = cursor.fetchone()
        rates: dict[str, list[list]] = {}

        def collect_rates(query: str, parameters: dict) -> None:
            cursor.execute(query, parameters)
            for feature, *row in cursor.fetchall():
                rates.setdefault(feature, []).append(row)

        collect_rates(USER_RATES, {"age_edges": AGE_EDGES})
        overall = groups_of(["overall"], [rates.pop("overall")[0][1:]])[0]
        share, user_ids = sample_users(cursor, overall.views)
        data = Data(first_at, last_at, days, overall, share)
        yield data
        cursor.execute(LARGEST_TOPICS, [TOP_GROUPS])
        topics = ["", *(row[0] for row in cursor.fetchall())]
        for feature, label in DAY_LABELS.items():
            query = DAY_RATES.format(label=label, sums=SUMS, moments=MOMENTS)
            collect_rates(query, {"feature": feature, "topics": topics, "others": OTHERS})
            yield data
        collect_rates(SAMPLE_RATES, {"user_ids": user_ids, "last": LAST_POSITION})
        sessions = rates.pop("session")
        yield data
        if report_checks.is_filled(cursor, "post_text_features"):
            collect_rates(TEXT_RATES, {})
        data.breakdowns = {feature: breakdown(feature, rates[feature]) for feature in TITLES if feature in rates}
        yield data
        data.distributions = collect_distributions(cursor, {"session length": [(int(label), count) for label, count, *_ in sessions]})
        cursor.execute(
            "select coalesce(p.topic, %s), count(*) from pgfeed.posts as p group by p.topic order by 2 desc, 1",
            [UNKNOWN],
        )
        data.topics = cursor.fetchall()
        yield data
        repeats = int(sum(views - distinct for _, _, views, distinct, *_ in sessions))
        data.columns, data.checks = report_checks.collect(cursor, data, user_ids, repeats)
        yield data
