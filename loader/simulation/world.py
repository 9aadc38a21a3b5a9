"""The simulated social network: who its users are, what they see and what they like.

Every constant is a fact of the original network or follows from facts by `fit`, which scales the main effects until
the marginals agree. Nothing is tuned on how well a model does.

A view is liked with probability
    user factor (for popular or for other posts) * post factor * position * month * hour, at most LIKE_LIMIT,
where all factors but the user's have mean 1.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg2.extensions

from loader.errors import PgfeedError
from loader.server import db

VERSION = 2  # of the behaviour: worlds in a database made by another one cannot be continued
FIRST_DAY = date(2021, 10, 1)
DAYS = 90
FULL_USERS = 163_205
FIRST_USER, LAST_USER = 200, 168_552
USER_CHUNK = 4096
LIKE_LIMIT = 0.9

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
MONTH_RATES = {10: 0.094, 11: 0.125, 12: 0.140}

ACTIVE_DAYS = (6.5, 2.0), (18.2, 4.2)  # centre and width of the two humps
MEAN_ACTIVE_DAYS = 14.6
# Sessions: a sum of two uniform lengths, as the histogram of real ones shows; a few are cut short.
LONGEST_SESSION = 38
SHORT_SESSIONS = 0.008
HOURS = (6, 23)  # a session starts in this half-open range


def _position_factors() -> np.ndarray:
    position = np.arange(LONGEST_SESSION)
    rate = np.interp(position, (8, 18), (0.19, 0.06))
    shown = np.array([np.mean(np.add.outer(range(10, 20), range(10, 20)) > at) for at in position])
    return rate / np.average(rate, weights=shown)


def _hour_factors() -> np.ndarray:
    # What is seen at 6 h is seen early in a session: position alone makes it 1.17 times as likeable.
    rate = np.array([1.2] * 6 + [1.03, 1.0] + [0.95] * 11 + [1.0] + [1.2] * 3 + [1.1])
    shown = np.array([0] * 6 + [0.65] + [1] * 16 + [0.35])
    return rate / np.average(rate, weights=shown)


POSITION_FACTORS = _position_factors()
HOUR_FACTORS = _hour_factors()
MONTH_FACTORS = {
    month: rate / np.average(list(MONTH_RATES.values()), weights=(31, 30, 29)) for month, rate in MONTH_RATES.items()
}


def month_factor(moment: date) -> float:
    """Return the factor of a day's month; before the period its first month's, after it its last month's."""
    if moment < FIRST_DAY:
        return MONTH_FACTORS[10]
    return MONTH_FACTORS[moment.month] if moment < date(2022, 1, 1) else MONTH_FACTORS[12]


# ---------------------------------------------------------------------------------------------------- users and posts


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


# ------------------------------------------------------------------------------------------------------------ the fit


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


def user_factors(users: Users, effects: Effects) -> np.ndarray:
    """Return each user's like rate on other posts and on popular ones, at the mean of all else (users, 2)."""
    main = effects.group[users.exp_group] * effects.gender[users.gender.astype(int)]
    main *= effects.country[_country_class(users)] * effects.moscow[(users.city == 0).astype(int)]
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


# ---------------------------------------------------------------------------------------------------------- the world


@dataclass
class DayEvents:
    """What happens on one day, in order of time; users and posts as rows of the world's arrays."""

    day: int  # since FIRST_DAY
    second: np.ndarray  # of the day
    user: np.ndarray
    post: np.ndarray
    is_like: np.ndarray  # false: a view
    target: np.ndarray  # of a view: whether it was liked


def make_activity(seed: int, count: int, period: int) -> np.ndarray:
    """Choose everybody's active days of one period (users, DAYS): 2 to 24, in two humps, any days."""
    lengths = np.arange(2, 25)
    low, high = (np.exp(-(((lengths - centre) / width) ** 2) / 2) for centre, width in ACTIVE_DAYS)
    low, high = low / low.sum(), high / high.sum()
    share_low = (high @ lengths - MEAN_ACTIVE_DAYS) / (high @ lengths - low @ lengths)
    cumulative = np.cumsum(share_low * low + (1 - share_low) * high)
    active = np.empty((count, DAYS), bool)
    for chunk, start in enumerate(range(0, count, USER_CHUNK)):
        rng = np.random.default_rng([seed, 3, period, chunk])
        length = lengths[np.searchsorted(cumulative, rng.random(USER_CHUNK)).clip(max=len(lengths) - 1)]
        order = rng.random((USER_CHUNK, DAYS), np.float32).argsort(1).argsort(1)
        active[start:start + USER_CHUNK] = (order < length[:, None])[:count - start]
    return active


