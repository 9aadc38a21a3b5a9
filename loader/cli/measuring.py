"""Verbs that measure: evaluate, compare, report."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loader.cli.command import JSON, connected, main, show
from loader.figures import shown
from loader.terminal import out, table

if TYPE_CHECKING:
    from loader.measuring.live import Gain


@main.command("evaluate")
@click.argument("protocols")
@click.argument("variants", nargs=-1, required=True)
@click.option("--requests", "request_count", type=click.IntRange(1), default=2000, show_default=True,
              help="Of the live protocol.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="Of the live requests and likes, and of the users of full.")
@JSON
@connected
def evaluate_variants(connection, protocols, variants, request_count, seed, as_json):
    """Measure active models beside their baselines, and write the figures to pgfeed.evaluations.

    \b
    logged  re-ranks what users saw on the held-out days; HitRate@5 over user-days with more than five views
    live    sends requests through recommend_posts; likes drawn from the simulated network's truth
    full    ranks the whole catalogue for users with likes before and after the first held-out day

    \b
    Example:
      ./run evaluate logged,live,full control
    """
    from loader.measuring import protocols as by_name

    for step in by_name.evaluate(connection, protocols.split(","), variants, request_count, seed):
        if isinstance(step, list):
            show({"protocol": "live", "paired": [gain.as_dict() for gain in step]}, as_json,
                 "\n".join(map(gain_line, step)))
            continue
        show(step.as_dict(), as_json, step.table())
        if not as_json:
            out.print("\n".join(filter(None, [step.verdict(), step.note])))


def gain_line(gain: "Gain") -> str:
    """Return a gain for people."""
    interval = f"({gain.low:+.4f} to {gain.high:+.4f})"
    return f"{gain.variant} over {gain.over} on the same requests, {gain.metric}: {gain.gain:+.4f} {interval}"


@main.command("compare")
@click.argument("variant")
@JSON
@connected
def compare_methods(connection, variant, as_json):
    """Compare a decision tree, a random forest and CatBoost by a variant's recipe. Nothing is stored.

    Each method is fitted on the training days, its parameters are chosen on the validation days, and its figures are of
    the held-out days: AUC, HitRate@5 on what users saw and, in a simulated network, of live requests.

    \b
    Example:
      ./run compare control
    """
    from loader.measuring import compare

    rows = compare.compare(connection, variant)
    headers = ["method", "AUC*", "AUC", "logged", "live", "fit s", "MB", "ms"]
    lines = [
        (
            r.method, shown(r.validation_auc, 4), shown(r.auc, 4), shown(r.logged),
            "" if r.live is None else f"{r.live:.3f}",
            f"{r.fit_seconds:.0f}", f"{r.size_mb:.1f}", f"{r.score_ms:.1f}",
        )
        for r in rows
    ]
    title = f"{variant}: AUC and HitRate@5 on the held-out days"
    show([vars(row) for row in rows], as_json, table(title, headers, lines, headers[1:]))
    if not as_json:
        out.print(
            "* within a user-day, on the validation days: it chose the parameters."
            f" ms: to score {compare.SCORED_POSTS:,} posts"
        )


@main.command("report")
@click.option(
    "--out", "path", default="pgfeed-report.html", show_default=True, metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False), help="The HTML file to write.",
)
@connected
def write_report(connection, path):
    """Write what data, models and evaluations look like to one HTML file.

    Data checks, distributions, like rates with intervals, weak features, what the models use, evaluations, calibration.

    \b
    Example:
      ./run report --out report.html
    """
    from loader.report import document

    document.write_report(connection, path)
    click.echo(f"{path}: {path.stat().st_size / 1000:,.0f} kB, open it in a browser")
