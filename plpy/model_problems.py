"""The body of pgfeed._model_problems: what keeps a stored model from serving."""

import contextlib
import hashlib
import json
import os
import resource
import select
import signal
import sys

import numpy as np

from plpy.columns import unknown_features
from plpy.import_catboost import import_catboost
from plpy.memory import CATBOOST_MB, require_memory

TOLERANCE = 1e-6
CHILD_BYTES = 4 * 2**30
CHILD_SECONDS = 60
LIMITS = (
    (resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, CHILD_SECONDS), (resource.RLIMIT_DATA, CHILD_BYTES),
)
MODEL_QUERY = (
    "select artifact, sha256, feature_names, golden_matrix, golden_scores from pgfeed.models where model_id = $1"
)
PACK_QUERY = (
    "select k.feature_names || array(select jsonb_object_keys(k.attributes -> 'types')) as feature_names"
    " from pgfeed.feature_packs as k order by k.pack_id desc limit 1"
)


def artifact_problems(artifact, names, golden_matrix, golden_scores):
    """Return what is wrong with an artifact as sentences, by loading it and scoring the golden sample."""
    catboost = import_catboost()
    try:
        booster = catboost.CatBoost().load_model(blob=artifact)
        own_names = booster.feature_names_
    except (catboost.CatBoostError, ValueError) as error:
        return [f"CatBoost cannot load its artifact: {str(error).splitlines()[0]}"]
    if own_names != names:
        return [f"its artifact has {len(own_names)} features, the table {len(names)}, or in another order"]
    try:
        golden = np.frombuffer(golden_matrix, ">f4").astype(np.float32).reshape(-1, len(names))
        scores = booster.predict(golden, prediction_type="RawFormulaVal", thread_count=1)
    except (catboost.CatBoostError, ValueError) as error:
        return [f"CatBoost cannot score its golden sample: {str(error).splitlines()[0]}"]
    if scores.ndim != 1:
        return [f"it gives {scores.shape[1]} numbers for each post: posts are ranked by one"]
    if len(golden) == 0 or len(scores) != len(golden_scores):
        return ["it has no golden sample"]
    if not np.allclose(scores, golden_scores, rtol=TOLERANCE, atol=TOLERANCE):
        worst = np.abs(scores - golden_scores).max()
        return [f"its golden sample scores differ by up to {worst:.2g} from the trainer's"]
    return []


def problems_in_child(plpy, *arguments):
    """Return artifact_problems(*arguments), found in a child process, or what ended that process.

    CatBoost trusts the offsets in an artifact. A damaged one can end the process that loads it, and with a session
    of the server's all others would end.
    """
    if "catboost" not in sys.modules:
        require_memory("CatBoost", CATBOOST_MB)
    import_catboost()  # once for all children

    reader, writer = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if child == 0:
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            for limit, most in LIMITS:
                with contextlib.suppress(ValueError):  # a lower one is set already
                    resource.setrlimit(limit, (most, most))
            os.write(writer, json.dumps(artifact_problems(*arguments)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    try:
        while not select.select([reader], [], [], 0.05)[0]:
            plpy.execute("select")  # a cancel point
        answer = os.read(reader, 65536)
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return json.loads(answer) if answer else ["CatBoost crashes on its artifact: it was damaged, or made to do harm"]


def _model_problems(plpy, model_id):
    """Return the problems as a list of sentences; empty: the model can serve.

    The golden sample is a float32 matrix (big-endian, one row after the other) with the scores that
    the trainer computed from it; this server must give the same ones.
    """
    row = plpy.execute(plpy.prepare(MODEL_QUERY, ["bigint"]), [model_id])[0]
    artifact, names = row["artifact"], row["feature_names"]
    if hashlib.sha256(artifact).hexdigest() != row["sha256"]:
        return ["its artifact does not have the recorded sha256: it was damaged after training"]
    if artifact[:4] != b"CBM1":
        return ["its artifact is not in the native CatBoost format (.cbm)"]

    problems = []
    packs = plpy.execute(PACK_QUERY)
    unknown = unknown_features(names, packs[0]["feature_names"]) if packs else []
    if not packs:
        problems.append("there are no packed features to check its own against")
    if unknown:
        problems.append("features that this database does not have: " + ", ".join(unknown))
    return problems or problems_in_child(plpy, artifact, names, row["golden_matrix"], row["golden_scores"])
