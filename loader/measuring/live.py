"""The live protocol: requests through recommend_posts itself, likes drawn from the simulated world's truth."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.learning.features import Encoders, columns_at, feature_matrix, load_pack, load_users
from loader.learning.model import Model
from loader.learning.split import load as load_split
from loader.learning.split import midnight
from loader.measuring.results import Evaluation, Lead, Result
from loader.metrics import TOP, best, bootstrap
from loader.simulation.world import World
from loader.terminal import progress
from plpy.pack import Pack

REQUESTS = 2000
BASELINES = {
    "most popular": "post.like_count",
    "best like rate": "post.like_rate",
    "best recent like rate": "post.decayed_like_rate_7d",
}
METRICS = (f"HitRate@{TOP}", f"expected HitRate@{TOP}")
METHODS = ("model", "random", *BASELINES, "oracle")


@dataclass
class Run:
    """The requests to one variant and what came of them, arrays over requests by method.

    hits: whether any of the five posts was liked, drawn; chances: how probable that was, the same without the luck of
    the draw.
    """

    model: Model
    seed: int
    user_ids: np.ndarray
    moments: list[datetime]
    is_held_out: np.ndarray
    hits: dict[str, np.ndarray]
    chances: dict[str, np.ndarray]
    seconds: np.ndarray
    memory_mb: float | None = None

    def results(self, mask: np.ndarray | None = None) -> list[Result]:
        """Return the hit rate by method, drawn and expected, of the requests where the mask is true."""
        mask = np.ones(len(self.user_ids), bool) if mask is None else mask
        users = self.user_ids[mask]
        return [
            Result(name, metric, *bootstrap(values[mask].astype(float), users), len(users))
            for metric, by_method in zip(METRICS, (self.hits, self.chances)) for name, values in by_method.items()
        ]

    def evaluation(self) -> Evaluation:
        """Return the results of all requests."""
        parameters = {"requests": len(self.user_ids), "seed": self.seed}
        leads = [
            Lead.measure(name, METRICS[1], self.chances["model"], self.chances[name], self.user_ids)
            for name in ("random", *BASELINES)
        ]
        key = self.model.variant, self.model.version
        return Evaluation("live", *key, self.results(), leads, parameters, " (95% intervals)", self.note())

    def covered(self) -> float | None:
        """Return the share of the expected way from random to oracle that the model covers; None if there is no way."""
        model, low, high = (self.chances[name].mean() for name in ("model", "random", "oracle"))
        return float((model - low) / (high - low)) if high != low else None

    def note(self) -> str:
        """Return what the table does not say: the share of the way, the held-out days, latency and memory."""
        covered = self.covered()
        lines = [
            "random is as good as the oracle: no model can be better" if covered is None
            else f"{covered:.0%} of the way from random to oracle"
        ]
        if self.is_held_out.any():
            held_out = {r.method: r for r in self.results(self.is_held_out) if r.metric == METRICS[1]}
            model, low, high = (held_out[name] for name in ("model", "random", "oracle"))
            lines.append(
                f"expected on the {model.sample_count} requests at days not trained on: {model.value:.3f}"
                f" ({model.low:.3f} to {model.high:.3f}); random {low.value:.3f}, oracle {high.value:.3f}"
            )
        median, p99, most = np.percentile(self.seconds * 1000, [50, 99, 100])
        latency = f"request median {median:.1f} ms, p99 {p99:.1f} ms, max {most:.0f} ms"
        lines.append(f"{latency}, features of past days stored before")
        if self.memory_mb:
            lines[-1] += f"; private memory of the backend {self.memory_mb:.0f} MB"
        return "\n".join(lines)


@dataclass
class Gain:
    """What a variant gains over another one on the same requests, with its 95% interval."""

    variant: str
    over: str
    metric: str
    gain: float
    low: float
    high: float

    as_dict = asdict


def gains(first: Run, others: list[Run]) -> list[Gain]:
    """Return the gain of each other run over the first, drawn and expected."""
    pairs = [(other, zip(METRICS, (other.hits, other.chances), (first.hits, first.chances))) for other in others]
    return [
        Gain(other.model.variant, first.model.variant, metric,
             *bootstrap(ours["model"].astype(float) - theirs["model"], first.user_ids))
        for other, metrics in pairs for metric, ours, theirs in metrics
    ]


def draw_requests(world: World, days: list[date], count: int, seed: int) -> tuple[np.ndarray, list[datetime]]:
    """Return users and moments, both uniform: on the days with views, 6 to 23 o'clock, when users are awake."""
    rng = np.random.default_rng([seed, 2])
    user_ids = rng.choice(world.users.user_id, count)
    chosen = rng.integers(0, len(days), count)
    seconds = rng.integers(6 * 3600, 23 * 3600, count)
    return user_ids, [midnight(days[d]) + timedelta(seconds=int(s)) for d, s in zip(chosen, seconds)]


