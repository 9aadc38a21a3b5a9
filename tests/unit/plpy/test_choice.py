"""Which posts make the list: order, ties, caps that hold, and caps that give way."""

import numpy as np
import pytest

from plpy.choice import choose


def slowly(scores, post_ids, k, caps):
    """Return what choose() says it does, post by post."""
    order = [place for place in np.lexsort((post_ids, -scores)).tolist() if scores[place] > -np.inf]
    chosen = []
    for place in order:
        if all(codes[place] < 0 or sum(codes[place] == codes[p] for p in chosen) < most for codes, most in caps):
            chosen.append(place)
    return (chosen + [place for place in order if place not in chosen])[:k]


def test_without_caps_it_is_the_best():
    assert choose(np.array([1.0, 3, 2, 3]), np.array([1, 9, 4, 2]), 3).tolist() == [3, 1, 2]


def test_a_cap_holds_until_nothing_else_is_left():
    scores, topics = np.array([9.0, 8, 7, 6, 5]), np.array([0, 0, 0, 1, -1])
    assert choose(scores, np.arange(5), 3, [(topics, 1)]).tolist() == [0, 3, 4]
    assert choose(scores, np.arange(5), 5, [(topics, 1)]).tolist() == [0, 3, 4, 1, 2]


def test_what_has_no_code_is_not_capped():
    assert choose(np.array([3.0, 2, 1]), np.arange(3), 3, [(np.array([-1, -1, 0]), 1)]).tolist() == [0, 1, 2]


@pytest.mark.parametrize("seed", range(40))
def test_any_caps_equal_post_by_post(seed):
    random = np.random.default_rng(seed)
    count, k = random.integers(0, 60), random.integers(1, 20)
    scores = np.where(random.random(count) < 0.2, -np.inf, random.integers(0, 9, count).astype(float))
    ids = random.permutation(count)
    caps = [
        (random.integers(-1, random.integers(1, 12), count), int(random.integers(1, 4)))
        for _ in range(random.integers(0, 3))
    ]
    before = scores.copy()
    assert choose(scores, ids, k, caps).tolist() == slowly(scores, ids, k, caps)
    assert np.array_equal(scores, before)


def test_a_list_of_a_thousand_varies_among_the_best_two_thousand():
    random = np.random.default_rng(3)
    scores, vectors = random.normal(size=5000), random.normal(size=(5000, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.arange(5000)
    best = choose(scores, ids, 1000, diversity=0.5, vectors=vectors)
    pool = np.lexsort((ids, -scores))[:2000]
    relevance = (scores[pool] - scores[pool[-1]]) / (scores[pool[0]] - scores[pool[-1]])
    likeness = vectors[pool].astype(float) @ vectors[pool].astype(float).T
    expected, free = [0], np.arange(2000) > 0
    while len(expected) < 1000:
        gains = np.round(0.5 * relevance - 0.5 * likeness[expected].max(axis=0), 9)
        expected.append(int(np.argmax(np.where(free, gains, -np.inf))))
        free[expected[-1]] = False
    assert best.tolist() == pool[expected].tolist()
