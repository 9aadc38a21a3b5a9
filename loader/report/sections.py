"""Sections of the report about data: checks, distributions, like rates, features, texts."""

from collections.abc import Iterable, Iterator

from loader.figures import shown
from loader.report import plots
from loader.report.contents import Contents
from loader.report.data import Data, Distribution
from loader.report.page import Html, capital, figure, folded, grid, interval, listed, missing, paragraph, percent, table
from loader.report.plots import Point
from loader.report.rates import TEXT_FEATURES, TOP_GROUPS, UNKNOWN, Breakdown, Group
from loader.report.summary import by_strength, features_in_words, known_enough

OK, LOOK = Html('<span class="ok">ok</span>'), Html('<span class="look">look</span>')
ORDER = [
    "position", "hour", "month", "weekday", "topic", "age", "exp_group", "gender", "os", "source", "country", "city",
]
IN_ORDER = {"position", "hour", "month", "weekday", "age"}
SAMPLED = {"position", "hour"}
LENGTHS = {
    "age": "years", "views per user": "views", "likes per user": "likes", "views per post": "views",
    "session length": "views of a user on a day", "text length": "characters, logarithmic",
}
COUNTED = {"views per post": "posts", "text length": "posts", "session length": "sessions"}  # others are of users
NOT_LOADED = {"age": "profiles", "views per post": "posts", "text length": "texts"}


def checks_section(contents: Contents) -> Iterator[str]:
    checks = contents.data.checks
    looks, fine = ([check for check in checks if check.is_ok == is_ok] for is_ok in (False, True))
    headers = ["verdict", "table", "check", "finding"]
    if looks:
        yield table(headers, [(LOOK, c.table, c.name, c.finding) for c in looks], kind="checks")
    if fine:
        rows = table(headers, [(OK, c.table, c.name, c.finding) for c in fine], kind="checks")
        yield folded(f"{len(fine)} {'checks are' if len(fine) > 1 else 'check is'} ok", rows)
    rows = [
        (c.table, c.name, c.kind, percent(c.missing) if c.missing else "none",
         "" if c.distinct is None else f"{c.distinct:,}", c.content or "nothing")
        for c in contents.data.columns
    ]
    columns = table(["table", "column", "type", "missing", "distinct", "holds"], rows, ["missing", "distinct"])
    yield folded(f"{len(rows)} columns: types, what is missing, what they hold", columns)


def distributions_section(contents: Contents) -> Iterator[str]:
    data = contents.data
    yield paragraph("A session is what one user sees on one day (UTC). The dashed line marks the median.", "note")
    days, views, likes = zip(*data.days, strict=True)
    rates = [like / max(view, 1) for view, like in zip(views, likes, strict=True)]
    busiest = max(data.days, key=lambda row: row[1])
    alt = f"Views a day, at most {busiest[1]:,}, and like rate a day, {percent(data.overall.rate)} overall"
    figures = [figure(
        "Views and like rate by day", plots.series(days, views, rates, data.overall.rate, alt, name="days"),
        f"All {data.overall.views:,} views. Busiest day: {busiest[0]} with {busiest[1]:,} views."
        " Dashed: the overall like rate.",
    )]
    for number, (name, label) in enumerate(LENGTHS.items()):
        distribution = data.distributions.get(name)
        if distribution is None:
            figures.append(missing(capital(name), f"No {NOT_LOADED[name]} are loaded. Next: `pgfeed ingest FILE`."))
            continue
        is_log, what = name == "text length", in_words(distribution)
        values, counts = distribution.values, distribution.counts
        plot = plots.histogram(values, counts, label, f"Histogram of {name}: {what}", f"d{number}", is_log,
                              COUNTED.get(name, "users"))
        last = plots.last_shown(values, counts)
        cut = f" Not drawn: what exceeds {last:,}." if last < values[-1] and not is_log else ""
        sampled = " Of the sampled users." if name == "session length" and data.sample_share < 1 else ""
        figures.append(figure(capital(name), plot, what + cut + sampled))
    if data.topics:
        topics, counts = zip(*data.topics, strict=True)
        top = TOP_GROUPS
        plot = plots.bars(topics[:top], counts[:top], f"Posts per topic; the largest is {topics[0]}", "topics")
        only = f", the largest {top}" if len(topics) > top else ""
        caption = f"{sum(counts):,} posts in {len(topics)} topics{only}."
        figures.append(figure("Posts per topic", plot, caption))
    else:
        figures.append(missing("Posts per topic", "No posts are loaded. Next: `pgfeed ingest FILE`."))
    yield grid(figures)


def in_words(distribution: Distribution) -> str:
    low, middle, high = (distribution.quantile(share) for share in (0.25, 0.5, 0.75))
    return (
        f"{distribution.counts.sum():,} in all; median {middle:,.0f}, half of them between {low:,.0f} and {high:,.0f},"
        f" mean {distribution.mean():,.1f}, range {distribution.values[0]:,} to {distribution.values[-1]:,}."
    )


def top_rate(breakdowns: Iterable[Breakdown], overall: Group) -> float:
    """Return where the axis of rates ends: above the rates of all but tiny groups and the intervals of large ones."""
    groups = [(group, group.views / max(breakdown.views, 1)) for breakdown in breakdowns for group in breakdown.groups]
    highs = [group.high if share >= 0.02 else group.rate for group, share in groups if share >= 0.005]
    return min(1.0, 1.08 * max([overall.high, *highs]))


