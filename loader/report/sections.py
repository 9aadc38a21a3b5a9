"""`pgfeed report`: what the data, the models and their evaluations look like, as one HTML file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.errors import PgfeedError
from loader.report import data as report_data
from loader.report import plots
from loader.report.data import TEXT_FEATURES, UNKNOWN, Breakdown, Data, Distribution, Group
from loader.report.page import (
    Html,
    capital,
    date_of,
    figure,
    grid,
    interval,
    listed,
    missing,
    moment,
    page,
    paragraph,
    percent,
    span,
    table,
    text,
)
from loader.report.plots import BLUE, GREY, ORANGE, Point
from loader.terminal import progress

if TYPE_CHECKING:
    from loader.report.models import Explanation

NOTHING = "there is nothing to report on"
SHOWN_FEATURES = 20
LEAST_KNOWN = 0.01  # share of views with a known group below which a feature is not shown
OK, LOOK = Html('<span class="ok">ok</span>'), Html('<span class="look">look</span>')
ORDER = [
    "position", "hour", "month", "weekday", "topic", "age", "exp_group", "gender", "os", "source", "country", "city",
]
IN_ORDER = {"position", "hour", "month", "weekday", "age"}
SAMPLED = {"position", "hour"}
VERDICTS = ["strong", "clear", "weak", "flat"]
LENGTHS = {
    "age": "years", "views per user": "views", "likes per user": "likes", "views per post": "views",
    "session length": "views of a user on a day", "text length": "characters, logarithmic",
}
NOT_LOADED = {"age": "profiles", "views per post": "posts", "text length": "texts"}
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


@dataclass
class Facts:
    """What the sections are made of; evaluations, active models and state as rows of the queries above."""

    data: Data
    evaluations: list[dict]
    active: list[dict]
    state: dict
    explanations: dict[str, "Explanation"] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def variant(self) -> str:
        """The variant to name in a command."""
        return self.active[0]["variant"] if self.active else "control"


def write_report(connection: Connection, path: Path) -> None:
    """Write the report; PgfeedError if there is nothing to report on or the file cannot be written."""
    if not path.absolute().parent.is_dir():
        raise PgfeedError(f"{path} cannot be written", "its folder does not exist", f"mkdir -p {path.parent}")
    report = render(collect(connection))
    try:
        path.write_text(report, encoding="utf-8")
    except OSError as error:
        raise PgfeedError(f"{path} cannot be written", error.strerror, "pgfeed report --out FILE") from error


def collect(connection: Connection) -> Facts:
    """Read from the database all that the report shows."""
    require_views(connection)
    with progress("looking at the data", report_data.STEPS) as advance:
        for data in report_data.collect(connection):  # noqa: B007
            advance(1)
    with connection, connection.cursor() as cursor:
        facts = Facts(data, rows_of(cursor, EVALUATIONS), rows_of(cursor, MODELS), rows_of(cursor, STATE)[0])
    facts.evaluations.sort(key=lambda row: row["evaluation_id"])
    if facts.active:
        from loader.report.models import explain

        for variant in (model["variant"] for model in facts.active):
            try:
                facts.explanations[variant] = explain(connection, variant)
            except PgfeedError as error:
                facts.problems[variant] = str(error)
    return facts


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


def render(facts: Facts) -> str:
    """Return the report as HTML."""
    return page(
        "pgfeed report", f"Database {facts.state['database']}, {moment(datetime.now(UTC))}. All times are UTC.",
        summary(facts), [(anchor, title, section(facts)) for anchor, (title, section) in SECTIONS.items()],
    )


def summary(facts: Facts) -> Iterator[str]:
    """Yield what the report says, in sentences."""
    data, overall = facts.data, facts.data.overall
    days = (data.days[-1][0] - data.days[0][0]).days + 1
    yield paragraph(
        f"{overall.clusters:,} users saw posts {overall.views:,} times and liked {overall.likes:,} times from"
        f" {date_of(data.first_at)} to {date_of(data.last_at)} ({days} {'day' if days == 1 else 'days'}):"
        f" {percent(overall.rate)} of the views were liked (95% interval {interval(overall.low, overall.high)})."
    )
    looks = [f"{check.table}, {check.name}" for check in data.checks if not check.is_ok]
    named = "; ".join(looks[:4] + ["..."] * (len(looks) > 4))
    count = len(data.checks)
    look = f"{len(looks)} of {count} data checks need a look: {named}."
    yield paragraph(look if looks else f"All {count} data checks are ok.")
    yield paragraph(features_in_words(data))
    if not facts.active:
        yield paragraph("No model is active, posts are served by popularity. Next: `pgfeed train control --activate`.")
    for model in facts.active:
        yield paragraph(f"The model {model['variant']} version {model['version']} is active.")
        yield from map(paragraph, scores_in_words(facts, model))


def features_in_words(data: Data) -> str:
    """Return which features matter to the like rate and which do not."""
    names: dict[str, list[str]] = {}
    for found in by_strength(data):
        names.setdefault(found.verdict(), []).append(found.title)
    sentences = []
    most = names.get("strong", []) + names.get("clear", [])
    if most:
        sentences.append(f"The like rate differs most by {listed(most[:5])}.")
    if "flat" in names:
        sentences.append(f"Flat, so of no use alone: {listed(names['flat'])}.")
    if "too few to tell" in names:
        sentences.append(f"Too few views to tell: {listed(names['too few to tell'])}.")
    return " ".join(sentences) or "No feature can be judged yet."


def scores_in_words(facts: Facts, model: dict) -> list[str]:
    """Return per protocol a few sentences on the active model's hit rate beside its baselines."""
    found = []
    for protocol in PROTOCOLS:
        key = (protocol, model["variant"], model["version"], "HitRate@5")
        rows = {
            row["method"]: row for row in facts.evaluations
            if (row["protocol"], row["variant"], row["model_version"], row["metric"]) == key
        }
        own, oracle = rows.pop("model", None), rows.pop("oracle", None)
        if own is None:
            continue
        others = sorted(rows.values(), key=lambda row: -row["value"])
        sentences = f"Its {protocol} HitRate@5 is {own['value']:.3f}"
        if own["low"] is not None:
            sentences += f" (95% interval {own['low']:.3f} to {own['high']:.3f})"
        if others:
            sentences += "; beside it: " + ", ".join(f"{row['method']} {row['value']:.3f}" for row in others)
        sentences += f"; an oracle reaches {oracle['value']:.3f}." if oracle else "."
        if others and None not in (own["low"], *(row["high"] for row in others)):
            near = [row["method"] for row in others if row["high"] >= own["low"]]
            below = f" Its interval is not clear of that of {listed(near)}."
            sentences += below if near else " Its interval is above all of theirs."
        found.append(sentences)
    return found or [f"It was never evaluated. Next: `pgfeed evaluate logged {model['variant']}`."]


