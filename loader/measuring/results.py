"""What an evaluation found: figures with intervals, kept in the table evaluations, shown beside the baselines."""

from dataclasses import dataclass, field

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json, execute_values
from rich.table import Table

from loader.metrics import bootstrap
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
class Lead:
    """By how much a model is ahead of another method on the same requests, by one metric, with its 95% interval."""

    over: str
    metric: str
    lead: float
    low: float
    high: float

    @classmethod
    def measure(cls, over: str, metric: str, ours: np.ndarray, theirs: np.ndarray, user_ids: np.ndarray) -> "Lead":
        """Return the lead from one value per request of each of them."""
        return cls(over, metric, *bootstrap(ours.astype(float) - theirs, user_ids))


@dataclass
class Evaluation:
    """The results of a model version by a protocol, the model first.

    leads: over each baseline, by the first metric; parameters: of the protocol; detail: what the table's title adds;
    note: what the table does not say.
    """

    protocol: str
    variant: str
    version: int
    results: list[Result]
    leads: list[Lead] = field(default_factory=list)
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
            "results": [vars(result) for result in self.results], "leads": [vars(lead) for lead in self.leads],
            "note": self.note,
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
        count = counted(self.results[0].sample_count, SAMPLES[self.protocol])
        title = f"{self.protocol}, {self.variant} version {self.version}, {count}{self.detail}"
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
        """Return who is ahead by the first metric: the model, the baselines, or neither for sure."""
        behind = sorted((lead for lead in self.leads if lead.high < 0), key=lambda lead: lead.lead)
        unclear = [lead.over for lead in self.leads if lead.low <= 0 <= lead.high]
        ahead = [lead for lead in self.leads if lead.low > 0]
        if not behind and not unclear:
            nearest = min(ahead, key=lambda lead: lead.lead)
            return (
                f"the model is ahead of every baseline by {nearest.metric}: of the nearest, {nearest.over}, by"
                f" {nearest.lead:.3f} ({nearest.low:.3f} to {nearest.high:.3f})"
            )
        parts = [
            f"{lead.over} is ahead of the model by {-lead.lead:.3f} ({-lead.high:.3f} to {-lead.low:.3f})"
            for lead in behind
        ]
        if unclear:
            parts.append(f"neither ahead nor behind for sure: {', '.join(unclear)}")
        if ahead:
            parts.append(f"the model is ahead of {', '.join(lead.over for lead in ahead)}")
        return f"by {self.leads[0].metric}: {'; '.join(parts)}"


@dataclass
class Contest:
    """Models and baselines on the same requests.

    entrants: variant and version of each model by its method's name; values: by method and metric one value per
    request, NaN where it is not defined; the rest as in Evaluation.
    """

    protocol: str
    entrants: dict[str, tuple[str, int]]
    values: dict[str, dict[str, np.ndarray]]
    user_ids: np.ndarray
    parameters: dict = field(default_factory=dict)
    detail: str = ""
    note: str | None = None

    def results(self, method: str, name: str) -> list[Result]:
        """Return a method's figures under a name, without the metrics that no request defines."""
        found = []
        for metric, values in self.values[method].items():
            is_defined = np.isfinite(values)
            if is_defined.any():
                interval = bootstrap(values[is_defined], self.user_ids[is_defined])
                found.append(Result(name, metric, *interval, int(is_defined.sum())))
        return found

    def evaluation(self, method: str) -> Evaluation:
        """Return the evaluation of one of the models, with what it leads over each baseline."""
        baselines = [name for name in self.values if name not in self.entrants]
        results = self.results(method, "model") + [r for name in baselines for r in self.results(name, name)]
        metric, ours = next(iter(self.values[method].items()))
        leads = [Lead.measure(name, metric, ours, self.values[name][metric], self.user_ids) for name in baselines]
        return Evaluation(
            self.protocol, *self.entrants[method], results, leads, self.parameters, self.detail, self.note
        )


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
