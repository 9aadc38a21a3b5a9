"""The registry: models in the table pgfeed.models, which of them serve, and files from elsewhere."""

import hashlib
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
from catboost import CatBoost
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from loader.errors import PgfeedError
from loader.figures import defined
from loader.learning import impressions, requests, split
from loader.learning.catalogue import load_choices
from loader.learning.feature_names import require_features
from loader.learning.features import Encoders, load_encoders
from loader.learning.model import GOLDEN_ROWS, Model, NewModel, artifact, predict
from loader.learning.recipes import RECIPES
from loader.learning.split import midnight
from plpy.columns import needs_catalogue
from plpy.trees import Trees

MAX_BYTES = 256 * 1024 * 1024
ENCODERS_KEY, UNTIL_KEY = "pgfeed.encoders", "pgfeed.trained_until"
LARGEST_CODE = 1e38
NAME = re.compile(r"(?P<variant>[^@]+)(@(?P<version>[1-9]\d{0,8}))?")
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
    "feature_names": booster.feature_names_, "trees": booster.tree_count_, "outputs": getattr(scores, "size", 0),
    "other": len(other),
    **{name: metadata[key] if (key := f"pgfeed.{name}") in metadata else None
       for name in ("encoders", "trained_until")},
}))
"""


def variants_without_model(connection: Connection) -> list[str]:
    """Return the variants that rank without a model."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pgfeed._variants_without_model()")
        return cursor.fetchone()[0]


def require_name(connection: Connection, variant: str) -> None:
    """Raise unless a model can be stored under this variant."""
    without_model = variants_without_model(connection)
    if variant in without_model or not re.fullmatch("[a-z][a-z0-9_]{0,39}", variant):
        raise PgfeedError(
            f"no model can be of variant {variant!r}",
            "a name begins with a letter and has up to 40 of a-z, 0-9 and _;"
            f" {' and '.join(without_model)} rank without a model",
            "choose another name",
        )


def stored_versions(connection: Connection) -> dict[str, list[int]]:
    """Return the stored versions by variant."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select variant, array_agg(version order by version) from pgfeed.model_versions"
            " group by variant order by variant"
        )
        return dict(cursor.fetchall())


def require_variant(connection: Connection, variant: str) -> None:
    """Raise if nothing of this variant is stored and training could not make it."""
    if not {variant} & {*variants_without_model(connection), *RECIPES, *stored_versions(connection)}:
        raise missing(connection, variant)


def missing(connection: Connection, variant: str, version: int | None = None) -> PgfeedError:
    """Return the error about a model that is not stored or not active: what is there, and the command that mends it."""
    stored = stored_versions(connection)
    if variant in variants_without_model(connection):
        return PgfeedError(
            f"there is no model of variant {variant}", "it ranks without one; every evaluation has it as a baseline",
            "pgfeed evaluate --help",
        )
    if variant not in stored and variant not in RECIPES:
        return PgfeedError(
            f"there is no variant {variant}",
            f"variants with a model: {', '.join(stored) or 'none'}; that train can make: {', '.join(RECIPES)}",
            f"name one of these{new_variant(variant)}",
        )
    what = f"there is no model {variant} version {version}" if version else f"variant {variant} has no active model"
    if variant not in stored:
        return PgfeedError(what, "none is stored", f"pgfeed train {variant} --activate")
    following = "table pgfeed.model_versions" if version else f"pgfeed activate {variant}"
    return PgfeedError(what, f"stored versions: {', '.join(map(str, stored[variant]))}", following)


def new_variant(name: str) -> str:
    """Return what makes a model of a name that is not known; nothing where no variant can have it."""
    possible = re.fullmatch("[a-z][a-z0-9_]{0,39}", name)
    return f", or to begin a new variant: pgfeed train {name} --activate" if possible else ""


def load_active(connection: Connection, variant: str) -> Model:
    """Return the active version of a variant as it is evaluated, without what the held-out days taught it."""
    return load(connection, variant, None)


def load_named(connection: Connection, name: str) -> Model:
    """Return the model that VARIANT[@VERSION] names, the active one without a version, as it is evaluated."""
    return load(connection, *parsed(name))


def parsed(name: str) -> tuple[str, int | None]:
    """Return the variant and version of VARIANT[@VERSION]."""
    match = NAME.fullmatch(name)
    if match is None:
        cause = "models are named VARIANT or VARIANT@VERSION"
        raise PgfeedError(f"{name!r} names no model", cause, "pgfeed model list")
    return match["variant"], int(match["version"]) if match["version"] else None


def version_of(name: str) -> tuple[str, int]:
    """Return the variant and version of VARIANT@VERSION."""
    variant, version = parsed(name)
    if version is None:
        raise PgfeedError(f"{name!r} names no version", "name one: VARIANT@VERSION", "pgfeed model list")
    return variant, version


def load(connection: Connection, variant: str, version: int | None, is_measured: bool = True) -> Model:
    """Return a stored version as it is evaluated, or else as it serves; the active one if none is named."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select m.version, case when %(is_measured)s then coalesce(m.evaluation_artifact, m.artifact)"
            " else m.artifact end, m.feature_names, m.encoders,"
            " case when m.evaluation_artifact is null then m.trained_until else m.evaluated_from end, m.trained_until"
            " from pgfeed.models as m where m.deleted_at is null and m.variant = %(variant)s"
            " and m.version = coalesce(%(version)s,"
            " (select a.version from pgfeed.active_models as a where a.variant = %(variant)s))",
            {"variant": variant, "version": version, "is_measured": is_measured},
        )
        row = cursor.fetchone()
    if row is None:
        raise missing(connection, variant, version)
    version, blob, *rest = row
    return Model(variant, version, CatBoost().load_model(blob=bytes(blob)), *rest)