def known_enough(data: Data) -> list[Breakdown]:
    """Return the features whose group is known for at least 1% of the views."""
    return [b for b in data.breakdowns.values() if sum(g.views for g in b.known()) >= LEAST_KNOWN * b.views]


def by_strength(data: Data) -> list[Breakdown]:
    """Return the features, those whose groups differ most first."""

    def key(found: Breakdown) -> tuple:
        verdict = found.verdict()
        place = VERDICTS.index(verdict) if verdict in VERDICTS else len(VERDICTS)
        return place, -found.spread()[0] / max(found.rate, 1e-9)

    return sorted(known_enough(data), key=key)


def checks_section(facts: Facts) -> Iterator[str]:
    checks = facts.data.checks
    for name in dict.fromkeys(check.table for check in checks):
        yield f"<h3>{text(name)}</h3>"
        rows = [(OK if c.is_ok else LOOK, c.name, c.finding) for c in checks if c.table == name]
        yield table(["", "check", "finding"], rows, kind="checks")
    yield "<h3>Columns</h3>"
    rows = [
        (c.table, c.name, c.kind, percent(c.missing) if c.missing else "none",
         "" if c.distinct is None else f"{c.distinct:,}", c.content or "nothing")
        for c in facts.data.columns
    ]
    yield table(["table", "column", "type", "missing", "distinct", "holds"], rows, ["missing", "distinct"])


