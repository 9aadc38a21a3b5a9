"""What embedders are worth, and what they cost: `./run bench encoders [FILE.csv] [--names NAME...] [--texts N]`.

Texts with topics, by default the BBC's articles. For each post the share of its 10 nearest that have its topic, by
exact cosines, beside the share of a random ten; time of the processor (one thread, so other work on the machine hardly
counts) and the peak memory of a process that does nothing else. `tfidf` is the yardstick: TF-IDF and SVD of
scikit-learn at 100 components, fitted on the texts themselves.
"""

import argparse
import csv
import gzip
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from loader.data.embed import BATCH, unit_vectors
from loader.data.embedders import open_embedder
from loader.errors import PgfeedError
from loader.server.remedies import told
from loader.terminal import console, out, table
from tests.bench import ROOT, data_folder

NEIGHBOURS = 10
YARDSTICK = "tfidf"
COMPONENTS = 100
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Tfidf:
    """TF-IDF and SVD of scikit-learn, fitted on the texts that it encodes."""

    characters = 5000

    def __init__(self) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline

        self.model = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2),
                                   TruncatedSVD(COMPONENTS, random_state=0))

    def encode(self, texts: list[str]) -> np.ndarray:
        return self.model.fit_transform(texts)


def load_texts(path: Path, count: int) -> tuple[np.ndarray, list[str]]:
    """Return topics and texts of a CSV file, gzipped or not; of `count` rows at random, all if it is 0."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if count and count < len(rows):
        rows = [rows[place] for place in np.random.default_rng(0).choice(len(rows), count, replace=False)]
    return np.array([row["topic"] for row in rows]), [row["text"] for row in rows]


def topic_share(vectors: np.ndarray, topics: np.ndarray) -> float:
    """Return the mean share of the nearest of each row of the unit vectors (n, d) that have its topic."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    nearest = np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    return float((topics[nearest] == topics[:, None]).mean())


def measure(name: str, path: Path, count: int) -> dict:
    """Return what one embedder does with the texts of a file, in this process: share, CPU ms per text, peak MB."""
    topics, texts = load_texts(path, count)
    started = time.process_time()
    embedder, batch = (Tfidf(), len(texts)) if name == YARDSTICK else (open_embedder(name), BATCH)
    texts = [text[:embedder.characters] for text in texts]
    if name != YARDSTICK:
        embedder.encode(texts[:1])  # some load at their first text
    opened = time.process_time()
    vectors = np.concatenate([embedder.encode(texts[start:start + batch]) for start in range(0, len(texts), batch)])
    done = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    vectors = unit_vectors(vectors, vectors.shape[1], list(range(1, len(texts) + 1)))
    return {
        "dimensions": vectors.shape[1], "share": topic_share(vectors, topics), "open_seconds": opened - started,
        "text_ms": (done - opened) * 1000 / len(texts), "peak_megabytes": peak / 1024,
    }


def measure_apart(name: str, path: Path, count: int) -> dict:
    """Return measure() of a process of its own with one thread."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.encoders", str(path), "--names", name, "--texts", str(count), "--here"],
        cwd=ROOT, env={**os.environ, **dict.fromkeys(THREADS, "1")}, stdout=subprocess.PIPE, text=True, check=False,
    )
    if done.returncode:
        raise PgfeedError(f"the embedder {name} was not measured", "its process failed, see above",
                          "./run bench encoders --names use tfidf")
    return json.loads(done.stdout)


def options() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="./run bench encoders",
                                     description="What embedders are worth, and what they cost.")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE.csv",
                        help="columns topic and text [default: the BBC's articles]")
    parser.add_argument("--names", nargs="+", default=["use", "minilm", YARDSTICK], metavar="NAME",
                        help="embedders, as `embed --embedder` knows them, or tfidf [default: use minilm tfidf]")
    parser.add_argument("--texts", type=int, default=0, metavar="N", help="of so many texts at random [default: all]")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = options()
    path = (arguments.file or data_folder("bbc") / "articles.csv.gz").resolve()
    if arguments.here:
        print(json.dumps(measure(arguments.names[0], path, arguments.texts)))
        return
    topics, _ = load_texts(path, arguments.texts)
    counts = np.unique(topics, return_counts=True)[1]
    rows = []
    for name in arguments.names:
        with console.status(f"embedding with {name}"):
            found = measure_apart(name, path, arguments.texts)
        rows.append((name, found["dimensions"], f"{found['share']:.1%}", f"{found['text_ms']:.1f}",
                     f"{found['open_seconds']:.1f}", f"{found['peak_megabytes']:,.0f}"))
    chance = (counts * (counts - 1)).sum() / len(topics) / (len(topics) - 1)
    rows.append(("random", None, f"{chance:.1%}", None, None, None))
    headers = ["embedder", "numbers", "topic of the nearest 10", "CPU ms a text", "CPU s to load", "peak MB"]
    out.print(table(f"{len(topics):,} texts in {len(counts)} topics", headers, rows, headers[1:]))


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