class World:
    """One simulated network: the same for the same seed and sizes, however it is generated.

    `user_factor` (users, 2) and `post_factor` (posts,) are the truth that likes are drawn from.
    """

    def __init__(self, seed: int, users: int, posts: int = FULL_POSTS):
        self.seed = seed
        self.users, self.posts = make_users(seed, users), make_posts(seed, posts)
        effects = fit()
        self.user_factor = user_factors(self.users, effects).astype(np.float32)
        self.post_factor = (effects.topic[self.posts.topic] * self.posts.quality).astype(np.float32)
        self.popular = self.posts.popular
        self._popular_share = popular_view_shares(self.users, effects)
        # Four ladders in one, each of height 1: other and popular posts of kind A, then of kind B.
        self._view_order = np.argsort(self.popular, kind="stable")
        weights = view_weights(self.posts, reference_share_b())[:, self._view_order]
        ladders = [np.where(self.popular[self._view_order] == popular, row, 0) for row in weights for popular in (0, 1)]
        self._view_cumulative = np.concatenate(
            [number + np.cumsum(row / row.sum()) for number, row in enumerate(ladders)]
        )
        self._activity: dict[int, np.ndarray] = {}

    @classmethod
    def load(cls, connection: psycopg2.extensions.connection) -> "World":
        """Return the world that the database holds, with the truth as it is stored there."""
        with connection.cursor() as cursor:
            cursor.execute("select to_regclass('simulation.worlds') is not null")
            row = None
            if cursor.fetchone()[0]:
                cursor.execute("select seed, user_count, post_count, version from simulation.worlds")
                row = cursor.fetchone()
            if row is None:
                raise PgfeedError(
                    "this database holds no simulated world", "its users are real or it is empty",
                    "pgfeed simulate --users 3000",
                )
            if row[3] != VERSION:
                raise PgfeedError(
                    f"the simulated world is of version {row[3]}", f"this program makes version {VERSION}",
                    db.emptying(),
                )
            world = cls(*row[:3])
            cursor.execute("select user_id, other_factor, popular_factor from simulation.users order by user_id")
            user_id, other, popular = np.array(cursor.fetchall()).reshape(-1, 3).T
            cursor.execute("select post_id, is_popular, factor from simulation.posts order by post_id")
            post_id, is_popular, factor = np.array(cursor.fetchall(), float).reshape(-1, 3).T
        if not (np.array_equal(user_id, world.users.user_id) and np.array_equal(post_id, world.posts.post_id)):
            raise PgfeedError(
                "the simulated world is incomplete", "its load was interrupted", "the same pgfeed simulate again"
            )
        world.user_factor = np.stack([other, popular], 1).astype(np.float32)
        world.popular, world.post_factor = is_popular.astype(np.int8), factor.astype(np.float32)
        return world

    def user_rows(self, user_ids: Sequence[int]) -> np.ndarray:
        return _rows(self.users.user_id, user_ids, "user")

    def post_rows(self, post_ids: Sequence[int]) -> np.ndarray:
        return _rows(self.posts.post_id, post_ids, "post")

    def like_probability(
        self, user: np.ndarray, post: np.ndarray, moment_factor: np.ndarray, position: np.ndarray
    ) -> np.ndarray:
        """Return the probability that each view is liked.

        user, post: rows of the world's arrays; moment_factor: month times hour; position in the session, from 0.
        All broadcast together: user (n, 1) with post (m,) gives (n, m).
        """
        result = self.user_factor[user, self.popular[post]] * self.post_factor[post]
        result = result * POSITION_FACTORS.astype(np.float32)[np.minimum(position, LONGEST_SESSION - 1)]
        return np.minimum(result * moment_factor, LIKE_LIMIT)

    def true_like_probability(self, user_id: int, post_ids: Sequence[int], moment: datetime) -> np.ndarray:
        """Return the probability that a user likes each post recommended at a moment (with a zone).

        Convention: a recommendation is shown at the start of a session. POSITION_FACTORS are the same for positions
        0 to 8, so the order of up to nine posts makes no difference.
        """
        return self.like_probability(
            self.user_rows([user_id]), self.post_rows(post_ids), moment_factors([moment]), np.array(0)
        )

    def draw_likes(
        self, user: np.ndarray, post: np.ndarray, moment_factor: np.ndarray, position: np.ndarray,
        rng: np.random.Generator
    ) -> np.ndarray:
        """Draw which views are liked; arguments as in `like_probability`."""
        probability = self.like_probability(user, post, moment_factor, position)
        return rng.random(probability.shape, np.float32) < probability

    def active_users(self, day: int) -> np.ndarray:
        """Return the rows of those who open the feed on a day (since FIRST_DAY; days past DAYS go on the same way)."""
        period = day // DAYS
        if period not in self._activity:
            self._activity = {period: make_activity(self.seed, len(self.users), period)}
        return np.flatnonzero(self._activity[period][:, day % DAYS])

    def day_events(
        self, day: int, recommend: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    ) -> DayEvents:
        """Generate one day: every session, view and like, in order of time.

        recommend: given the users (rows) and the second at which each opens the feed, in order of user, returns the
        different posts (rows) that each is shown first (sessions, k); the feed fills the rest of the session.
        """
        rng = np.random.default_rng([self.seed, 4, day])
        user = self.active_users(day).astype(np.int32)
        sessions = len(user)
        length = rng.integers(10, 20, (sessions, 2), np.int16).sum(1)
        cut = rng.random(sessions) < SHORT_SESSIONS
        length[cut] = rng.integers(1, 17, cut.sum())
        gap = rng.integers(10, 180, (sessions, LONGEST_SESSION), np.int16)
        shown = np.arange(LONGEST_SESSION) < length[:, None]
        offset = np.where(shown, gap, 0).cumsum(1, dtype=np.int32)
        start = rng.integers(HOURS[0] * 3600, HOURS[1] * 3600, sessions, np.int32)
        start = np.minimum(start, 86_399 - offset[:, -1])  # a session ends on the day that it began
        post = self._draw_posts(rng, user, shown, None if recommend is None else recommend(user, start))[shown]
        position = np.broadcast_to(np.arange(LONGEST_SESSION), shown.shape)[shown]
        user = np.repeat(user, length)
        next_second = (start[:, None] + offset)[shown]
        gap = gap[shown]
        second = next_second - gap
        month = np.float32(month_factor(FIRST_DAY + timedelta(days=day)))
        target = self.draw_likes(user, post, month * HOUR_FACTORS.astype(np.float32)[second // 3600], position, rng)
        # A like comes two seconds before the next view: U(8, 177) after its own.
        everything = np.append(second, next_second[target] - 2)
        order = np.argsort(everything, kind="stable")
        views = len(second)
        source = np.append(np.arange(views), np.flatnonzero(target))[order]
        is_like = order >= views
        return DayEvents(day, everything[order], user[source], post[source], is_like, target[source] & ~is_like)

    def _draw_posts(
        self, rng: np.random.Generator, user: np.ndarray, shown: np.ndarray, first: np.ndarray | None
    ) -> np.ndarray:
        """Draw the posts of each session (sessions, LONGEST_SESSION), none twice in one session."""
        kind, share = self.users.kind[user][:, None], self._popular_share[user][:, None]

        def draw(kind: np.ndarray, share: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
            height = rng.random(shape)
            popular = height < share
            height = np.where(popular, height / share, (height - share) / (1 - share))
            height = np.minimum(height, 1 - 1e-9) + (2 * kind + popular)
            place = np.searchsorted(self._view_cumulative, height, side="right")
            return self._view_order[place % len(self._view_order)].astype(np.int32)

        post = draw(kind, share, shown.shape)
        if first is not None:
            post[:, : first.shape[1]] = first
        post = np.where(shown, post, -1 - np.arange(LONGEST_SESSION, dtype=np.int32))
        pending = np.arange(len(user))
        while True:
            ordered = np.sort(post[pending], axis=1)
            pending = pending[(ordered[:, 1:] == ordered[:, :-1]).any(1)]
            if not len(pending):
                return post
            order = post[pending].argsort(axis=1, kind="stable")
            ordered = np.take_along_axis(post[pending], order, 1)
            row, column = np.nonzero(ordered[:, 1:] == ordered[:, :-1])
            repeated = pending[row], order[row, column + 1]
            post[repeated] = draw(kind[repeated[0], 0], share[repeated[0], 0], repeated[0].shape)

    def days(self, count: int = DAYS) -> Iterator[DayEvents]:
        for day in range(count):
            yield self.day_events(day)


def moment_factors(moments: Sequence[datetime]) -> np.ndarray:
    """Return month times hour of each moment, both taken in UTC."""
    utc = [moment.astimezone(UTC) for moment in moments]
    return np.array([month_factor(moment.date()) * HOUR_FACTORS[moment.hour] for moment in utc], np.float32)


def _rows(known: np.ndarray, wanted: Sequence[int], what: str) -> np.ndarray:
    wanted = np.asarray(wanted)
    rows = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    strangers = wanted[known[rows] != wanted]
    if len(strangers):
        raise PgfeedError(
            f"{what} {strangers[0]} is not of the simulated world", "its likes are unknown",
            "ask for one of simulation." + what + "s"
        )
    return rows