def distributions_section(facts: Facts) -> Iterator[str]:
    data = facts.data
    yield paragraph("A session is what one user sees on one day (UTC). The dashed line marks the median.", "note")
    days, views, likes = zip(*data.days, strict=True)
    rates = [like / max(view, 1) for view, like in zip(views, likes, strict=True)]
    busiest = max(data.days, key=lambda row: row[1])
    alt = f"Views a day, at most {busiest[1]:,}, and like rate a day, {percent(data.overall.rate)} overall"
    figures = [figure(
        "Views and like rate by day", plots.series(days, views, rates, data.overall.rate, alt, "days"),
        f"All {data.overall.views:,} views. Busiest day: {busiest[0]} with {busiest[1]:,} views."
        " Dashed: the overall like rate.",
    )]
    for number, (name, label) in enumerate(LENGTHS.items()):
        found = data.distributions.get(name)
        if found is None:
            figures.append(missing(capital(name), f"No {NOT_LOADED[name]} are loaded. Next: `pgfeed ingest FILE`."))
            continue
        is_log, what = name == "text length", in_words(found)
        plot = plots.histogram(found.values, found.counts, label, f"Histogram of {name}: {what}", f"d{number}", is_log)
        last = plots.last_shown(found.values, found.counts)
        cut = f" Not drawn: what exceeds {last:,}." if last < found.values[-1] and not is_log else ""
        sampled = " Of the sampled users." if name == "session length" and data.sample_share < 1 else ""
        figures.append(figure(capital(name), plot, what + cut + sampled))
    if data.topics:
        topics, counts = zip(*data.topics, strict=True)
        top = report_data.TOP_GROUPS
        plot = plots.bars(topics[:top], counts[:top], f"Posts per topic; the largest is {topics[0]}", "topics")
        only = f", the largest {top}" if len(topics) > top else ""
        caption = f"{sum(counts):,} posts in {len(topics)} topics{only}."
        figures.append(figure("Posts per topic", plot, caption))
    else:
        figures.append(missing("Posts per topic", "No posts are loaded. Next: `pgfeed ingest FILE`."))
    yield grid(figures)


def in_words(found: Distribution) -> str:
    low, middle, high = (found.quantile(share) for share in (0.25, 0.5, 0.75))
    return (
        f"{found.counts.sum():,} in all; median {middle:,.0f}, half of them between {low:,.0f} and {high:,.0f},"
        f" mean {found.mean():,.1f}, range {found.values[0]:,} to {found.values[-1]:,}."
    )


def top_rate(breakdowns: Iterable[Breakdown], overall: Group) -> float:
    """Return where the axis of rates ends: above the rates of all but tiny groups and the intervals of large ones."""
    groups = [(group, group.views / max(found.views, 1)) for found in breakdowns for group in found.groups]
    highs = [group.high if share >= 0.02 else group.rate for group, share in groups if share >= 0.005]
    return min(1.0, 1.08 * max([overall.high, *highs]))


def rates_section(facts: Facts) -> Iterator[str]:
    data = facts.data
    shown = {found.feature: found for found in known_enough(data) if found.feature not in TEXT_FEATURES}
    top = top_rate([found for found in shown.values() if found.verdict() != "too few to tell"], data.overall)
    yield paragraph(
        "Dots are the share of views that were liked, whiskers its 95% interval, the dashed line the overall rate of"
        f" {percent(data.overall.rate)}. All panels have the same scale, so a flat feature looks flat; whiskers of"
        " small groups may leave the panel, and an arrow is a dot beyond it."
    )
    sampled = f" Hour and place in the session rest on a sample of {percent(data.sample_share)} of the users."
    yield paragraph(
        "Intervals are Wilson's with the number of views divided by the design effect of clustering by user, for the"
        " views of one user resemble each other. The rates are raw, one feature at a time: groups may differ in other"
        " ways too." + (sampled if data.sample_share < 1 else ""),
        "note",
    )
    yield grid(rate_figure(data, shown[feature], top) for feature in ORDER if feature in shown)
    hidden = [data.breakdowns[name].title for name in ORDER if name in data.breakdowns and name not in shown]
    if hidden:
        yield paragraph(
            f"Not shown, for they are known for less than 1% of the views: {listed(hidden)}."
            " Next: `pgfeed ingest FILE` with profiles and posts."
        )


def rate_figure(data: Data, found: Breakdown, top: float) -> str:
    """Return the plot of a feature's like rates with its numbers."""
    points = [Point(group.label, group.rate, group.low, group.high) for group in found.groups]
    first, *_, last = sorted(found.known() * 2, key=lambda group: group.rate)
    alt = (
        f"Like rate by {found.title}: lowest {percent(first.rate)} for {first.label},"
        f" highest {percent(last.rate)} for {last.label}"
    )
    anchor = f"r-{found.feature}"
    if found.feature in IN_ORDER and found.groups[-1].label != UNKNOWN:
        plot = plots.rates_in_order(points, data.overall.rate, top, alt, anchor)
    else:
        plot = plots.rates_by_category(points, [g.views for g in found.groups], data.overall.rate, top, alt, anchor)
    sampled = ", sampled" if found.feature in SAMPLED and data.sample_share < 1 else ""
    return figure(found.heading, plot, f"{capital(found.verdict())}. {found.views:,} views{sampled}.", numbers(found))


