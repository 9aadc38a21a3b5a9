"""What an evaluation found: figures with intervals, kept in the table evaluations, shown beside the baselines."""

from dataclasses import dataclass, field

from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json, execute_values
from rich.table import Table

from loader.metrics import TOP
from loader.terminal import counted, table

SAMPLES = {"logged": "user-day", "live": "request", "full": "user"}


@dataclass
class Result:
    """One metric of one method; low and high are the ends of its 95% bootstrap interval over users."""

    method: str
    metric: str
    value: float
    low: float
    high: float
    sample_count: int


@dataclass
class Evaluation:
    """The results of a model version by a protocol, the model first.

    parameters: of the protocol; detail: what the table's title adds; note: what the table does not say.
    """

    protocol: str
    variant: str
    version: int
    results: list[Result]
    parameters: dict = field(default_factory=dict)
    detail: str = ""
    note: str | None = None

    @property
    def metrics(self) -> list[str]:
        """The names of the metrics, in order."""
        return list(dict.fromkeys(result.metric for result in self.results))

    def as_dict(self) -> dict:
        """Return it for programs."""
        return {
            "protocol": self.protocol, "variant": self.variant, "version": self.version,
            "results": [vars(result) for result in self.results], "note": self.note,
        }

    def store(self, connection: Connection) -> None:
        """Write the results to the table evaluations."""
        with connection, connection.cursor() as cursor:
            execute_values(
                cursor,
                "insert into pgfeed.evaluations (protocol, method, variant, model_version, metric, value, low, high,"
                " sample_count, parameters) values %s",
                [
                    (self.protocol, r.method, self.variant, self.version, r.metric, r.value, r.low, r.high,
                     r.sample_count, Json(self.parameters))
                    for r in self.results
                ],
            )

    def table(self) -> Table:
        """Return the results as a table for people: one line per method."""
        name = f"{self.protocol} HitRate@{TOP}" if self.protocol == "logged" else self.protocol
        count = counted(self.results[0].sample_count, SAMPLES[self.protocol])
        title = f"{name}, {self.variant} version {self.version}, {count}{self.detail}"
        if len(self.metrics) == 1:
            lines = [(r.method, f"{r.value:.3f}", f"{r.low:.3f} to {r.high:.3f}") for r in self.results]
            return table(title, ["method", *self.metrics, "95% interval"], lines, self.metrics)
        figures = {(r.method, r.metric): r for r in self.results}
        end = short if len(self.metrics) > 2 else "{:.3f}".format
        cells = {key: f"{r.value:.3f} ({end(r.low)}-{end(r.high)})" for key, r in figures.items()}
        methods = dict.fromkeys(r.method for r in self.results)
        lines = [(method, *(cells[method, metric] for metric in self.metrics)) for method in methods]
        return table(title, ["method", *self.metrics], lines, self.metrics)

    def verdict(self) -> str:
        """Return by the first metric which baselines are at or above the model, then those within its interval."""
        model = next(r for r in self.results if r.method == "model")
        others = [r for r in self.results if r.method not in ("model", "oracle") and r.metric == model.metric]
        better = [r.method for r in others if model.value <= r.value]
        unclear = [r.method for r in others if model.low <= r.value < model.value]
        if not better and not unclear:
            return "the model is clear of every baseline"
        if not better:
            return f"the model's interval is not clear of: {', '.join(unclear)}"
        sentence = f"the model is not better than: {', '.join(better)}"
        return f"{sentence}; its interval is not clear of: {', '.join(unclear)}" if unclear else sentence


def short(share: float) -> str:
    """Return a share without the zero before the point: three intervals must fit into 80 columns."""
    return f"{share:.3f}".removeprefix("0")


def newest(connection: Connection, protocol: str, variant: str, version: int) -> Evaluation | None:
    """Return the newest evaluation of a model version by a protocol; None if there is none."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select method, metric, value, low, high, sample_count from pgfeed.evaluations"
            " where protocol = %(protocol)s and variant = %(variant)s and model_version = %(version)s"
            " and evaluated_at = (select max(evaluated_at) from pgfeed.evaluations where protocol = %(protocol)s"
            " and variant = %(variant)s and model_version = %(version)s) order by evaluation_id",
            {"protocol": protocol, "variant": variant, "version": version},
        )
        results = [Result(*row) for row in cursor.fetchall()]
    return Evaluation(protocol, variant, version, results) if results else None
