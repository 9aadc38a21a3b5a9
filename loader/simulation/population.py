"""The simulated network's users and posts: who they are, what is viewed how often.

Every constant is a fact of the original network."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FULL_USERS = 163_205
FIRST_USER, LAST_USER = 200, 168_552
USER_CHUNK = 4096
GENDER_1 = 89_980 / FULL_USERS
ANDROID = 105_972 / FULL_USERS
ADS = 101_685 / FULL_USERS
# Quantiles of age in years, through min, quartiles and max; between them shaped by mean 27.2 and sd 10.2.
AGE_QUANTILES = (
    0, 0.03, 0.10, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.9999, 1
), (14, 15, 17, 19.5, 24.5, 33.3, 42, 47.3, 56, 70, 96)
COUNTRIES = {  # users, cities
    "Russia": (143_035, 2_620), "Ukraine": (8_273, 600), "Belarus": (3_293, 130), "Kazakhstan": (3_172, 120),
    "Turkey": (1_606, 130), "Finland": (1_599, 130), "Azerbaijan": (1_542, 70), "Estonia": (178, 40),
    "Latvia": (175, 40),
    "Cyprus": (170, 12), "Switzerland": (162, 60),
}
MOSCOW = 21_874 / COUNTRIES["Russia"][0]
CITIES = {
    "Russia": "Moscow,Saint Petersburg,Yekaterinburg,Novosibirsk,Kazan,Chelyabinsk,Rostov,Nizhniy Novgorod,Samara,Omsk,"
    "Krasnoyarsk,Voronezh,Perm,Volgograd,Krasnodar,Saratov,Tyumen,Tolyatti,Izhevsk,Barnaul,Irkutsk,Ufa,Khabarovsk",
    "Ukraine": "Kyiv,Kharkiv,Odesa,Dnipro,Donetsk,Zaporizhzhia,Lviv,Mykolaiv", "Belarus": "Minsk,Homyel,Mahilyow,Brest",
    "Kazakhstan": "Almaty,Karagandy,Shymkent,Pavlodar", "Turkey": "Istanbul,Ankara,Izmir,Bursa",
    "Finland": "Helsinki,Espoo,Tampere,Vantaa", "Azerbaijan": "Baku,Ganja,Sumqayit", "Estonia": "Tallinn,Tartu,Narva",
    "Latvia": "Riga,Daugavpils", "Cyprus": "Limassol,Nicosia", "Switzerland": "Zurich,Geneva,Basel",
}
SLAVIC = [parts.split(",") for parts in (  # what the names of small places are made of
    "Novo,Verkhne,Nizhne,Staro,Krasno,Belo,Bolshe,Malo,Yuzhno,Severo,Ust-,Sredne,Velo,Dobro,Gorno,Zapadno,Vostochno,"
    "Cherno,Sveto,Tikho,Zlato,Priv",
    "kamen,ural,volzh,les,ozer,berez,sosn,polyan,dubrav,luzh,zelen,aleks,nikol,petrov,pavlov,ivan,dmitrov,mikhay,"
    "serge,uglich,tagil,don",
    "sk,ovo,ino,gorsk,ovka,grad,ets,noye",
)]
OTHER = [parts.split(",") for parts in (
    "Kar,Ak,Yeni,Lah,Jar,Kuv,Zen,Mas,Bal,Lim", "dal,mar,kos,van,ter,bey,lin,sal,rik,hal", ",la,pe,ur,en,li",
)]
TOPICS = ("business", "entertainment", "politics", "sport", "tech", "covid", "movie")
FULL_POSTS = 7_023
# First and last id; never viewed, then posts on each level of VIEW_LEVELS; share of all views, of the views of kind B;
# like rate (business and entertainment are what the others leave of the mean).
TOPIC_FACTS = {
    "business": (1, 540, (52, 150, 225, 15, 50, 18), 0.063, 0.073, 0.126),
    "entertainment": (541, 938, (6, 90, 235, 10, 45, 0), 0.051, 0.046, 0.126),
    "politics": (939, 1380, (0, 16, 80, 38, 100, 183), 0.101, 0.160, 0.113),
    "sport": (1381, 1917, (0, 24, 106, 21, 12, 347), 0.134, 0.180, 0.123),
    "tech": (1918, 2332, (93, 155, 105, 5, 43, 0), 0.040, 0.055, 0.089),
    "covid": (2333, 4203, (38, 988, 410, 1, 304, 58), 0.240, 0.226, 0.120),
    "movie": (4205, 7319, (3, 2165, 367, 15, 450, 0), 0.370, 0.260, 0.121),
}
VIEW_LEVELS = np.array([0, 6_800, 8_500, 12_500, 16_500, 22_000])  # views per post at full size
POPULAR_LEVEL = 3  # posts on this level or above are popular
# Of the posts that are not popular some are hits all the same; of the popular ones few fall behind.
HIT_SHARE, HIT_FACTOR = 0.2, 1.4
POST_SPREAD = 0.09  # of all other differences between posts
THEMES = 6  # per topic; themes go with levels, but for THEME_NOISE of the posts
THEME_NOISE = 0.2
KIND_B = ((25, 0.32), (34, 0.46))  # from this age on, the share of kind B


@dataclass
class Users:
    """Profiles, one entry per user in order of id; codes index COUNTRIES and `city_names()`."""

    user_id: np.ndarray
    gender: np.ndarray
    age: np.ndarray
    country: np.ndarray
    city: np.ndarray
    exp_group: np.ndarray
    is_android: np.ndarray
    is_ads: np.ndarray
    kind: np.ndarray  # 0: A, 1: B
    own: np.ndarray  # standard normal: the user's own inclination to like

    def __len__(self) -> int:
        return len(self.user_id)


@dataclass
class Posts:
    """The catalogue, one entry per post in order of id; topic indexes TOPICS, level VIEW_LEVELS."""

    post_id: np.ndarray
    topic: np.ndarray
    level: np.ndarray
    theme: np.ndarray
    quality: np.ndarray  # the post's own factor

    def __len__(self) -> int:
        return len(self.post_id)

    @property
    def popular(self) -> np.ndarray:
        return (self.level >= POPULAR_LEVEL).astype(np.int8)


@functools.cache
def city_names() -> tuple[list[str], list[int]]:
    """Return the names of all cities, grouped by country, and each country's first index (with the end)."""
    slavic = (first + stem + end for end in SLAVIC[2] for stem in SLAVIC[1] for first in SLAVIC[0])
    other = (first + stem + end for end in OTHER[2] for stem in OTHER[1] for first in OTHER[0])
    names, starts = [], [0]
    for country, (_, count) in COUNTRIES.items():
        head = CITIES[country].split(",")
        tail = slavic if country in ("Russia", "Ukraine", "Belarus", "Kazakhstan") else other
        names += head + [next(tail) for _ in range(count - len(head))]
        starts.append(len(names))
    return names, starts


