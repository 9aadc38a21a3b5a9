"""What makes a view a like: main effects, scaled until the marginals are the original network's.

Every constant is a fact of the original network. Nothing is tuned on how well a model does.
"""

import functools
from dataclasses import dataclass

import numpy as np

from loader.simulation.population import (
    COUNTRIES,
    FULL_POSTS,
    TOPIC_FACTS,
    TOPICS,
    Users,
    make_posts,
    make_users,
    view_weights,
)

KIND_RATES = np.array([[0.089, 0.146], [0.195, 0.089]])  # like rate of kinds A, B on other posts, popular posts
LIKER_AGES = np.array([32.4, 22.6])  # mean age of those who like the 5% of posts with fewest likes, with most
AGE_CENTRE, AGE_LIMIT = 27, 60
AGE_TASTE = np.array([0.01, -0.02])  # what a year adds to the log of the like rate on other posts, popular ones
RATE_SD = 0.050
LIKE_RATE = 0.1195
GROUP_RATES = (0.094, 0.148, 0.148, 0.093, 0.113)
GENDER_RATES = (0.111, 0.125)
COUNTRY_RATES = (0.112, 0.16, 0.17, 0.18)  # Russia, Ukraine, Kazakhstan, what these leave for the others
MOSCOW_RATES = (0.113, 0.156)


@dataclass
class Effects:
    """Main effects of the like rate, as `fit` finds them."""

    group: np.ndarray
    gender: np.ndarray
    country: np.ndarray
    moscow: np.ndarray
    kind: np.ndarray  # (kind, popular)
    own_sd: float  # of the log
    topic: np.ndarray
    view_kind: np.ndarray  # log odds that a view of kind A, B is of a popular post
    view_age: float  # what a year adds to them


def _country_class(users: Users) -> np.ndarray:
    return np.array([0, 1, 3, 2] + [3] * (len(COUNTRIES) - 4))[users.country]


def main_effects(users: Users, effects: Effects) -> np.ndarray:
    """Return what group, gender, country and city say of each user's like rate (users,)."""
    main = effects.group[users.exp_group] * effects.gender[users.gender.astype(int)]
    main *= effects.country[_country_class(users)] * effects.moscow[(users.city == 0).astype(int)]
    return main


def user_factors(users: Users, effects: Effects) -> np.ndarray:
    """Return each user's like rate on other posts and on popular ones, at the mean of all else (users, 2)."""
    main = main_effects(users, effects)
    main *= np.exp(effects.own_sd * users.own.astype(float) - effects.own_sd**2 / 2)
    years = np.minimum(users.age, AGE_LIMIT) - AGE_CENTRE
    return main[:, None] * effects.kind[users.kind] * np.exp(years[:, None] * AGE_TASTE)


def popular_view_shares(users: Users, effects: Effects) -> np.ndarray:
    """Return the share of popular posts in what each user is shown."""
    years = np.minimum(users.age, AGE_LIMIT) - AGE_CENTRE
    return 1 / (1 + np.exp(-effects.view_kind[users.kind] - effects.view_age * years))


@functools.cache
def fit(reference_users: int = 20_480, rounds: int = 150) -> Effects:
    """Scale the main effects on a reference population until its marginals are the original network's."""
    users, posts = make_users(0, reference_users), make_posts(0, FULL_POSTS)
    share_b = reference_share_b()
    weights = view_weights(posts, share_b)
    popular_posts = np.stack([posts.popular == 0, posts.popular == 1])
    seen = np.stack([weights[:, chosen].sum(1) for chosen in popular_posts], 1)  # (kind, popular)
    of_kind = np.stack([users.kind == 0, users.kind == 1]) / len(users)
    views = of_kind.sum(1)[:, None] * weights
    mains = [
        ("group", users.exp_group, GROUP_RATES), ("gender", users.gender.astype(int), GENDER_RATES),
        ("country", _country_class(users), COUNTRY_RATES), ("moscow", (users.city == 0).astype(int), MOSCOW_RATES),
    ]
    topic_rates = np.array([facts[-1] for facts in TOPIC_FACTS.values()])
    # The facts on kinds and on topics each imply a mean near LIKE_RATE: rounding is not to move it.
    kind_targets = KIND_RATES * LIKE_RATE / (of_kind.sum(1) @ (KIND_RATES * seen)).sum()
    topic_targets = topic_rates * LIKE_RATE / (views.sum(0) @ topic_rates[posts.topic])
    group, gender, country, moscow = (np.ones(len(rates)) for _, _, rates in mains)
    effects = Effects(
        group, gender, country, moscow, KIND_RATES.copy(), 0.3, np.ones(len(TOPICS)),
        view_kind=np.log(seen[:, 1] / seen[:, 0]), view_age=0.0,
    )
    for _ in range(rounds):
        post_factor = effects.topic[posts.topic] * posts.quality
        within = np.stack([(weights[:, chosen] * post_factor[chosen]).sum(1) for chosen in popular_posts], 1) / seen
        popular_share = popular_view_shares(users, effects)
        share = np.stack([1 - popular_share, popular_share], 1)
        liked = share * user_factors(users, effects)  # what a view is liked, in parts by popularity (users, popular)
        rate = (liked * within[users.kind]).sum(1)
        for name, codes, rates in mains:
            size = np.bincount(codes, minlength=len(rates))
            effect = getattr(effects, name)
            effect *= np.array(rates) * size / np.bincount(codes, rate, len(rates))
            effect /= np.average(effect, weights=size)
        kind_likes = of_kind @ liked
        effects.kind *= kind_targets * (of_kind @ share) / (kind_likes * within)
        likes = (kind_likes / seen)[:, posts.popular] * weights * post_factor  # (kind, posts)
        effects.topic *= topic_targets * np.bincount(posts.topic, views.sum(0)) / np.bincount(posts.topic, likes.sum(0))
        effects.topic /= effects.topic[posts.topic] @ views.sum(0)  # the level is the kinds' to set
        effects.own_sd = np.sqrt(max(effects.own_sd**2 + 0.3 * (RATE_SD**2 - rate.var()) / LIKE_RATE**2, 0))
        effects.view_kind += np.log(seen[:, 1] / seen[:, 0]) - np.log(np.divide(*(of_kind @ share).T[::-1]))
        liker_years = (of_kind @ (liked * users.age[:, None]) / seen)[:, posts.popular] * weights * post_factor
        order = np.argsort(likes.sum(0)[posts.level > 0])
        fewest, most = (np.flatnonzero(posts.level)[part] for part in np.array_split(order, 20)[::19])
        ages = [liker_years[:, part].sum() / likes[:, part].sum() for part in (fewest, most)]
        effects.view_age += 0.001 * ((ages[0] - ages[1]) - (LIKER_AGES[0] - LIKER_AGES[1]))
    return effects


def reference_share_b() -> float:
    """Return the share of kind B in the population that `fit` refers to."""
    return float(make_users(0, 20_480).kind.mean())
