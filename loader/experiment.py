"""A/B experiments: arms as a person writes them, what came out, one sentence on it, the page."""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor
from rich.console import Group, RenderableType
from rich.text import Text

from loader.errors import PgfeedError
from loader.report import page as html
from loader.report import plots
from loader.server.remedies import told
from loader.terminal import counted, table

ARM = re.compile(r"((?P<arm>[^=@:]+)=)?(?P<variant>[^=@:]+(@\d+)?)(:(?P<percent>\d+(\.\d{1,2})?))?")
ALL = """
    select e.experiment_id, e.name, e.started_at, e.stopped_at, e.winner, a.arms
    from pgfeed.experiments as e
    cross join lateral (
        select json_agg(json_build_object('arm', r.arm, 'variant', r.variant, 'version', r.version, 'weight', r.weight) order by r.number) as arms
        from pgfeed.experiment_arms as r
        where r.experiment_id = e.experiment_id
    ) as a
    order by e.experiment_id
"""
PRIMARY = "hit rate"
ALPHA = 0.05
MANY_IN_TWO_ARMS = 0.01


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

    def as_dict(self) -> dict:
        return {"verdict": verdict(self), **vars(self)}


def parse_arms(texts: list[str]) -> tuple[list[str], list[str], list[int] | None]:
    """Return names, variants and weights of arms written as [NAME=]VARIANT[@VERSION][:PERCENT]; weights None: equal."""
    found = []
    for text in texts:
        if match := ARM.fullmatch(text):
            found.append(match)
        else:
            raise PgfeedError(f"{text!r} is no arm", "an arm is [NAME=]VARIANT[@VERSION][:PERCENT]", "pgfeed experiment create --help")
    if len(found) < 2:
        raise PgfeedError("an experiment needs two or more arms", "the first is the baseline", "pgfeed experiment create --help")
    percents = [match["percent"] for match in found]
    if any(percents) and not all(percents):
        raise PgfeedError("some arms have a percentage and some have none", None, "pgfeed experiment create --help")
    weights = [round(float(p) * 100) for p in percents] if all(percents) else None
    if weights and (sum(weights) != 10000 or 0 in weights):
        shares = " and ".join(f"{percent}%" for percent in percents)
        raise PgfeedError(f"the arms' shares are {shares}", "all must be above 0 and add up to 100%", "pgfeed experiment create --help")
    names = [match["arm"] or match["variant"].replace("@", "_") for match in found]
    return names, [match["variant"] for match in found], weights


def create(connection: Connection, name: str, arms: list[str], salt: str | None, expected_lift: float) -> Report:
    """Create an experiment; return it without results."""
    from loader.learning import registry

    names, variants, weights = parse_arms(arms)
    for variant in variants:
        registry.require_variant(connection, variant.split("@")[0])
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "call pgfeed.create_experiment(%s, %s, %s, %s, %s, %s)", [name, variants, weights, names, salt, expected_lift]
        )
    return load(connection, name, "1 hour", None)


def conclude(connection: Connection, name: str, winner: str) -> str:
    """Record which arm won; return the command that lets it serve everybody."""
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.conclude_experiment(%s, %s)", [name, winner])
        cursor.execute(
            "select"
            " 'call pgfeed.activate_model(' || quote_literal(a.variant) || ', ' || a.version || '); ',"
            " 'alter database ' || quote_ident(current_database()) || ' set pgfeed.default_variant = ' || quote_literal(a.variant)"
            " from pgfeed.experiment_arms as a"
            " join pgfeed.experiments as e on e.experiment_id = a.experiment_id where e.name = %s and a.arm = %s", [name, winner],
        )
        activation, setting = cursor.fetchone()
    return (activation or "") + setting


def load_all(connection: Connection) -> list[dict]:
    """Return all experiments, oldest first, with their arms and the number of exposures; None: no right to count them."""
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(ALL)
        found = [dict(row) for row in cursor.fetchall()]
        cursor.execute("select has_table_privilege('pgfeed.exposures', 'select') as is_allowed")
        counts = {}
        if is_allowed := cursor.fetchone()["is_allowed"]:
            cursor.execute("select experiment_id, count(*) from pgfeed.exposures where experiment_id is not null group by experiment_id")
            counts = {row["experiment_id"]: row["count"] for row in cursor.fetchall()}
    for experiment in found:
        experiment["state"] = state(experiment)
        experiment["exposure_count"] = counts.get(experiment.pop("experiment_id"), 0) if is_allowed else None
    return found


