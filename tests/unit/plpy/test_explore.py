"""Exploration: the chances that are logged are those by which lists are drawn, and no rule gives way."""

from itertools import product

import numpy as np
import pytest

from plpy.choice import choose, gave_way
from plpy.explore import (
    DRAWS,
    HOPEFUL,
    LISTS,
    NEAR,
    SHARES,
    WIDTH,
    allowed,
    choices,
    deviations,
    draw,
    explored,
    noise,
    others_of,
    seed_of,
    thompson,
)
from tests.unit.plpy.packs import unpacked

K = 5
NO_RULES = [], 0.0, None
SCORES = np.array([0.0, -0.3])


def catalogue(seed, count=300):
    """Return scores, ids, deviations of posts, and the codes of a cap."""
    random = np.random.default_rng(seed)
    return (random.normal(-2, 0.5, count), np.sort(random.choice(10_000, count, replace=False)),
            random.uniform(0.05, 0.6, count), random.integers(-1, 6, count))


def chances_of(seed, rules=NO_RULES, count=300, k=K):
    """Return the list of a catalogue, the others and the chances."""
    scores, post_ids, deviation, _ = catalogue(seed, count)
    listed = choose(scores, post_ids, k, *rules)
    others, is_near = others_of(scores, post_ids, deviation, listed)
    drawn = draw(scores, deviation, post_ids, others, seed_of("draws", seed))
    return listed, others, choices(drawn, listed, others, is_near, rules)


def enumerated(chances, share):
    """Return the probability of each column of chances at each place, event by event: (columns, k)."""
    count = len(chances)
    found = np.zeros((chances.shape[1], count))
    for place, choice in product(range(count), range(chances.shape[1])):
        order = np.arange(count)
        order[place] = choice
        if choice < count:
            order[choice] = place
        found[order, np.arange(count)] += share * chances[place, choice]
    found[np.arange(count), np.arange(count)] += 1 - share * chances.sum()
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_chances_are_those_of_all_that_can_happen(seed):
    _, _, chances = chances_of(seed)
    expected = enumerated(chances, 0.1)
    np.testing.assert_allclose(expected.sum(axis=0), 1)
    for number in range(300):
        order, matrix = explored(chances, 0.1, seed_of(seed, number))
        np.testing.assert_allclose(matrix, expected[order], atol=1e-12)
        assert len(set(order.tolist())) == K and (matrix.diagonal() > 0).all()


def test_lists_are_drawn_by_their_chances():
    """Pearson's chi-square of 60,000 lists; cells that expect fewer than 5 are one."""
    _, _, chances = chances_of(7)
    expected = enumerated(chances, 0.1)
    draws, counts = 60_000, np.zeros_like(expected)
    for number in range(draws):
        order, _ = explored(chances, 0.1, seed_of("chi", number))
        counts[order, np.arange(K)] += 1
    for place in range(K):
        wanted, seen = expected[:, place] * draws, counts[:, place]
        assert not seen[wanted == 0].any()
        is_rare = wanted < 5
        wanted = np.append(wanted[~is_rare], wanted[is_rare].sum())
        seen = np.append(seen[~is_rare], seen[is_rare].sum())
        if wanted[-1] < 5:
            wanted, seen = wanted[:-1], seen[:-1]
        statistic, freedom = ((seen - wanted) ** 2 / wanted).sum(), len(wanted) - 1
        # Wilson and Hilferty: the cube root is nearly normal. 4 deviations.
        cube = (statistic / freedom) ** (1 / 3)
        assert abs(cube - (1 - 2 / (9 * freedom))) < 4 * np.sqrt(2 / (9 * freedom)), place


def test_each_list_has_at_most_one_post_that_others_chose_for_it():
    listed, _, chances = chances_of(3)
    changed = [
        sum(choice >= K for choice in explored(chances, 0.1, seed_of(number))[0].tolist()) for number in range(2000)
    ]
    assert set(changed) == {0, 1}
    same = [explored(chances, 0.1, seed_of(number))[0].tolist() == list(range(K)) for number in range(2000)]
    assert abs(np.mean(same) - LISTS) < 0.05
    assert len(listed) == K


def test_every_other_place_of_the_list_and_the_next_posts_have_a_chance():
    scores, post_ids, *_ = catalogue(1)
    _, others, chances = chances_of(1)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (chances[:, :K].diagonal() == 0).all()
    assert (chances[:, :K][~np.eye(K, dtype=bool)] > 0).all()
    near = np.argsort(-scores[others])[:NEAR]
    assert set(post_ids[others[near]]) == set(post_ids[np.argsort(-scores)[K:K + NEAR]])
    assert (chances[:, K + near] > 0).all()
    assert (chances[0, K:] > 0).sum() <= NEAR + DRAWS


