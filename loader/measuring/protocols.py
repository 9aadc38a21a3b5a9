"""The protocols by name: how models and scores from outside are measured by each."""

from collections.abc import Iterator

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import registry
from loader.learning.model import Model
from loader.measuring import full, live, logged
from loader.measuring.live import Gain
from loader.measuring.results import Contest, Evaluation

NAMES = ("full", "live", "logged")


def require(connection: Connection, protocols: list[str], names: list[str], relations: list[str]) -> None:
    """Raise unless these protocols exist and this database allows them."""
    if unknown := sorted(set(protocols) - set(NAMES)):
        what = f"there is no protocol {', '.join(unknown)}"
        raise PgfeedError(what, f"known: {', '.join(NAMES)}", "pgfeed evaluate --help")
    if not names and not relations:
        cause = "neither a model nor --scores is named"
        raise PgfeedError("there is nothing to evaluate", cause, "pgfeed evaluate logged control")
    if "live" in protocols and not live.is_simulated(connection):
        raise PgfeedError(
            "live needs a simulated network", "the true probabilities of likes are known only there",
            f"pgfeed evaluate logged {' '.join(names)}",
        )
    if "live" in protocols and relations:
        raise PgfeedError(
            "live cannot take scores", "its requests are answered by recommend_posts",
            f"pgfeed evaluate logged,full --scores {relations[0]}",
        )


def require_active(connection: Connection, model: Model) -> None:
    """Raise unless the model is the one that recommend_posts asks."""
    active = registry.load_active(connection, model.variant)
    if active.version != model.version:
        raise PgfeedError(
            f"live cannot measure {model.name}", f"recommend_posts answers by the active model, {active.name}",
            f"pgfeed activate {model.variant} {model.version}, or pgfeed evaluate logged,full {model.name}",
        )


def evaluate(
    connection: Connection, protocols: list[str], names: list[str], relations: list[str], request_count: int, seed: int
) -> Iterator[Contest | Evaluation | list[Gain]]:
    """Measure and store; yield what came of each protocol: of live each evaluation, then the gains over the first."""
    require(connection, protocols, names, relations)
    models = [registry.load_named(connection, name) for name in dict.fromkeys(names)]
    for protocol in protocols:
        if protocol == "live":
            yield from evaluate_live(connection, models, request_count, seed)
            continue
        contest = (
            logged.contest(connection, models, relations) if protocol == "logged"
            else full.contest(connection, models, relations, seed)
        )
        for evaluation in contest.evaluations():
            evaluation.store(connection)
        yield contest


def evaluate_live(
    connection: Connection, models: list[Model], request_count: int, seed: int
) -> Iterator[Evaluation | list[Gain]]:
    """Measure active models by requests and store it; yield each evaluation, then the gains over the first."""
    runs = []
    for model in models:
        require_active(connection, model)
        runs.append(live.send(connection, model, request_count, seed))
        evaluation = runs[-1].evaluation()
        evaluation.store(connection)
        yield evaluation
    if len(runs) > 1:
        yield live.gains(runs[0], runs[1:])
