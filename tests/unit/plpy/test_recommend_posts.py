"""The body of recommend_posts without a database."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from plpy import recommend_posts as body


class FakePlpy:
    """Answers prepared plans from a dictionary by their SQL's beginning; records warnings."""

    class Error(Exception):
        pass

    def __init__(self, **rows):
        self.rows, self.warnings, self.prepared = rows, [], []

    def prepare(self, sql, types):
        name = next(name for name, plan in body.PLANS.items() if plan[0] == sql)
        self.prepared.append(name)
        return name

    def execute(self, plan, arguments):
        return self.rows[plan]

    def warning(self, message):
        self.warnings.append(message)

    def error(self, message, **fields):
        raise FakePlpy.Error(f"{message} {fields}")


def pack(**columns):
    return {
        "post_ids": np.array([3, 5, 9]), "topics": ["movie", "sport"], "topic_codes": np.array([1, 0, -1]),
        "columns": {name: np.float32(values) for name, values in columns.items()},
    }


def test_rank_is_best_first_and_ties_go_to_the_smaller_id():
    scores = np.array([1.0, 3, 2, 3, 2, 2])
    ids = np.array([1, 9, 4, 2, 8, 3])
    assert ids[body.rank(scores, ids, 4)].tolist() == [2, 9, 3, 4]
    assert ids[body.rank(scores, ids, 99)].tolist() == [2, 9, 3, 4, 8, 1]


def test_rank_never_returns_what_is_left_out():
    scores = np.array([-np.inf, 3, -np.inf])
    assert body.rank(scores, np.arange(3), 3).tolist() == [1]
    assert body.rank(np.full(3, -np.inf), np.arange(3), 3).tolist() == []
    assert body.rank(np.empty(0), np.empty(0, int), 5).tolist() == []


def test_ids_that_the_pack_does_not_hold_have_no_row():
    assert body.post_rows_of(pack(), np.array([9, 4, 3, 10])).tolist() == [2, 0]
    empty = {"post_ids": np.empty(0, np.int64)}
    assert body.post_rows_of(empty, np.array([1])).tolist() == []


def test_unknown_categories_differ_from_missing_ones():
    codes = body.encode(["a", "b", None], {"a": 4.0})
    assert codes[:2].tolist() == [4.0, body.UNKNOWN_CATEGORY] and np.isnan(codes[2])


def test_topic_features_follow_the_candidate_or_a_stated_topic():
    posts = pack()
    requests = {"user_topic.view_share": np.float32([[0.2, 0.8, np.nan]])}
    of_candidates = body.feature_values("user_topic.view_share", posts, requests, slice(None), 0)
    assert of_candidates[:2].tolist() == pytest.approx([0.8, 0.2]) and np.isnan(of_candidates[2])
    assert body.feature_values("user_topic.view_share:sport", posts, requests, slice(None), 0) == pytest.approx(0.8)
    assert np.isnan(body.feature_values("user_topic.view_share:chess", posts, requests, slice(None), 0))


def test_popularity_is_the_log_odds_of_the_decayed_rate():
    posts = pack(**{"post.decayed_like_rate_7d": [0.5, 0.2, 0.0]})
    assert body.popularity(posts)[:2].tolist() == pytest.approx([0.0, np.log(0.25)], abs=1e-6)
    assert np.isfinite(body.popularity(posts)).all()


