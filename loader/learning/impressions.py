"""Impressions of past days with their features, and whether they were liked.

Features are as of the midnight before, as a request on that day has them; those of LIVE_COLUMNS are as of the
impression itself, of what was strictly before it. Every label lies at or after the cut-off of its features.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.features import Encoders, join_fresh_posts, load_events, load_pack, load_users
from loader.learning.split import in_sample, midnight
from loader.terminal import progress
from plpy.columns import APPEAL, DAY_SECONDS, SCORE, needs_catalogue, needs_live
from plpy.features import feature_values, request_columns
from plpy.live import KINDS, Counts, base_counts, halved, live_columns, microseconds
from plpy.moment import Events
from plpy.pack import Pack


class NoImpressions(PgfeedError):
    """There is not one impression."""


@dataclass
class Impressions:
    """Impressions with their features, one row each, in the order of day, user and position.

    features is float32 of shape (rows, names); request numbers the user-days from 0; at is the moment of the view in
    unix seconds; position is the impression's place in its user's day, from 0, as in pgfeed.place_effects; weight is
    float32, see pgfeed.actions.
    """

    names: list[str]
    features: np.ndarray
    user_ids: np.ndarray
    post_ids: np.ndarray
    days: np.ndarray
    request: np.ndarray
    position: np.ndarray
    is_liked: np.ndarray
    weight: np.ndarray
    at: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """Return one feature of all rows."""
        return self.features[:, self.names.index(name)]

    def take(self, mask: np.ndarray) -> "Impressions":
        """Return those rows where the mask is true."""
        arrays = (
            self.features, self.user_ids, self.post_ids, self.days, self.request, self.position, self.is_liked,
            self.weight, self.at,
        )
        return Impressions(self.names, *(array[mask] for array in arrays))


def joined(parts: list[Impressions]) -> Impressions:
    """Return the rows of all parts, which have the same names, with requests numbered through."""
    names = [name for name in vars(parts[0]) if name != "names"]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    firsts = np.cumsum([0, *(part.request.max() + 1 for part in parts[:-1])])
    columns["request"] = np.concatenate([part.request + first for part, first in zip(parts, firsts)])
    return Impressions(parts[0].names, **columns)


def load_day(connection: Connection, day: date, share: float, least_views: int = 1) -> list[np.ndarray]:
    """Return user_ids, post_ids, moments, positions, labels and weights of a day's impressions, by user and time.

    Moments are float64 unix seconds. share: of the users, whose impressions are taken; least_views: of a user on
    that day.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            select v.user_id, v.post_id, extract(epoch from v.viewed_at)::float8, v.position, v.is_liked, v.weight
            from (
                select i.user_id, i.post_id, i.viewed_at, i.weight,
                    row_number() over (partition by i.user_id order by i.viewed_at, i.post_id) - 1 as position,
                    i.is_liked, coalesce(l.liked_at >= i.viewed_at, true) as is_new, -- others are never recommended
                    count(*) filter (where coalesce(l.liked_at >= i.viewed_at, true)) over (partition by i.user_id)
                        as view_count
                from pgfeed.impressions as i
                left join pgfeed.liked_posts as l on l.user_id = i.user_id and l.post_id = i.post_id
                where viewed_at >= %(start)s and viewed_at < %(end)s and {in_sample("i.user_id")}
            ) as v
            where v.is_new and v.view_count >= %(least)s
            order by v.user_id, v.viewed_at, v.post_id
            """,
            {"start": midnight(day), "end": midnight(day) + timedelta(days=1), "share": share, "least": least_views},
        )
        rows = cursor.fetchall()
    types = (np.int64, np.int64, np.float64, np.int64, np.int64, np.float32)
    return [np.array(column, kind) for column, kind in zip(zip(*rows) if rows else [()] * len(types), types)]


def values_at(
    name: str, pack: Pack, requests: dict, places: np.ndarray, rows: np.ndarray, since: np.ndarray
) -> np.ndarray:
    """Return feature_values(), with a post's age as of each row; since: days from the cut-off to its moment."""
    if name == APPEAL:
        return pack.appeal_at(places, since)
    if name == SCORE:
        return feature_values("match.preference", pack, requests, places, rows) + pack.appeal_at(places, since)
    return feature_values(name, pack, requests, places, rows)


def load_live(
    connection: Connection, pack: Pack, day: date, names: list[str], places: np.ndarray, at: np.ndarray
) -> dict[str, np.ndarray]:
    """Return those of LIVE_COLUMNS that are named, float32, of posts at places of a day's pack, each at its moment.

    at: unix seconds; a place of -1 has the values of no post.
    """
    if not needs_live(names):
        return {}
    start = midnight(day)
    events = load_events(connection, pack, day, start + timedelta(days=1))
    return live_columns(pack, places, counts_of_each(pack, events, places, at - start.timestamp()), names)


