"""What own features are worth, on simulated likes and on MovieLens: `./run bench attributes [SEED... ml-100k]`.

Each model is trained twice on the same events: before the attributes of users and posts are filled and after. Logged:
HitRate@5 of `control` over held-out user-days with more than five views, ranked again. Served (simulated only): the
chance of a like among the five posts that recommend_posts gives at the end, by the true odds. Full (MovieLens only):
HitRate@5 of a model trained with --negatives over the whole catalogue, frozen at the split. Intervals are clustered by
user; the differences are paired.
"""

import csv
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json, execute_values

from loader.errors import PgfeedError
from loader.learning import catalogue, registry, train
from loader.learning import requests as past
from loader.learning.model import NewModel, predict
from loader.learning.split import load as load_split
from loader.measuring.logged import load_held_out, with_enough_views
from loader.metrics import bootstrap, hits
from loader.server.remedies import told
from loader.terminal import out, table
from tests.bench import data_folder, temporary_database
from tests.bench.peers import NEGATIVES, load

SEEDS = (101, 102, 103, 104)
USERS, POSTS, AUTHORS, DAYS, VIEWS = 800, 600, 40, 21, 8
ACTIVE_SHARE = 0.5
LANGUAGES = np.array(["en", "fr", "de", "es"])
PLANS = np.array(["free", "gold"])
LEVEL, OF_LANGUAGE, OF_AUTHOR, OF_POST = -3.5, 1.5, 0.8, 0.3  # log-odds
END = datetime(2024, 1, 1 + DAYS, tzinfo=UTC)
SERVED_USERS = 300
Values = tuple[np.ndarray, np.ndarray]  # of a metric by request, and the requests' users


class Site:
    """Users who like posts in their language and of some authors more than others; plans and prices mean nothing."""

    def __init__(self, seed: int):
        self.rng = rng = np.random.default_rng(seed)
        self.user_language, self.plan = rng.choice(LANGUAGES, USERS), rng.choice(PLANS, USERS)
        self.post_language, self.author = rng.choice(LANGUAGES, POSTS), rng.integers(0, AUTHORS, POSTS)
        self.price = rng.gamma(2, 5, POSTS).round(2)
        of_author = rng.normal(0, OF_AUTHOR, AUTHORS)
        log_odds = LEVEL + of_author[self.author] + rng.normal(0, OF_POST, POSTS)
        same = self.user_language[:, None] == self.post_language[None]
        self.chance = 1 / (1 + np.exp(-log_odds - OF_LANGUAGE * same))  # (users, posts)

    def load(self, connection: Connection) -> None:
        """Write users, posts and their views, without attributes, and refresh."""
        events = []
        for day in range(DAYS):
            for user in np.flatnonzero(self.rng.random(USERS) < ACTIVE_SHARE):
                posts = self.rng.choice(POSTS, VIEWS, replace=False)
                liked = self.rng.random(VIEWS) < self.chance[user, posts]
                at = datetime(2024, 1, 1 + day, 8, tzinfo=UTC).timestamp() + self.rng.integers(0, 43200)
                events += [
                    (float(at + 30 * place), int(user) + 1, int(post) + 1, bool(is_liked))
                    for place, (post, is_liked) in enumerate(zip(posts, liked))
                ]
        with connection, connection.cursor() as cursor:
            cursor.execute("insert into pgfeed.users (user_id) select generate_series(1, %s)", [USERS])
            cursor.execute(
                "insert into pgfeed.posts (post_id, text) select p, 'a post' from generate_series(1, %s) as p", [POSTS]
            )
            execute_values(
                cursor, "insert into pgfeed.feed_events (event_at, user_id, post_id, action, target) values %s", events,
                "(to_timestamp(%s), %s, %s, 'view', %s)", 1000,
            )
            cursor.execute("call pgfeed.refresh_features()")

    def attributes(self) -> tuple[dict, dict]:
        """Return the attributes of users and posts by id."""
        users = {u + 1: {"lang": self.user_language[u], "plan": self.plan[u]} for u in range(USERS)}
        posts = {p + 1: {"lang": self.post_language[p], "author_id": int(self.author[p]), "price": self.price[p]}
                 for p in range(POSTS)}
        return users, posts


def fill(connection: Connection, users: dict, posts: dict) -> None:
    """Fill the attributes of users and posts by id, and refresh."""
    with connection, connection.cursor() as cursor:
        for name, rows in (("user", users), ("post", posts)):
            execute_values(
                cursor,
                f"update pgfeed.{name}s as r set attributes = n.attributes::jsonb"
                f" from (values %s) as n (id, attributes) where r.{name}_id = n.id",
                [(key, Json(values)) for key, values in rows.items()],
            )
        cursor.execute("call pgfeed.refresh_features()")


def logged(connection: Connection, model: NewModel) -> Values:
    """Return whether one of a model's first five was liked, by held-out user-day."""
    rows = with_enough_views(load_held_out(connection, load_split(connection), model.feature_names, model.encoders))
    is_hit = hits(predict(model.booster, rows.features), rows.request, rows.is_liked, rows.post_ids)
    return is_hit.astype(float), rows.user_ids[np.unique(rows.request, return_index=True)[1]]