def make_users(seed: int, count: int) -> Users:
    """Draw profiles; user i is the same in every world of this seed."""
    starts = city_names()[1]
    users_by_country = np.array([users for users, _ in COUNTRIES.values()], float)
    columns: dict[str, list[np.ndarray]] = {}
    for chunk in range(-(-count // USER_CHUNK)):
        rng = np.random.default_rng([seed, 1, chunk])
        draw = rng.random((8, USER_CHUNK))
        age = np.interp(draw[0], *AGE_QUANTILES).astype(np.int16)
        country = np.searchsorted(
            np.cumsum(users_by_country) / FULL_USERS, draw[1], side="right"
        ).clip(max=len(COUNTRIES) - 1)
        city = np.zeros(USER_CHUNK, np.int16)
        for code, (_, cities) in enumerate(COUNTRIES.values()):
            weights = 1 / (np.arange(cities) + 4.0)
            if code == 0:  # Moscow is its own case
                weights[0] = 0
                weights *= (1 - MOSCOW) / weights.sum()
                weights[0] = MOSCOW
            chosen = country == code
            place = np.searchsorted(np.cumsum(weights / weights.sum()), draw[2][chosen], side="right")
            city[chosen] = starts[code] + place.clip(max=cities - 1)
        share_b = np.select([age >= since for since, _ in KIND_B[::-1]], [share for _, share in KIND_B[::-1]], 0)
        values = {
            "gender": draw[3] < GENDER_1, "age": age, "country": country.astype(np.int8), "city": city,
            "exp_group": (draw[4] * 5).astype(np.int8), "is_android": draw[5] < ANDROID, "is_ads": draw[6] < ADS,
            "kind": (draw[7] < share_b).astype(np.int8), "own": rng.standard_normal(USER_CHUNK, np.float32),
        }
        for name, value in values.items():
            columns.setdefault(name, []).append(value)
    row = np.arange(count)
    user_id = FIRST_USER + row * (LAST_USER - FIRST_USER) // (FULL_USERS - 1)
    return Users(user_id, **{name: np.concatenate(parts)[:count] for name, parts in columns.items()})


def _scaled(counts: Sequence[int], total: int) -> np.ndarray:
    """Scale counts to a total, by largest remainder."""
    exact = np.array(counts) * total / sum(counts)
    result = np.floor(exact).astype(int)
    result[np.argsort(result - exact, kind="stable")[: total - result.sum()]] += 1
    return result


def make_posts(seed: int, count: int) -> Posts:
    """Draw the catalogue: ids in blocks by topic, views in levels, themes that go with the levels."""
    rng = np.random.default_rng([seed, 2])
    by_topic = _scaled([sum(facts[2]) for facts in TOPIC_FACTS.values()], count)
    parts, first = [], 1
    for code, ((start, end, levels, *_), size) in enumerate(zip(TOPIC_FACTS.values(), by_topic, strict=True)):
        if count == FULL_POSTS:
            inner = np.random.default_rng(start).permutation(np.arange(start + 1, end))[: size - 2]
            ids = np.sort(np.append(inner, (start, end)))
        else:
            ids = np.arange(first, first + size)
        first += size
        level = np.repeat(np.arange(len(VIEW_LEVELS)), _scaled(levels, size))
        theme = np.arange(size) * THEMES // max(size, 1)
        astray = rng.random(size) < THEME_NOISE
        theme[astray] = rng.integers(0, THEMES, astray.sum())
        order = rng.permutation(size)
        parts.append((ids, np.full(size, code), level[order], theme[order]))
    post_id, topic, level, theme = (np.concatenate(column) for column in zip(*parts, strict=True))
    is_popular = level >= POPULAR_LEVEL
    is_hit = ~is_popular & (rng.random(count) < HIT_SHARE)
    lag = rng.exponential(1, count).clip(max=3)
    spread = np.where(is_popular, -lag, rng.uniform(-1, 1, count))
    quality = np.where(is_hit, HIT_FACTOR, 1) * (1 + POST_SPREAD * spread)
    group = topic * 2 + is_popular
    quality /= (np.bincount(group, quality) / np.bincount(group).clip(min=1))[group]
    return Posts(post_id, topic.astype(np.int8), level.astype(np.int8), theme.astype(np.int8), quality)


def view_weights(posts: Posts, share_b: float) -> np.ndarray:
    """Return the share of each post in the views of kind A and of kind B (2, posts)."""
    weight = VIEW_LEVELS[posts.level].astype(float)
    result = np.zeros((2, len(posts)))
    for code, (*_, share, topic_b, _) in enumerate(TOPIC_FACTS.values()):
        here = posts.topic == code
        views = np.where(here, weight, 0)
        views *= share / max(views.sum(), 1)
        popular, other = views[posts.popular == 1].sum(), views[posts.popular == 0].sum()
        # B sees other posts nearly as often as A does; popular ones make up what B's topic share demands.
        b_other = min(0.9 * share_b, share_b * topic_b / other)
        b_popular = (share_b * topic_b - b_other * other) / popular
        of_b = np.where(posts.popular == 1, b_popular, b_other)
        result += views * np.stack([1 - of_b, of_b])
    return result / result.sum(1, keepdims=True)
