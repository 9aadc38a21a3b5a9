"""What an evaluation found: figures with intervals, kept in the table evaluations, shown beside the baselines."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json, execute_values
from rich.table import Table

from loader.learning.model import Model
from loader.metrics import bootstrap
from loader.terminal import counted, table

BEYOND = COVERAGE, VARIETY, NOVELTY, BIAS = ("coverage", "variety", "novelty", "popularity bias")
SAMPLES = {"logged": "user-day", "live": "request", "full": "user"}


@dataclass
class Result:
    """One metric of one method; low and high: the ends of its 95% bootstrap interval over users, None: it has none."""

    method: str
    metric: str
    value: float
    low: float | None
    high: float | None
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
        title = f"{self.protocol}, {self.variant} version {self.version}"
        return figures_table(title, self.results, self.detail)

    def beyond(self) -> Table | None:
        """Return what there is beside accuracy as a table; None: nothing."""
        return beyond_table(self.results)

    def verdict(self) -> str:
        """Return who is ahead: the model, the baselines, or neither for sure."""
        return verdict("the model", self.leads)


def verdict(method: str, leads: list[Lead]) -> str:
    """Return in words which others a method is ahead of, and which are ahead of it."""
    behind = sorted((lead for lead in leads if lead.high < 0), key=lambda lead: lead.lead)
    unclear = [lead.over for lead in leads if lead.low <= 0 <= lead.high]
    ahead = [lead for lead in leads if lead.low > 0]
    if not behind and not unclear:
        nearest = min(ahead, key=lambda lead: lead.lead)
        return (
            f"{method} is ahead of every baseline by {nearest.metric}: of the nearest, {nearest.over}, by"
            f" {nearest.lead:.3f} ({nearest.low:.3f} to {nearest.high:.3f})"
        )
    parts = [
        f"{lead.over} is ahead of {method} by {-lead.lead:.3f} ({-lead.high:.3f} to {-lead.low:.3f})" for lead in behind
    ]
    if unclear:
        parts.append(f"{method} is neither ahead nor behind for sure: {', '.join(unclear)}")
    if ahead:
        parts.append(f"{method} is ahead of {', '.join(lead.over for lead in ahead)}")
    return f"by {leads[0].metric}: {'; '.join(parts)}"


def entrants(models: list[Model], relations: Sequence[str]) -> dict[str, tuple[str, int] | None]:
    """Return the entrants of a contest."""
    return {model.name: (model.variant, model.version) for model in models} | dict.fromkeys(relations)


@dataclass
class Contest:
    """Models, scores from outside and baselines on the same requests.

    entrants: variant and version of each model by its method's name, None for scores from outside; values: by method
    and metric one value per request, NaN where it is not defined; the rest as in Evaluation. coverage: by method.
    """

    protocol: str
    entrants: dict[str, tuple[str, int] | None]
    values: dict[str, dict[str, np.ndarray]]
    user_ids: np.ndarray
    parameters: dict = field(default_factory=dict)
    detail: str = ""
    note: str | None = None
    coverage: dict[str, float] = field(default_factory=dict)

    @property
    def baselines(self) -> list[str]:
        """The methods that are no entrants."""
        return [name for name in self.values if name not in self.entrants]

    def results(self, method: str, name: str) -> list[Result]:
        """Return a method's figures under a name, without the metrics that no request defines."""
        found = []
        for metric, values in self.values[method].items():
            is_defined = np.isfinite(values)
            if is_defined.any():
                interval = bootstrap(values[is_defined], self.user_ids[is_defined])
                found.append(Result(name, metric, *interval, int(is_defined.sum())))
        if method in self.coverage:
            found.append(Result(name, COVERAGE, self.coverage[method], None, None, len(self.user_ids)))
        return found

    def all_results(self) -> list[Result]:
        """Return the figures of all methods: the entrants first."""
        return [result for name in (*self.entrants, *self.baselines) for result in self.results(name, name)]

    def by(self, group_of: np.ndarray) -> list[tuple[str, Result]]:
        """Return the figures of all methods in each group of requests; group_of: the name of each request's group."""
        found = []
        for group in np.unique(group_of):
            mine = group_of == group
            values = {
                method: {metric: each[mine] for metric, each in by_metric.items()}
                for method, by_metric in self.values.items()
            }
            part = Contest(self.protocol, self.entrants, values, self.user_ids[mine])
            found += [(str(group), result) for result in part.all_results()]
        return found

    def lead(self, method: str, over: str, metric: str) -> Lead:
        """Return by how much a method is ahead of another one where both have the metric."""
        ours, theirs = self.values[method][metric], self.values[over][metric]
        is_defined = np.isfinite(ours) & np.isfinite(theirs)
        return Lead(over, metric, *bootstrap((ours - theirs)[is_defined], self.user_ids[is_defined]))

    def leads(self, method: str) -> list[Lead]:
        """Return what an entrant leads over each baseline by the first metric."""
        metric = next(iter(self.values[method]))
        return [self.lead(method, name, metric) for name in self.baselines]

    def evaluation(self, method: str) -> Evaluation:
        """Return the evaluation of one of the models."""
        versions = {name: version for name, version in self.entrants.items() if version}
        results = self.results(method, "model") + [r for name in self.baselines for r in self.results(name, name)]
        return Evaluation(
            self.protocol, *versions[method], results, self.leads(method), self.parameters, self.detail, self.note
        )

    def evaluations(self) -> list[Evaluation]:
        """Return the evaluation of each model."""
        return [self.evaluation(method) for method, version in self.entrants.items() if version]

    def as_dicts(self) -> list[dict]:
        """Return each entrant for programs, as Evaluation.as_dict() does; scores from outside have no version."""
        found = [evaluation.as_dict() for evaluation in self.evaluations()]
        for method in (name for name, version in self.entrants.items() if version is None):
            results = [r for name in (method, *self.baselines) for r in self.results(name, name)]
            found.append({
                "protocol": self.protocol, "scores": method, "results": [vars(result) for result in results],
                "leads": [vars(lead) for lead in self.leads(method)], "note": self.note,
            })
        return found

    def table(self) -> Table:
        """Return all methods as a table for people: the entrants first."""
        if len(self.entrants) == 1 and self.evaluations():
            return self.evaluations()[0].table()
        return figures_table(self.protocol, self.all_results(), self.detail)

    def beyond(self) -> Table | None:
        """Return what there is beside accuracy as a table; None: nothing."""
        return beyond_table(self.all_results())

    def verdicts(self) -> list[str]:
        """Return who is ahead: each entrant and the baselines, then each further entrant and the first one."""
        first, *others = self.entrants
        if not others and self.evaluations():
            return [self.evaluations()[0].verdict()]
        metric = next(iter(self.values[first]))
        pairs = [(other, self.lead(other, first, metric)) for other in others]
        return [verdict(name, self.leads(name)) for name in self.entrants] + [
            f"{other} over {first} by {metric}: {lead.lead:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"
            for other, lead in pairs
        ]


