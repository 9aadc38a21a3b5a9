"""The simple rules that a model has to beat, each with what is known just before the moment that it is asked at."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.learning.features import load_events, load_pack
from loader.learning.impressions import Impressions, load_day
from loader.learning.requests import Likes, later_likes
from loader.learning.split import Split, first_held_out, midnight, user_share
from loader.metrics import Ranking, compact, places_of, request_auc
from loader.terminal import progress
from plpy.columns import DAY_SECONDS, HALF_LIFE_HOURS
from plpy.moment import Events
from plpy.pack import Pack

PRIOR_VIEWS = 100
PRIOR_RATE = 0.1
UNKNOWN_BIRTH = -1e18
HALF_LIVES = {f"{hours} h" if hours < 24 else f"{hours // 24} d": f"post.decayed_like_count_{name}"
              for name, hours in HALF_LIFE_HOURS.items()} | {"forever": "post.like_count"}
HOURS = dict(zip(HALF_LIVES, [*HALF_LIFE_HOURS.values(), np.inf]))
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


class Running:
    """Sums over a day's events of the same post, strictly before each of a day's views.

    post and seconds (after midnight): one each per view; posts are numbers that events.places are, too.
    """

    def __init__(self, events: Events, post: np.ndarray, seconds: np.ndarray):
        self.count, self.events = len(post), events
        posts, at = np.concatenate([post, events.places]), np.concatenate([seconds, events.seconds])
        is_event = np.arange(len(posts)) >= len(post)
        self.order = np.lexsort((is_event, at, posts))  # a view before the events of its moment
        posts = posts[self.order]
        self.first = np.searchsorted(posts, posts)

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """Return for each view the sum of the weights of the events before it; weights: one per event."""
        sorted_weights = np.concatenate([np.zeros(self.count), weights])[self.order]
        running = np.concatenate([[0.0], np.cumsum(sorted_weights)])
        sums = np.empty(len(self.order))
        sums[self.order] = running[:-1] - running[self.first]
        return sums[:self.count]


class Counts:
    """Views, likes and age of the posts just before each view of a day: as of midnight and the events since."""

    def __init__(self, connection: Connection, day: date, post_ids: np.ndarray, at: np.ndarray):
        """post_ids and at, unix seconds: one each per view."""
        self.pack = load_pack(connection, day, {})
        ids, self.post = np.unique(post_ids, return_inverse=True)
        self.places = self.pack.locate(ids)
        self.midnight = midnight(day).timestamp()
        self.seconds = at - self.midnight
        events = load_events(connection, Pack(ids, [], None, {}), day, midnight(day) + timedelta(days=1))
        self.events, self.running = events, Running(events, self.post, self.seconds)
        self.created = created_at(connection, ids)

    def column(self, name: str, missing: float | None = 0.0) -> np.ndarray:
        """Return for each view a column as of midnight; missing: of posts that came later, None: the median."""
        values = self.pack.columns[name]
        values = np.append(values, np.median(values) if missing is None else missing).astype(np.float64)
        return values[self.places][self.post]

    def now(self, action: str) -> np.ndarray:
        """Return how often each view's post was viewed or liked before it; action: view or like."""
        return self.column(f"post.{action}_count") + self.running.sums(self.events.counts[action])

    def like_rate(self) -> np.ndarray:
        """Return likes over views before each view, smoothed by 100 average views."""
        views, likes = (float(self.pack.columns[f"post.{action}_count"].sum()) for action in ("view", "like"))
        rate = likes / views if views else PRIOR_RATE
        return (self.now("like") + PRIOR_VIEWS * rate) / (self.now("view") + PRIOR_VIEWS)

    def decayed_likes(self, half_life: str) -> np.ndarray:
        """Return the likes before each view, halved with each half-life since."""
        seconds = HOURS[half_life] * 3600
        since = self.running.sums(self.events.counts["like"] * np.exp2(self.events.seconds / seconds))
        return (self.column(HALF_LIVES[half_life]) + since) * np.exp2(-self.seconds / seconds)

    def births(self) -> np.ndarray:
        """Return when each view's post was made, else its first event, in unix seconds; long ago where neither is."""
        births = self.created[self.post]
        known = np.where(np.isnan(births), self.midnight - DAY_SECONDS * self.column("post.age_days", np.nan), births)
        first = np.full(len(self.created), np.inf)
        np.minimum.at(first, self.events.places, self.events.seconds)
        first = first[self.post]
        return np.where(np.isnan(known), np.where(first < self.seconds, self.midnight + first, UNKNOWN_BIRTH), known)


def created_at(connection: Connection, post_ids: np.ndarray) -> np.ndarray:
    """Return when the posts were made, unix seconds; NaN: not known."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select extract(epoch from p.created_at)::float8 from unnest(%s::bigint[]) with ordinality as o (id, n)"
            " left join pgfeed.posts as p on p.post_id = o.id order by o.n", [post_ids.tolist()],
        )
        return np.array([row[0] for row in cursor.fetchall()], np.float64)


def scores(connection: Connection, rows: Impressions, half_life: str) -> dict[str, np.ndarray]:
    """Return the score of each impression by each rule."""
    parts = []
    days = np.unique(rows.days)
    with progress("baselines", len(days)) as advance:
        for day in days:
            is_day = rows.days == day
            counts = Counts(connection, day.item(), rows.post_ids[is_day], rows.at[is_day])
            parts.append((is_day, {
                "most popular": counts.column("post.like_count"),
                "best like rate": counts.column("post.like_rate", None),
                "best recent like rate": counts.column("post.decayed_like_rate_7d", None),
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
                counts = Counts(connection, day, post_ids, at)
                for name, values in found.items():
                    values.append(counts.decayed_likes(name))
                users.append(np.stack([np.full(len(user_ids), number), user_ids]))
                labels.append(is_liked.astype(bool))
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
