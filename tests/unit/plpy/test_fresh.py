import numpy as np
import pytest

from plpy.moment import Neighbours
from plpy.scale import relative_columns
from tests.unit.plpy.packs import pack, unpacked


def test_neighbours_follow_their_posts():
    neighbours = Neighbours(np.array([0, 2, 2, 3]), np.array([1, 2, 0]), *np.float32([[1, 2, 3], [4, 5, 6], [7, 8, 9]]))
    places = np.array([1, 3, 4])
    spread = neighbours.spread(places, 6)
    for chosen in ([0], [2], [0, 1, 2]):
        before = neighbours.mean("similarity", np.array(chosen), np.ones(len(chosen)), 3)
        after = spread.mean("similarity", places[chosen], np.ones(len(chosen)), 6)
        assert after[places] == pytest.approx(before) and after.sum() == pytest.approx(before.sum())
    assert not spread.mean("ease", np.array([0, 2, 5]), np.ones(3), 6).any()


def test_joined_packs_have_the_categories_of_both():
    one, other = pack(**{"post.x": [1, 2, 3]}), pack()
    other.post_ids, other.topics = np.array([1, 4, 10]), [*one.topics, "new"]
    one.categories = {"post.author": (np.array([1, 0, -1]), ["a", "b", None])}
    other.categories = {"post.author": (np.array([-1, 1, 0]), ["b", "c", None])}
    one.categories["post.tags"] = np.array([0, -1, 0]), [["t"], None]
    other.categories["post.lang"] = np.array([0, 0, -1]), ["en", None]
    one.attributes = {"post.author": "category", "post.tags": "tags"}
    other.attributes = {"post.author": "category", "post.lang": "category"}
    encoders = {"post.tags": {"t": 5}, "post.lang": {"en": 9}}
    one.encode(encoders)
    other.encode(encoders)
    for each in (one, other):
        each.is_popular = np.zeros(3, np.int64)
    joined = one.join(other)
    assert joined.post_ids.tolist() == [1, 3, 4, 5, 9, 10] and joined.topics == ["movie", "sport", "new"]
    assert joined.categories["post.author"][1] == ["a", "b", "c", None]
    for encoder in ({"a": 1, "b": 2, "c": 3}, {"b": 7, "c": 8}):
        joined.encode({**encoders, "post.author": encoder})
        assert joined.columns["post.tags"] == pytest.approx([np.nan, 5, np.nan, np.nan, 5, np.nan], nan_ok=True)
        assert joined.columns["post.lang"] == pytest.approx([9, np.nan, 9, np.nan, np.nan, np.nan], nan_ok=True)
        expected = [encoder.get(author, -1) if author else np.nan for author in (None, "b", "c", "a", None, "b")]
        assert joined.columns["post.author"] == pytest.approx(expected, nan_ok=True)
    assert joined.columns["post.x"] == pytest.approx([np.nan, 1, np.nan, 2, 3, np.nan], nan_ok=True)


def test_posts_of_a_new_topic_are_compared_as_a_refresh_would():
    views, likes, topics = [100, 300, 50, 0], [10, 60, 5, 0], [0, 1, 0, -1]
    known = unpacked(views, likes, topics)
    fresh = unpacked([0], [0], [2], known.scale.with_topics(known, 3))
    together = unpacked([*views, 0], [*likes, 0], [*topics, 2])
    new, old = relative_columns(fresh), relative_columns(together)
    assert new["post.view_ratio"] == pytest.approx([0])
    assert new["post.quality"] == pytest.approx(old["post.quality"][-1:], 0.02)
    assert known.scale.with_topics(known, 2).group_rates == pytest.approx(known.scale.group_rates)