def list_table(found: list[dict]) -> RenderableType:
    """Return all experiments for a terminal."""
    if not found:
        return "there are no experiments. Next: pgfeed experiment create NAME control test"
    lines = [
        (
            e["name"], e["state"].removeprefix("concluded, "), ", ".join(f"{a['arm']} {a['weight'] / 100:g}%" for a in e["arms"]),
            e["started_at"] and f"{e['started_at']:%Y-%m-%d %H:%M}", "" if e["exposure_count"] is None else f"{e['exposure_count']:,}",
        )
        for e in found
    ]
    return table("", ["name", "state", "arms", "started", "exposures"], lines, ["exposures"])


def load(connection: Connection, name: str, attribution: str, until: str | None, has_days: bool = True) -> Report:
    """Return what came out of an experiment so far, also day by day if wanted."""
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:

        def rows(statement: str, *parameters: object) -> list[dict]:
            cursor.execute(statement, parameters)
            return [dict(row) for row in cursor.fetchall()]

        arms = rows(
            "select a.arm, a.variant, a.version, a.weight, a.slots::text as slots from pgfeed.experiment_arms as a"
            " join pgfeed.experiments as e on e.experiment_id = a.experiment_id where e.name = %s order by a.number", name,
        )
        try:
            cursor.execute("select %s::interval", [attribution])
        except psycopg2.DataError:
            raise PgfeedError(f"{attribution!r} is no interval", "it says how long a like counts", "--attribution '2 hours'") from None
        result = rows("select * from pgfeed.experiment_report(%s, %s, coalesce(%s, now()))", name, attribution, until)
        by_day = "select * from pgfeed.experiment_days(%s, %s, coalesce(%s, now()))"
        days = rows(by_day, name, attribution, until) if has_days else []
        checks = rows("select * from pgfeed.experiment_checks(%s, coalesce(%s, now()))", name, until)
        experiment = rows(
            "select name, salt, slot_count, expected_lift, started_at, stopped_at, winner from pgfeed.experiments where name = %s", name
        )[0]
    return Report(experiment, arms, result, days, checks, attribution)


def to_json(value: object) -> object:
    """Return a report's dates and moments as text, for programs."""
    return json.loads(json.dumps(value, default=lambda moment: moment.isoformat()))


# Words


def signed(share: float | None) -> str:
    return "" if share is None else f"{share:+.1%}"


def interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:+.1%} to {high:+.1%}"


def probability(p: float | None) -> str:
    return "" if p is None else "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def any_time(row: dict) -> tuple[str, str]:
    """Return the interval of the lift and the p-value that hold at every look."""
    return interval(row["sequential_low"], row["sequential_high"]), probability(row["sequential_p_value"])


def verdict(report: Report) -> str:
    """Return in a sentence what to do: by the sequential test of the hit rate, shared among the arms (Bonferroni)."""
    if winner := report.experiment["winner"]:
        return f"Concluded: {winner} won. " + (f"By the figures: {finding(report)}" if report.rows else "There are no figures.")
    if not report.experiment["started_at"]:
        return told(f"Not started. Next: pgfeed experiment start {report.experiment['name']}")
    return finding(report)


def finding(report: Report) -> str:
    """Return what the figures say."""
    if not report.rows:
        return "Nothing to report: no exposure whose attribution is over."
    if not report.check("sample ratio")["is_ok"]:
        return f"Do not decide on this: the split is broken ({report.check('sample ratio')['finding']})."
    two_arms, users = report.check("users in two arms")["value"], sum(row["user_count"] for row in report.rows if row["metric"] == PRIMARY)
    if two_arms > MANY_IN_TWO_ARMS * users:
        return f"Do not decide on this: {counted(int(two_arms), 'user')} {'was' if two_arms == 1 else 'were'} served by more than one arm."
    tests = report.tests()
    if not tests:
        return "Nothing is decided: too few users or no hits."
    return " ".join(sentence(report, row, ALPHA / (len(report.arms) - 1)) for row in tests)


