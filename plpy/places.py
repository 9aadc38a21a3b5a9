"""The body of pgfeed._fitted_places: how much more what is shown in a place is liked than in the mean place."""

import numpy as np

from plpy.columns import int8s

PLACES = 40
PRIOR_VIEWS = {"place": 40, "post": 5, "visit": 2}
ROUNDS = 40
STEPS = 256


def place_effects(visits, posts, places, is_liked):
    """Return the effect of each place, float64 (PLACES,): 1 is the mean of the views, in steps of 1/256.

    Arguments are one entry per view: numbers of the user-day and of the post from 0, the place, the last one for all
    beyond it, and whether it was liked. A like's chance is the overall rate times an effect of the place, of the post
    and of the user-day, fitted in turn (40 rounds of iterative proportional fitting, Deming and Stephan 1940): good
    posts that are shown first are no merit of the place, nor users who get far one of the later places. Each effect
    starts as 1 with the weight of 40, 5 and 2 views, a Poisson rate with a gamma prior; heavier ones for posts and
    user-days would leave of their merits to the places. No effect depends on those of the places beside it.
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
    of_places = effects["place"] / effects["place"][places].mean()
    return np.maximum(np.round(of_places * STEPS), 1) / STEPS


def _fitted_places(user_ids, days, post_ids, places, likes):
    """Return place_effects() of impressions that are packed as the function's comment says, in no order."""
    days, places, likes = (np.frombuffer(packed, ">i4").astype(np.int64) for packed in (days, places, likes))
    _, posts = np.unique(int8s(post_ids), return_inverse=True)
    _, users = np.unique(int8s(user_ids), return_inverse=True)
    _, visits = np.unique(users * (days.max() + 1) + days, return_inverse=True)
    return place_effects(visits, posts, np.minimum(places, PLACES - 1), likes).tolist()
