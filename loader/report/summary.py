"""What the report says, in sentences."""

from collections.abc import Iterator

from loader.report.contents import PROTOCOLS, Contents, narrowness
from loader.report.data import Data
from loader.report.page import date_of, interval, listed, paragraph, percent
from loader.report.rates import Breakdown

LEAST_KNOWN = 0.01  # share of views with a known group below which a feature is not shown
VERDICTS = ["strong", "clear", "weak", "flat"]


def summary(contents: Contents) -> Iterator[str]:
    """Yield what the report says, in sentences."""
    data, overall = contents.data, contents.data.overall
    days = (data.days[-1][0] - data.days[0][0]).days + 1
    yield paragraph(
        f"{overall.clusters:,} users saw posts {overall.views:,} times and liked {overall.likes:,} times from"
        f" {date_of(data.first_at)} to {date_of(data.last_at)} ({days} {'day' if days == 1 else 'days'}):"
        f" {percent(overall.rate)} of the views were liked (95% interval {interval(overall.low, overall.high)})."
    )
    yield from models_in_words(contents)
    if warning := narrowness(contents.lists):
        yield paragraph(warning)
    looks = [f"{check.table}, {check.name}" for check in data.checks if not check.is_ok]
    named = "; ".join(looks[:4] + ["..."] * (len(looks) > 4))
    count = len(data.checks)
    look = f"{len(looks)} of {count} data checks need a look: {named}."
    yield paragraph(look if looks else f"All {count} data checks are ok.")
    yield paragraph(features_in_words(data))


def models_in_words(contents: Contents) -> Iterator[str]:
    """Yield which models serve, and how good they are."""
    if not contents.active:
        yield paragraph("No model is active, posts are served by popularity. Next: `pgfeed train control --activate`.")
    for model in contents.active:
        yield paragraph(f"The model {model['variant']} version {model['version']} is active.")
        yield from map(paragraph, scores_in_words(contents, model))


def features_in_words(data: Data) -> str:
    """Return which features matter to the like rate and which do not."""
    names: dict[str, list[str]] = {}
    for breakdown in by_strength(data):
        names.setdefault(breakdown.verdict(), []).append(breakdown.title)
    sentences = []
    most = names.get("strong", []) + names.get("clear", [])
    if most:
        sentences.append(f"The like rate differs most by {listed(most[:5])}.")
    if "flat" in names:
        sentences.append(f"Flat, so of no use alone: {listed(names['flat'])}.")
    if "too few to tell" in names:
        sentences.append(f"Too few views to tell: {listed(names['too few to tell'])}.")
    return " ".join(sentences) or "No feature can be judged yet."


def scores_in_words(contents: Contents, model: dict) -> list[str]:
    """Return per protocol a few sentences on the active model's hit rate beside its baselines."""
    paragraphs = []
    for protocol in PROTOCOLS:
        key = (protocol, model["variant"], model["version"], "HitRate@5")
        rows = {
            row["method"]: row for row in contents.evaluations
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
        paragraphs.append(sentences)
    return paragraphs or [f"It was never evaluated. Next: `pgfeed evaluate logged {model['variant']}`."]


def known_enough(data: Data) -> list[Breakdown]:
    """Return the features whose group is known for at least 1% of the views."""
    return [b for b in data.breakdowns.values() if sum(g.views for g in b.known_groups()) >= LEAST_KNOWN * b.views]


def by_strength(data: Data) -> list[Breakdown]:
    """Return the features, those whose groups differ most first."""

    def key(breakdown: Breakdown) -> tuple:
        verdict = breakdown.verdict()
        place = VERDICTS.index(verdict) if verdict in VERDICTS else len(VERDICTS)
        return place, -breakdown.spread()[0] / max(breakdown.rate, 1e-9)

    return sorted(known_enough(data), key=key)