@pytest.mark.parametrize("seed", range(8))
def test_no_outcome_breaks_a_cap(seed):
    scores, post_ids, _, codes = catalogue(seed, 60)
    rules = [(codes, 1), (codes % 2, 3)], 0.0, None
    listed, others, chances = chances_of(seed, rules, 60)
    assert not gave_way(listed, rules[0])
    both = np.append(listed, others)
    for place, choice in zip(*np.nonzero(chances)):
        order = np.arange(K)
        order[place] = choice
        if choice < K:
            order[choice] = place
        assert not gave_way(both[order], rules[0])
    is_allowed = allowed(listed, others, *rules)
    for place, other in product(range(K), range(len(others))):
        changed = listed.copy()
        changed[place] = others[other]
        assert is_allowed[place, other] == (not gave_way(changed, rules[0]))
    assert is_allowed.any() and not is_allowed.all()
    assert len(scores) == len(post_ids)


def test_with_diversity_no_post_comes_that_is_more_like_another_than_two_of_the_list():
    random = np.random.default_rng(5)
    scores, post_ids, _, _ = catalogue(5, 80)
    vectors = random.normal(size=(80, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rules = [], 0.4, vectors
    listed, others, chances = chances_of(5, rules, 80)
    within = max(float(vectors[a] @ vectors[b]) for a in listed for b in listed if a != b)
    for place, other in product(range(K), range(len(others))):
        rest = [vectors[p] for number, p in enumerate(listed) if number != place]
        likeness = max(float(vectors[others[other]] @ vector) for vector in rest)
        assert allowed(listed, others, *rules)[place, other] == (likeness <= within + 1e-6)
        assert likeness <= within + 1e-5 or chances[place, K + other] == 0
    assert len(scores) == len(post_ids)


def test_where_nothing_else_is_allowed_the_list_stays():
    scores, post_ids, deviation = np.array([1.0]), np.array([7]), np.array([0.5])
    others = others_of(scores, post_ids, deviation, [0])
    chances = choices(np.empty((DRAWS, 0)), np.array([0]), *others, NO_RULES)
    for number in range(50):
        order, matrix = explored(chances, SHARES["normal"], seed_of(number))
        assert order.tolist() == [0] and matrix.tolist() == [[1]]


def test_the_less_is_known_of_a_post_the_more_often_a_draw_likes_it_best():
    is_allowed = np.ones((1, 2), bool)
    shares = np.mean([
        thompson(SCORES + noise(np.array([0.02, 0.6]), np.array([4, 9]), seed_of(number)), is_allowed)[0]
        for number in range(200)
    ], axis=0)
    assert 0.2 < shares[1] < 0.4
    certain = thompson(SCORES + noise(np.array([0.01, 0.01]), np.array([4, 9]), 1), is_allowed)
    assert certain.tolist() == [[1, 0]]


def test_who_may_come_are_the_next_posts_and_those_that_could_be_best():
    scores, post_ids, deviation, _ = catalogue(4)
    listed = choose(scores, post_ids, K)
    others, is_near = others_of(scores, post_ids, deviation, listed)
    order = [place for place in np.argsort(-scores) if place not in listed]
    hopeful = [place for place in np.argsort(-scores - WIDTH * deviation) if place not in listed]
    assert set(others[is_near]) == set(order[:NEAR])
    assert set(others) == {*order[:NEAR], *hopeful[:HOPEFUL]}


def test_draws_of_a_post_do_not_depend_on_who_stands_beside_it():
    scores, deviation = np.zeros(3), np.full(3, 0.3)
    drawn = [scores[:count] + noise(deviation[:count], np.array([4, 9, 11])[:count], 5) for count in (2, 3)]
    alone = thompson(drawn[0], np.ones((1, 2), bool))
    beside = thompson(drawn[1] - [0, 0, 99], np.ones((1, 3), bool))
    assert beside[0, :2].tolist() == alone[0].tolist()


def test_what_is_known_of_a_post_grows_with_its_views():
    views = np.array([0, 10, 1000, 100_000] * 30)
    random = np.random.default_rng(0)
    likes = random.binomial(views, np.clip(random.normal(0.12, 0.03, len(views)), 0.02, 1))
    found = deviations(unpacked(views, likes, np.zeros(len(views), int)))
    assert (np.diff(found[:4]) < 0).all()
    assert found[0] == found[4] and 0.1 <= found[0] <= 1 and found[3] < 0.02
    sure = deviations(unpacked(views, np.round(views * 0.12), np.zeros(len(views), int)))
    assert sure[0] == pytest.approx(0.1)  # no post differs: the least that is assumed
