"""The protocols by name: how a variant's active model is measured by each."""

from collections.abc import Iterator

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import registry
from loader.measuring import full, live, logged
from loader.measuring.live import Gain
from loader.measuring.results import Evaluation

NAMES = ("full", "live", "logged")


def require(connection: Connection, protocols: list[str], variants: list[str]) -> None:
    """Raise unless these protocols exist and this database allows them."""
    if unknown := sorted(set(protocols) - set(NAMES)):
        what = f"there is no protocol {', '.join(unknown)}"
        raise PgfeedError(what, f"known: {', '.join(NAMES)}", "pgfeed evaluate --help")
    if "live" in protocols and not live.is_simulated(connection):
        raise PgfeedError(
            "live needs a simulated network", "the true probabilities of likes are known only there",
            f"pgfeed evaluate logged {' '.join(variants)}",
        )


def evaluate(
    connection: Connection, protocols: list[str], variants: list[str], request_count: int, seed: int
) -> Iterator[Evaluation | list[Gain]]:
    """Measure and store; yield each evaluation, and after several live ones what they gain over the first."""
    require(connection, protocols, variants)
    for protocol in protocols:
        runs = []
        for variant in variants:
            model = registry.load_active(connection, variant)
            if protocol == "logged":
                evaluation = logged.evaluate(connection, model)
            elif protocol == "full":
                evaluation = full.evaluate(connection, model, seed)
            else:
                runs.append(live.send(connection, model, request_count, seed))
                evaluation = runs[-1].evaluation()
            evaluation.store(connection)
            yield evaluation
        if len(runs) > 1:
            yield live.gains(runs[0], runs[1:])
