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
