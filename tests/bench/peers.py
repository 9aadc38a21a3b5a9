"""pgfeed's recipes beside implicit ALS and BPR, EASE and popularity on real data: `./run bench peers [FOLDER]`.

Two settings. Frozen: every method ranks for each user at the split, once. Rolling: each held-out like is predicted
with everything before its second; popularity counts up to then, ALS, BPR and EASE are fitted again every day and get
the user's likes up to then. Global split at the 80% time quantile; posts liked before are never shown; the users
have at least one like before. What can be chosen (half-life, lambda, factors, whether viewed posts are left out, and
pgfeed's parameters) is chosen by NDCG@10 on the last 20% of the likes before the split; frozen at five moments of them.
The recipes of impressions learn from the days before the split's, and choose nothing by such requests.
"""

import csv
import gzip
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from psycopg2.extensions import connection as Connection
from threadpoolctl import threadpool_limits

from loader.data import embed, embedders, refresh
from loader.data.ingest import ingest
from loader.data.sources import open_sources
from loader.errors import PgfeedError
from loader.learning import catalogue
from loader.learning import requests as past
from loader.learning.candidates import train_by
from loader.learning.model import NewModel
from loader.learning.recipes import RECIPES, Recipe
from loader.learning.requests import Likes, Request
from loader.learning.split import Split
from loader.learning.split import load as load_split
from loader.metrics import Ranking, bootstrap, places_of
from loader.server.remedies import told
from loader.terminal import out, progress, table
from tests.bench import data_folder, temporary_database

HALF_LIVES_DAYS = (1 / 24, 1 / 8, 1 / 4, 1 / 2, 1, 2, 3, 5, 7, 10, 14, 30)
LAMBDAS = (50, 200, 500, 1000)
FACTORS = (32, 64)
NEGATIVES = 100
OURS = "pgfeed"
CHOSEN = (
    "prior", "parts", "iterations", "hides_viewed", "validation_ndcg_10", "validation_request_auc", "tree_count",
    "correction_share", "fit_seconds",
)
ROLLING_REQUESTS = 3000
VALIDATION_REQUESTS = 1000
DAY = 86400
SEED = 0


