"""The registry: models in the table pgfeed.models, which of them serve, and files from elsewhere."""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from catboost import CatBoost
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from loader.errors import PgfeedError
from loader.learning import examples
from loader.learning.examples import midnight
from loader.learning.train import GOLDEN_ROWS, RECIPES, Trained
from plpy._model_problems import unknown_features
from plpy.recommend_posts import needs_moment

MAX_BYTES = 256 * 1024 * 1024
WITHOUT_MODEL = ("popular", "random")
ENCODERS_KEY = "pgfeed.encoders"
LARGEST_CODE = 1e38
GOLDEN_REQUESTS = 20
# In a process of its own: a damaged file can take the process down that loads it.
INSPECT = """
import json, sys
from catboost import CatBoost
booster = CatBoost().load_model(sys.argv[1], format="cbm")
metadata = booster.get_metadata()
other = booster.get_cat_feature_indices() + booster.get_text_feature_indices() + booster.get_embedding_feature_indices()
scores = [] if other else booster.predict([[0.0] * len(booster.feature_names_)], prediction_type="RawFormulaVal")
print(json.dumps({
    "feature_names": booster.feature_names_, "trees": booster.tree_count_, "outputs": getattr(scores, "size", 0), "other": len(other),
    "encoders": metadata["pgfeed.encoders"] if "pgfeed.encoders" in metadata else None,
}))
"""


def require_name(variant: str) -> None:
    """Raise unless a model can be stored under this variant."""
    if variant in WITHOUT_MODEL or not re.fullmatch("[a-z][a-z0-9_]{0,39}", variant):
        raise PgfeedError(
            f"no model can be of variant {variant!r}",
            "a name begins with a letter and has up to 40 of a-z, 0-9 and _; popular and random rank without a model", "choose another name",
        )


def stored_versions(connection: Connection) -> dict[str, list[int]]:
    """Return the stored versions by variant."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select variant, array_agg(version order by version) from pgfeed.model_versions group by variant order by variant")
        return dict(cursor.fetchall())


def require_variant(connection: Connection, variant: str) -> None:
    """Raise if nothing of this variant is stored and training could not make it."""
    if not {variant} & {*WITHOUT_MODEL, *RECIPES, *stored_versions(connection)}:
        raise missing(connection, variant)


def missing(connection: Connection, variant: str, version: int | None = None) -> PgfeedError:
    """Return the error about a model that is not stored or not active: what is there, and the command that mends it."""
    stored = stored_versions(connection)
    if variant in WITHOUT_MODEL:
        return PgfeedError(f"there is no model of variant {variant}", "it ranks without one; every evaluation has it as a baseline", "pgfeed evaluate --help")
    if variant not in stored and variant not in RECIPES:
        return PgfeedError(
            f"there is no variant {variant}", f"variants with a model: {', '.join(stored) or 'none'}; that train can make: {', '.join(RECIPES)}",
            "pgfeed train control --activate",
        )
    what = f"there is no model {variant} version {version}" if version else f"variant {variant} has no active model"
    if variant not in stored:
        return PgfeedError(what, "none is stored", f"pgfeed train {variant} --activate")
    following = "table pgfeed.model_versions" if version else f"pgfeed activate {variant}"
    return PgfeedError(what, f"stored versions: {', '.join(map(str, stored[variant]))}", following)


def load_active(connection: Connection, variant: str) -> dict:
    """Return the variant's active model: booster, feature_names, encoders, version, trained_until."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select m.artifact, m.feature_names, m.encoders, m.version, m.trained_until"
            " from pgfeed.models as m join pgfeed.active_models as a on a.model_id = m.model_id where a.variant = %s",
            [variant],
        )
        row = cursor.fetchone()
    if row is None:
        raise missing(connection, variant)
    blob, names, codes, version, trained_until = row
    booster = CatBoost().load_model(blob=bytes(blob))
    return {"booster": booster, "feature_names": names, "encoders": codes, "version": version, "trained_until": trained_until}


def export_model(connection: Connection, variant: str, version: int | None, path: Path) -> int:
    """Write a version's artifact, the active one if none is named, to a .cbm file; return its bytes."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select artifact from pgfeed.models where variant = %(variant)s and version ="
            " coalesce(%(version)s, (select a.version from pgfeed.active_models as a where a.variant = %(variant)s))",
            {"variant": variant, "version": version},
        )
        row = cursor.fetchone()
    if row is None:
        raise missing(connection, variant, version)
    try:
        return path.write_bytes(row[0])
    except OSError as error:
        raise PgfeedError(f"cannot write {path}", error.strerror, "name another file") from error


def artifact(booster: CatBoost) -> bytes:
    """Return the model in the native CatBoost format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        booster.save_model(str(path), format="cbm")
        return path.read_bytes()