def sentence(report: Report, row: dict, alpha: float) -> str:
    """Return what is known of one arm."""
    base = report.row(PRIMARY, report.arms[0]["arm"])
    least = report.experiment["expected_lift"]
    low, high, p_value = row["sequential_low"], row["sequential_high"], row["sequential_p_value"]
    name, other = row["arm"], base["arm"]
    gain = f"a lift of {signed(row['lift'])}" + ("" if low is None else f" ({interval(low, high)})")
    # What was proved at an earlier look may no longer be what today's lift says: then nothing is claimed.
    if p_value is not None and p_value < alpha and row["lift"] * (low + high) > 0:
        word = "better" if low + high > 0 else "worse"
        return f"{name} is {word} than {other}: HitRate@5 {row['value']:.3f} against {base['value']:.3f}, {gain}."
    if low is not None and -least < low and high < least:
        return f"{name} is neither better nor worse than {other} by {least:.0%}: {gain}."
    is_over = report.experiment["winner"] or row["days_needed"] is None
    days = "" if is_over else f"; to show one of {least:.0%} takes at least {counted(max(row['days_needed'], 1), 'more day')}"
    return f"{name} against {other} is not decided: {gain} so far{days}."


def state(experiment: dict) -> str:
    """Return where the experiment is in its life."""
    if experiment["winner"]:
        return f"concluded, {experiment['winner']} won"
    if experiment["stopped_at"]:
        return "stopped"
    return "running" if experiment["started_at"] else "not started"


VALUES = ["metric", "arm", "users", "exposures", "value", "95% interval"]
LIFTS = ["metric", "arm", "lift", "any time", "p, any time", "single look", "p, single look"]
BRIEF = ["", "users", "value", "lift", "any time", "p", "days"]


def value_lines(report: Report) -> list[tuple]:
    """Return the rows under VALUES."""
    return [
        (
            row["metric"], row["arm"], f"{row['user_count']:,}", f"{row['exposure_count']:,}", f"{row['value']:.3f}",
            "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}",
        )
        for row in report.rows
    ]


def lift_lines(report: Report) -> list[tuple]:
    """Return the rows under LIFTS."""
    return [
        (row["metric"], row["arm"], signed(row["lift"]), *any_time(row), interval(row["lift_low"], row["lift_high"]), probability(row["p_value"]))
        for row in report.rows if row["lift_low"] is not None
    ]


def brief_lines(report: Report) -> list[tuple]:
    """Return the rows under BRIEF: each metric, and below it the arms."""
    lines: list[tuple] = []
    for metric, rows in groupby(report.rows, key=itemgetter("metric")):
        lines.append((metric, *[""] * (len(BRIEF) - 1)))
        for row in rows:
            span_of_lift, p_value = any_time(row)
            lines.append((
                f"  {row['arm']}", f"{row['user_count']:,}", f"{row['value']:.3f}", signed(row["lift"]), span_of_lift.replace("% to", " to"), p_value,
                "" if row["days_needed"] is None else f"{row['days_needed']:,}",
            ))
    return lines


def as_table(report: Report) -> RenderableType:
    """Return the report for a terminal."""
    experiment = report.experiment
    arms = [(a["arm"], model_of(a), f"{a['weight'] / 100:g}%", a["slots"]) for a in report.arms]
    parts: list[RenderableType] = [
        f"experiment {experiment['name']}: {state(experiment)}; hash modulo {experiment['slot_count']}, salt {experiment['salt']}",
        table("", ["arm", "serves", "share", "slots"], arms, ["share"]),
    ]
    if report.rows:
        title = f"likes within {report.attribution}; any time and p hold at every look; days needed for {experiment['expected_lift']:.0%}"
        parts.append(table(title, BRIEF, brief_lines(report), BRIEF[1:]))
        parts.append(table("checks", ["check", "", "value", "finding"], check_lines(report), ["value"]))
    return Group(*parts, Text(verdict(report), no_wrap=not experiment["started_at"], overflow="ignore"))


def model_of(arm: dict) -> str:
    return arm["variant"] + (f" version {arm['version']}" if arm["version"] else "")


def check_lines(report: Report) -> list[tuple]:
    values = {"sample ratio": "p = {:.4f}", "users in two arms": "{:,.0f}", "served without the model": "{:.1%}"}
    return [
        (check["name"], "ok" if check["is_ok"] else "look", values[check["name"]].format(check["value"]), check["finding"])
        for check in report.checks
    ]


# The page


def write_html(report: Report, path: Path) -> None:
    """Write the page that a product manager reads."""
    experiment = report.experiment
    subtitle = f"{html.capital(state(experiment))}. Started {html.moment(experiment['started_at'])}. " + (
        f"Exposures of {span(report.days)}." if report.days else ""
    )
    sections = [("figures", "Figures", figures_of(report)), ("days", "Day by day", days_of(report))] if report.rows else []
    sections += [("sound", "Is the experiment sound?", checks_of(report)), ("reading", "How to read this", notes_of(report))]
    page = html.page(f"Experiment {experiment['name']}", subtitle, [html.paragraph(verdict(report))], sections)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise PgfeedError(f"cannot write {path}", error.strerror, "name another file with --html") from error


