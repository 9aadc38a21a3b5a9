"""Past requests for the whole catalogue, and the ranking that a model would have answered with.

A request is a user who liked something before, at a moment; its targets are the next post that the user likes, or all
that the user likes anew within a horizon. Every feature is as of the request's moment. It stands before what the user
does with the target in the hour before the like, such as viewing it, which gives the like away.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby

import numpy as np
from catboost import CatBoost
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.features import (
    Encoders,
    columns_at,
    feature_matrix,
    join_posts_of_day,
    load_events,
    load_pack,
    load_users,
)
from loader.learning.model import predict
from loader.learning.split import in_sample, midnight
from loader.metrics import Ranking, best_places, places_of
from loader.terminal import progress
from plpy.columns import DAY_SECONDS, PAIR_COLUMNS, needs_live
from plpy.live import Counts, live_of_request, microseconds
from plpy.moment import Events, moment_columns
from plpy.pack import Pack
from plpy.seen import KEY as SEEN
from plpy.seen import VIEWED

MAX_LIKES = 400_000
UNKNOWN_AGE = 1e9


@dataclass
class Likes:
    """The first like of each user and post before a moment, in the order of time; at is in unix seconds.

    found_at: of the first event of the user with the post within the like window before the like, else of the like.
    """

    user_ids: np.ndarray
    post_ids: np.ndarray
    at: np.ndarray
    found_at: np.ndarray
    gone_days: np.ndarray = field(default_factory=lambda: np.empty(0, int))  # since 1970: their events are gone

    def before(self, user_id: int, at: float) -> np.ndarray:
        """Return the ids of the posts that a user liked before a moment."""
        until = np.searchsorted(self.at, at)
        return self.post_ids[:until][self.user_ids[:until] == user_id]

    def has_features(self, at: np.ndarray) -> np.ndarray:
        """Return of each moment whether features as of it can be computed, as pgfeed._live_from() decides."""
        day, seconds = np.divmod(at, DAY_SECONDS)
        return ~(np.isin(day - 1, self.gone_days) | (np.isin(day, self.gone_days) & (seconds > 0)))


@dataclass
class Request:
    """A user at a moment (unix seconds) and the posts to find."""

    user_id: int
    at: float
    targets: np.ndarray


Scorer = Callable[[Request, Pack, dict], np.ndarray]  # gives a score for each post of the pack


def load_likes(connection: Connection, until: datetime | None = None) -> Likes:
    """Return the first likes before a moment that were not taken back before it, of posts in the catalogue.

    Of a share of the users beyond 400,000 likes.
    """
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(sum(like_count), 0) from pgfeed.rollup_days")
        share = min(1.0, MAX_LIKES / max(cursor.fetchone()[0], 1))
        cursor.execute(
            f"""
            select l.user_id, l.post_id, extract(epoch from l.liked_at)::float8,
                extract(epoch from coalesce(min(e.event_at), l.liked_at))::float8
            from pgfeed.likes as l
            join pgfeed.posts as p on p.post_id = l.post_id
            left join pgfeed.feed_events as e on e.user_id = l.user_id and e.post_id = l.post_id
                and e.event_at between l.liked_at - pgfeed._like_window() and l.liked_at
            where l.liked_at < coalesce(%(until)s, timestamptz 'infinity')
                and (l.unliked_at is null or l.unliked_at >= %(until)s) and {in_sample("l.user_id")}
            group by l.user_id, l.post_id, l.liked_at
            order by 3, 1, 2
            """,
            {"until": until, "share": share},
        )
        rows = cursor.fetchall()
        cursor.execute("select d.day - date '1970-01-01' from pgfeed.rollup_days as d where d.is_gone")
        gone_days = np.array([row[0] for row in cursor.fetchall()], int)
    if not rows:
        raise PgfeedError(
            "there is nothing to learn from", "no post of the catalogue was liked",
            "pgfeed ingest FILE... && pgfeed refresh",
        )
    user_ids, post_ids, at, found_at = zip(*rows)
    return Likes(np.array(user_ids), np.array(post_ids), np.array(at), np.array(found_at), gone_days)


def next_likes(likes: Likes, start: float, end: float, count: int, seed: int = 0) -> list[Request]:
    """Return requests just before likes in [start, end), of users with an earlier like: `count` of them, by time.

    They stand where the user found the post. Likes of one user found in the same second belong to one request: none of
    them comes before the other.
    """
    first = dict(zip(likes.user_ids[::-1].tolist(), likes.at[::-1].tolist()))
    targets: dict[tuple, list] = {}
    between = slice(*np.searchsorted(likes.at, [start, end]))
    columns = (likes.user_ids, likes.post_ids, likes.found_at, likes.has_features(likes.found_at))
    for user, post, at, has_features in zip(*(a[between].tolist() for a in columns)):
        if has_features and first[user] < at:
            targets.setdefault((at, user), []).append(post)
    keys = sample(sorted(targets), count, seed)
    return [Request(user, at, np.array(targets[at, user])) for at, user in keys]


def later_likes(likes: Likes, cut_off: float, end: float, count: int, seed: int = 0) -> list[Request]:
    """Return requests at a cut-off, of users with a like before it and new ones until `end`: `count` of them.

    What a user had found before the cut-off is not a target.
    """
    if not likes.has_features(np.array(cut_off)):
        return []
    lower, upper = np.searchsorted(likes.at, [cut_off, end])
    earlier = set(likes.user_ids[:lower].tolist())
    targets: dict[int, list] = {}
    columns = (likes.user_ids, likes.post_ids, likes.found_at)
    for user, post, found_at in zip(*(a[lower:upper].tolist() for a in columns)):
        if user in earlier and found_at >= cut_off:
            targets.setdefault(user, []).append(post)
    return [Request(user, cut_off, np.array(targets[user])) for user in sample(sorted(targets), count, seed)]


def sample(values: list, count: int, seed: int) -> list:
    """Return `count` of the values in their order, all if there are fewer."""
    if len(values) <= count:
        return values
    return [values[i] for i in np.sort(np.random.default_rng(seed).choice(len(values), count, replace=False))]


@dataclass
class Prepared:
    """A request with what is known at its moment but for categories, which each model encodes in its own way.

    row: of the user; columns: those that need no encoding; excluded: places of what the user liked before, and of
    posts that came later on the day.
    """

    request: Request
    pack: Pack
    row: dict
    columns: dict
    excluded: np.ndarray

    def encoded(self, encoders: Encoders) -> dict:
        """Return all columns of the request, and let the pack be encoded in the same way."""
        self.pack.encode(encoders)
        return columns_at(self.row, self.pack, encoders, moment_of(self.request)) | self.columns


def moment_of(request: Request) -> datetime:
    """Return when a request is."""
    return datetime.fromtimestamp(request.at, UTC)


def prepared(
    connection: Connection, requests: list[Request], title: str, names: Collection[str] = ()
) -> Iterator[Prepared]:
    """Yield the requests in the order of time, each with the pack of its day and the posts that came on it.

    Its columns are those that names need, and all that compare posts with the catalogue at the moment.
    """
    ordered = sorted(requests, key=lambda request: request.at)
    with progress(title, len(ordered)) as advance:
        for day, of_day in groupby(ordered, lambda request: moment_of(request).date()):
            for each in prepared_of_day(connection, day, list(of_day), names):
                yield each
                advance(1)


def prepared_of_day(
    connection: Connection, day: date, requests: list[Request], names: Collection[str]
) -> Iterator[Prepared]:
    """Yield the requests of one day, which are in the order of time."""
    pack, until = load_pack(connection, day, {}, names, has_neighbours=True), moment_of(requests[-1])
    pack, there_since = join_posts_of_day(connection, pack, day, until)
    of_day, start = load_events(connection, pack, day, until), midnight(day).timestamp()
    for at, of_moment in groupby(requests, lambda request: request.at):
        together = list(of_moment)
        users = sorted({request.user_id for request in together})
        rows = dict(zip(users, load_users(connection, moment_of(together[0]), users)))
        events = events_before(of_day, at - start)
        live = live_of_request(pack, Counts.of(pack).later(events, at - start), names) if needs_live(names) else {}
        for request in together:
            row = rows[request.user_id]
            columns = moment_columns(row, pack, events, at, start, PAIR_COLUMNS) | live
            excluded = np.union1d(pack.places(row["liked_post_ids"]), np.flatnonzero(there_since >= at))
            yield Prepared(request, pack, row, columns, excluded)


def events_before(events: Events, seconds: float) -> Events:
    """Return those of the events before so many seconds after the cut-off."""
    is_before = microseconds(events.seconds) < microseconds(np.float64(seconds))
    columns = (events.places, events.seconds, *events.counts.values())
    return Events(*(column[is_before] for column in columns))


def with_features(
    connection: Connection, requests: list[Request], encoders: Encoders, title: str, names: Collection[str] = ()
) -> Iterator[tuple[Request, Pack, dict, np.ndarray]]:
    """Yield each request, in the order of time: the pack of its day, its own columns, the places that it excludes.

    As in prepared(), with categories encoded.
    """
    for each in prepared(connection, requests, title, names):
        yield each.request, each.pack, each.encoded(encoders), each.excluded


def rank_all(
    connection: Connection, requests: list[Request], encoders: Encoders, scorers: dict, title: str,
    names: Collection[str] = (),
) -> dict:
    """Return the Ranking of each scorer, under the scorer's key."""
    users: list[int] = []
    counts: list[int] = []
    places: dict[object, list[np.ndarray]] = {key: [] for key in scorers}
    shown: dict[object, list[np.ndarray]] = {key: [] for key in scorers}
    for request, pack, columns, not_allowed in with_features(connection, requests, encoders, title, names):
        targets = pack.locate(request.targets)
        targets = targets[targets >= 0]
        if not len(targets):
            continue
        users.append(request.user_id)
        counts.append(len(targets))
        excluded = np.setdiff1d(not_allowed, targets)
        for key, score in scorers.items():
            scores = score(request, pack, columns)
            places[key].append(places_of(scores, targets, excluded))
            shown[key].append(best_places(scores, excluded))
    return {key: Ranking(np.array(users), own, np.array(counts), shown[key]) for key, own in places.items()}


def model_scorer(booster: CatBoost, names: list[str], encoders: Encoders) -> Scorer:
    """Return a scorer by a model; what a user viewed comes last if its encoders say so."""
    effect = encoders.get(SEEN, {}).get(VIEWED, 0.0)

    def score(request: Request, pack: Pack, columns: dict) -> np.ndarray:
        matrix = feature_matrix(names, pack, columns, np.arange(len(pack)))
        return predict(booster, matrix, threads=1) + effect * is_viewed(columns)

    return score


def is_viewed(columns: dict) -> np.ndarray:
    """Return which posts the user of a request's columns viewed before."""
    return columns["pair.view_count"][0] > 0


def column_scorer(name: str) -> Scorer:
    """Return a scorer by one feature."""
    return lambda request, pack, columns: columns[name][0]


def newest_first(ages: Scorer) -> Scorer:
    """Return a scorer that puts the youngest posts first, and last those whose age nobody knows; ages: in days."""
    return lambda request, pack, columns: -np.nan_to_num(ages(request, pack, columns), nan=UNKNOWN_AGE)