def inspect_file(path: Path) -> dict:
    """Return what a .cbm file says of itself; PgfeedError if it is none or cannot be loaded."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise PgfeedError(f"cannot read {path}", error.strerror) from error
    if size > MAX_BYTES:
        raise PgfeedError(f"{path} has {size / 2**20:.0f} MB", "a model may have 256 MB", "train with fewer or shallower trees")
    if magic != b"CBM1":
        raise PgfeedError(
            f"{path} is not a native CatBoost model", "its first bytes are not CBM1; other formats can run code or lose features",
            "save it with model.save_model('model.cbm', format='cbm')",
        )
    done = subprocess.run([sys.executable, "-c", INSPECT, str(path)], capture_output=True, text=True)
    if done.returncode:
        cause = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"CatBoost stopped with signal {-done.returncode}"
        raise PgfeedError(f"{path} cannot be loaded", cause, "copy the file again")
    return json.loads(done.stdout)


def read_encoders(text: str, path: Path) -> dict:
    """Return the encoders of a file's metadata; PgfeedError if serving could not use them."""
    try:
        codes = json.loads(text)
        is_usable = all(
            type(code) in (int, float) and abs(code) < LARGEST_CODE for found in codes.values() for code in found.values()
        )
    except (AttributeError, RecursionError, TypeError, ValueError):
        is_usable = False
    if not is_usable:
        raise PgfeedError(
            f"{path} has unusable encoders", f"its metadata {ENCODERS_KEY} is not a JSON object of objects of numbers",
            'write {"post.topic": {"sport": 1.5}}, or none: then this database makes them',
        )
    return codes


def golden_features(connection: Connection, names: list[str], codes: dict) -> np.ndarray:
    """Return a sample of the features that a model from elsewhere is to score, float32 (rows, names)."""
    split = examples.split_day(connection)
    if not needs_moment(names):
        return examples.load_examples(connection, [split], names, codes, title="golden sample").features[:GOLDEN_ROWS]
    from loader.learning import choices

    likes, end = choices.load_likes(connection, midnight(split)), midnight(split).timestamp()
    requests = choices.next_likes(likes, likes.at[0], end, GOLDEN_REQUESTS)
    if not requests:
        raise PgfeedError("there is no golden sample for the model", "nobody who liked a post liked another one later", "pgfeed ingest FILE...")
    return choices.load_choices(connection, requests, names, codes, GOLDEN_ROWS // GOLDEN_REQUESTS, "golden sample").features[:GOLDEN_ROWS]


def import_model(connection: Connection, variant: str, path: Path) -> int:
    """Store a .cbm file that was trained elsewhere as an inactive version of a variant; return the version.

    Its features must be float columns with the names of features here. Categories are encoded as its metadata
    pgfeed.encoders says (JSON: feature name, category, code), else as training here would encode them now.
    """
    require_name(variant)
    found = inspect_file(path)
    names = found["feature_names"]
    if found["other"]:
        raise PgfeedError(
            f"{path} has categorical, text or embedding features", "categories are encoded to numbers before scoring here",
            "train on the columns of pgfeed.post_features and user_features with categories as numbers",
        )
    if found["outputs"] != 1:
        raise PgfeedError(
            f"{path} gives {found['outputs']} numbers for each post", "posts are ranked by one",
            "train a classifier of two classes, a regression or a ranking",
        )
    with connection, connection.cursor() as cursor:
        cursor.execute("select feature_names from pgfeed.feature_packs order by pack_id desc limit 1")
        pack = cursor.fetchone()
    if pack is None:
        raise PgfeedError("features were never refreshed", "a model is checked against them", "pgfeed refresh")
    unknown = unknown_features(names, pack[0])
    if unknown:
        raise PgfeedError(
            f"{path} has features that this database does not have", ", ".join(unknown[:20]),
            "rename them, or train without them",
        )
    if found["encoders"]:
        codes = read_encoders(found["encoders"], path)
    else:
        codes = examples.encoders(connection, examples.split_day(connection))
    golden = golden_features(connection, names, codes)
    booster = CatBoost().load_model(str(path), format="cbm")
    return store(connection, variant, Trained(
        booster, names, codes, None, None, golden,  # type: ignore[arg-type]
        {"tree_count": found["trees"], "imported_from": path.name}, {},
    ))


def store(connection: Connection, variant: str, trained: Trained) -> int:
    """Write a model to the table models, inactive; return its version."""
    trained.booster.get_metadata()[ENCODERS_KEY] = json.dumps(trained.encoders, ensure_ascii=True)
    blob = artifact(trained.booster)
    scores = trained.booster.predict(np.asfortranarray(trained.golden), prediction_type="RawFormulaVal", thread_count=1)
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('pgfeed.models'))")
        cursor.execute(
            """
            insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, trained_from,
                trained_until, parameters, metrics, golden_matrix, golden_scores)
            select %(variant)s, coalesce(max(version), 0) + 1, %(artifact)s, %(sha256)s, %(names)s, %(encoders)s, %(from)s,
                %(until)s, %(parameters)s, %(metrics)s, %(golden)s, %(scores)s
            from pgfeed.models where variant = %(variant)s
            returning version
            """,
            {
                "variant": variant, "artifact": blob, "sha256": hashlib.sha256(blob).hexdigest(),
                "names": trained.names, "encoders": Json(trained.encoders),
                "from": trained.trained_from and midnight(trained.trained_from),
                "until": trained.trained_until and midnight(trained.trained_until),
                "parameters": Json(trained.parameters), "metrics": Json(trained.metrics),
                "golden": trained.golden.astype(">f4").tobytes(), "scores": scores.tolist(),
            },
        )
        return cursor.fetchone()[0]


def activate(connection: Connection, variant: str, version: int | None) -> int:
    """Activate a stored version, the newest if none is named; return it."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select max(version) from pgfeed.model_versions where variant = %s and version = coalesce(%s, version)", [variant, version])
        found = cursor.fetchone()[0]
        if found is not None:
            cursor.execute("call pgfeed.activate_model(%s, %s)", [variant, found])
    if found is None:
        raise missing(connection, variant, version)
    return found