def time_text(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat(sep=" ")


def movielens(folder: Path) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """Return users, posts and events of ml-100k: a rating is a view, liked from 4 on; the first genre is the topic."""
    with open(folder / "users.csv", newline="") as file:
        users = [(r["user"], {"M": 0, "F": 1}[r["gender"]], r["age"]) for r in csv.DictReader(file)]
    with open(folder / "items.csv", newline="") as file:
        posts = [(r["item"], r["title"], r["genres"].split(" ")[0] or "none") for r in csv.DictReader(file)]
    with open(folder / "ratings.csv", newline="") as file:
        events = [(time_text(r["timestamp"]), r["user"], r["item"], int(int(r["rating"]) >= 4))
                  for r in csv.DictReader(file)]
    return users, posts, events


def deskdrop(folder: Path) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """Return users, posts and events of deskdrop: any event is a liked view; no profiles, no texts, no topics."""
    with gzip.open(folder / "interactions.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    users = [(user, "", "") for user in sorted({r["person_id"] for r in rows})]
    posts = [(post, "", "article") for post in sorted({r["content_id"] for r in rows})]
    return users, posts, [(time_text(r["timestamp"]), r["person_id"], r["content_id"], 1) for r in rows]


DATASETS = {"ml-100k": movielens, "deskdrop": deskdrop}
HEADERS = {
    "users": ("user_id", "gender", "age"), "posts": ("post_id", "text", "topic"),
    "events": ("timestamp", "user_id", "post_id", "action", "target"),
}


def split_of(events: list[tuple]) -> float:
    """Return the first whole second after the 80% quantile of the events' times."""
    return float(np.floor(np.quantile([datetime.fromisoformat(at).timestamp() for at, *_ in events], 0.8))) + 1


def load(connection: Connection, name: str, folder: Path) -> float:
    """Ingest a data set by way of files in the seed's format, and refresh; return the split in unix seconds."""
    users, posts, events = DATASETS[name](folder)
    split = split_of(events)
    events = [(at, user, post, "view", target) for at, user, post, target in dict.fromkeys(events)]
    with TemporaryDirectory() as temporary:
        paths = []
        for kind, rows in (("users", users), ("posts", posts), ("events", events)):
            paths.append(str(Path(temporary) / f"{name}_{kind}.csv"))
            with open(paths[-1], "w", newline="") as file:
                csv.writer(file).writerows([HEADERS[kind], *rows])
        results = list(ingest(connection, open_sources(paths, None, "users,posts,events")))
    if any(result.rejected for result in results):
        raise PgfeedError(f"{name} was not loaded completely", "rows were rejected", "look at pgfeed.ingest_rejects")
    refresh.refresh(connection)
    return split


class Data:
    """All first likes and views in memory, with posts as places in the order of post_id."""

    def __init__(self, connection: Connection, split: float):
        self.split, self.split_at = split, datetime.fromtimestamp(split, UTC)
        with connection, connection.cursor() as cursor:
            cursor.execute("select post_id from pgfeed.posts order by post_id")
            self.post_ids = np.array([row[0] for row in cursor.fetchall()])
            cursor.execute("select user_id, post_id, extract(epoch from liked_at)::float8 from pgfeed.likes"
                           " order by 3, 1, 2")
            users, posts, at = zip(*cursor.fetchall())
            self.user_ids, self.rows, self.at = np.array(users), np.searchsorted(self.post_ids, posts), np.array(at)
            cursor.execute("select user_id, post_id, extract(epoch from viewed_at)::float8 from pgfeed.impressions"
                           " order by 3")
            views = cursor.fetchall()
        self.likes_of = self.by_user(zip(users, self.rows, at))
        self.views_of = self.by_user(
            (user, row, at) for (user, _, at), row in zip(views, np.searchsorted(self.post_ids, [v[1] for v in views]))
        )

    def by_user(self, entries) -> dict:
        found: dict[int, list] = {}
        for user, row, at in entries:
            found.setdefault(user, []).append((at, row))
        return {user: (np.array([e[0] for e in rows]), np.array([e[1] for e in rows])) for user, rows in found.items()}

    def before(self, kind: dict, user: int, at: float) -> np.ndarray:
        """Return the places of what a user liked or viewed before a moment, each once."""
        times, rows = kind.get(user, (np.empty(0), np.empty(0, np.int64)))
        return np.unique(rows[: np.searchsorted(times, at)])

    def matrix(self, at: float):
        """Return users and the sparse matrix (users, posts) of ones: the likes before a moment."""
        from scipy.sparse import csr_matrix

        known = np.searchsorted(self.at, at)
        users, index = np.unique(self.user_ids[:known], return_inverse=True)
        matrix = csr_matrix((np.ones(known, np.float32), (index, self.rows[:known])), (len(users), len(self.post_ids)))
        matrix.sum_duplicates()
        matrix.data[:] = 1
        return users, matrix


class Popularity:
    """The likes before the request's moment, each counting half after every half-life; None: all count alike."""

    def __init__(self, data: Data, half_life_days: float | None = None):
        self.data, self.half_life = data, half_life_days and half_life_days * DAY
        self.counts, self.done, self.now = np.zeros(len(data.post_ids)), 0, data.at[0]

    def __call__(self, request: Request) -> np.ndarray:
        upper = np.searchsorted(self.data.at, request.at)
        if upper > self.done or request.at > self.now:
            age = request.at - self.data.at[self.done:upper]
            weights = np.exp2(-age / self.half_life) if self.half_life else np.ones(len(age))
            if self.half_life:
                self.counts *= np.exp2(-(request.at - self.now) / self.half_life)
            self.counts += np.bincount(self.data.rows[self.done:upper], weights, len(self.counts))
            self.done, self.now = upper, request.at
        return self.counts


class Refitted:
    """A method fitted on the likes before a moment: the request's, or the midnight before if `daily`."""

    def __init__(self, data: Data, daily: bool, at: float | None = None):
        self.data, self.daily, self.fixed, self.fitted_at = data, daily, at, None

    def __call__(self, request: Request) -> np.ndarray:
        at = self.fixed or (request.at // DAY * DAY if self.daily else request.at)
        if at != self.fitted_at:
            self.fitted_at = at
            self.users, matrix = self.data.matrix(at)
            self.fit(matrix)
        return self.scores(request.user_id, self.data.before(self.data.likes_of, request.user_id, request.at))


class Ease(Refitted):
    """Steck, Embarrassingly Shallow Autoencoders for Sparse Data, 2019, equation 8."""

    def __init__(self, data: Data, parameter: float, daily: bool, at: float | None = None):
        super().__init__(data, daily, at)
        self.regularization = parameter

    def fit(self, matrix) -> None:
        gram = (matrix.T @ matrix).toarray().astype(np.float32)
        gram[np.diag_indices(len(gram))] += self.regularization
        inverse = np.linalg.inv(gram)
        self.weights = -inverse / np.diag(inverse)
        np.fill_diagonal(self.weights, 0)

    def scores(self, user: int, liked: np.ndarray) -> np.ndarray:
        return self.weights[liked].sum(axis=0)


class Als(Refitted):
    """implicit's AlternatingLeastSquares; the user's factors are those of the likes up to the request."""

    def __init__(self, data: Data, parameter: int, daily: bool, at: float | None = None):
        super().__init__(data, daily, at)
        self.factors = parameter

    def fit(self, matrix) -> None:
        from implicit.cpu.als import AlternatingLeastSquares

        self.model = AlternatingLeastSquares(factors=self.factors, random_state=SEED, num_threads=1)
        self.model.fit(matrix, show_progress=False)

    def scores(self, user: int, liked: np.ndarray) -> np.ndarray:
        from scipy.sparse import csr_matrix

        row = csr_matrix((np.ones(len(liked), np.float32), (np.zeros(len(liked), int), liked)),
                         (1, len(self.data.post_ids)))
        return self.model.item_factors @ np.ravel(self.model.recalculate_user(0, row))


class Bpr(Refitted):
    """implicit's BayesianPersonalizedRanking; a user unknown at the fit has the mean of the liked posts' factors."""

    def __init__(self, data: Data, parameter: int, daily: bool, at: float | None = None):
        super().__init__(data, daily, at)
        self.factors = parameter

    def fit(self, matrix) -> None:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        self.model = BayesianPersonalizedRanking(factors=self.factors, random_state=SEED, num_threads=1)
        self.model.fit(matrix, show_progress=False)

    def scores(self, user: int, liked: np.ndarray) -> np.ndarray:
        place = np.searchsorted(self.users, user)
        if place < len(self.users) and self.users[place] == user:
            vector = self.model.user_factors[place]
        else:
            vector = self.model.item_factors[liked].mean(axis=0)
            vector[-1] = 1
        return self.model.item_factors @ vector


def rank_peers(
    data: Data, requests: list[Request], scorers: dict[str, Callable], title: str
) -> dict[tuple[str, bool], Ranking]:
    """Return the ranking by (scorer, whether posts that the user viewed before are left out)."""
    requests = sorted(requests, key=lambda r: r.at)
    places: dict = {(name, without): [] for name in scorers for without in (False, True)}
    counts = []
    with progress(title, len(requests)) as advance:
        for request in requests:
            targets = np.searchsorted(data.post_ids, request.targets)
            counts.append(len(targets))
            liked = data.before(data.likes_of, request.user_id, request.at)
            viewed = np.union1d(liked, data.before(data.views_of, request.user_id, request.at))
            for name, scorer in scorers.items():
                scores = scorer(request)
                places[name, False].append(places_of(scores, targets, liked))
                hidden = np.zeros(len(scores))
                hidden[viewed] = -1e30
                places[name, True].append(places_of(scores + hidden, targets, liked))
            advance(1)
    users = np.array([r.user_id for r in requests])
    return {key: Ranking(users, found, np.array(counts)) for key, found in places.items()}


def ndcg(ranking: Ranking) -> float:
    return float(ranking.metrics()["NDCG@10"].mean())


def measure(
    connection: Connection, data: Data, is_rolling: bool, learned: dict[str, NewModel]
) -> tuple[dict[str, Ranking], list[str]]:
    """Return the rankings of all methods on the held-out likes in one setting, and what was chosen on validation.

    learned: the models of impressions, which are the same in both settings.
    """
    end = float(data.at[-1]) + 1
    every = past.load_likes(connection)
    known = Likes(*(a[every.at < data.split] for a in (every.user_ids, every.post_ids, every.at, every.found_at)))
    middle = float(known.at[int(len(known.at) * (1 - catalogue.VALIDATION_SHARE))])
    if is_rolling:
        held_out = past.next_likes(every, data.split, end, ROLLING_REQUESTS, SEED)
        validation = past.next_likes(known, middle, data.split, VALIDATION_REQUESTS, SEED)
    else:
        held_out = past.later_likes(every, data.split, end, len(every.at))
        validation = catalogue.requests_between(known, middle, data.split, data.split - middle)

    tried: dict[str, Callable] = {"most popular": lambda: Popularity(data)}
    tried |= {f"decayed popularity, half-life {h * 24:g} h" if h < 1 else f"decayed popularity, half-life {h:g} d":
              (lambda h=h: Popularity(data, h)) for h in HALF_LIVES_DAYS}
    fixed = {"at": middle, "daily": False}
    slow = {"EASE, lambda": (Ease, LAMBDAS), "ALS, factors": (Als, FACTORS), "BPR, factors": (Bpr, FACTORS)}
    makers = {f"{label} {p}": (lambda kind=kind, p=p, **how: kind(data, p, **how))
              for label, (kind, grid) in slow.items() for p in grid}
    scorers = {name: make() for name, make in tried.items()} | {name: make(**fixed) for name, make in makers.items()}
    found = rank_peers(data, validation, scorers, "validation, peers")
    best: dict[str, tuple[str, bool]] = {}
    for key, ranking in found.items():
        method = key[0].split(",")[0]
        if method not in best or ndcg(ranking) > ndcg(found[best[method]]):
            best[method] = key
    chosen = {}
    for name, _ in best.values():
        chosen[name] = tried[name]() if name in tried else makers[name](daily=is_rolling)
    peers = rank_peers(data, held_out, chosen, "held-out likes, peers")
    rankings = {f"{name}{', viewed left out' if without else ''}": peers[name, without]
                for name, without in best.values()}

    validated = ", ".join(f"{key[0]} {ndcg(found[key]):.3f}" for key in best.values())
    horizon = None if is_rolling else (data.split - middle) / DAY
    models = learned | {"negatives": catalogue.train(connection, NEGATIVES, horizon, data.split_at)}
    ours = rank_ours(connection, held_out, models)
    if not all(np.array_equal(a.user_ids, b.user_ids) for a in ours.values() for b in peers.values()):
        raise PgfeedError("the methods were not asked the same", "pgfeed and its peers ranked for different users")
    return ours | rankings, [
        f"validation NDCG@10: {validated}",
        *(f"{OURS} {name}: {json.dumps(chosen_by(model))}" for name, model in models.items()),
    ]


def learn_impressions(connection: Connection, split: datetime) -> tuple[dict[str, NewModel], list[str]]:
    """Return the models of the recipes of impressions, of the days before the split's, and why others cannot be had."""
    days = Split(load_split(connection).views, split.date())
    models: dict[str, NewModel] = {}
    notes: list[str] = []
    for name, recipe in RECIPES.items():
        if isinstance(recipe, Recipe):
            try:
                models[name] = train_by(connection, name, recipe, split=days)
            except PgfeedError as error:
                notes.append(f"{OURS} {name} cannot be had: {error.cause}")
    return models, notes


def rank_ours(connection: Connection, held_out: list[Request], models: dict[str, NewModel]) -> dict[str, Ranking]:
    """Return the ranking of each model, under what it is called in the table."""
    rankings: dict[str, Ranking] = {}
    for name, model in models.items():
        scorer = {f"{OURS} {name}": past.model_scorer(model.booster, model.feature_names, model.encoders)}
        title = f"held-out likes, {OURS} {name}"
        rankings |= past.rank_all(connection, held_out, model.encoders, scorer, title, model.feature_names)
    return rankings


def chosen_by(model: NewModel) -> dict:
    """Return what a fit chose, and how good it was on its validation days."""
    known = model.parameters | model.metrics
    return {name: known[name] for name in CHOSEN if name in known}


def show(title: str, rankings: dict[str, Ranking], notes: list[str]) -> None:
    """Print one table, the best NDCG@10 first, and the distance of each of pgfeed's recipes to the best peer."""
    metrics = {method: ranking.metrics() for method, ranking in rankings.items()}
    users = next(iter(rankings.values())).user_ids
    rows = []
    for method in sorted(metrics, key=lambda m: -metrics[m]["NDCG@10"].mean()):
        hit, low, high = bootstrap(metrics[method]["HitRate@5"], users)
        rows.append((method, f"{hit:.3f}", f"{low:.3f} to {high:.3f}",
                     *(f"{metrics[method][m].mean():.3f}" for m in ("NDCG@10", "Recall@20"))))
    title += f": {len(users):,} requests of {len(np.unique(users)):,} users"
    out.print(table(title, ["method", "HitRate@5", "95% interval", "NDCG@10", "Recall@20"], rows,
                    ["HitRate@5", "NDCG@10", "Recall@20"]))
    for metric in ("HitRate@5", "NDCG@10"):
        peer = max((m for m in metrics if not m.startswith(OURS)), key=lambda m: metrics[m][metric].mean())
        for ours in (m for m in metrics if m.startswith(OURS)):
            value, low, high = bootstrap(metrics[ours][metric] - metrics[peer][metric], users)
            verdict = "wins" if low > 0 else "loses" if high < 0 else "not clear"
            out.print(f"{ours} over {peer}, {metric}: {value:+.3f} ({low:+.3f} to {high:+.3f}), {verdict}")
    for note in notes:
        out.print(note)


def main() -> None:
    if len(sys.argv) > 1:
        os.environ["PGFEED_DATA"] = sys.argv[1]
    try:
        import implicit  # noqa: F401
    except ImportError as error:
        raise PgfeedError("implicit is not installed", "it belongs to the extra bench",
                          "./run install bench") from error
    for name in DATASETS:
        folder = data_folder(name)
        # implicit is slowed down by the threads of the linear algebra under it.
        with threadpool_limits(1, "blas"), temporary_database(name.replace("-", "_")) as connection:
            data = Data(connection, load(connection, name, folder))
            embed.embed(connection, embedders.open_embedder())
            refresh.refresh(connection)
            learned, without = learn_impressions(connection, data.split_at)
            for setting in ("frozen", "rolling"):
                rankings, notes = measure(connection, data, setting == "rolling", learned)
                show(f"{name}, {setting}, split {data.split_at}", rankings, notes + without)


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
