"""Features of requests."""

import numpy as np
import pytest

from plpy.columns import UNKNOWN_CATEGORY, encode
from plpy.features import feature_values, popularity_taste
from tests.unit.plpy.packs import pack, unpacked


def test_unknown_categories_differ_from_missing_ones():
    codes = encode(["a", "b", None], {"a": 4.0})
    assert codes[:2].tolist() == [4.0, UNKNOWN_CATEGORY] and np.isnan(codes[2])


def test_topic_features_follow_the_candidate_or_a_stated_topic():
    posts = pack()
    requests = {"user_topic.view_share": np.float32([[0.2, 0.8, np.nan]])}
    of_candidates = feature_values("user_topic.view_share", posts, requests, slice(None), 0)
    assert of_candidates[:2].tolist() == pytest.approx([0.8, 0.2]) and np.isnan(of_candidates[2])
    assert feature_values("user_topic.view_share:sport", posts, requests, slice(None), 0) == pytest.approx(0.8)
    assert np.isnan(feature_values("user_topic.view_share:chess", posts, requests, slice(None), 0))


def test_taste_by_popularity_follows_the_candidate():
    posts = unpacked([100, 300], [10, 30], [0, 1])
    taste = popularity_taste(np.array([1, 1]), np.array([0, 1, 1, 1, 1]), posts)
    assert taste[0] < 1 < taste[1]
    requests = {"taste.popularity_like_rate": taste[None]}
    assert feature_values("taste.popularity_like_rate", posts, requests, slice(None), 0).tolist() == taste.tolist()
