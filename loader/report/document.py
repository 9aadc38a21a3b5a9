"""`pgfeed report`: what the data, the models and their evaluations look like, as one HTML file."""

from datetime import UTC, datetime
from pathlib import Path

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.report.contents import Contents, collect
from loader.report.model_sections import (
    calibration_section,
    evaluation_section,
    freshness_section,
    lists_section,
    models_section,
)
from loader.report.page import moment, page, words
from loader.report.sections import checks_section, distributions_section, rates_section, strength_section, texts_section
from loader.report.summary import summary


def write_report(connection: Connection, path: Path) -> None:
    """Write the report; PgfeedError if there is nothing to report on or the file cannot be written."""
    if not path.absolute().parent.is_dir():
        raise PgfeedError(f"{path} cannot be written", "its folder does not exist", f"mkdir -p {path.parent}")
    report = render(collect(connection))
    try:
        path.write_text(report, encoding="utf-8")
    except OSError as error:
        raise PgfeedError(f"{path} cannot be written", error.strerror, "pgfeed report --out FILE") from error


def render(contents: Contents) -> str:
    """Return the report as HTML."""
    return page(
        "pgfeed report", f"Database {contents.state['database']}, {moment(datetime.now(UTC))}. All times are UTC.",
        summary(contents), [(anchor, title, section(contents)) for anchor, (title, section) in SECTIONS.items()],
    )


WORDS = {
    "like rate": "likes per view",
    "95% interval": "where the true value lies in 95 of 100 such samples; users, not views, are drawn",
    "request": "of logged: what one user saw on one day; of full: a user; of live: a call",
    "HitRate@5": "the share of requests of which one of the five posts ranked best is liked",
    "AUC": "how often a liked post is ranked above another one; .5 is chance",
    "NDCG@10": "how near the liked posts are to the top of the first ten; 1 is the best order",
    "held out": "days that the model that is measured has not learned from",
    "baseline": "a simple rule, measured on the same requests",
    "oracle": "what nobody could exceed; known of simulated networks only",
    "coverage": "the share of the catalogue that is in any list",
    "novelty": "how little viewed the posts of a list are; more is rarer",
    "popularity bias": "how much more popular the posts of a list are than what the user likes",
    "calibration": "whether of posts with a predicted like rate of 20% one in five is liked",
}


def words_section(contents: Contents) -> list[str]:
    return [words(WORDS)]


SECTIONS = {
    "evaluation": ("How good the models are", evaluation_section),
    "calibration": ("Calibration", calibration_section),
    "lists": ("What is served", lists_section),
    "freshness": ("Freshness", freshness_section),
    "models": ("What the models use", models_section),
    "checks": ("Data checks", checks_section),
    "distributions": ("Activity and distributions", distributions_section),
    "rates": ("Like rate by feature", rates_section),
    "strength": ("Strong and weak features", strength_section),
    "texts": ("Text length and TF-IDF", texts_section),
    "words": ("Words", words_section),
}
