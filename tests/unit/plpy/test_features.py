"""Features of requests."""

import numpy as np
import pytest

from plpy.columns import UNKNOWN_CATEGORY, encode
from plpy.features import (
    clicked_topics,
    feature_values,
    hidden_post_ids,
    liked_post_ids,
    popularity_taste,
    viewed_post_ids,
    with_clicks,
)
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


def row(liked=(), at=(), viewed=(), hidden=None):
    """A row of _request_users() with this history."""
    def packed(ids):
        return np.array(ids, ">i8").tobytes()

    return {
        "has_history": bool(viewed), "liked_post_ids": packed(liked), "viewed_post_ids": packed(viewed),
        "viewed_at": np.array([5.0] * len(viewed), ">f8").tobytes(),
        "liked_at": np.array(at, ">f8").tobytes(), "hidden_post_ids": None if hidden is None else packed(hidden),
    }


def test_clicks_are_the_newest_likes_each_once():
    user = with_clicks(row([3, 1, 2], [10, 20, 30], [3, 1, 2]), [1, 7, None, 5, 7], 99.0)
    assert liked_post_ids(user).tolist() == [3, 2, 1, 5, 7]
    assert np.frombuffer(user["liked_at"], ">f8").tolist() == [10, 30, 99, 99, 99]
    assert viewed_post_ids(user).tolist() == [3, 1, 2, 1, 5, 7]
    assert np.frombuffer(user["viewed_at"], ">f8").tolist() == [5, 5, 5, 99, 99, 99]
    assert user["has_history"] and hidden_post_ids(user).tolist() == [3, 2, 1, 5, 7]


def test_clicks_are_hidden_beside_what_actions_hide():
    assert hidden_post_ids(with_clicks(row(hidden=[4]), [8], 1.0)).tolist() == [4, 8]


def test_no_clicks_change_nothing():
    user = with_clicks(row(), [], 1.0)
    assert not user["has_history"] and not len(liked_post_ids(user))


def test_the_topics_of_clicks_are_rates_as_sql_smooths_them():
    columns = clicked_topics(["sport", None, "sport"])
    assert columns["topics"] == ["", "sport"]
    assert columns["topic_view_share"] == pytest.approx([1 / 3, 2 / 3])
    own = (3 + 20 * 0.1) / (3 + 20)
    assert columns["topic_like_rate"] == pytest.approx([(1 + 20 * own) / 21, (2 + 20 * own) / 22])