def rates_section(contents: Contents) -> Iterator[str]:
    data = contents.data
    shown = {b.feature: b for b in known_enough(data) if b.feature not in TEXT_FEATURES}
    top = top_rate([b for b in shown.values() if b.verdict() != "too few to tell"], data.overall)
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
    order = [*ORDER, *(name for name in data.breakdowns if "." in name)]
    yield grid(rate_figure(data, shown[feature], top) for feature in order if feature in shown)
    hidden = [data.breakdowns[name].title for name in order if name in data.breakdowns and name not in shown]
    if hidden:
        yield paragraph(
            f"Not shown, for they are known for less than 1% of the views: {listed(hidden)}."
            " Next: `pgfeed ingest FILE` with profiles and posts."
        )


def rate_figure(data: Data, breakdown: Breakdown, top: float) -> str:
    """Return the plot of a feature's like rates with its numbers."""
    points = [Point(group.label, group.rate, group.low, group.high) for group in breakdown.groups]
    first, *_, last = sorted(breakdown.known_groups() * 2, key=lambda group: group.rate)
    alt = (
        f"Like rate by {breakdown.title}: lowest {percent(first.rate)} for {first.label},"
        f" highest {percent(last.rate)} for {last.label}"
    )
    anchor = f"r-{breakdown.feature.replace('.', '-')}"
    if breakdown.feature in IN_ORDER and breakdown.groups[-1].label != UNKNOWN:
        plot = plots.rates_in_order(points, data.overall.rate, top, alt, anchor)
    else:
        plot = plots.rates_by_category(points, [g.views for g in breakdown.groups], data.overall.rate, top, alt, anchor)
    sampled = ", sampled" if breakdown.feature in SAMPLED and data.sample_share < 1 else ""
    caption = f"{capital(breakdown.verdict())}. {breakdown.views:,} views{sampled}."
    return figure(breakdown.heading, plot, caption, numbers(breakdown))


def numbers(breakdown: Breakdown) -> str:
    """Return the table behind a plot of like rates."""
    clusters = "posts" if breakdown.is_of_posts else "users"
    rows = [
        (g.label, f"{g.views:,}", f"{g.clusters:,}", percent(g.rate, 2), interval(g.low, g.high, 2))
        for g in breakdown.groups
    ]
    headers = ["views", clusters, "like rate", "95% interval"]
    return table([breakdown.title, *headers], rows, headers)


def strength_section(contents: Contents) -> Iterator[str]:
    yield paragraph(features_in_words(contents.data))
    yield paragraph(
        "Difference is the standard deviation of the groups' like rates, weighted by views and freed of noise, as a"
        " share of the overall rate; noise is what chance alone would show. AUC is that of the group's own rate as a"
        " score, on the same views, so many small groups read a little too high; 0.5 is worthless. Flat: no more than"
        " chance, or below 2%; weak: below 6%; strong: 20% and more. A feature that is flat alone may still matter"
        " together with others.",
        "note",
    )
    rows = []
    for breakdown in by_strength(contents.data):
        first, *_, last = sorted(breakdown.known_groups() * 2, key=lambda group: group.rate)
        ends = " to ".join(f"{percent(group.rate)} ({plots.short(group.label)})" for group in (first, last))
        spread, noise = (percent(value / max(breakdown.rate, 1e-9)) for value in breakdown.spread())
        count, auc = len(breakdown.known_groups()), shown(breakdown.auc())
        rows.append((breakdown.title, count, ends, spread, noise, auc, breakdown.verdict()))
    numeric = ["groups", "difference", "noise", "AUC"]
    headers = ["feature", "groups", "lowest to highest like rate", *numeric[1:], "verdict"]
    yield table(headers, rows, numeric, "strength")


def texts_section(contents: Contents) -> Iterator[str]:
    data = contents.data
    shown = [data.breakdowns[feature] for feature in TEXT_FEATURES if feature in data.breakdowns]
    if not shown:
        yield paragraph(
            "No viewed post has a known text. Next: `pgfeed ingest FILE` with texts, then `pgfeed refresh`."
        )
        return
    yield paragraph(
        "Viewed posts in ten groups of equal size by each figure of their text, from the lowest to the highest tenth."
        " Here intervals are clustered by post, for all views of a post share its text."
    )
    top = top_rate(shown, data.overall)
    figures = []
    for breakdown in shown:
        points = [Point(str(number), g.rate, g.low, g.high) for number, g in enumerate(breakdown.groups, 1)]
        low, high = breakdown.groups[0].label.split(" to ")[0], breakdown.groups[-1].label.split(" to ")[-1]
        alt = (
            f"Like rate by tenth of {breakdown.title}: {percent(points[0].value)} in the lowest,"
            f" {percent(points[-1].value)} in the highest"
        )
        plot = plots.rates_in_order(points, data.overall.rate, top, alt, f"t-{breakdown.feature}")
        posts = sum(group.clusters for group in breakdown.groups)
        views = f"{breakdown.views:,} views of {posts:,} posts"
        caption = f"{capital(breakdown.verdict())}. Tenths from {low} to {high}. {views}."
        figures.append(figure(breakdown.heading, plot, caption, numbers(breakdown)))
    yield grid(figures)
