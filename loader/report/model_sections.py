"""Sections of the report about models: what they use, evaluations, calibration, freshness."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC

from loader.figures import shown
from loader.report import plots
from loader.report.contents import PROTOCOLS, Contents, narrowness
from loader.report.page import Html, figure, grid, listed, moment, paragraph, percent, span, table
from loader.report.plots import BLUE, GREY, ORANGE, Point

SHOWN_FEATURES = 20
BASELINES = (
    "most popular", "best like rate", "best recent like rate", "live like rate", "decayed popularity", "newest first",
    "random", "oracle",
)


def models_section(contents: Contents) -> Iterator[str]:
    if not contents.active:
        yield paragraph("No model is active. Next: `pgfeed train control --activate`.")
    for variant, problem in contents.problems.items():
        yield paragraph(f"{variant} cannot be explained: {problem}")
    for number, (variant, model) in enumerate(contents.explanations.items()):
        shown = model.importances[:SHOWN_FEATURES]
        colours = [BLUE if i.leans == 1 else ORANGE if i.leans == -1 else GREY for i in shown]
        alt = f"Mean absolute SHAP values of {variant}; greatest: {listed([i.name for i in shown[:3]])}"
        strengths = [importance.strength for importance in shown]
        plot = plots.bars([i.name for i in shown], strengths, alt, f"m{number}", colours, "{:.3f}")
        yield figure(
            f"{variant} version {model.version}: mean |SHAP| in log-odds", plot,
            f"{model.shap_count:,} views of {span(model.first_day, model.last_day)}, held out from training;"
            f" {len(shown)} of {len(model.importances)} features. Blue: a higher value raises the score; orange: lowers"
            " it; grey: neither way throughout. A category counts as higher the higher its own like rate."
            " 0.10 moves the odds of a like by about 10%.",
        )
        unused = [i.name for i in model.importances if i.strength < 0.01 * max(shown[0].strength, 1e-9)]
        if unused:
            yield paragraph(f"Hardly used by {variant} (below 1% of the first): {', '.join(unused)}.", "note")
        yield paragraph(
            f"{percent(model.share_within, 0)} of the variance of {variant}'s scores lies between posts shown to one"
            " user on one day. Only that part changes the order of posts; the rest is the level of users and moments,"
            " which features such as user.like_rate set."
        )


def evaluation_section(contents: Contents) -> Iterator[str]:
    if not contents.evaluations:
        yield paragraph(f"Nothing was evaluated yet. Next: `pgfeed evaluate logged {contents.variant}`.")
        return
    yield paragraph(
        "The newest evaluation of each variant. Blue: models; hollow: their baselines, on the same cases. Whiskers: 95%"
        " intervals, bootstrap over users."
    )
    panels: dict[tuple, list[dict]] = {}
    for row in contents.evaluations:
        panels.setdefault((row["protocol"], row["metric"]), []).append(row)
    for protocol in PROTOCOLS:
        mine = {metric: rows for (name, metric), rows in panels.items() if name == protocol}
        if not mine and (protocol != "live" or contents.state["is_simulated"]):
            following = f"`pgfeed evaluate {protocol} {contents.variant}`"
            yield paragraph(f"{protocol}: not evaluated. Next: {following}.", "note")
        if mine:
            yield grid(evaluation_figure(contents, protocol, metric, rows) for metric, rows in mine.items())


def evaluation_figure(contents: Contents, protocol: str, metric: str, rows: list[dict]) -> str:
    """Return the plot and the table of one metric under one protocol."""
    active = {model["variant"]: model["version"] for model in contents.active}
    rows = models_first(rows)
    counts = Counter(row["method"] for row in rows)
    points, lines = [], []
    for row in rows:
        is_ours = row["method"] == "model"
        name, note = row["method"] + (f", beside {row['variant']}" if counts[row["method"]] > 1 else ""), ""
        if is_ours:
            name = f"{row['variant']} version {row['model_version']}"
            note = "" if active.get(row["variant"]) == row["model_version"] else "not the active version"
        low, high = (row["value"] if row[end] is None else row[end] for end in ("low", "high"))
        points.append(Point(name, row["value"], low, high, is_ours))
        ends = "" if row["low"] is None else f"{low:.3f} to {high:.3f}"
        lines.append((name, f"{row['value']:.3f}", ends, f"{row['sample_count']:,}", moment(row["evaluated_at"]), note))
    best = max(points, key=lambda point: point.value)
    alt = f"{metric}, {protocol}: highest {best.value:.3f} for {best.label}"
    numeric = [metric, "95% interval", "cases"]
    return figure(
        f"{metric}, {protocol}", plots.comparison(points, metric, alt, f"e-{rows[0]['evaluation_id']}"),
        f"{PROTOCOLS[protocol]}.", table(["method", *numeric, "evaluated", "note"], lines, numeric),
    )


def models_first(rows: list[dict]) -> list[dict]:
    """Return the models, the best first, then each baseline once if it is the same beside all of them."""
    baselines: dict[tuple, dict] = {}
    for row in rows:
        if row["method"] != "model":
            baselines.setdefault((row["method"], row["value"], row["sample_count"]), row)
    models = sorted((row for row in rows if row["method"] == "model"), key=lambda row: -row["value"])
    return models + sorted(baselines.values(), key=lambda row: place_of(row["method"]))


def place_of(baseline: str) -> int:
    """Return where a baseline stands in every figure; one without a place is next to the last."""
    return BASELINES.index(baseline) if baseline in BASELINES else len(BASELINES) - 1


def size_in_words(slope: float | None) -> str:
    """Return what a calibration's slope says."""
    if slope is None:
        return ": the views hold no likes or nothing else, or all scores are the same"
    size = "too large" if slope < 0.8 else "too small" if slope > 1.25 else "as large as they should be"
    return f": differences between scores are {size}"


