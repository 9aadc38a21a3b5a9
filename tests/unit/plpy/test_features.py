"""Features of requests."""

import numpy as np
import pytest

from plpy.columns import SECONDS_BEFORE_2000, UNKNOWN_CATEGORY, encode
from plpy.features import clicked_topics, feature_values, popularity_taste, with_clicks, with_history
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


def row(liked=(), viewed=(), hidden=None):
    """A row of with_history() from (post, seconds since 2000) of likes and views."""
    def packed(values):
        return np.array(values, ">i8").tobytes() if len(values) else None

    columns = {"has_history": bool(viewed), "hidden_post_ids": None if hidden is None else packed(hidden) or b""}
    for name, pairs in (("liked", liked), ("viewed", viewed)):
        columns[f"{name}_post_ids"] = packed([post_id for post_id, _ in pairs])
        columns[f"{name}_at"] = packed([round(seconds * 1e6) for _, seconds in pairs])
    return with_history(columns)


def listed(user, name):
    """What a user liked or viewed as (post, seconds since 2000)."""
    return list(zip(user[f"{name}_post_ids"].tolist(), (user[f"{name}_at"] - SECONDS_BEFORE_2000).tolist()))


def test_the_first_like_of_a_post_counts():
    user = row([(3, 50), (1, 20), (3, 10), (2, 10), (1, 30)])
    assert listed(user, "liked") == [(2, 10), (3, 10), (1, 20)]
    assert user["hidden_post_ids"].tolist() == [2, 3, 1] and not len(user["viewed_post_ids"])


def test_a_view_within_an_hour_after_another_repeats_it():
    hour = 3600
    views = [(3, 0), (2, 10), (3, hour), (3, 2 * hour - 1e-6), (2, hour + 9), (3, 2 * hour), (2, 2 * hour + 9), (1, 10)]
    assert listed(row(viewed=views[::-1]), "viewed") == [(3, 0), (1, 10), (2, 10), (3, hour), (2, 2 * hour + 9)]


def test_actions_say_what_is_hidden():
    assert row([(3, 1)], hidden=[]).get("hidden_post_ids").tolist() == []
    assert row([(3, 1)], hidden=[4, 3])["hidden_post_ids"].tolist() == [4, 3]


def test_clicks_are_the_newest_likes_each_once():
    moment = SECONDS_BEFORE_2000 + 99.0
    user = with_clicks(row([(3, 10), (1, 20), (2, 30)], [(3, 5), (1, 6), (2, 7)]), [1, 7, None, 5, 7], moment)
    assert listed(user, "liked") == [(3, 10), (2, 30), (1, 99), (5, 99), (7, 99)]
    assert listed(user, "viewed") == [(3, 5), (1, 6), (2, 7), (1, 99), (5, 99), (7, 99)]
    assert user["has_history"] and set(user["hidden_post_ids"].tolist()) == {3, 2, 1, 5, 7}


def test_clicks_are_hidden_beside_what_actions_hide():
    assert with_clicks(row(hidden=[4]), [8], 1.0)["hidden_post_ids"].tolist() == [4, 8]


def test_no_clicks_change_nothing():
    user = with_clicks(row(), [], 1.0)
    assert not user["has_history"] and not len(user["liked_post_ids"])


def test_the_topics_of_clicks_are_rates_as_sql_smooths_them():
    columns = clicked_topics(["sport", None, "sport"])
    assert columns["topics"] == ["", "sport"]
    assert columns["topic_view_share"] == pytest.approx([1 / 3, 2 / 3])
    own = (3 + 20 * 0.1) / (3 + 20)
    assert columns["topic_like_rate"] == pytest.approx([(1 + 20 * own) / 21, (2 + 20 * own) / 22])
