"""The simple rules that a model has to beat, each with what is known just before the moment that it is asked at."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.learning import features
from loader.learning.features import join_fresh_posts, load_events, load_pack
from loader.learning.impressions import Impressions, counts_of_each, load_day
from loader.learning.requests import Likes, later_likes
from loader.learning.split import Split, first_held_out, midnight, user_share
from loader.metrics import Ranking, compact, places_of, request_auc
from loader.terminal import progress
from plpy.columns import DAY_SECONDS
from plpy.live import ages

PRIOR_VIEWS = 100
PRIOR_RATE = 0.1
UNKNOWN_BIRTH = -1e18
# By name, in the order of live.LIVE_WINDOWS.
HALF_LIVES = {
    **{words: f"post.decayed_like_count_{name}" for words, name in features.HALF_LIVES.items()},
    "forever": "post.like_count",
}
MAX_VALIDATION_VIEWS = 100_000
MAX_VALIDATION_USERS = 1000


@dataclass
class HalfLife:
    """The half-life with which decayed popularity is best on the validation days; days: the first and the last."""

    name: str
    days: tuple[date, date]

    @property
    def sentence(self) -> str:
        """What the choice was, for people."""
        return f"decayed popularity: half-life {self.name}, chosen on the days from {self.days[0]} to {self.days[1]}"


class Moments:
    """Views, likes and age of posts just before each view of a day, of posts that a request on the day has.

    is_known: which of the views are of such a post; what follows has one value for each of these.
    """

    def __init__(self, connection: Connection, day: date, post_ids: np.ndarray, at: np.ndarray):
        """post_ids and at, unix seconds: one each per view."""
        pack = load_pack(connection, day, {})
        self.pack = join_fresh_posts(connection, pack, day, np.unique(post_ids[pack.locate(post_ids) < 0]))
        places = self.pack.locate(post_ids)
        self.is_known = places >= 0
        self.places, self.at = places[self.is_known], at[self.is_known]
        events = load_events(connection, self.pack, day, midnight(day) + timedelta(days=1))
        self.counts = counts_of_each(self.pack, events, self.places, self.at - midnight(day).timestamp())

    def column(self, name: str) -> np.ndarray:
        """Return a column as of midnight; of a post that came later the median."""
        values = self.pack.columns[name]
        return np.where(np.isnan(values), np.nanmedian(values), values)[self.places]

    def now(self, action: str) -> np.ndarray:
        """Return how often each view's post was viewed or liked before it; action: view or like."""
        return self.counts.counts[action][-1]

    def like_rate(self) -> np.ndarray:
        """Return likes over views before each view, smoothed by 100 average views."""
        views, likes = (float(np.nansum(self.pack.columns[f"post.{action}_count"])) for action in ("view", "like"))
        rate = likes / views if views else PRIOR_RATE
        return (self.now("like") + PRIOR_VIEWS * rate) / (self.now("view") + PRIOR_VIEWS)

    def decayed_likes(self, half_life: str) -> np.ndarray:
        """Return the likes before each view, halved with each half-life since."""
        return self.counts.counts["like"][list(HALF_LIVES).index(half_life)]

    def births(self) -> np.ndarray:
        """Return when each view's post was made, else its first event, in unix seconds; long ago where neither is."""
        counts = self.counts
        age, _ = ages(self.pack, self.places, counts.first, counts.last, counts.seconds)
        return np.where(np.isnan(age), UNKNOWN_BIRTH, self.at - DAY_SECONDS * age)


def scores(connection: Connection, rows: Impressions, half_life: str) -> dict[str, np.ndarray]:
    """Return the score of each impression by each rule."""
    parts = []
    days = np.unique(rows.days)
    with progress("baselines", len(days)) as advance:
        for day in days:
            is_day = rows.days == day
            counts = Moments(connection, day.item(), rows.post_ids[is_day], rows.at[is_day])
            parts.append((is_day, {
                "most popular": counts.column("post.like_count"),
                "best like rate": counts.column("post.like_rate"),
                "best recent like rate": counts.column("post.decayed_like_rate_7d"),
                "newest first": counts.births(),
                "live like rate": counts.like_rate(),
                "decayed popularity": counts.decayed_likes(half_life),
            }))
            advance(1)
    connection.commit()
    found = {name: np.empty(len(rows.post_ids)) for name in parts[0][1]}
    for is_day, values in parts:
        for name, column in values.items():
            found[name][is_day] = column
    return found


def validation_days(split: Split) -> list[date]:
    """Return the last days before the held-out ones, of as large a share of the views before as those are of all."""
    first = first_held_out(split.history) if len(split.history) > 1 else split.day - timedelta(days=1)
    return [day for day in split.history if day >= first]


def choose_for_views(connection: Connection, split: Split, least_views: int) -> HalfLife:
    """Return the half-life with the best AUC within the user-days of validation; the longest of the best."""
    days = validation_days(split)
    share = user_share(sum(split.views[day] for day in days), MAX_VALIDATION_VIEWS)
    found: dict[str, list[np.ndarray]] = {name: [] for name in HALF_LIVES}
    users, labels = [], []
    with progress("half-lives", len(days)) as advance:
        for number, day in enumerate(days):
            user_ids, post_ids, at, _, is_liked, _ = load_day(connection, day, share, least_views)
            if len(user_ids):
                counts = Moments(connection, day, post_ids, at)
                for name, values in found.items():
                    values.append(counts.decayed_likes(name))
                known_users = user_ids[counts.is_known]
                users.append(np.stack([np.full(len(known_users), number), known_users]))
                labels.append(is_liked[counts.is_known].astype(bool))
            advance(1)
    connection.commit()
    if not users:
        return HalfLife("forever", (days[0], days[-1]))
    request = np.unique(np.concatenate(users, axis=1), axis=1, return_inverse=True)[1].ravel()
    is_liked = np.concatenate(labels)
    aucs = {name: request_auc(np.concatenate(values), compact(request), is_liked) or 0.5
            for name, values in found.items()}
    return HalfLife(max(reversed(HALF_LIVES), key=lambda name: aucs[name]), (days[0], days[-1]))


def choose_for_catalogue(connection: Connection, split: Split, likes: Likes) -> HalfLife:
    """Return the half-life that ranks the whole catalogue best as of the first validation day, by NDCG@10."""
    days = validation_days(split)
    start, end = midnight(days[0]).timestamp(), midnight(split.day).timestamp()
    pack = load_pack(connection, days[0], {})
    connection.commit()
    places: dict[str, list[np.ndarray]] = {name: [] for name in HALF_LIVES}
    users, counts = [], []
    for request in later_likes(likes, start, end, MAX_VALIDATION_USERS):
        targets = pack.places(request.targets)
        if len(targets):
            before = likes.before(request.user_id, start)
            users.append(request.user_id)
            counts.append(len(targets))
            for name, column in HALF_LIVES.items():
                places[name].append(places_of(pack.columns[column], targets, pack.places(before)))
    if not users:
        return HalfLife("forever", (days[0], days[-1]))
    rankings = {name: Ranking(np.array(users), own, np.array(counts)) for name, own in places.items()}
    ndcg = {name: ranking.metrics()["NDCG@10"].mean() for name, ranking in rankings.items()}
    return HalfLife(max(reversed(HALF_LIVES), key=lambda name: ndcg[name]), (days[0], days[-1]))
