"""What the lists of some days were like: how often they repeat, what of the catalogue they use, what they are worth.

The worth is computed from the world's true probabilities, so that there is no luck of the draw in it.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.metrics import TOP, bootstrap
from loader.simulation.world import LIKES, START, World, seconds_of

MOST_SERVED = 10
VECTORS = """
    select c.post_id, c.components::real[]
    from pgfeed.post_components as c
    where c.post_id = any(%s)
"""
PLACES = """
    with places as materialized (
        select x.exposure_id, x.user_id, x.served_at, p.post_id
        from pgfeed.exposures as x
        cross join lateral unnest(x.post_ids) as p (post_id)
        where x.served_at >= %(start)s and x.served_at < %(end)s
            and (%(arm)s::text is null or x.arm = %(arm)s)
    ),
    shown as (
        select s.user_id, s.post_id, min(s.shown_at) as first_at
        from (
            select v.user_id, v.post_id, v.event_at as shown_at
            from pgfeed.feed_events as v where v.action = 'view' and v.event_at < %(end)s
            union all
            select x.user_id, p.post_id, x.served_at
            from pgfeed.exposures as x cross join lateral unnest(x.post_ids) as p (post_id)
            where x.served_at < %(end)s
        ) as s
        where s.user_id in (select w.user_id from places as w)
        group by s.user_id, s.post_id
    )
    select w.user_id, w.post_id, w.served_at, s.first_at < w.served_at,
        dense_rank() over (order by w.user_id, w.served_at, w.exposure_id)
    from places as w
    join shown as s on s.user_id = w.user_id and s.post_id = w.post_id
"""


@dataclass
class Lists:
    """The lists that serve_posts gave on some days: arrays are of lists, by user and time; the rest of all.

    at: seconds since FIRST_DAY. hits: the true probability of a like among a list's posts, at the mean over the places
    in a session. distances: 1 less the mean cosine of the embeddings of two of its posts; NaN: fewer than two of them
    have one.
    """

    user_ids: np.ndarray
    at: np.ndarray
    hits: np.ndarray
    distances: np.ndarray
    places: int
    places_again: int
    posts: int
    catalogue: int
    places_of_ten: int

    def as_dict(self) -> dict:
        """Return the figures as shares, with a 95% bootstrap interval over users for the hits."""
        hits, low, high = bootstrap(self.hits, self.user_ids)
        return {
            "lists": len(self.hits), "distance": mean_of(self.distances),
            "shown_again": self.places_again / self.places, "posts": self.posts,
            "coverage": self.posts / self.catalogue, "ten_most_served": self.places_of_ten / self.places,
            "expected_hit_rate": hits, "expected_hit_rate_low": low, "expected_hit_rate_high": high,
        }


def read_lists(
    connection: Connection, world: World, start: datetime, end: datetime, arm: str | None = None
) -> Lists | None:
    """Return the lists served from start until before end, those of an arm if one is given; None if there are none.

    A place shows a post again if the user viewed it or was served it before: liked posts are never in a list.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(PLACES, {"start": start, "end": end, "arm": arm})
        rows = cursor.fetchall()
    if not rows:
        return None
    user_ids, post_ids, moments, is_again, lists = zip(*rows)
    user_ids, lists = np.array(user_ids), np.array(lists) - 1
    user, post = world.user_rows(user_ids), world.post_rows(post_ids)
    at = seconds_of(moments)
    chances = world.like_probability(user, post, at, None)
    counts = np.sort(np.unique(post_ids, return_counts=True)[1])[::-1]
    first = np.unique(lists, return_index=True)[1]
    hits = 1 - np.exp(np.bincount(lists, np.log1p(-chances.astype(float))))
    distances = distances_within(connection, lists, np.array(post_ids))
    return Lists(
        user_ids[first], at[first], hits, distances, len(rows), sum(is_again), len(counts), len(world.posts),
        int(counts[:MOST_SERVED].sum()),
    )


def best_lists(connection: Connection, world: World, lists: Lists) -> tuple[np.ndarray, np.ndarray]:
    """Return the true probability of a like among the best posts for each list's user at its moment, and those posts.

    (lists,) and rows of the world (lists, TOP). The best are of the posts that are there and that the user did not like
    before, by the world's truth: what an oracle would have shown in the network as it came to be.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(LIKES)
        likes = np.frombuffer(cursor.fetchone()[0] or b"", ">i8").reshape(-1, 3)
    likes = likes[np.lexsort((likes[:, 2], likes[:, 0]))]
    liked, liked_at = world.post_rows(likes[:, 1]), likes[:, 2] - START.timestamp()
    begin, end = (np.searchsorted(likes[:, 0], lists.user_ids, side) for side in ("left", "right"))
    users, posts = world.user_rows(lists.user_ids), np.arange(len(world.posts))
    hits, best = np.empty(len(users)), np.empty((len(users), TOP), int)
    for number, at in enumerate(lists.at):
        chances = world.like_probability(users[number:number + 1], posts, lists.at[number:number + 1], None)
        mine = slice(begin[number], end[number])
        chances[liked[mine][liked_at[mine] < at]] = 0
        chances[~world.mechanism.available(at / 86_400)] = 0
        best[number] = np.argpartition(-chances, TOP)[:TOP]
        hits[number] = 1 - np.prod(1 - chances[best[number]].astype(float))
    return hits, best


def distances_within(connection: Connection, lists: np.ndarray, post_ids: np.ndarray) -> np.ndarray:
    """Return the distances of Lists; lists: the number of that in which each post is."""
    with connection, connection.cursor() as cursor:
        cursor.execute(VECTORS, [np.unique(post_ids).tolist()])
        rows = cursor.fetchall()
    if not rows:
        return np.full(lists[-1] + 1, np.nan)
    places = {post_id: place for place, (post_id, _) in enumerate(rows)}
    vectors = np.array([vector for _, vector in rows])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    has_vector = np.array([post_id in places for post_id in post_ids.tolist()])
    of_list = lists[has_vector]
    counts = np.bincount(of_list, minlength=lists[-1] + 1)
    sums = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(sums, of_list, vectors[[places[post_id] for post_id in post_ids[has_vector].tolist()]])
    with np.errstate(invalid="ignore", divide="ignore"):
        # The square of the sum of unit vectors has each pair's cosine twice, and a one for each vector.
        return 1 - ((sums**2).sum(axis=1) - counts) / (counts * (counts - 1))


def mean_of(values: np.ndarray) -> float | None:
    """Return the mean of those that are no NaN; None: there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
