"""The trees of a CatBoost model as arrays, read once."""

import json
import os
from functools import cached_property
from hashlib import blake2s

import numpy as np

from plpy.memory import require_memory
from plpy.preferences import pack_arrays, unpack_arrays

DIGEST_BYTES = 16
JSON_TIMES = 8  # 6.2 measured
ARRAYS = ("features", "borders", "counts", "leaves", "is_high")


class Trees:
    """Symmetric trees of splits: is a feature's value above a border.

    features, borders: int64 and float32, of the splits, those of a tree one after the other; counts: int64, splits of
    each tree; leaves: float64, for each tree those for every outcome of its splits, the first of which is the lowest
    bit; is_high: bool, whether NaN is above all borders, by feature. The score is the sum of one leaf of each tree, in
    their order from 0, times scale, plus bias.
    """

    def __init__(self, features, borders, counts, leaves, is_high, scale, bias):
        self.features, self.borders, self.counts, self.leaves = features, borders, counts, leaves
        self.is_high, self.scale, self.bias = is_high, scale, bias

    @classmethod
    def read(cls, booster):
        """Return the trees of a CatBoost model; None: it has others, as with splits by category, or several scores."""
        other = booster.get_cat_feature_indices, booster.get_text_feature_indices, booster.get_embedding_feature_indices
        if any(indices() for indices in other):
            return None
        with open(os.memfd_create("trees"), "rb") as file:
            booster.save_model(f"/proc/self/fd/{file.fileno()}", format="json")
            require_memory("the trees of a model", 1 + (JSON_TIMES * os.fstat(file.fileno()).st_size >> 20))
            model = json.load(file)
        splits = [split for tree in model.get("oblivious_trees", ()) for split in tree["splits"] or ()]
        (scale, bias), infos = model["scale_and_bias"], model["features_info"]
        is_known = all(split["split_type"] == "FloatFeature" for split in splits) and infos.keys() == {"float_features"}
        if not splits or not is_known or len(bias) != 1:
            return None
        infos, trees = infos["float_features"], model["oblivious_trees"]
        flat = {info["feature_index"]: info["flat_feature_index"] for info in infos}
        is_high = np.zeros(max(flat.values()) + 1, bool)
        for info in infos:
            is_high[info["flat_feature_index"]] = info["has_nans"] and info["nan_value_treatment"] == "AsTrue"
        leaves = np.concatenate([np.array(tree["leaf_values"], float) for tree in trees])
        counts = np.array([len(tree["splits"] or ()) for tree in trees])
        if len(leaves) != (1 << counts).sum() or not np.isfinite([*leaves, scale, *bias]).all():
            return None
        return cls(
            np.array([flat[split["float_feature_index"]] for split in splits]),
            np.array([split["border"] for split in splits], np.float32), counts, leaves, is_high, scale, bias[0],
        )

    @property
    def starts(self):
        """Where the leaves of each tree begin."""
        return np.concatenate([[0], np.cumsum(1 << self.counts)[:-1]])

    @cached_property
    def margin(self):
        """How far a sum of the leaves in any order can be from the score, at most."""
        largest = np.maximum.reduceat(np.abs(self.leaves), self.starts).sum()
        return (len(self.counts) + 4) * 2.0**-52 * (abs(self.scale) * largest + abs(self.bias))

    def pack(self, sha256):
        """Return the trees as bytes; sha256: of the artifact that they are of."""
        facts = {"scale": self.scale, "bias": self.bias}
        content = pack_arrays(facts, {name: getattr(self, name) for name in ARRAYS})
        return digest(content, sha256) + content

    @classmethod
    def unpack(cls, blob, sha256):
        """Return trees that were packed; None: they are of another artifact, or were damaged."""
        content = blob[DIGEST_BYTES:]
        if blob[:DIGEST_BYTES] != digest(content, sha256):
            return None
        facts, arrays = unpack_arrays(content)
        return cls(*(arrays[name] for name in ARRAYS), facts["scale"], facts["bias"])


def digest(content, sha256):
    """Return what tells packed trees of an artifact from all others."""
    return blake2s(content, key=bytes.fromhex(sha256), digest_size=DIGEST_BYTES).digest()
