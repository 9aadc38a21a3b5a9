"""The effect of a place on likes, apart from the posts that are shown there and the users who get that far."""

import numpy as np
import pytest

from plpy.places import PLACES, PRIOR_VIEWS, STEPS, place_effects

CHANCES = np.linspace(0.4, 0.1, 10)


def views(count, quality, level, order):
    """Return visits, posts, places and likes of visits with ten views of 40 posts each."""
    random = np.random.default_rng(3)
    visits, places = np.repeat(np.arange(count), 10), np.tile(np.arange(10), count)
    posts = np.concatenate([order(random.permutation(40)[:10]) for _ in range(count)])
    likes = random.random(10 * count) < CHANCES[places] * quality[posts] * level[visits]
    return visits, posts, places, likes.astype(int)


def test_good_posts_that_are_shown_first_are_no_merit_of_the_place():
    quality = np.linspace(0.5, 1.5, 40)
    best_first = views(4000, quality, np.ones(4000), lambda posts: np.sort(posts)[::-1])
    effects = place_effects(*best_first)[:10]
    _, _, places, likes = best_first
    naive = np.bincount(places, likes) / np.bincount(places) / likes.mean()
    ratio = CHANCES[0] / CHANCES[9]
    assert naive[0] / naive[9] > 1.8 * ratio
    assert effects[0] / effects[9] == pytest.approx(ratio, rel=0.15)


def test_users_who_get_far_are_no_merit_of_later_places():
    level = np.tile([0.5, 1.5], 2000)
    visits, posts, places, likes = views(4000, np.ones(40), level, np.array)
    is_seen = (places < 5) | (level[visits] > 1)
    effects = place_effects(*(each[is_seen] for each in (visits, posts, places, likes)))[:10]
    assert effects[0] / effects[9] == pytest.approx(CHANCES[0] / CHANCES[9], rel=0.15)


def test_the_mean_of_the_views_is_one_and_effects_are_steps():
    visits, posts, places, likes = views(500, np.ones(40), np.ones(500), np.array)
    effects = place_effects(visits, posts, places, likes)
    assert effects.shape == (PLACES,)
    assert effects[places].mean() == pytest.approx(1, abs=1 / STEPS)
    assert (effects * STEPS == np.round(effects * STEPS)).all() and (effects > 0).all()


def test_a_place_with_few_views_keeps_near_the_mean():
    visits, posts, places, likes = views(500, np.ones(40), np.ones(500), np.array)
    places[0], likes[0] = 30, 1
    effect = place_effects(visits, posts, places, likes)[30]
    assert 1 < effect < 1 + 2 / (PRIOR_VIEWS["place"] * likes.mean())


def lists_by_hidden_taste(seed, count=8000, explored=True):
    """Return the arguments of place_effects(), of lists that are ordered by what neither posts nor users tell alone.

    A user likes some posts three times as much as the rest, and the first places have them; in every list one of five
    places, by chances that fall from the first to the last, has any post instead.
    """
    random = np.random.default_rng(seed)
    chosen = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
    posts = np.array([random.permutation(40)[:10] for _ in range(count)])
    odds = np.where(random.random((count, 10)) < [1, 0.8, 0.6, 0.3, *6 * [0.1]], 1.5, 0.5)
    place = random.choice(5, count, p=chosen)
    weights, sizes = np.zeros((count, 10)), np.zeros((count, 10), int)
    if explored:
        odds[np.arange(count), place] = random.choice([0.5, 1.5], count)
        weights[np.arange(count), place] = 1 / (5 * chosen[place])
        sizes[np.arange(count), place] = 5
    likes = random.random((count, 10)) < CHANCES * odds
    visits, places = np.repeat(np.arange(count), 10), np.tile(np.arange(10), count)
    return visits, posts.ravel(), places, likes.ravel().astype(int), weights.ravel(), sizes.ravel()


def error_of(effects):
    """Return how far the ratios of the first five effects are off, the mean of their logarithms."""
    off = np.log(effects[:5] / CHANCES[:5])
    return np.abs(off - off.mean()).mean()


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_what_chance_has_placed_is_nearer_to_the_truth(seed):
    views = lists_by_hidden_taste(seed)
    without, by_chance = place_effects(*views[:4]), place_effects(*views)
    assert error_of(by_chance) < 0.6 * error_of(without)
    assert by_chance[views[2]].mean() == pytest.approx(1, abs=1 / STEPS)


def test_without_chance_nothing_changes_and_few_views_say_little():
    views = lists_by_hidden_taste(5, 300, explored=False)
    assert (place_effects(*views) == place_effects(*views[:4])).all()
    weights, sizes = views[4:]
    sizes[:3], weights[:3] = 5, 0.7
    assert place_effects(*views) == pytest.approx(place_effects(*views[:4]), rel=0.05)