def numbers(found: Breakdown) -> str:
    """Return the table behind a plot of like rates."""
    clusters = "posts" if found.feature in TEXT_FEATURES else "users"
    rows = [
        (g.label, f"{g.views:,}", f"{g.clusters:,}", percent(g.rate, 2), interval(g.low, g.high, 2))
        for g in found.groups
    ]
    headers = ["views", clusters, "like rate", "95% interval"]
    return table([found.title, *headers], rows, headers)


def strength_section(facts: Facts) -> Iterator[str]:
    yield paragraph(features_in_words(facts.data))
    yield paragraph(
        "Difference is the standard deviation of the groups' like rates, weighted by views and freed of noise, as a"
        " share of the overall rate; noise is what chance alone would show. AUC is that of the group's own rate as a"
        " score, on the same views, so many small groups read a little too high; 0.5 is worthless. Flat: no more than"
        " chance, or below 2%; weak: below 6%; strong: 20% and more. A feature that is flat alone may still matter"
        " together with others.",
        "note",
    )
    rows = []
    for found in by_strength(facts.data):
        first, *_, last = sorted(found.known() * 2, key=lambda group: group.rate)
        ends = " to ".join(f"{percent(group.rate)} ({plots.short(group.label)})" for group in (first, last))
        spread, noise = (percent(value / max(found.rate, 1e-9)) for value in found.spread())
        rows.append((found.title, len(found.known()), ends, spread, noise, f"{found.auc():.3f}", found.verdict()))
    numeric = ["groups", "difference", "noise", "AUC"]
    headers = ["feature", "groups", "lowest to highest like rate", *numeric[1:], "verdict"]
    yield table(headers, rows, numeric, "strength")


def texts_section(facts: Facts) -> Iterator[str]:
    data = facts.data
    shown = [data.breakdowns[feature] for feature in TEXT_FEATURES if feature in data.breakdowns]
    if not shown:
        yield paragraph("No viewed post has a known text. Next: `pgfeed ingest FILE` with texts, then `pgfeed refresh`.")
        return
    yield paragraph(
        "Viewed posts in ten groups of equal size by each figure of their text, from the lowest to the highest tenth."
        " Here intervals are clustered by post, for all views of a post share its text."
    )
    top = top_rate(shown, data.overall)
    figures = []
    for found in shown:
        points = [Point(str(number), g.rate, g.low, g.high) for number, g in enumerate(found.groups, 1)]
        low, high = found.groups[0].label.split(" to ")[0], found.groups[-1].label.split(" to ")[-1]
        alt = (
            f"Like rate by tenth of {found.title}: {percent(points[0].value)} in the lowest,"
            f" {percent(points[-1].value)} in the highest"
        )
        plot = plots.rates_in_order(points, data.overall.rate, top, alt, f"t-{found.feature}")
        posts = sum(group.clusters for group in found.groups)
        caption = f"{capital(found.verdict())}. Tenths from {low} to {high}. {found.views:,} views of {posts:,} posts."
        figures.append(figure(found.heading, plot, caption, numbers(found)))
    yield grid(figures)


def models_section(facts: Facts) -> Iterator[str]:
    if not facts.active:
        yield paragraph("No model is active. Next: `pgfeed train control --activate`.")
    for variant, problem in facts.problems.items():
        yield paragraph(f"{variant} cannot be explained: {problem}")
    for number, (variant, model) in enumerate(facts.explanations.items()):
        shown = model.importances[:SHOWN_FEATURES]
        colours = [BLUE if i.leans == 1 else ORANGE if i.leans == -1 else GREY for i in shown]
        alt = f"Mean absolute SHAP values of {variant}; greatest: {listed([i.name for i in shown[:3]])}"
        strengths = [importance.strength for importance in shown]
        plot = plots.bars([i.name for i in shown], strengths, alt, f"m{number}", colours, "{:.3f}", is_wide=True)
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


def evaluation_section(facts: Facts) -> Iterator[str]:
    if not facts.evaluations:
        yield paragraph(f"Nothing was evaluated yet. Next: `pgfeed evaluate logged {facts.variant}`.")
        return
    yield paragraph(
        "The newest evaluation of each variant. Blue: models; hollow: their baselines, on the same cases. Whiskers: 95%"
        " intervals, bootstrap over users."
    )
    panels: dict[tuple, list[dict]] = {}
    for row in facts.evaluations:
        panels.setdefault((row["protocol"], row["metric"]), []).append(row)
    for protocol in PROTOCOLS:
        mine = {metric: rows for (name, metric), rows in panels.items() if name == protocol}
        if not mine and (protocol != "live" or facts.state["is_simulated"]):
            yield paragraph(f"{protocol}: not evaluated. Next: `pgfeed evaluate {protocol} {facts.variant}`.", "note")
        for metric, rows in mine.items():
            yield from evaluation_figure(facts, protocol, metric, rows)


