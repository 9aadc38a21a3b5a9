"""News with recorded impressions: models and simple rules on what real readers were shown: `./run bench news [FOLDER]`.

FOLDER, by default shared/data/news beside the checkout, has behaviors.tsv and news.tsv of the Microsoft News Dataset
(MIND) or of a sample of it: https://msnews.github.io. All posts of an impression have its moment; a click is a like.
The last fifth of the impressions is held out.
"""

import csv
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.data import embed, embedders, refresh
from loader.data.ingest import ingest
from loader.data.sources import open_sources
from loader.errors import PgfeedError
from loader.learning import split, train
from loader.learning.model import predict
from loader.learning.recipes import RECIPES, shipped
from loader.measuring import baselines, logged
from loader.metrics import TOP, bootstrap, hits, request_aucs
from loader.server.remedies import told
from loader.terminal import out, table
from plpy.columns import LIVE_COLUMNS
from tests.bench import data_folder, temporary_database

MODELS = {
    "control": RECIPES["control"], "test": RECIPES["test"], "test_fresh": shipped("test_fresh"),
    "control with live features": replace(
        RECIPES["control"], features=[*dict.fromkeys([*RECIPES["control"].features, *LIVE_COLUMNS])],
    ),
}
FORM = "%m/%d/%Y %I:%M:%S %p"


def views(path: Path) -> Iterator[tuple]:
    """Yield user_id, moment, post_id and whether it was clicked of each post shown, each once in an impression."""
    with path.open(encoding="utf-8") as file:
        for _, user, at, _, shown in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            moment = datetime.strptime(at, FORM).isoformat(sep=" ")
            clicks: dict[str, int] = {}
            for post, _, click in (each.partition("-") for each in shown.split()):
                clicks[post] = max(int(click), clicks.get(post, 0))
            yield from ((int(user[1:]), moment, int(post[1:]), "view", click) for post, click in clicks.items())


def write_csv(path: Path, header: str, rows: Iterator[tuple]) -> str:
    """Write rows to a CSV file; return its name."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split())
        writer.writerows(rows)
    return str(path)


def load(connection: Connection, folder: Path) -> None:
    """Load the posts that were shown, with title and abstract, and what was shown and clicked."""
    rows = list(views(folder / "behaviors.tsv"))
    shown = {row[2] for row in rows}
    with (folder / "news.tsv").open(encoding="utf-8") as file, tempfile.TemporaryDirectory() as temporary:
        news = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        posts = ((int(row[0][1:]), f"{row[3]}\n{row[4]}", row[1]) for row in news if int(row[0][1:]) in shown)
        names = [
            write_csv(Path(temporary) / "posts.csv", "post_id text topic", posts),
            write_csv(Path(temporary) / "events.csv", "user_id timestamp post_id action target", iter(rows)),
        ]
        list(ingest(connection, open_sources(names)))


def ndcg(scores: np.ndarray, request: np.ndarray, is_liked: np.ndarray, post_ids: np.ndarray) -> np.ndarray:
    """Return the NDCG@10 of each request (numbered from 0 without gaps), NaN of those without a like."""
    order = np.lexsort((post_ids, -scores, request))
    of, liked = request[order], is_liked[order]
    place = np.arange(len(of)) - np.searchsorted(of, np.arange(of[-1] + 1))[of]
    gains = 1 / np.log2(np.arange(10) + 2)
    reached = np.bincount(of, np.where(liked & (place < 10), gains[np.minimum(place, 9)], 0))
    likes = np.bincount(of, liked).astype(int)
    return np.where(likes > 0, reached / np.cumsum(gains)[np.clip(likes, 1, 10) - 1], np.nan)


def measures(rows, scores: np.ndarray) -> list[str]:
    """Return AUC, NDCG@10 and HitRate@5 of scores with their intervals over users."""
    users = rows.user_ids[np.unique(rows.request, return_index=True)[1]]
    found = []
    for values in (
        request_aucs(scores, rows.request, rows.is_liked), ndcg(scores, rows.request, rows.is_liked, rows.post_ids),
        hits(scores, rows.request, rows.is_liked, rows.post_ids).astype(float),
    ):
        is_defined = np.isfinite(values)
        value, low, high = bootstrap(values[is_defined], users[is_defined])
        found.append(f"{value:.3f} ({low:.3f}-{high:.3f})")
    return found


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else data_folder("news")
    with temporary_database("news") as connection:
        load(connection, folder)
        refresh.refresh(connection)
        with suppress(PgfeedError):  # without an encoder there is no model that needs one
            embed.embed(connection, embedders.open_embedder())
            refresh.refresh(connection)
        lines, days = [], split.load(connection)
        for name, recipe in MODELS.items():
            model = train.train(connection, name.partition(" ")[0], recipe=recipe)
            held_out = logged.load_held_out(connection, days, model.feature_names, model.encoders)
            rows = logged.with_enough_views(held_out)
            lines.append((name, *measures(rows, predict(model.booster, rows.features))))
        half_life = baselines.choose_for_views(connection, days, TOP + 1)
        rules = baselines.scores(connection, rows, half_life.name)
        rules["random"] = np.random.default_rng(0).random(len(rows.request))
        lines += [(name, *measures(rows, scores)) for name, scores in rules.items()]
    headers = ["ranked by", "AUC", "NDCG@10", f"HitRate@{TOP}"]
    title = f"{rows.request[-1] + 1:,} user-days from {days.day} on, 95% intervals; {half_life.sentence}"
    out.print(table(title, headers, lines, headers[1:]), crop=False)


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