def calibration_section(contents: Contents) -> Iterator[str]:
    if not contents.explanations:
        why = "No active model could be checked, see above." if contents.active else "There is no model to check."
        yield paragraph(f"{why} Next: `pgfeed train {contents.variant} --activate`.")
        return
    yield paragraph(
        "Views of the held-out days in ten groups by score, from the lowest to the highest tenth. The served score is"
        " relative to an average impression: it leaves out the day and the place in the session, which no post can"
        " change. To predict a like rate both are added back, as estimated on these same views. So the curve does not"
        " test the overall level but whether differences between scores have the right size."
    )
    figures = []
    for number, (variant, model) in enumerate(contents.explanations.items()):
        points = [Point("", group.rate, group.low, group.high) for group in model.bins]
        alt = f"Observed against predicted like rate of {variant}: slope {shown(model.slope, 2)}"
        figures.append(figure(
            f"{variant} version {model.version}", plots.calibration(model.predicted, points, alt, f"c{number}"),
            f"Slope {shown(model.slope, 2)} (1 is right){size_in_words(model.slope)}. AUC within a user-day"
            f" {shown(model.request_auc)} (0.5 is chance). {model.row_count:,} views of"
            f" {span(model.first_day, model.last_day)}; intervals clustered by user.",
        ))
    yield grid(figures)


def freshness_section(contents: Contents) -> Iterator[str]:
    as_of, last_at = contents.state["as_of"], contents.data.last_at
    finished_at = contents.state["finished_at"]
    rows = [("last event", last_at), ("features as of", as_of), ("last refresh finished", finished_at)]
    yield table(["what", "when"], [(what, moment(at)) for what, at in rows])
    if as_of is None or as_of <= last_at:
        yield paragraph("Events are newer than the features. Next: `pgfeed refresh`.")
    if not contents.active:
        yield paragraph("No model is active. Next: `pgfeed train control --activate`.")
        return
    rows = [
        (f"{m['variant']} version {m['version']}",
         moment(m["activated_at"]), m["activated_by"], moment(m["created_at"]),
         "" if m["trained_until"] is None else f"{m['trained_until'].astimezone(UTC):%Y-%m-%d}",
         m["feature_count"], f"{m['artifact_bytes'] / 1e6:.2f} MB")
        for m in contents.active
    ]
    headers = ["active model", "activated", "by", "stored", "learned from days before", "features", "size"]
    yield table(headers, rows, ["features", "size"])


def lists_section(contents: Contents) -> Iterator[str]:
    """Yield how much of the catalogue was served in the last 7 days, and how often a post again to the same user."""
    figures = contents.lists
    if figures is None:
        yield paragraph("serve_posts gave no list in the last 7 days. Only its lists are logged.")
        return
    yield paragraph(
        "The lists that serve_posts gave in the last 7 days, of very many a sample. A place shows a post again if a"
        " list of the 90 days before, more than an hour earlier, showed it to the same user."
    )
    if warning := narrowness(figures):
        yield paragraph(Html(f'<span class="look">look</span> {warning}'))
    rows = [
        ("lists", f"{figures['served_lists']:,}"),
        ("posts in them", f"{figures['served_posts']:,}"),
        ("share of the catalogue", percent(figures["catalogue_served_ratio"])),
        ("places that the ten most served posts take", percent(figures["ten_most_served_ratio"])),
        ("places that show a post again", percent(figures["shown_again_ratio"])),
    ]
    yield table(["what", "figure"], rows, ["figure"])
