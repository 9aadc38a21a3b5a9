"""A/B experiments: arms as a person writes them, and what came out."""

import json
import re
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from loader.errors import PgfeedError

ARM = re.compile(r"((?P<arm>[^=@:]+)=)?(?P<variant>[^=@:]+(@\d+)?)(:(?P<percent>\d+(\.\d{1,2})?))?")
ALL = """
    select e.experiment_id, e.name, e.started_at, e.stopped_at, e.winner, a.arms
    from pgfeed.experiments as e
    cross join lateral (
        select json_agg(
            json_build_object('arm', r.arm, 'variant', r.variant, 'version', r.version, 'weight', r.weight)
            order by r.number) as arms
        from pgfeed.experiment_arms as r
        where r.experiment_id = e.experiment_id
    ) as a
    order by e.experiment_id
"""
PRIMARY = "hit rate"


@dataclass
class Report:
    """One experiment: its row, its arms, and the rows of experiment_report, experiment_days and experiment_checks."""

    experiment: dict
    arms: list[dict]
    rows: list[dict]
    days: list[dict]
    checks: list[dict]
    attribution: str

    def row(self, metric: str, arm: str) -> dict:
        return next(row for row in self.rows if (row["metric"], row["arm"]) == (metric, arm))

    def tests(self) -> list[dict]:
        """Return the primary metric of the arms that are compared with the first."""
        return [row for row in self.rows if row["metric"] == PRIMARY and row["lift"] is not None]

    def check(self, name: str) -> dict:
        return next(check for check in self.checks if check["name"] == name)


def parse_arms(texts: list[str]) -> tuple[list[str], list[str], list[int] | None]:
    """Return names, variants and weights of arms written as [NAME=]VARIANT[@VERSION][:PERCENT]; weights None: equal."""
    matches = []
    for text in texts:
        if match := ARM.fullmatch(text):
            matches.append(match)
        else:
            raise PgfeedError(f"{text!r} is no arm", "an arm is [NAME=]VARIANT[@VERSION][:PERCENT]",
                              "pgfeed experiment create --help")
    if len(matches) < 2:
        raise PgfeedError("an experiment needs two or more arms", "the first is the baseline",
                          "pgfeed experiment create --help")
    percents = [match["percent"] for match in matches]
    if any(percents) and not all(percents):
        raise PgfeedError("some arms have a percentage and some have none", None, "pgfeed experiment create --help")
    weights = [round(float(p) * 100) for p in percents] if all(percents) else None
    if weights and (sum(weights) != 10000 or 0 in weights):
        shares = " and ".join(f"{percent}%" for percent in percents)
        raise PgfeedError(f"the arms' shares are {shares}", "all must be above 0 and add up to 100%",
                          "pgfeed experiment create --help")
    names = [match["arm"] or match["variant"].replace("@", "_") for match in matches]
    return names, [match["variant"] for match in matches], weights


def create(connection: Connection, name: str, arms: list[str], salt: str | None, expected_lift: float) -> Report:
    """Create an experiment; return it without results."""
    from loader.learning import registry

    names, variants, weights = parse_arms(arms)
    for variant in variants:
        registry.require_variant(connection, variant.split("@")[0])
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "call pgfeed.create_experiment(%s, %s, %s, %s, %s, %s)",
            [name, variants, weights, names, salt, expected_lift]
        )
    return load(connection, name, "1 hour", None)


def conclude(connection: Connection, name: str, winner: str) -> str:
    """Record which arm won; return the command that lets it serve everybody."""
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.conclude_experiment(%s, %s)", [name, winner])
        cursor.execute(
            "select"
            " 'call pgfeed.activate_model(' || quote_literal(a.variant) || ', ' || a.version || '); ',"
            " 'alter database ' || quote_ident(current_database())"
            " || ' set pgfeed.default_variant = ' || quote_literal(a.variant)"
            " from pgfeed.experiment_arms as a"
            " join pgfeed.experiments as e on e.experiment_id = a.experiment_id where e.name = %s and a.arm = %s",
            [name, winner],
        )
        activation, setting = cursor.fetchone()
    return (activation or "") + setting


def load_all(connection: Connection) -> list[dict]:
    """Return all experiments, oldest first, with arms and the number of exposures; None: no right to count them."""
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(ALL)
        experiments = [dict(row) for row in cursor.fetchall()]
        cursor.execute("select has_table_privilege('pgfeed.exposures', 'select') as is_allowed")
        counts = {}
        if is_allowed := cursor.fetchone()["is_allowed"]:
            cursor.execute("select experiment_id, count(*) from pgfeed.exposures where experiment_id is not null"
                           " group by experiment_id")
            counts = {row["experiment_id"]: row["count"] for row in cursor.fetchall()}
    for experiment in experiments:
        experiment["state"] = state(experiment)
        experiment["exposure_count"] = counts.get(experiment.pop("experiment_id"), 0) if is_allowed else None
    return experiments


def load(connection: Connection, name: str, attribution: str, until: str | None, has_days: bool = True) -> Report:
    """Return what came out of an experiment so far, also day by day if wanted."""
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:

        def rows(statement: str, *parameters: object) -> list[dict]:
            cursor.execute(statement, parameters)
            return [dict(row) for row in cursor.fetchall()]

        arms = rows(
            "select a.arm, a.variant, a.version, a.weight, a.slots::text as slots from pgfeed.experiment_arms as a"
            " join pgfeed.experiments as e on e.experiment_id = a.experiment_id where e.name = %s order by a.number",
            name,
        )
        try:
            cursor.execute("select %s::interval", [attribution])
        except psycopg2.DataError:
            raise PgfeedError(f"{attribution!r} is no interval", "it says how long a like counts",
                              "--attribution '2 hours'") from None
        result = rows("select * from pgfeed.experiment_report(%s, %s, coalesce(%s, now()))", name, attribution, until)
        by_day = "select * from pgfeed.experiment_days(%s, %s, coalesce(%s, now()))"
        days = rows(by_day, name, attribution, until) if has_days else []
        checks = rows("select * from pgfeed.experiment_checks(%s, coalesce(%s, now()))", name, until)
        experiment = rows(
            "select name, salt, slot_count, expected_lift, started_at, stopped_at, winner from pgfeed.experiments"
            " where name = %s", name
        )[0]
    return Report(experiment, arms, result, days, checks, attribution)


def to_json(value: object) -> object:
    """Return a report's dates and moments as text, for programs."""
    return json.loads(json.dumps(value, default=lambda moment: moment.isoformat()))


def state(experiment: dict) -> str:
    """Return where the experiment is in its life."""
    if experiment["winner"]:
        return f"concluded, {experiment['winner']} won"
    if experiment["stopped_at"]:
        return "stopped"
    return "running" if experiment["started_at"] else "not started"