def active_version(connection: Connection, variant: str) -> int | None:
    """Return the version that serves a variant; None if none does."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select max(a.version) from pgfeed.active_models as a where a.variant = %s", [variant])
        return cursor.fetchone()[0]


def export_model(connection: Connection, variant: str, version: int | None, path: Path) -> int:
    """Write a version's artifact, the active one if none is named, to a .cbm file; return its bytes."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select artifact from pgfeed.models where deleted_at is null and variant = %(variant)s and version ="
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


def inspect_file(path: Path) -> dict:
    """Return what a .cbm file says of itself; PgfeedError if it is none or cannot be loaded."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise PgfeedError(f"cannot read {path}", error.strerror, "pgfeed import --help") from error
    if size > MAX_BYTES:
        raise PgfeedError(
            f"{path} has {size / 2**20:.0f} MB", "a model may have 256 MB", "train with fewer or shallower trees"
        )
    if magic != b"CBM1":
        raise PgfeedError(
            f"{path} is not a native CatBoost model",
            "its first bytes are not CBM1; other formats can run code or lose features",
            "save it with model.save_model('model.cbm', format='cbm')",
        )
    done = subprocess.run([sys.executable, "-c", INSPECT, str(path)], capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"CatBoost stopped with signal {-done.returncode}"]
        raise PgfeedError(f"{path} cannot be loaded", said[-1], "copy the file again")
    return json.loads(done.stdout)


def read_encoders(text: str, path: Path) -> Encoders:
    """Return the encoders of a file's metadata; PgfeedError if serving could not use them."""
    try:
        encoders = json.loads(text)
        codes = [code for categories in encoders.values() for code in categories.values()]
        is_usable = all(type(code) in (int, float) and abs(code) < LARGEST_CODE for code in codes)
    except (AttributeError, RecursionError, TypeError, ValueError):
        is_usable = False
    if not is_usable:
        raise PgfeedError(
            f"{path} has unusable encoders", f"its metadata {ENCODERS_KEY} is not a JSON object of objects of numbers",
            'write {"post.topic": {"sport": 1.5}}, or none: then this database makes them',
        )
    return encoders


