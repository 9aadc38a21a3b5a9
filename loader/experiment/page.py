"""The page that a product manager reads."""

from datetime import date, datetime
from pathlib import Path

from loader.errors import PgfeedError
from loader.experiment.experiments import PRIMARY, Report, state
from loader.experiment.tables import LIFTS, VALUES, check_lines, lift_lines, model_of, value_lines
from loader.experiment.verdict import ALPHA, any_time, signed, verdict, what_now
from loader.report import page as html
from loader.report import plots


def write_html(report: Report, path: Path) -> None:
    """Write the page that a product manager reads."""
    experiment = report.experiment
    subtitle = f"{html.capital(state(experiment))}. Started {html.moment(experiment['started_at'])}. " + (
        f"Exposures of {span(report.days)}." if report.days else ""
    )
    sections = [("figures", "Figures", figures_of(report)),
                ("days", "Day by day", days_of(report))] if report.rows else []
    sections += [("sound", "Is the experiment sound?", checks_of(report)),
                 ("reading", "How to read this", notes_of(report))]
    summary = [html.paragraph(verdict(report)), html.paragraph(what_now(report))]
    page = html.page(f"Experiment {experiment['name']}", subtitle, summary, sections)
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
        plots.Point(row["arm"], row["value"], row["low"] or row["value"], row["high"] or row["value"],
                    row["lift"] is not None)
        for row in report.rows if row["metric"] == PRIMARY
    ]
    alt = "; ".join(f"{point.label} {point.value:.3f}" for point in points)
    plot = plots.comparison(points, "HitRate@5", f"HitRate@5 by arm: {alt}", "arms")
    return [
        html.grid([html.figure(
            "HitRate@5 by arm", plot,
            "The share of exposures with at least one liked post, with 95% intervals; hollow: the baseline."
        )]),
        html.table(VALUES, value_lines(report), VALUES[2:]),
        html.table(LIFTS, lift_lines(report), LIFTS[2:]),
        html.paragraph(
            f"Lifts are relative to {report.arms[0]['arm']}. Any time: holds however often one looks. Single look:"
            " holds only on a day that was chosen beforehand.", "note"
        ),
        *(
            html.paragraph(
                f"{row['arm']}: with the exposures so far a single look finds a lift of {row['detectable_lift']:.1%} in"
                " 80% of"
                f" cases. Days needed for {report.experiment['expected_lift']:.0%}: {row['days_needed']:,} more."
            )
            for row in report.tests() if row["detectable_lift"] is not None
        ),
    ]


def days_of(report: Report) -> list[str]:
    pieces = []
    for number, test in enumerate(report.tests()):
        days = [d for d in report.days if d["metric"] == PRIMARY and d["arm"] == test["arm"]
                and d["sequential_low"] is not None]
        if not days:
            continue
        dates, lifts, lows, highs = ([day[key] for day in days]
                                     for key in ("day", "lift", "sequential_low", "sequential_high"))
        plot = plots.lift_by_day(
            dates, lifts, lows, highs,
            f"Lift of {test['arm']} by day, at last {signed(test['lift'])}", name=f"lift{number}",
        )
        numbers = html.table(
            ["day", "users", "exposures", "HitRate@5", "lift", "any time", "p, any time"],
            [
                (
                    day["day"], f"{day['user_count']:,}", f"{day['exposure_count']:,}", f"{day['value']:.3f}",
                    signed(day["lift"]),
                    *any_time(day),
                )
                for day in days
            ],
            ["users", "exposures", "HitRate@5", "lift", "any time", "p, any time"],
        )
        pieces.append(html.figure(
            f"Lift of {test['arm']} over {report.arms[0]['arm']}, all days so far", plot,
            "The band is the any-time interval: once it leaves the dashed line, the arms differ. Where it goes beyond"
            " the edges it is wider.", numbers,
        ))
    return [html.grid(pieces)] if pieces else [html.paragraph("Too few exposures to draw.")]


def checks_of(report: Report) -> list[str]:
    words = {"ok": html.Html('<span class="ok">ok</span>'), "look": html.Html('<span class="look">look</span>')}
    rows = [(words[verdict], name, value, finding) for name, verdict, value, finding in check_lines(report)]
    arms = [(a["arm"], model_of(a), f"{a['weight'] / 100:g}%") for a in report.arms]
    return [html.table(["", "check", "value", "finding"], rows, ["value"]),
            html.table(["arm", "serves", "share"], arms, ["share"])]


def notes_of(report: Report) -> list[str]:
    return [html.paragraph(text) for text in (
        f"A like counts for an exposure that showed the post within {report.attribution} before it; exposures for"
        " which that time is not over are left out, and so are users who were served by two arms.",
        "A lift is by how much of the baseline's value an arm is higher or lower: 0.63 against 0.60 is a lift of +5%.",
        "HitRate@5 (hit rate) is the share of exposures with a liked post. Users come back, so intervals and p-values"
        " are computed over users, by the delta method, not over exposures; users with a hit is compared by the"
        " two-proportion test.",
        "The verdict uses the any-time p-value of the hit rate (a mixture sequential probability ratio test), below"
        f" {ALPHA:g} divided by the number of arms that are compared with the baseline.",
        "Days needed: as if every day brought as much information as the days so far; users who come back bring less.",
        "Sample ratio: if the numbers of users do not agree with the shares, someone was lost on the way,"
        " and nothing here can be trusted.",
    )]