def served(connection: Connection, model: NewModel, site: Site) -> Values:
    """Return the true chance of a like among the five posts that a model gives each of 300 users at the end."""
    registry.activate(connection, "control", registry.store(connection, "control", model))
    chances = []
    with connection, connection.cursor() as cursor:
        for user in range(SERVED_USERS):
            cursor.execute("select post_id, source from pgfeed.recommend_posts(%s, %s)", [user + 1, END])
            posts, sources = zip(*cursor.fetchall())
            if set(sources) != {"model"}:
                raise PgfeedError("the model did not answer", f"user {user + 1} got {sources}", "pgfeed check")
            chances.append(1 - np.prod(1 - site.chance[user, np.array(posts) - 1]))
    return np.array(chances), np.arange(SERVED_USERS)


def full(connection: Connection, model: NewModel, split: float) -> Values:
    """Return whether a like after the split is among a model's first five of the whole catalogue, by user."""
    requests = past.later_likes(past.load_likes(connection), split, np.inf, 10_000)
    scorer = {"model": past.model_scorer(model.booster, model.feature_names, model.encoders)}
    ranking = past.rank_all(connection, requests, model.encoders, scorer, "held-out likes")["model"]
    return ranking.metrics()["HitRate@5"], ranking.user_ids


def line(name: str, metric: str, without: Values, with_them: Values) -> tuple[str, ...]:
    """Return a row of the table: a metric without and with own features, and the paired difference."""
    if not np.array_equal(without[1], with_them[1]):
        raise PgfeedError("the models were not asked the same", f"{name}, {metric}", "this is a bug")
    words = [f"{value:.3f} ({low:.3f} to {high:.3f})" for value, low, high in map(bootstrap_of, (without, with_them))]
    value, low, high = bootstrap(with_them[0] - without[0], without[1])
    return name, metric, f"{len(without[0]):,}", *words, f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def bootstrap_of(values: Values) -> tuple[float, float, float]:
    return bootstrap(*values)


def simulated(seed: int) -> list[tuple[str, ...]]:
    """Return the rows of one simulated site."""
    site = Site(seed)
    with temporary_database("attributes") as connection:
        site.load(connection)
        found = []
        for attributes in (None, site.attributes()):
            if attributes:
                fill(connection, *attributes)
            model = train.train(connection, "control")
            found.append((logged(connection, model), served(connection, model, site)))
    name = f"simulated, seed {seed}"
    best = np.sort(site.chance[:SERVED_USERS], axis=1)[:, -5:]
    oracle = 1 - np.prod(1 - best, axis=1)
    return [
        line(name, "HitRate@5, logged", found[0][0], found[1][0]),
        line(name, f"HitRate@5, served (at best {oracle.mean():.3f})", found[0][1], found[1][1]),
    ]


def movielens_attributes(folder: Path) -> tuple[dict, dict]:
    """Return the occupations of users, the genres and release dates of movies, by id."""
    with open(folder / "users.csv", newline="") as file:
        users = {int(r["user"]): {"occupation": r["occupation"]} for r in csv.DictReader(file)}
    posts = {}
    with open(folder / "items.csv", newline="") as file:
        for row in csv.DictReader(file):
            date = row["release_date"]
            released = datetime.strptime(date, "%d-%b-%Y").date().isoformat() if date else None
            posts[int(row["item"])] = {"genres": row["genres"].split(" "), "released": released}
    return users, posts


def movielens() -> list[tuple[str, ...]]:
    """Return the rows of MovieLens 100K; gender, age and the first genre (the topic) are known without attributes."""
    folder = data_folder("ml-100k")
    with temporary_database("attributes") as connection:
        split = load(connection, "ml-100k", folder)
        day = datetime.fromtimestamp(split, UTC)
        found = []
        for attributes in (None, movielens_attributes(folder)):
            if attributes:
                fill(connection, *attributes)
            of_views = logged(connection, train.train(connection, "control"))
            known = past.load_likes(connection, day).at
            horizon = (split - known[int(len(known) * (1 - catalogue.VALIDATION_SHARE))]) / 86400
            model = catalogue.train(connection, NEGATIVES, horizon, day)
            found.append((of_views, full(connection, model, split)))
    return [line("ml-100k", name, a, b) for name, a, b in zip(("HitRate@5, logged", "HitRate@5, full"), *found)]


def main() -> None:
    """Print the table of all data that is named, or of all there is."""
    words = sys.argv[1:] or [*map(str, SEEDS), "ml-100k"]
    rows = [row for word in words for row in (movielens() if word == "ml-100k" else simulated(int(word)))]
    headers = ["data", "metric", "requests", "without", "with own features", "difference"]
    load_average = os.getloadavg()[0]
    out.print(table(f"own features, load {load_average:.1f}", headers, rows, ["requests"]))


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
