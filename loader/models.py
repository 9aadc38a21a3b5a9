"""The registry: models in the table pgfeed.models, which of them serve, and files from elsewhere."""

import hashlib
import tempfile
from pathlib import Path

import numpy as np
from catboost import CatBoost
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from loader.errors import PgfeedError
from loader.examples import midnight
from loader.train import Trained


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
        raise PgfeedError(f"variant {variant} has no active model", None, f"./run train {variant} --activate")
    blob, names, codes, version, trained_until = row
    booster = CatBoost().load_model(blob=bytes(blob))
    return {"booster": booster, "feature_names": names, "encoders": codes, "version": version, "trained_until": trained_until}


def artifact(booster: CatBoost) -> bytes:
    """Return the model in the native CatBoost format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        booster.save_model(str(path), format="cbm")
        return path.read_bytes()


def store(connection: Connection, variant: str, trained: Trained) -> int:
    """Write a model to the table models, inactive; return its version."""
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
                "from": midnight(trained.trained_from), "until": midnight(trained.trained_until),
                "parameters": Json(trained.parameters), "metrics": Json(trained.metrics),
                "golden": trained.golden.astype(">f4").tobytes(), "scores": scores.tolist(),
            },
        )
        return cursor.fetchone()[0]


def activate(connection: Connection, variant: str, version: int | None) -> int:
    """Activate a stored version, the newest if none is named; return it."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(%s, (select max(version) from pgfeed.model_versions where variant = %s))", [version, variant]
        )
        version = cursor.fetchone()[0]
        if version is None:
            raise PgfeedError(f"there is no model of variant {variant}", None, f"./run train {variant}")
        cursor.execute("call pgfeed.activate_model(%s, %s)", [variant, version])
    return version