def is_simulated(connection: Connection) -> bool:
    """Return whether the database holds a simulated world."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('simulation.worlds') is not null")
        return cursor.fetchone()[0]


def on_offer(world: World, pack: Pack, moment: datetime) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the ids of the posts there at a moment, ascending, and what the baselines score them by.

    A post that came since the pack's midnight counts as one without a view: least popular, of mean like rate.
    """
    post_ids = np.union1d(pack.post_ids, world.available(moment))
    places = np.searchsorted(post_ids, pack.post_ids)
    scores = {}
    for name, column in BASELINES.items():
        values = pack.columns[column]
        scores[name] = np.full(len(post_ids), values.min() if name == "most popular" else np.median(values))
        scores[name][places] = values
    return post_ids, scores


def liked_before(connection: Connection, user_id: int, moment: datetime) -> np.ndarray:
    """Return the ids of the posts that the user liked before the moment."""
    with connection.cursor() as cursor:
        cursor.execute("select post_id from pgfeed.likes where user_id = %s and liked_at < %s", [int(user_id), moment])
        return np.array([row[0] for row in cursor.fetchall()], np.int64)


def offline_chances(
    connection: Connection, names: list[str], encoders: Encoders,
    scorers: dict[str, Callable[[np.ndarray], np.ndarray]], count: int, among: list[date] | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the users of live requests, and by method the chance of a like, scored here from the features of SQL.

    among: the days that the requests are of, None: all with views.
    """
    world = World.load(connection)
    user_ids, moments = draw_requests(world, among or list(load_split(connection).views), count, 0)
    chances = {name: np.zeros(count) for name in scorers}
    day = date.min
    with progress("live requests, all methods", count) as advance:
        for number in np.argsort(moments):
            user_id, moment = int(user_ids[number]), moments[number]
            if moment.date() != day:
                day = moment.date()
                pack = load_pack(connection, day, encoders, names)
            columns = columns_at(load_users(connection, moment, [user_id])[0], pack, encoders, moment)
            matrix = feature_matrix(names, pack, columns, np.arange(len(pack)))
            chance = world.chances([user_id], pack.post_ids, moment)[0]
            allowed = ~np.isin(pack.post_ids, liked_before(connection, user_id, moment))
            for name, score in scorers.items():
                shown = best(np.where(allowed, score(matrix), -np.inf))
                chances[name][number] = 1 - np.prod(1 - chance[shown])
            advance(1)
    return user_ids, chances


def process_megabytes(pid: int, field: str = "Private_") -> float | None:
    """Return the memory that only this process uses, without shared buffers; None if it cannot be read.

    field: what is added up instead of it; Pss: counts a part of what several processes use.
    """
    kilobytes, is_shared = 0, False
    try:
        with open(f"/proc/{pid}/smaps") as file:
            for line in file:
                if line.startswith(field) and not is_shared:
                    kilobytes += int(line.split()[1])
                elif line[0] in "0123456789abcdef":
                    is_shared = line.split()[1][3] == "s"
    except OSError:
        return None
    return kilobytes / 1024


def send(
    connection: Connection, model: Model, count: int = REQUESTS, seed: int = 0, among: list[date] | None = None
) -> Run:
    """Send the requests, in random order, and draw for each whether any of the five posts is liked.

    among: the days that the requests are of, None: all with views.

    The draw of a request and a post is the same for every method and variant, so that they can be compared
    pair by pair. random, the baselines and the oracle choose among the same posts: all that are
    there at the moment but those liked before.
    """
    world = World.load(connection)
    split = load_split(connection)
    user_ids, moments = draw_requests(world, among or list(split.views), count, seed)
    first = split.first_unseen(model.deployed_until)
    days = sorted({moment.date() for moment in moments})
    posts_of = {day: load_pack(connection, day, {}, model.feature_names) for day in days}
    hits, chances = {name: np.zeros(count, bool) for name in METHODS}, {name: np.zeros(count) for name in METHODS}
    seconds = np.zeros(count)
    with progress("requests", count) as advance:
        for number, (user_id, moment) in enumerate(zip(user_ids, moments)):
            pack = posts_of[moment.date()]
            post_ids, scores = on_offer(world, pack, moment)
            chance = world.chances([user_id], post_ids, moment)[0]
            draw = np.random.default_rng([seed, 3, number])
            liked = draw.random(len(chance), np.float32) < chance
            allowed = ~np.isin(post_ids, liked_before(connection, user_id, moment))
            scores |= {"oracle": chance, "random": draw.random(len(chance))}
            rows = {name: best(np.where(allowed, values, -np.inf)) for name, values in scores.items()}
            shown, seconds[number] = recommend(connection, model.variant, int(user_id), moment)
            rows["model"] = np.searchsorted(post_ids, shown)
            for name, places in rows.items():
                hits[name][number] = liked[places].any()
                chances[name][number] = 1 - np.prod(1 - chance[places])
            advance(1)
    is_held_out = np.array([moment.date() >= first for moment in moments])
    memory = process_megabytes(connection.info.backend_pid)
    return Run(model, seed, user_ids, moments, is_held_out, hits, chances, seconds, memory)


def recommend(connection: Connection, variant: str, user_id: int, moment: datetime) -> tuple[list[int], float]:
    """Return the posts that SQL recommends, and the seconds that it took."""
    started = time.perf_counter()
    with connection, connection.cursor() as cursor:
        cursor.execute("select post_id from pgfeed.recommend_posts(%s, %s, %s, %s)", [user_id, moment, TOP, variant])
        shown = [row[0] for row in cursor.fetchall()]
    return shown, time.perf_counter() - started
