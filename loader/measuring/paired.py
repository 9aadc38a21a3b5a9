"""Two models on the same requests: by how much the second one is better. Nothing is stored."""

from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import registry
from loader.measuring import full, logged

DECIDES = (("logged", "AUC"), ("full", "NDCG@10"))


@dataclass
class Difference:
    """One metric of two models by a protocol; gain: of the second over the first, with its 95% interval over users."""

    protocol: str
    metric: str
    first: float
    second: float
    gain: float
    low: float
    high: float
    sample_count: int


def compare(connection: Connection, first: str, second: str) -> tuple[list[Difference], list[str]]:
    """Return the differences of two models by each protocol, and why a protocol could not measure them.

    first, second: VARIANT[@VERSION]. Raises PgfeedError if they are the same or no protocol can.
    """
    models = [registry.load_named(connection, name) for name in (first, second)]
    ours, theirs = (model.name for model in models)
    if ours == theirs:
        raise PgfeedError("there is nothing to compare", f"both are {ours}", "table pgfeed.model_versions")
    differences, errors = [], []
    for protocol in (logged, full):
        try:
            contest = protocol.contest(connection, models)
        except PgfeedError as error:
            errors.append(error)
            continue
        values = {result.metric: result for result in contest.results(ours, ours)}
        for result in contest.results(theirs, theirs):
            if result.low is None:
                continue  # of all lists, not a mean over requests
            lead = contest.lead(theirs, ours, result.metric)
            differences.append(Difference(
                contest.protocol, result.metric, values[result.metric].value, result.value, lead.lead, lead.low,
                lead.high, result.sample_count,
            ))
    if not differences:
        raise errors[0]
    return differences, [str(error) for error in errors]


def decisive(differences: list[Difference]) -> list[Difference]:
    """Return those that say whether the second model is to serve: of AUC by logged, then of NDCG@10 by full."""
    return [d for decides in DECIDES for d in differences if (d.protocol, d.metric) == decides]


def is_better(differences: list[Difference]) -> bool:
    """Return whether the second model is clearly ahead by the first decisive metric, and clearly behind by none."""
    found = decisive(differences)
    return bool(found) and found[0].low > 0 and all(difference.high >= 0 for difference in found)
