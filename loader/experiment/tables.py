"""The figures of an experiment in tables, for a terminal and for the page."""

from itertools import groupby
from operator import itemgetter

from rich.console import Group, RenderableType
from rich.text import Text

from loader.experiment.experiments import Report, state
from loader.experiment.verdict import any_time, interval, probability, signed, verdict
from loader.terminal import fitted, out, table


def list_table(experiments: list[dict]) -> RenderableType:
    """Return all experiments for a terminal."""
    if not experiments:
        return "there are no experiments. Next: pgfeed experiment create NAME control test"
    lines = [
        (
            e["name"], e["state"].removeprefix("concluded, "),
            ", ".join(f"{a['arm']} {a['weight'] / 100:g}%" for a in e["arms"]),
            e["started_at"] and f"{e['started_at']:%Y-%m-%d %H:%M}",
            "" if e["exposure_count"] is None else f"{e['exposure_count']:,}",
        )
        for e in experiments
    ]
    return table("", ["name", "state", "arms", "started", "exposures"], lines, ["exposures"])


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
        (row["metric"], row["arm"], signed(row["lift"]), *any_time(row), interval(row["lift_low"], row["lift_high"]),
         probability(row["p_value"]))
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
                f"  {row['arm']}", f"{row['user_count']:,}", f"{row['value']:.3f}", signed(row["lift"]),
                span_of_lift.replace("% to", " to"), p_value,
                "" if row["days_needed"] is None else f"{row['days_needed']:,}",
            ))
    return lines


def report_table(report: Report) -> RenderableType:
    """Return the report for a terminal."""
    experiment = report.experiment
    arms = [(a["arm"], model_of(a), f"{a['weight'] / 100:g}%", a["slots"]) for a in report.arms]
    parts: list[RenderableType] = [
        f"experiment {experiment['name']}: {state(experiment)};"
        f" hash modulo {experiment['slot_count']}, salt {experiment['salt']}",
        table("", ["arm", "serves", "share", "slots"], arms, ["share"]),
    ]
    if report.rows:
        title = (
            f"likes within {report.attribution}; any time and p hold at every look;"
            f" days needed for {experiment['expected_lift']:.0%}"
        )
        parts.append(table(title, BRIEF, brief_lines(report), BRIEF[1:]))
        parts.append(table("checks", ["check", "", "value", "finding"], check_lines(report), ["value"]))
    words = fitted(verdict(report), out.width) if out.is_terminal else verdict(report)
    return Group(*parts, Text(words, no_wrap=True, overflow="ignore"))


def model_of(arm: dict) -> str:
    return arm["variant"] + (f" version {arm['version']}" if arm["version"] else "")


def check_lines(report: Report) -> list[tuple]:
    values = {"sample ratio": "p = {:.4f}", "users in two arms": "{:,.0f}", "served without the model": "{:.1%}"}
    return [
        (check["name"], "ok" if check["is_ok"] else "look", values[check["name"]].format(check["value"]),
         check["finding"])
        for check in report.checks
    ]