def figures_table(title: str, results: list[Result], detail: str) -> Table:
    """Return the results of one or several methods as a table: one line per method."""
    protocol = title.partition(",")[0]
    title = f"{title}, {counted(results[0].sample_count, SAMPLES[protocol])}{detail}"
    results = [result for result in results if result.metric not in BEYOND]
    metrics = list(dict.fromkeys(result.metric for result in results))
    if len(metrics) == 1:
        lines = [(r.method, f"{r.value:.3f}", f"{r.low:.3f} to {r.high:.3f}") for r in results]
        return table(title, ["method", *metrics, "95% interval"], lines, metrics)
    end = short if len(metrics) > 2 else "{:.3f}".format
    cells = {
        (r.method, r.metric): f"{r.value:.3f} ({end(r.low)}-{end(r.high)})"
        for r in results if r.low is not None and r.high is not None
    }
    methods = dict.fromkeys(result.method for result in results)
    lines = [(method, *(cells.get((method, metric)) for metric in metrics)) for method in methods]
    return table(title, ["method", *metrics], lines, metrics)


def beyond_table(results: list[Result]) -> Table | None:
    """Return the figures beside accuracy of several methods as a table; None: there are none."""
    cells = {(r.method, r.metric): f"{r.value:+.2f}" if r.metric == BIAS else f"{r.value:.3g}" for r in results}
    metrics = [metric for metric in BEYOND if any(result.metric == metric for result in results)]
    methods = dict.fromkeys(result.method for result in results)
    lines = [(method, *(cells.get((method, metric)) for metric in metrics)) for method in methods]
    return table("beside accuracy, of lists of five", ["method", *metrics], lines, metrics) if metrics else None


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
