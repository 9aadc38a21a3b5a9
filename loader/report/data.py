"""What the report shows, aggregated in SQL: like rates, distributions, columns and checks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.learning.split import in_sample
from loader.report import checks as report_checks
from loader.report.checks import Check, Column
from loader.report.rates import (
    AGE_EDGES,
    LAST_POSITION,
    OTHERS,
    TITLES,
    TOP_GROUPS,
    UNKNOWN,
    Breakdown,
    Group,
    breakdown,
    groups_of,
)

STEPS = 8  # of collect()
SAMPLE_VIEWS = 600_000
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
OWN_COUNTS = f"""
    with counts as (
        select d.{{kind}}_id as id, {SUMS} from pgfeed.{{days}} as d
        group by d.{{kind}}_id having sum(d.view_count) > 0
    )
"""
OWN_RATES = {
    "category": OWN_COUNTS + f"""
        select %(feature)s, r.attributes ->> %(name)s, {MOMENTS}
        from counts as c left join pgfeed.{{kind}}s as r on r.{{kind}}_id = c.id group by 2
    """,
    "number": OWN_COUNTS + f"""
        , bins as (
            select c.v, c.l, n.value, ntile(10) over (order by n.value, c.id) as label
            from counts as c
            join pgfeed.{{kind}}s as r on r.{{kind}}_id = c.id
            cross join lateral (select (r.attributes ->> %(name)s)::float8 as value) as n
            where jsonb_typeof(r.attributes -> %(name)s) = 'number'
        )
        select %(feature)s, min(value) || ' ' || max(value), {MOMENTS} from bins group by label order by label
    """,
}
OWN_RATES["boolean"] = OWN_RATES["category"]
OWN_DAYS = {"user": "user_topic_days", "post": "post_days"}
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
    from pgfeed._post_texts() as p where p.text is not null group by length(p.text)
"""


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
    condition = in_sample("d.user_id")
    cursor.execute(f"select distinct d.user_id from pgfeed.user_topic_days as d where {condition}", {"share": share})
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
        cursor.execute("select a.kind, a.name, a.type from pgfeed.attributes as a order by 1, 2")
        for kind, name, type_ in cursor.fetchall():
            if query := OWN_RATES.get(type_):
                feature = f"{kind}.{name}"
                collect_rates(query.format(kind=kind, days=OWN_DAYS[kind]), {"feature": feature, "name": name})
                data.breakdowns[feature] = breakdown(feature, rates.get(feature, []), type_ == "number")
        yield data
        lengths = [(int(label), count) for label, count, *_ in sessions]
        data.distributions = collect_distributions(cursor, {"session length": lengths})
        cursor.execute(
            "select coalesce(p.topic, %s), count(*) from pgfeed.posts as p group by p.topic order by 2 desc, 1",
            [UNKNOWN],
        )
        data.topics = cursor.fetchall()
        yield data
        repeats = int(sum(views - distinct for _, _, views, distinct, *_ in sessions))
        data.columns, data.checks = report_checks.collect(cursor, data, user_ids, repeats)
        yield data
