"""Verbs that measure: evaluate, compare, examples, report."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loader.cli.command import JSON, connected, main, say, show
from loader.errors import PgfeedError
from loader.figures import shown
from loader.terminal import counted, out, table, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection
    from rich.table import Table

    from loader.measuring.live import Gain


@main.command("evaluate")
@click.argument("protocols")
@click.argument("models", nargs=-1)
@click.option("--scores", "relations", multiple=True, metavar="TABLE",
              help="Scores of another program: a table or view with user_id, post_id, ts and score. Can be repeated.")
@click.option("--by", metavar="FEATURE", help="Of logged and full, by group of users too, such as user.gender.")
@click.option("--requests", "request_count", type=click.IntRange(1), default=2000, show_default=True,
              help="Of the live protocol.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="Of the live requests and likes, and of the users of full.")
@click.option("--feed", metavar="NAME", help="Of off-policy, the lists of this feed alone.")
@JSON
@connected
def evaluate_models(connection, protocols, models, relations, by, request_count, seed, feed, as_json):
    """Measure models beside each other and simple baselines on the same requests.

    A model is VARIANT, its active version, or VARIANT@VERSION. Its figures are written to pgfeed.evaluations.

    \b
    logged  re-ranks what users saw on the held-out days (of over five views)
    live    sends requests; likes are drawn from the simulated network's truth
    full    ranks all posts for users with likes before and in the held-out days
    off-policy  what likes each model would have had, from lists of feeds that
            explore; nothing is written

    The ts of a score is for logged the moment of the view, as in pgfeed.impressions, for full the first held-out
    midnight.

    \b
    Example:
      ./run evaluate logged,live,full control
      ./run evaluate logged,full control@3 control@4
      ./run evaluate logged control --scores app.scores
      ./run evaluate full control --by user.gender
      ./run evaluate off-policy control@4
    """
    from loader.measuring import groups, off_policy
    from loader.measuring import protocols as by_name
    from loader.measuring.results import Contest

    names = protocols.split(",")
    if off_policy.PROTOCOL in names:
        judge_models(connection, models, feed, as_json)
        names = [name for name in names if name != off_policy.PROTOCOL]
        if not names:
            return
    elif feed is not None:
        raise PgfeedError("--feed names no lists", "it is of off-policy", f"pgfeed evaluate off-policy --feed {feed}")
    if by is not None:
        if "live" in names:
            others = ",".join(name for name in names if name != "live") or "full"
            next_step = f"pgfeed evaluate {others} {' '.join(models)} --by {by}"
            raise PgfeedError("live has no groups of users", "--by is of logged and full", next_step)
        groups.require(connection, by)
    for step in by_name.evaluate(connection, names, models, relations, request_count, seed):
        if isinstance(step, list):
            show({"protocol": "live", "paired": [gain.as_dict() for gain in step]}, as_json,
                 "\n".join(map(gain_line, step)))
            continue
        is_contest = isinstance(step, Contest)
        parts = []
        if by is not None and is_contest:
            parts = step.by(groups.groups_of(connection, by, step.user_ids))
        if as_json:
            for data in step.as_dicts() if is_contest else [step.as_dict()]:
                show(data | ({"groups": [vars(r) | {"group": group} for group, r in parts]} if parts else {}), True, "")
            continue
        for figures in (step.table(), step.beyond(), *groups_tables(by, parts)):
            if figures is not None:
                out.print(figures, crop=False)
        lines = step.verdicts() if is_contest else [step.verdict()]
        say("\n".join(filter(None, [*lines, step.note])), err=False)


def judge_models(connection: "Connection", models: tuple[str, ...], feed: str | None, as_json: bool) -> None:
    """Print what models would have had of likes, one after the other."""
    from loader.measuring import off_policy

    if not models:
        raise PgfeedError("no model is named", "off-policy judges versions", "pgfeed evaluate off-policy control@4")
    for model in models:
        rows = off_policy.judge(connection, model, feed)
        verdict = off_policy.verdict(model, rows)
        if as_json or not off_policy.has_figures(rows):
            show({"model": model, "estimates": rows}, as_json, verdict)
        else:
            out.print(off_policy.figures(model, rows), crop=False)
            say(verdict, err=False)


def groups_tables(by: str, parts: list) -> "Iterator[Table]":
    """Yield the figures of groups, a line for each group and method: accuracy, then what is beside it."""
    from loader.measuring.results import BEYOND

    for title, is_beyond in ((f"by {by}", False), (f"by {by}, beside accuracy", True)):
        found = [(group, result) for group, result in parts if (result.metric in BEYOND) == is_beyond]
        metrics = list(dict.fromkeys(result.metric for _, result in found))
        cells = {(group, r.method, r.metric): f"{r.value:.3f}" for group, r in found}
        counts = {(group, r.method): f"{r.sample_count:,}" for group, r in reversed(found)}
        lines = [
            (*key, counts[key], *(cells.get((*key, metric)) for metric in metrics))
            for key in dict.fromkeys((group, r.method) for group, r in found)
        ]
        if lines:
            yield table(title, ["group", "method", "requests", *metrics], lines, ["requests", *metrics])


def gain_line(gain: "Gain") -> str:
    """Return a gain for people."""
    interval = f"({gain.low:+.4f} to {gain.high:+.4f})"
    return f"{gain.variant} over {gain.over} on the same requests, {gain.metric}: {gain.gain:+.4f} {interval}"


@main.command("compare")
@click.argument("first", metavar="VARIANT[@VERSION]")
@click.argument("second", metavar="[VARIANT[@VERSION]]", required=False)
@JSON
@connected
def compare_models(connection, first, second, as_json):
    """Compare two models, or three methods for one variant. Nothing is stored.

    Two models are measured on the same held-out requests: the gain of the second over the first, with 95% intervals.

    For one variant a decision tree, a random forest and CatBoost are fitted by its recipe. Each method is fitted on the
    training days, its parameters are chosen on the validation days, and its figures are of the held-out days: AUC,
    HitRate@5 on what users saw and, in a simulated network, of live requests.

    \b
    Example:
      ./run compare control@3 test
      ./run compare control
    """
    if second is None:
        compare_methods(connection, first, as_json)
    else:
        compare_versions(connection, first, second, as_json)


def compare_versions(connection: "Connection", first: str, second: str, as_json: bool) -> None:
    """Print what the second model gains over the first."""
    from loader.measuring import paired

    differences, reasons = paired.compare(connection, first, second)
    headers = ["protocol", "metric", "requests", first, second, "gain", "95% interval"]
    lines = [
        (d.protocol, d.metric, f"{d.sample_count:,}", f"{d.first:.3f}", f"{d.second:.3f}", f"{d.gain:+.4f}",
         f"{d.low:+.4f} to {d.high:+.4f}")
        for d in differences
    ]
    data = {"first": first, "second": second, "differences": [vars(d) for d in differences], "not_measured": reasons}
    show(data, as_json, table(f"{second} over {first}", headers, lines, headers[2:]))
    if not as_json and reasons:
        say("\n".join(reasons), err=False)


def compare_methods(connection: "Connection", variant: str, as_json: bool) -> None:
    """Print what a decision tree, a random forest and CatBoost reach by a variant's recipe."""
    from loader.learning import registry
    from loader.measuring import compare

    name, version = registry.parsed(variant)
    if version is not None:
        cause = "one version is compared with another, methods are compared for a variant"
        next_step = f"pgfeed compare {variant} {name}, or: pgfeed compare {name}"
        raise PgfeedError(f"{variant} is one version", cause, next_step)
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
        say(
            "* within a user-day, on the validation days: it chose the parameters."
            f" ms: to score {compare.SCORED_POSTS:,} posts", err=False,
        )