def read_day(text: str, path: Path) -> date:
    """Return the day in a file's metadata; PgfeedError if it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PgfeedError(
            f"{path} does not say until when it was trained", f"its metadata {UNTIL_KEY} is {text[:40]!r}",
            f"pgfeed import VARIANT {path} --trained-until 2021-12-01",
        ) from error


def golden_features(connection: Connection, names: list[str], encoders: Encoders, day: date) -> np.ndarray:
    """Return a sample of the features that a model from elsewhere is to score, float32 (rows, names)."""
    if not needs_catalogue(names):
        return impressions.load(connection, [day], names, encoders, title="golden sample").features[:GOLDEN_ROWS]
    likes = requests.load_likes(connection, midnight(day))
    sample = requests.next_likes(likes, likes.at[0], midnight(day).timestamp(), GOLDEN_REQUESTS)
    if not sample:
        raise PgfeedError(
            "there is no golden sample for the model", "nobody who liked a post liked another one later",
            "pgfeed ingest FILE...",
        )
    choices = load_choices(connection, sample, names, encoders, GOLDEN_ROWS // GOLDEN_REQUESTS, "golden sample")
    return choices.features[:GOLDEN_ROWS]


def import_model(connection: Connection, variant: str, path: Path, trained_until: date | None = None) -> int:
    """Store a .cbm file that was trained elsewhere as an inactive version of a variant; return the version.

    Its features must be float columns with the names of features here. Categories are encoded as its metadata
    pgfeed.encoders says (JSON: feature name, category, code), else as training here would encode them now.
    trained_until: it has seen nothing of that day or later; None: as its metadata pgfeed.trained_until says.
    """
    require_name(connection, variant)
    file = inspect_file(path)
    names = file["feature_names"]
    if file["other"]:
        raise PgfeedError(
            f"{path} has categorical, text or embedding features",
            "categories are encoded to numbers before scoring here",
            "train on the columns of pgfeed.post_features and user_features with categories as numbers",
        )
    if file["outputs"] != 1:
        raise PgfeedError(
            f"{path} gives {file['outputs']} numbers for each post", "posts are ranked by one",
            "train a classifier of two classes, a regression or a ranking",
        )
    with connection, connection.cursor() as cursor:
        cursor.execute("select exists (select from pgfeed.feature_packs)")
        if not cursor.fetchone()[0]:
            raise PgfeedError("features were never refreshed", "a model is checked against them", "pgfeed refresh")
        require_features(cursor, names, str(path))
    day = split.load(connection).day
    encoders = read_encoders(file["encoders"], path) if file["encoders"] else load_encoders(connection, day)
    golden = golden_features(connection, names, encoders, day)
    booster = CatBoost().load_model(str(path), format="cbm")
    metrics = {"tree_count": file["trees"], "imported_from": path.name}
    if trained_until is None and file["trained_until"]:
        trained_until = read_day(file["trained_until"], path)
    return store(connection, variant, NewModel(booster, names, encoders, None, trained_until, golden, metrics, {}))


def store(connection: Connection, variant: str, model: NewModel) -> int:
    """Write a model to the table models, inactive; return its version."""
    model.booster.get_metadata()[ENCODERS_KEY] = json.dumps(model.encoders, ensure_ascii=True)
    if model.trained_until:
        model.booster.get_metadata()[UNTIL_KEY] = model.trained_until.isoformat()
    blob, held_out, trees = artifact(model.booster), model.held_out, Trees.read(model.booster)
    sha256 = hashlib.sha256(blob).hexdigest()
    scores = predict(model.booster, model.golden, threads=1)
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('pgfeed.models'))")
        cursor.execute(
            """
            insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, trained_from,
                trained_until, parameters, metrics, golden_matrix, golden_scores, evaluation_artifact, evaluated_from,
                evaluated_until, trees)
            select %(variant)s, coalesce(max(version), 0) + 1, %(artifact)s, %(sha256)s, %(names)s, %(encoders)s,
                %(from)s, %(until)s, %(parameters)s, %(metrics)s, %(golden)s, %(scores)s, %(evaluation_artifact)s,
                %(evaluated_from)s, %(evaluated_until)s, %(trees)s
            from pgfeed.models where variant = %(variant)s
            returning version
            """,
            {
                "variant": variant, "artifact": blob, "sha256": sha256, "trees": trees and trees.pack(sha256),
                "names": model.feature_names, "encoders": Json(model.encoders),
                "from": model.trained_from and midnight(model.trained_from),
                "until": model.trained_until and midnight(model.trained_until),
                "parameters": Json(defined(model.parameters)), "metrics": Json(defined(model.metrics)),
                "golden": model.golden.astype(">f4").tobytes(), "scores": scores.tolist(),
                "evaluation_artifact": held_out and artifact(held_out.booster),
                "evaluated_from": held_out and midnight(held_out.first_day),
                "evaluated_until": held_out and midnight(held_out.until),
            },
        )
        return cursor.fetchone()[0]


def activate(connection: Connection, variant: str, version: int | None, is_forced: bool = False) -> int:
    """Activate a stored version, the newest if none is named; return it. is_forced: also one that the gate refused."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select max(version) from pgfeed.model_versions where variant = %s and version = coalesce(%s, version)",
            [variant, version],
        )
        newest = cursor.fetchone()[0]
        if newest is not None:
            cursor.execute("call pgfeed.activate_model(%s, %s, %s)", [variant, newest, is_forced])
    if newest is None:
        raise missing(connection, variant, version)
    return newest
