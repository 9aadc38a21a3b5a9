"""The full protocol: the whole catalogue ranked against the held-out likes, everything frozen at the split."""

from dataclasses import dataclass

import numpy as np
from psycopg2.extensions import connection as Connection
from rich.table import Table

from loader.errors import PgfeedError
from loader.learning import choices, examples
from loader.learning.choices import Ranking
from loader.measuring.logged import Result, bootstrap, first_held_out_day
from loader.terminal import counted, table

MAX_USERS = 3000
BASELINES = {
    "most popular": "post.like_count",
    "best like rate": "post.like_rate",
    "decayed popularity": "post.decayed_like_count_7d",
}
METRICS = ("HitRate@5", "NDCG@10", "Recall@20")


@dataclass
class Full:
    """One run of the protocol; rankings by method, the model first."""

    variant: str
    version: int
    split: str
    post_count: int
    rankings: dict[str, Ranking]

    def results(self) -> list[Result]:
        """Return every metric of every method with its interval over users."""
        return [
            Result(method, name, *bootstrap(values, ranking.user_ids), len(values))
            for method, ranking in self.rankings.items() for name, values in ranking.metrics().items()
        ]

    def as_table(self, results: list[Result]) -> Table:
        """Return the results as a table for people, one line per method."""
        title = (
            f"full, {self.variant} version {self.version}, {counted(results[0].sample_count, 'user')}, {self.post_count:,} posts,"
            f" likes from {self.split} on"
        )
        lines = []
        for method in self.rankings:
            found = {r.metric: r for r in results if r.method == method}
            lines.append((method, *(f"{found[m].value:.3f} ({short(found[m].low)}-{short(found[m].high)})" for m in METRICS)))
        return table(title, ["method", *METRICS], lines, METRICS)


def short(share: float) -> str:
    """Return a share without the zero before the point: three intervals must fit into 80 columns."""
    return f"{share:.3f}".removeprefix("0")


def evaluate_full(connection: Connection, model: dict, variant: str, seed: int = 0) -> Full:
    """Rank all posts but those liked before for up to 3,000 users who have likes both before and after the split.

    Features, baselines and the liked posts are as of the split, the first held-out day.
    """
    day = first_held_out_day(connection, model["trained_until"])
    cut_off = examples.midnight(day).timestamp()
    likes = choices.load_likes(connection)
    requests = choices.later_likes(likes, cut_off, np.inf, MAX_USERS, seed)
    if not requests:
        raise PgfeedError("nothing to evaluate on", f"nobody liked a post both before and after {day}", "pgfeed ingest FILE...")
    rng = np.random.default_rng(seed)
    scorers = {
        "model": choices.model_scorer(model["booster"], model["feature_names"]),
        "random": lambda request, posts, columns: rng.random(len(posts["post_ids"])),
    }
    for name, column in BASELINES.items():
        scorers[name] = lambda request, posts, columns, column=column: posts["columns"][column]
    has_factors = "match.factors" in model["feature_names"]
    rankings = choices.rank_all(connection, requests, model["encoders"], scorers, "users, all posts", has_factors)
    return Full(variant, model["version"], str(day), len(examples.load_posts(connection, day, {})["post_ids"]), rankings)
