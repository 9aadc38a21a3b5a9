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
from loader.report.page import moment, page
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


SECTIONS = {
    "checks": ("Data checks", checks_section),
    "distributions": ("Activity and distributions", distributions_section),
    "rates": ("Like rate by feature", rates_section),
    "strength": ("Strong and weak features", strength_section),
    "texts": ("Text length and TF-IDF", texts_section),
    "models": ("What the models use", models_section),
    "evaluation": ("Evaluation", evaluation_section),
    "calibration": ("Calibration", calibration_section),
    "lists": ("What is served", lists_section),
    "freshness": ("Freshness", freshness_section),
}