def evaluation_figure(facts: Facts, protocol: str, metric: str, rows: list[dict]) -> Iterator[str]:
    """Yield the plot and the table of one metric under one protocol."""
    active = {model["variant"]: model["version"] for model in facts.active}
    has_many = len({row["variant"] for row in rows}) > 1
    points, lines = [], []
    for row in rows:
        is_ours = row["method"] == "model"
        name, note = row["method"] + (f", beside {row['variant']}" if has_many else ""), ""
        if is_ours:
            name = f"{row['variant']} version {row['model_version']}"
            note = "" if active.get(row["variant"]) == row["model_version"] else "not the active version"
        low, high = (row["value"] if row[end] is None else row[end] for end in ("low", "high"))
        points.append(Point(name, row["value"], low, high, is_ours))
        ends = "" if row["low"] is None else f"{low:.4f} to {high:.4f}"
        lines.append((name, f"{row['value']:.4f}", ends, f"{row['sample_count']:,}", moment(row["evaluated_at"]), note))
    best = max(points, key=lambda point: point.value)
    alt = f"{metric}, {protocol}: highest {best.value:.3f} for {best.label}"
    yield figure(
        f"{metric}, {protocol}", plots.comparison(points, metric, alt, f"e-{rows[0]['evaluation_id']}"),
        f"{PROTOCOLS[protocol]}.",
    )
    numeric = [metric, "95% interval", "cases"]
    yield table(["method", *numeric, "evaluated", ""], lines, numeric)


def calibration_section(facts: Facts) -> Iterator[str]:
    if not facts.explanations:
        why = "No active model could be checked, see above." if facts.active else "There is no model to check."
        yield paragraph(f"{why} Next: `pgfeed train {facts.variant} --activate`.")
        return
    yield paragraph(
        "Views of the held-out days in ten groups by score, from the lowest to the highest tenth. The served score is"
        " relative to an average impression: it leaves out the day and the place in the session, which no post can"
        " change. To predict a like rate both are added back, as estimated on these same views. So the curve does not"
        " test the overall level but whether differences between scores have the right size."
    )
    figures = []
    for number, (variant, model) in enumerate(facts.explanations.items()):
        points = [Point("", group.rate, group.low, group.high) for group in model.bins]
        alt = f"Observed against predicted like rate of {variant}: slope {model.slope:.2f}"
        size = "too large" if model.slope < 0.8 else "too small" if model.slope > 1.25 else "as large as they should be"
        figures.append(figure(
            f"{variant} version {model.version}", plots.calibration(model.predicted, points, alt, f"c{number}"),
            f"Slope {model.slope:.2f} (1 is right): differences between scores are {size}. AUC within a user-day"
            f" {model.request_auc:.3f} (0.5 is chance). {model.row_count:,} views of"
            f" {span(model.first_day, model.last_day)}; intervals clustered by user.",
        ))
    yield grid(figures)


def freshness_section(facts: Facts) -> Iterator[str]:
    as_of, last_at = facts.state["as_of"], facts.data.last_at
    finished_at = facts.state["finished_at"]
    rows = [("last event", last_at), ("features as of", as_of), ("last refresh finished", finished_at)]
    yield table(["what", "when"], [(what, moment(at)) for what, at in rows])
    if as_of is None or as_of <= last_at:
        yield paragraph("Events are newer than the features. Next: `pgfeed refresh`.")
    if not facts.active:
        yield paragraph("No model is active. Next: `pgfeed train control --activate`.")
        return
    rows = [
        (f"{m['variant']} version {m['version']}",
         moment(m["activated_at"]), m["activated_by"], moment(m["created_at"]),
         "" if m["trained_until"] is None else f"{m['trained_until'].astimezone(UTC):%Y-%m-%d}",
         m["feature_count"], f"{m['artifact_bytes'] / 1e6:.2f} MB")
        for m in facts.active
    ]
    headers = ["active model", "activated", "by", "stored", "learned from days before", "features", "size"]
    yield table(headers, rows, ["features", "size"])


SECTIONS = {
    "checks": ("Data checks", checks_section),
    "distributions": ("Activity and distributions", distributions_section),
    "rates": ("Like rate by feature", rates_section),
    "strength": ("Strong and weak features", strength_section),
    "texts": ("Text length and TF-IDF", texts_section),
    "models": ("What the models use", models_section),
    "evaluation": ("Evaluation", evaluation_section),
    "calibration": ("Calibration", calibration_section),
    "freshness": ("Freshness", freshness_section),
}
