"""What the report is made of: data, evaluations, models, and what the models do."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.errors import PgfeedError
from loader.report import data as data_of
from loader.report.data import Data
from loader.terminal import progress

if TYPE_CHECKING:
    from loader.report.models import Explanation

NOTHING = "there is nothing to report on"
PROTOCOLS = {
    "logged": "logged: what users really saw on the held-out days, ranked again; the mean is over user-days",
    "live": "live: requests answered by recommend_posts itself, likes drawn from the simulated network's truth",
    "full": "full: the whole catalogue ranked against the likes of the held-out days",
}
EVALUATIONS = """
    select distinct on (e.protocol, e.variant, e.metric, e.method)
        e.protocol, e.metric, e.variant, e.model_version, e.method, e.value, e.low, e.high, e.sample_count,
        e.evaluated_at, e.evaluation_id
    from pgfeed.evaluations as e
    join (
        select distinct on (n.protocol, n.variant) n.protocol, n.variant, n.model_version
        from pgfeed.evaluations as n
        order by n.protocol, n.variant, n.evaluated_at desc, n.evaluation_id desc
    ) as n on n.protocol = e.protocol and (n.variant, n.model_version) is not distinct from (e.variant, e.model_version)
    order by e.protocol, e.variant, e.metric, e.method, e.evaluated_at desc, e.evaluation_id desc
"""
MODELS = """
    select a.variant, a.version, a.activated_at, a.activated_by, m.created_at, a.trained_until, m.feature_count,
        m.artifact_bytes
    from pgfeed.active_models as a
    join pgfeed.model_versions as m on m.variant = a.variant and m.version = a.version
    order by a.variant
"""
STATE = """
    select current_database() as database, to_regclass('simulation.worlds') is not null as is_simulated,
        r.as_of, r.finished_at
    from (select) as always
    left join lateral (
        select f.as_of, f.finished_at from pgfeed.feature_refreshes as f
        where f.finished_at is not null order by f.refresh_id desc limit 1
    ) as r on true
"""
ENOUGH_LISTS, MOST_PLACES = 100, 0.5
LISTS = "select h.figures from pgfeed.health() as h where h.name = 'lists'"


@dataclass
class Contents:
    """What the sections are made of; evaluations, active models and state as rows of the queries above.

    lists: the figures of what was served in the last 7 days; None: nothing.
    """

    data: Data
    evaluations: list[dict]
    active: list[dict]
    state: dict
    explanations: dict[str, "Explanation"] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    lists: dict | None = None

    @property
    def variant(self) -> str:
        """The variant to name in a command."""
        return self.active[0]["variant"] if self.active else "control"


def narrowness(lists: dict | None) -> str | None:
    """Return a warning if few of the posts take most of the places that were served; lists: as in Contents."""
    if lists is None or lists["served_lists"] < ENOUGH_LISTS or lists["ten_most_served_ratio"] < MOST_PLACES:
        return None
    return (
        f"Few posts take most places: the ten most served {lists['ten_most_served_ratio']:.0%} of them in the last"
        " 7 days. Let a feed vary its lists (diversity, max_per), hide what was viewed (hide_viewed), or explore."
    )


def collect(connection: Connection) -> Contents:
    """Read from the database all that the report shows."""
    require_views(connection)
    with progress("looking at the data", data_of.STEPS) as advance:
        for data in data_of.collect(connection):  # noqa: B007
            advance(1)
    with connection, connection.cursor() as cursor:
        contents = Contents(data, rows_of(cursor, EVALUATIONS), rows_of(cursor, MODELS), rows_of(cursor, STATE)[0])
        contents.lists = next((row["figures"] for row in rows_of(cursor, LISTS)), None)
    contents.evaluations.sort(key=lambda row: row["evaluation_id"])
    if contents.active:
        from loader.report.models import explain

        with progress("explaining models", len(contents.active)) as advance:
            for variant in (model["variant"] for model in contents.active):
                try:
                    contents.explanations[variant] = explain(connection, variant)
                except PgfeedError as error:
                    contents.problems[variant] = str(error)
                advance(1)
    return contents


def require_views(connection: Connection) -> None:
    """Raise unless there are events and their views are rolled up."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select exists (select 1 from pgfeed.feed_events),"
            " exists (select 1 from pgfeed.rollup_days where view_count > 0)"
        )
        has_events, has_views = cursor.fetchone()
    if not has_events:
        raise PgfeedError(NOTHING, "no events are loaded", "pgfeed ingest FILE... && pgfeed refresh")
    if not has_views:
        raise PgfeedError(NOTHING, "no views are rolled up", "pgfeed refresh")


def rows_of(cursor: Cursor, query: str) -> list[dict]:
    """Return a query's rows as dictionaries."""
    cursor.execute(query)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
