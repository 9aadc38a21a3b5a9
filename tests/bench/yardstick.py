"""The usual recommender service, as a yardstick: FastAPI, pandas and CatBoost, features in memory, one DataFrame per
request.

It has the endpoint, the way and the data of the service that pgfeed replaces, and a model with as many features and
trees as the one that serves in the database. `python -m tests.bench.yardstick MODEL` serves it with uvicorn.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from catboost import CatBoost, CatBoostClassifier
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.recipes import RECIPES
from loader.server import db
from plpy.pack import Pack
from tests.bench import ROOT

PATH = "/post/recommendations/"
MODEL_VARIABLE = "PGFEED_YARDSTICK_MODEL"
CATEGORICAL = ("country", "city", "os", "source", "topic")
TRAINING_ROWS = 20_000
START_SECONDS = 120


def frame(connection: Connection, query: str) -> pd.DataFrame:
    """Return a query's rows."""
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])


def load_users(connection: Connection) -> pd.DataFrame:
    """Return one row per user: profile, behaviour and, by topic, the share of views and the like rate."""
    users = frame(connection, "select * from pgfeed.user_features").set_index("user_id")
    users[["country", "city", "os", "source"]] = users[["country", "city", "os", "source"]].fillna("none").astype(str)
    topics = frame(connection, "select user_id, topic, view_share, like_rate from pgfeed.user_topic_features")
    wide = topics.pivot(index="user_id", columns="topic", values=["view_share", "like_rate"])
    wide.columns = [f"{value}_{topic}" for value, topic in wide.columns]
    return users.join(wide).apply(lambda column: column if column.name in CATEGORICAL else column.astype("float64"))


def load_posts(connection: Connection) -> pd.DataFrame:
    """Return one row per post: topic and the columns of the newest feature pack."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select feature_names, topics, post_ids, topic_codes, matrix from pgfeed.feature_packs"
                       " order by pack_id desc limit 1")
        pack = Pack.unpack(dict(zip((column.name for column in cursor.description), cursor.fetchone())))
    topics = [*pack.topics, "none"]
    columns = {name.replace(".", "_"): values for name, values in pack.columns.items()}
    return pd.DataFrame({"topic": [topics[code] for code in pack.topic_codes], **columns},
                        index=pd.Index(pack.post_ids, name="post_id"))


@contextmanager
def model_file(connection: Connection) -> Iterator[tuple[Path, str]]:
    """Yield the file of a model of the serving one's size, fitted on the newest impressions, and its description."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select m.artifact from pgfeed._serving_state(now(), null, null) as s"
                       " join pgfeed.models as m using (model_id)")
        row = cursor.fetchone()
    if row is None:
        raise PgfeedError("there is no model to compare with", "none is active", "pgfeed train control --activate")
    serving = CatBoost().load_model(blob=bytes(row[0]))
    impressions = frame(connection, f"select * from pgfeed.impressions order by viewed_at desc limit {TRAINING_ROWS}")
    users, posts = load_users(connection), load_posts(connection)
    rows = impressions[impressions.user_id.isin(users.index) & impressions.post_id.isin(posts.index)]
    examples = posts.loc[rows.post_id].reset_index(drop=True)
    examples[users.columns] = users.loc[rows.user_id].to_numpy()
    examples["hour"], examples["weekday"] = rows.viewed_at.dt.hour.to_numpy(), rows.viewed_at.dt.weekday.to_numpy()
    own = [*CATEGORICAL, "hour", "weekday"]
    names = [*own, *(name for name in examples.columns if name not in own)][: len(serving.feature_names_)]
    examples = examples[names].apply(lambda column: column if column.name in CATEGORICAL else column.astype("float64"))
    model = CatBoostClassifier(
        iterations=serving.tree_count_, depth=RECIPES["control"].parameters["depth"], max_ctr_complexity=1, verbose=0,
        allow_writing_files=False, cat_features=list(CATEGORICAL),
    ).fit(examples, rows.is_liked.to_numpy())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        model.save_model(str(path))
        yield path, f"{len(names)} features, {model.tree_count_} trees"


class Service:
    """All that the service holds in memory, and the answer to one request."""

    def __init__(self, connection: Connection, path: Path):
        self.model = CatBoostClassifier().load_model(str(path))
        self.users, self.posts = load_users(connection), load_posts(connection)
        self.texts = frame(connection, "select post_id, text, topic from pgfeed.posts").set_index("post_id")
        self.likes = frame(connection, "select user_id, post_id from pgfeed.likes")

    def recommend(self, user_id: int, moment: datetime | None = None, limit: int = 5) -> list[dict]:
        """Return the posts that this user will most likely like: one DataFrame of all of them, scored and sorted."""
        moment = moment or datetime.now()
        features = self.posts.reset_index()
        features = features.assign(**self.users.loc[user_id].to_dict(), hour=moment.hour, weekday=moment.weekday())
        liked = self.likes[self.likes.user_id == user_id].post_id
        features = features[~features.post_id.isin(liked)].set_index("post_id")
        features["score"] = self.model.predict_proba(features[self.model.feature_names_])[:, 1]
        best = features.sort_values("score", ascending=False).index[:limit]
        found = self.texts.loc[best]
        return [{"id": int(i), "text": text, "topic": topic} for i, text, topic in zip(best, found.text, found.topic)]


def application():
    """Return the FastAPI application; uvicorn's workers call it."""
    from fastapi import FastAPI, HTTPException
    from pydantic import BaseModel

    class Post(BaseModel):
        id: int
        text: str | None
        topic: str | None

    with closing(db.connect()) as connection:
        service = Service(connection, Path(os.environ[MODEL_VARIABLE]))
    app = FastAPI()

    @app.get(PATH, response_model=list[Post])
    def recommended_posts(id: int, time: datetime, limit: int = 5):
        if id not in service.users.index:
            raise HTTPException(404, "user not found")
        return service.recommend(id, time, limit)

    return app


def children(pid: int) -> list[int]:
    """Return a process's children, of which all but uvicorn's first are workers."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def http_service(path: Path, workers: int) -> Iterator[tuple[int, Callable[[], list[int]]]]:
    """Serve with uvicorn on a free port; yield the port and a function that returns the workers' process numbers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "tests.bench.yardstick:application", "--port", str(port),
               "--log-level", "warning"]
    server = subprocess.Popen([*command, "--workers", str(workers)], cwd=ROOT,
                              env={**os.environ, MODEL_VARIABLE: str(path)}, start_new_session=True)
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                with http_call(port, 1) as call:
                    call(0, expected=404)
                break
            except OSError as error:
                if server.poll() is not None or time.monotonic() > end:
                    raise PgfeedError("the usual service does not start", str(error), "see the lines above") from error
                time.sleep(0.5)
        yield port, lambda: children(server.pid) or [server.pid]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


@contextmanager
def http_call(port: int, timeout: float = 60) -> Iterator[Callable[..., None]]:
    """Yield a function that asks for a user's posts over one kept connection."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:

        def call(user: int, expected: int = 200) -> None:
            connection.request("GET", f"{PATH}?id={user}&time=2021-12-20T18:00:00&limit=5")
            # uvicorn's workers send head and body apart and wait for an acknowledgement, which would come 40 ms late.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status != expected:
                raise PgfeedError("the usual service failed", f"status {response.status}: {answer}")

        yield call
