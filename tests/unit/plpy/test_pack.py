"""Posts as arrays."""

import numpy as np

from plpy.pack import FACTORS, choose_factors, join_codes, pack_factors, unpack_factors
from tests.unit.plpy.packs import empty_pack, pack


def test_ids_that_the_pack_does_not_hold_have_no_place():
    assert pack().places(np.array([9, 4, 3, 10])).tolist() == [2, 0]
    assert pack().locate(np.array([9, 4, 3, 10])).tolist() == [2, -1, 0, -1]
    assert empty_pack().places(np.array([1])).tolist() == []


def test_factors_are_packed_with_their_gram():
    vectors = np.random.default_rng(0).random((5, FACTORS), np.float32)
    found, gram = unpack_factors(pack_factors(vectors, vectors.T @ vectors))
    assert np.array_equal(found, vectors) and np.array_equal(gram, vectors.T @ vectors)


def test_factors_of_some_posts_are_theirs_and_zeros_for_a_new_one():
    vectors = np.random.default_rng(0).random((3, FACTORS), np.float32)
    packed = pack_factors(vectors, vectors.T @ vectors)
    all_ids, some = (np.array(ids, ">i8").tobytes() for ids in ([3, 5, 9], [4, 5, 9]))
    found, gram = unpack_factors(choose_factors(some, all_ids, packed))
    assert np.array_equal(found, [np.zeros(FACTORS), vectors[1], vectors[2]])
    assert np.array_equal(gram, vectors.T @ vectors)
    assert choose_factors(all_ids, all_ids, packed) == packed
    assert not unpack_factors(choose_factors(some, b"", pack_factors(vectors[:0], vectors.T @ vectors)))[0].any()


def test_texts_have_length_1_and_none_are_zeros():
    vectors = pack(**{"text.component_1@x": [3, 0, np.nan], "text.component_2@x": [4, 0, np.nan]}).text_vectors
    assert np.allclose(vectors, [[0.6, 0.8], [0, 0], [0, 0]])
    assert not pack().text_vectors.any()


def test_joined_categories_have_one_code_for_each_value():
    codes, values = join_codes((np.array([0, 1, -1]), ["a", "b", None]), (np.array([1, 0, -1]), ["b", "c", None]))
    assert [values[code] for code in codes] == ["a", "b", None, "c", "b", None]
    assert codes.tolist() == [0, 1, -1, 2, 1, -1]