def span(days: list[dict]) -> str:
    dates = sorted(row["day"] for row in days)
    return html.span(day_text(dates[0]), day_text(dates[-1]))


def day_text(day: date | datetime) -> str:
    return f"{day.day} {day:%B %Y}"


def figures_of(report: Report) -> list[str]:
    points = [
        plots.Point(row["arm"], row["value"], row["low"] or row["value"], row["high"] or row["value"], row["lift"] is not None)
        for row in report.rows if row["metric"] == PRIMARY
    ]
    alt = "; ".join(f"{point.label} {point.value:.3f}" for point in points)
    plot = plots.comparison(points, "HitRate@5", f"HitRate@5 by arm: {alt}", "arms")
    return [
        html.grid([html.figure(
            "HitRate@5 by arm", plot, "The share of exposures with at least one liked post, with 95% intervals; hollow: the baseline."
        )]),
        html.table(VALUES, value_lines(report), VALUES[2:]),
        html.table(LIFTS, lift_lines(report), LIFTS[2:]),
        html.paragraph(
            f"Lifts are relative to {report.arms[0]['arm']}. Any time: holds however often one looks. Single look: holds only on a day that was"
            " chosen beforehand.", "note"
        ),
        *(
            html.paragraph(
                f"{row['arm']}: with the exposures so far a single look finds a lift of {row['detectable_lift']:.1%} in 80% of"
                f" cases. Days needed for {report.experiment['expected_lift']:.0%}: {row['days_needed']:,} more."
            )
            for row in report.tests() if row["detectable_lift"] is not None
        ),
    ]


def days_of(report: Report) -> list[str]:
    pieces = []
    for number, test in enumerate(report.tests()):
        days = [d for d in report.days if d["metric"] == PRIMARY and d["arm"] == test["arm"] and d["sequential_low"] is not None]
        if not days:
            continue
        dates, lifts, lows, highs = ([day[key] for day in days] for key in ("day", "lift", "sequential_low", "sequential_high"))
        plot = plots.lift_by_day(
            dates, lifts, lows, highs,
            f"Lift of {test['arm']} by day, at last {signed(test['lift'])}", f"lift{number}",
        )
        numbers = html.table(
            ["day", "users", "exposures", "HitRate@5", "lift", "any time", "p, any time"],
            [
                (
                    day["day"], f"{day['user_count']:,}", f"{day['exposure_count']:,}", f"{day['value']:.3f}", signed(day["lift"]),
                    *any_time(day),
                )
                for day in days
            ],
            ["users", "exposures", "HitRate@5", "lift", "any time", "p, any time"],
        )
        pieces.append(html.figure(
            f"Lift of {test['arm']} over {report.arms[0]['arm']}, all days so far", plot,
            "The band is the any-time interval: once it leaves the dashed line, the arms differ. Where it goes beyond the edges it is wider.", numbers,
        ))
    return [html.grid(pieces)] if pieces else [html.paragraph("Too few exposures to draw.")]


def checks_of(report: Report) -> list[str]:
    words = {"ok": html.Html('<span class="ok">ok</span>'), "look": html.Html('<span class="look">look</span>')}
    rows = [(words[verdict], name, value, finding) for name, verdict, value, finding in check_lines(report)]
    arms = [(a["arm"], model_of(a), f"{a['weight'] / 100:g}%") for a in report.arms]
    return [html.table(["", "check", "value", "finding"], rows, ["value"]), html.table(["arm", "serves", "share"], arms, ["share"])]


def notes_of(report: Report) -> list[str]:
    return [html.paragraph(text) for text in (
        f"A like counts for an exposure that showed the post within {report.attribution} before it; exposures for which that time is"
        " not over are left out, and so are users who were served by two arms.",
        "HitRate@5 (hit rate) is the share of exposures with a liked post. Users come back, so intervals and p-values are"
        " computed over users, by the delta method, not over exposures; users with a hit is compared by the two-proportion test.",
        "The verdict uses the any-time p-value of the hit rate (a mixture sequential probability ratio test), below"
        f" {ALPHA:g} divided by the number of arms that are compared with the baseline.",
        "Days needed: as if every day brought as much information as the days so far; users who come back bring less.",
        "Sample ratio: if the numbers of users do not agree with the shares, someone was lost on the way, and nothing here can be trusted.",
    )]
