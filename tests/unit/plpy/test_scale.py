"""How posts compare with the catalogue."""

import numpy as np
import pytest

from plpy.columns import RELATIVE_COLUMNS
from plpy.scale import pack_relative, unpack_relative
from tests.unit.plpy.packs import unpacked


def test_quality_is_nearer_to_the_truth_than_the_like_rate():
    rng = np.random.default_rng(1)
    truth = np.where(rng.random(3000) < 0.1, 1.8, 0.9)
    views = rng.integers(50, 400, 3000)
    posts = unpacked(views, rng.poisson(0.1 * truth * views), rng.integers(0, 2, 3000))
    quality, rate = posts.columns["post.quality"], posts.columns["post.like_count"] / views / 0.1
    assert np.mean((quality - truth / truth.mean()) ** 2) < 0.5 * np.mean((rate - truth) ** 2)


def test_quality_without_views_is_that_of_the_topic_and_the_catalogue_may_be_empty():
    posts = unpacked([1000, 1000, 0, 0], [200, 20, 0, 0], [0, 1, 0, -1])
    quality = posts.columns["post.quality"]
    assert np.isfinite(quality).all() and quality[0] > quality[1]
    assert len(unpacked([], [], []).columns["post.quality"]) == 0


def test_what_is_packed_of_the_comparison_is_what_would_be_computed():
    posts = unpacked([100, 300, 0, 20], [10, 60, 0, 5], [0, 1, 1, -1])
    scale, columns = unpack_relative(pack_relative(posts), 2, 4)
    assert vars(scale).keys() == vars(posts.scale).keys() and columns.keys() == set(RELATIVE_COLUMNS)
    for found, expected in ((vars(scale), vars(posts.scale)), (columns, posts.columns)):
        for name, values in found.items():
            np.testing.assert_array_equal(values, expected[name])
            assert np.asarray(values).dtype == np.asarray(expected[name]).dtype


def test_a_pack_that_is_joined_is_compared_with_the_first_ones_catalogue():
    first = unpacked([100, 300], [10, 60], [0, 1])
    second = unpacked([250], [40], [1], first.scale)
    assert second.columns["post.view_ratio"] == pytest.approx([250 / 200])
    second.post_ids += 2
    joined = first.join(second)
    assert joined.is_popular.tolist() == [0, 1, 1] and joined.scale is first.scale
