"""The body of pgfeed._model_problems: what keeps a stored model from serving."""

import hashlib

import numpy as np
from plpy.recommend_posts import (
    CATEGORICAL,
    FRESH_COLUMNS,
    MATCH_COLUMNS,
    PAIR_COLUMNS,
    RELATIVE_COLUMNS,
    TASTE_COLUMNS,
    TOPIC_COLUMNS,
    USER_COLUMNS,
    USER_TASTE_COLUMNS,
)

TOLERANCE = 1e-6
MODEL_QUERY = (
    "select artifact, sha256, feature_names, golden_matrix, golden_scores from pgfeed.models where model_id = $1"
)
PACK_QUERY = "select feature_names from pgfeed.feature_packs order by pack_id desc limit 1"


def unknown_features(names, pack_names):
    """Return those feature names that nothing in this database computes."""
    known = {*pack_names, *CATEGORICAL, *USER_TASTE_COLUMNS, *MATCH_COLUMNS, "time.hour", "time.weekday"}
    known.update((*FRESH_COLUMNS, *PAIR_COLUMNS, *TASTE_COLUMNS, *RELATIVE_COLUMNS))
    known.update(f"user.{column}" for column in USER_COLUMNS)
    known.update(f"user_topic.{column}" for column in TOPIC_COLUMNS)
    stated = {f"user_topic.{column}" for column in TOPIC_COLUMNS}
    return [name for name in names if name not in known and (":" not in name or name.partition(":")[0] not in stated)]


def _model_problems(plpy, cache, model_id):
    """Return the problems as a list of sentences; empty: the model can serve.

    The golden sample is a float32 matrix (big-endian, one row after the other) with the scores that
    the trainer computed from it; this server must give the same ones.
    """
    from catboost import CatBoost, CatBoostError

    row = plpy.execute(plpy.prepare(MODEL_QUERY, ["bigint"]), [model_id])[0]
    artifact, names = row["artifact"], row["feature_names"]
    if hashlib.sha256(artifact).hexdigest() != row["sha256"]:
        return ["its artifact does not have the recorded sha256: it was damaged after training"]
    if artifact[:4] != b"CBM1":
        return ["its artifact is not in the native CatBoost format (.cbm)"]
    try:
        booster = CatBoost().load_model(blob=artifact)
    except CatBoostError as error:
        return [f"CatBoost cannot load its artifact: {str(error).splitlines()[0]}"]

    problems = []
    if booster.feature_names_ != names:
        problems.append(
            f"its artifact has {len(booster.feature_names_)} features, the table {len(names)}, or in another order"
        )
    packs = plpy.execute(PACK_QUERY)
    unknown = unknown_features(names, packs[0]["feature_names"]) if packs else []
    if not packs:
        problems.append("the features were never refreshed, so its own cannot be checked")
    if unknown:
        problems.append("features that this database does not have: " + ", ".join(unknown))
    if not problems:
        golden = np.frombuffer(row["golden_matrix"], ">f4").astype(np.float32).reshape(-1, len(names))
        scores = booster.predict(golden, prediction_type="RawFormulaVal", thread_count=1)
        if len(golden) == 0 or len(scores) != len(row["golden_scores"]):
            problems.append("it has no golden sample")
        elif not np.allclose(scores, row["golden_scores"], rtol=TOLERANCE, atol=TOLERANCE):
            worst = np.abs(scores - row["golden_scores"]).max()
            problems.append(f"its golden sample scores differ by up to {worst:.2g} from the trainer's")
    return problems