@pytest.mark.parametrize(("arguments", "message"), [
    ((None, "now", 5), "user_id is null"), ((1, None, 5), "ts is null"), ((1, "now", None), "k is null"),
    ((1, "now", 0), "k is 0"), ((1, "now", 1001), "k is 1001"),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(FakePlpy.Error, match=message):
        body.check_arguments(FakePlpy(), *arguments)


def test_plans_are_prepared_once_a_session():
    plpy, cache = FakePlpy(posts=[]), {}
    body.run(plpy, cache, "posts", [1])
    body.run(plpy, cache, "posts", [2])
    assert plpy.prepared == ["posts"]


def test_a_damaged_model_is_warned_of_once_and_not_used():
    blob = b"CBM1 damaged"
    plpy, cache = FakePlpy(model=[{"artifact": blob, "sha256": hashlib.sha256(blob).hexdigest(), "feature_names": [], "encoders": "{}"}]), {}
    assert body.load_model(plpy, cache, 7) is None and body.load_model(plpy, cache, 7) is None
    assert len(plpy.warnings) == 1 and "model 7" in plpy.warnings[0]


def test_the_least_recently_used_pack_goes_first():
    row = {
        "feature_names": ["post.view_count", "post.like_count"], "topics": [], "post_ids": b"", "topic_codes": b"", "matrix": b"",
    }
    plpy, cache = FakePlpy(**{"stored pack": [row]}), {}
    for version in ["a", "b", "c", "d", "a", "e"]:
        body.load_posts(plpy, cache, {"pack_version": version, "pack_id": 1, "features_as_of": None})
    assert list(cache["packs"]) == ["c", "d", "a", "e"]


def test_features_that_the_pack_lacks_are_named():
    plpy = FakePlpy()
    model = {"feature_names": ["post.topic", "post.like_rate", "text.gone", "user.age"]}
    posts = pack(**{"post.like_rate": [1, 2, 3]})
    assert not body.has_features(plpy, posts, model, 1)
    assert "text.gone" in plpy.warnings[0] and "like_rate" not in plpy.warnings[0]


def test_catboost_is_imported_without_pandas_and_scipy_and_still_takes_their_types():
    script = """
import sys, numpy
from plpy.import_catboost import import_catboost
catboost = import_catboost()
assert import_catboost() is catboost
model = catboost.CatBoost({'iterations': 2, 'allow_writing_files': False, 'verbose': 0}).fit([[0], [1]], [0, 1])
numbers = model.predict(numpy.float32([[0], [1]]))
model.get_feature_importance(catboost.Pool([[0], [1]]), type='ShapValues')
assert not {'pandas', 'scipy'} & {name.split('.')[0] for name in sys.modules}
import pandas, scipy.sparse
frame = pandas.DataFrame({'0': [0, 1]})
assert (model.predict(frame) == numbers).all()
model.fit(frame, pandas.Series([0, 1]))
assert catboost.Pool(frame).shape == (2, 1)
for kind in ('bsr', 'coo', 'csc', 'csr', 'dok', 'lil'):
    matrix = getattr(scipy.sparse, kind + '_matrix')(numpy.float32([[0], [1]]))
    assert (model.predict(matrix) == numbers).all()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("statement", [
    "from pandas import DataFrame, Timestamp; assert Timestamp(0).year == 1970", "import scipy.special", "from scipy.sparse import linalg",
    "import pandas; assert not hasattr(pandas, 'nothing')", "import pandas; assert not isinstance(3, pandas.DataFrame)",
])
def test_what_is_imported_along_with_catboost_may_use_the_real_modules(tmp_path, statement):
    (tmp_path / "catboost.py").write_text(statement)
    script = "from plpy.import_catboost import import_catboost; import_catboost(); import pandas, scipy.sparse; assert pandas.__spec__ and scipy.sparse.__spec__"
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])})


def packed(views, likes, topic_codes, scale=None):
    """Return a pack of posts of two topics as unpack_posts() gives it."""
    return body.unpack_posts({
        "post_ids": np.arange(len(views)).astype(">i8").tobytes(), "topics": ["movie", "sport"],
        "topic_codes": np.asarray(topic_codes).astype(">i4").tobytes(), "feature_names": ["post.view_count", "post.like_count"],
        "matrix": np.array([views, likes]).astype(">f4").tobytes(),
    }, scale)


def test_quality_is_nearer_to_the_truth_than_the_like_rate():
    rng = np.random.default_rng(1)
    truth = np.where(rng.random(3000) < 0.1, 1.8, 0.9)
    views = rng.integers(50, 400, 3000)
    posts = packed(views, rng.poisson(0.1 * truth * views), rng.integers(0, 2, 3000))
    quality, rate = posts["columns"]["post.quality"], posts["columns"]["post.like_count"] / views / 0.1
    assert np.mean((quality - truth / truth.mean()) ** 2) < 0.5 * np.mean((rate - truth) ** 2)


def test_quality_without_views_is_that_of_the_topic_and_the_catalogue_may_be_empty():
    posts = packed([1000, 1000, 0, 0], [200, 20, 0, 0], [0, 1, 0, -1])
    quality = posts["columns"]["post.quality"]
    assert np.isfinite(quality).all() and quality[0] > quality[1]
    assert len(packed([], [], [])["columns"]["post.quality"]) == 0


def test_what_is_packed_of_the_comparison_is_what_would_be_computed():
    posts = packed([100, 300, 0, 20], [10, 60, 0, 5], [0, 1, 1, -1])
    scale, columns = body.unpack_relative(body.pack_relative(posts), posts)
    assert scale.keys() == posts["scale"].keys() and columns.keys() == set(body.RELATIVE_COLUMNS)
    for found, expected in ((scale, posts["scale"]), (columns, posts["columns"])):
        for name, values in found.items():
            np.testing.assert_array_equal(values, expected[name])
            assert np.asarray(values).dtype == np.asarray(expected[name]).dtype


def test_a_pack_that_is_joined_is_compared_with_the_first_ones_catalogue():
    first = packed([100, 300], [10, 60], [0, 1])
    second = packed([250], [40], [1], first["scale"])
    assert second["columns"]["post.view_ratio"] == pytest.approx([250 / 200])
    second["post_ids"] += 2
    joined = body.join_packs(first, second)
    assert joined["is_popular"].tolist() == [0, 1, 1] and joined["scale"] is first["scale"]


def test_taste_by_popularity_follows_the_candidate():
    posts = packed([100, 300], [10, 30], [0, 1])
    taste = body.popularity_taste(np.array([1, 1]), np.array([0, 1, 1, 1, 1]), posts)
    assert taste[0] < 1 < taste[1]
    requests = {"taste.popularity_like_rate": taste[None]}
    assert body.feature_values("taste.popularity_like_rate", posts, requests, slice(None), 0).tolist() == taste.tolist()