def counts_of_each(pack: Pack, events: Events, places: np.ndarray, seconds: np.ndarray) -> Counts:
    """Return the Counts of posts at places of a pack, each with the events strictly before its own seconds.

    places, seconds: one of each for every row; events of one day at most after the cut-off.
    """
    order = np.lexsort((events.seconds, events.places))
    of_posts, sorted_seconds = events.places[order], events.seconds[order]
    found = last_before(of_posts, microseconds(sorted_seconds), places, microseconds(seconds))
    starts = np.flatnonzero(np.diff(of_posts, prepend=-1))
    ends = np.append(starts[1:], len(order))
    has_event, left, grown = found >= 0, halved(seconds), 1 / halved(sorted_seconds)
    counts = {kind: base_counts(pack)[kind][:, places] * left for kind in KINDS}
    for kind in KINDS:
        for number, weights in enumerate(grown):
            running = events.counts[kind][order] * weights
            for start, end in zip(starts.tolist(), ends.tolist()):  # apart, as one sum of all would lose the small ones
                np.cumsum(running[start:end], out=running[start:end])
            counts[kind][number, has_event] += running[found[has_event]] * left[number, has_event]
    first, last = np.full(len(places), np.inf), np.full(len(places), -np.inf)
    first[has_event] = sorted_seconds[starts[np.searchsorted(starts, found[has_event], side="right") - 1]]
    last[has_event] = sorted_seconds[found[has_event]]
    return Counts(counts, first, last, seconds)


def last_before(of_posts: np.ndarray, at: np.ndarray, places: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Return for each place and moment the index of the last event of the post strictly before it, -1: there is none.

    of_posts, at: of the events, in the order of both; moments in their unit.
    """
    span = max(int(at.max(initial=0)), int(moments.max(initial=0))) + 1
    found = np.searchsorted(of_posts * span + at, places * span + moments) - 1
    if not len(of_posts):
        return found
    return np.where((found >= 0) & (of_posts[found] == places), found, -1)


def load(
    connection: Connection, days: list[date], names: list[str], encoders: Encoders, share: float = 1.0,
    title: str = "features", least_views: int = 1,
) -> Impressions:
    """Return the impressions of a share of the users on these days, with the named features.

    least_views: of a user on a day, for the impressions to be taken.
    """
    if needs_catalogue(names):
        raise PgfeedError(
            "the model has features of a request for all posts",
            "views of the past have none; --negatives trains such models",
            "pgfeed evaluate full VARIANT",
        )
    parts, first_request = [], 0
    with progress(title, len(days)) as advance:
        for day in days:
            user_ids, post_ids, at, positions, labels, weights = load_day(connection, day, share, least_views)
            if len(user_ids):
                pack = load_pack(connection, day, encoders, names)
                pack = join_fresh_posts(connection, pack, day, np.unique(post_ids[pack.locate(post_ids) < 0]))
                post_rows = pack.locate(post_ids)
                kept = post_rows >= 0
            if len(user_ids) and kept.any():  # a pack without posts has no features
                users, first, rows = np.unique(user_ids, return_index=True, return_inverse=True)
                user_rows = load_users(connection, midnight(day), users.tolist())
                requests = request_columns(user_rows, pack, encoders, names)
                requests["time.hour"] = (at[first] // 3600 % 24).astype(np.float32)
                requests["time.weekday"] = np.full(len(users), day.isoweekday(), np.float32)
                since = ((at - midnight(day).timestamp()) / DAY_SECONDS).astype(np.float32)
                live = load_live(connection, pack, day, names, post_rows, at)
                features = np.column_stack([
                    live[name] if name in live else values_at(name, pack, requests, post_rows, rows, since)
                    for name in names
                ])
                dates = np.full(len(kept), np.datetime64(day))
                labels = labels.astype(bool)
                columns = (features, user_ids, post_ids, dates, rows + first_request, positions, labels, weights, at)
                parts.append([column[kept] for column in columns])
                first_request += len(users)
            advance(1)
    connection.commit()  # nothing is held open while a model is fitted
    if not parts:
        days_in_words = f"none from {days[0]} to {days[-1]}"
        next_step = "pgfeed train VARIANT --negatives 100"  # likes are enough
        raise NoImpressions("there are no impressions to learn from", days_in_words, next_step)
    return Impressions(names, *(np.concatenate(column) for column in zip(*parts)))