@main.command("examples")
@click.argument("variant")
@click.option("--to", "path", required=True, metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="A .parquet or .csv file.")
@click.option("--recipe", "source", metavar="FILE", help="As of train.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="As of train.")
@JSON
@connected
def write_examples(connection, variant, path, source, changes, as_json):
    """Write what train learns from, and evaluate logged measures on, to a file for any other program.

    One row per impression: split (train, validation, held_out), request (a user's day), user_id, post_id, ts, position,
    is_liked, weight, offset (its log-odds without what belongs to the post), and a column for each feature of the
    variant's recipe, as of the moment that train knows. Parquet has the codes of categories in its metadata.

    \b
    Example:
      ./run examples control --to train.parquet
    """
    from loader.learning import candidates
    from loader.learning.recipes import Recipe
    from loader.measuring import examples

    examples.require_path(path)
    recipe = candidates.recipe_for(connection, variant, source, changes)
    if not isinstance(recipe, Recipe):
        cause = "the recipe learns from requests, examples are impressions"
        raise PgfeedError(f"there are no examples of {variant}", cause, f"pgfeed examples control --to {path}")
    parts, encoders = examples.collect(connection, variant, recipe)
    examples.write(path, parts, encoders)
    counts = {part.split: len(part.offset) for part in parts}
    data = {"file": str(path), "rows": counts, "features": len(parts[0].rows.names)}
    words = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    show(data, as_json, f"{path}: {words} impressions, {counted(data['features'], 'feature')}")


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
    tell(f"{path}: {path.stat().st_size / 1000:,.0f} kB, open it in a browser")
