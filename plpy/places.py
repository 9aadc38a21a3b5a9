"""The body of pgfeed._fitted_places: how much more what is shown in a place is liked than in the mean place."""

import numpy as np

from plpy.columns import int8s

PLACES = 40
PRIOR_VIEWS = {"place": 40, "post": 5, "visit": 2}
ROUNDS = 40
STEPS = 256
# How much is left to what is estimated without chances: as if so many likes had confirmed it. It is off by about
# their square root, 15%, where lists are ordered by what neither posts nor users tell alone.
PRIOR_LIKES = 44


def place_effects(visits, posts, places, is_liked, weights=None, sizes=None):
    """Return the effect of each place, float64 (PLACES,): 1 is the mean of the views, in steps of 1/256.

    Arguments are one entry per view: numbers of the user-day and of the post from 0, the place, the last one for all
    beyond it, and whether it was liked. A like's chance is the overall rate times an effect of the place, of the post
    and of the user-day, fitted in turn (40 rounds of iterative proportional fitting, Deming and Stephan 1940): good
    posts that are shown first are no merit of the place, nor users who get far one of the later places. Each effect
    starts as 1 with the weight of 40, 5 and 2 views, a Poisson rate with a gamma prior; heavier ones for posts and
    user-days would leave of their merits to the places. No effect depends on those of the places beside it.

    weights, sizes: of the views whose place chance has chosen, see by_chance(); size 0: it has not.
    """
    rate = is_liked.mean()
    groups = [("place", places), ("post", posts), ("visit", visits)]
    effects = {name: np.ones(PLACES if name == "place" else group.max() + 1) for name, group in groups}
    liked = {name: np.bincount(group, is_liked, len(effects[name])) for name, group in groups}
    for _ in range(ROUNDS):
        for name, group in groups:
            others = rate * np.prod([effects[other][rows] for other, rows in groups if other != name], axis=0)
            expected, prior = np.bincount(group, others, len(effects[name])), rate * PRIOR_VIEWS[name]
            effects[name] = (liked[name] + prior) / (expected + prior)
    of_places = effects["place"]
    if sizes is not None and sizes.any():
        of_places = of_places * by_chance(of_places, places, is_liked, weights, sizes)
    of_places = of_places / of_places[places].mean()
    return np.maximum(np.round(of_places * STEPS), 1) / STEPS


def by_chance(effects, places, is_liked, weights, sizes):
    """Return by what each place's effect is to be multiplied, after the views whose place chance has chosen.

    weights: 1 / (size * the chance of the place, given that the post is in the list); sizes: of the lists. By inverse
    propensities (Horvitz and Thompson 1952) each place of the lists of one size has had the same posts and users, so
    their likes are as the effects are, whatever ordered the lists. The level of the places among all others, and those
    that have no such view, stay as they are. The effects are a gamma prior's mean with the weight of 44 likes, of which
    weighted views tell as many as Kish's effective number of them does.
    """
    likes, expected = np.zeros((2, PLACES))
    for size in np.unique(sizes[sizes > 0]):
        of_size = sizes == size
        weight, here = weights[of_size], places[of_size]
        liked = np.bincount(here, weight * is_liked[of_size], PLACES)
        sums, squares = (np.bincount(here, weight**power, PLACES) for power in (1, 2))
        told = sums / np.maximum(squares, 1e-9)
        likes += told * liked
        expected += told * sums * effects * liked.sum() / (sums @ effects)
    return (likes + PRIOR_LIKES) / (expected + PRIOR_LIKES)


def _fitted_places(user_ids, days, post_ids, places, likes, weights, sizes):
    """Return place_effects() of impressions that are packed as the function's comment says, in no order."""
    days, places, likes, sizes = (
        np.frombuffer(packed, ">i4").astype(np.int64) for packed in (days, places, likes, sizes)
    )
    weights = np.frombuffer(weights, ">f8").astype(float)
    _, posts = np.unique(int8s(post_ids), return_inverse=True)
    _, users = np.unique(int8s(user_ids), return_inverse=True)
    _, visits = np.unique(users * (days.max() + 1) + days, return_inverse=True)
    return place_effects(visits, posts, np.minimum(places, PLACES - 1), likes, weights, sizes).tolist()
