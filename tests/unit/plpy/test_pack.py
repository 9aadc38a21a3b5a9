"""Posts as arrays."""

import numpy as np

from plpy.pack import FACTORS, pack_factors, unpack_factors
from tests.unit.plpy.packs import empty_pack, pack


def test_ids_that_the_pack_does_not_hold_have_no_place():
    assert pack().places(np.array([9, 4, 3, 10])).tolist() == [2, 0]
    assert pack().locate(np.array([9, 4, 3, 10])).tolist() == [2, -1, 0, -1]
    assert empty_pack().places(np.array([1])).tolist() == []


def test_factors_are_packed_with_their_gram():
    vectors = np.random.default_rng(0).random((5, FACTORS), np.float32)
    found, gram = unpack_factors(pack_factors(vectors, vectors.T @ vectors))
    assert np.array_equal(found, vectors) and np.array_equal(gram, vectors.T @ vectors)


def test_texts_have_length_1_and_none_are_zeros():
    vectors = pack(**{"text.component_1@x": [3, 0, np.nan], "text.component_2@x": [4, 0, np.nan]}).text_vectors
    assert np.allclose(vectors, [[0.6, 0.8], [0, 0], [0, 0]])
    assert not pack().text_vectors.any()
