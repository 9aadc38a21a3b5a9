"""Random requests to recommend_posts beside what ranking everything and then filtering would give."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.terminal import progress

FEED, BOOST = "bench_some", 0.3
SOME = f"""
    call pgfeed.create_feed('{FEED}', 'post_id % 13 = 3 and topic <> ''covid''',
                            boosts => '{{"topic:sport": {BOOST}}}')
"""
CALL = """
    select post_id, score from pgfeed.recommend_posts(
        %s, %s, %s, candidates => %s::bigint[], exclude => %s::bigint[], hide_viewed => %s, max_per_topic => %s,
        feed => %s
    )
    order by rank
"""
RANK = "select post_id, score from pgfeed.rank_posts(%s, %s::bigint[], %s) where status = 'ranked'"
SEEN = """
    select post_id from pgfeed.feed_events where user_id = %(user)s and action = 'view' and event_at >= %(start)s
        and event_at < %(end)s
    union
    select unnest(post_ids) from pgfeed.exposures where user_id = %(user)s and served_at >= %(start)s
        and served_at < %(end)s
"""
AT_ONCE = 100_000


@dataclass
class Outcome:
    """How many requests of a kind there were, whose lists differ, are short, or share posts of all with the truth."""

    requests: int = 0
    different: int = 0
    short: int = 0
    shared: float = 0.0


class Wishes:
    """The arguments of a random request: candidates, a feed, or neither, beside what it leaves out and caps."""

    def __init__(self, random: np.random.Generator, users: list[int], post_ids: np.ndarray):
        self.user = users[random.integers(len(users))]
        self.kind = ("candidates", "a feed", "neither")[random.integers(3)]
        self.k = int(random.integers(1, 21))
        self.candidates: list[int] | None = None
        if self.kind == "candidates":
            count = max(round(len(post_ids) * 10 ** -random.uniform(0, 4)), 1)
            self.candidates = random.choice(post_ids, min(count, AT_ONCE), replace=False).tolist()
        self.feed = FEED if self.kind == "a feed" else None
        share = 10 ** -random.uniform(0, 4)
        self.exclude = random.choice(post_ids, int(min(len(post_ids) * share, AT_ONCE)), replace=False).tolist()
        self.hide_viewed = timedelta(days=float(random.uniform(0, 40))) if random.random() < 0.5 else None
        self.max_per_topic = int(random.integers(1, 4)) if random.random() < 0.5 else None


def compare(connection: Connection, users: list[int], ts: datetime, count: int) -> dict[str, Outcome]:
    """Return how so many random requests went, by kind; the feed SOME must be there."""
    with connection.cursor() as cursor:
        cursor.execute("select post_id, topic from pgfeed.posts where hidden_at is null order by post_id")
        topics = dict(cursor.fetchall())
        post_ids, random, found = np.array([*topics]), np.random.default_rng(0), {}
        with progress("random requests", count) as advance:
            for _ in range(count):
                wishes = Wishes(random, users, post_ids)
                expected = expected_list(cursor, wishes, ts, topics)
                cursor.execute(CALL, [wishes.user, ts, wishes.k, wishes.candidates, wishes.exclude, wishes.hide_viewed,
                                      wishes.max_per_topic, wishes.feed])
                got = cursor.fetchall()
                outcome = found.setdefault(wishes.kind, Outcome())
                outcome.requests += 1
                outcome.different += not is_same(got, expected)
                outcome.short += len(got) < len(expected)
                both = {row[0] for row in got} & {row[0] for row in expected}
                outcome.shared += len(both) / len(expected) if expected else 1
                advance(1)
    return found


def expected_list(cursor, wishes: Wishes, ts: datetime, topics: dict) -> list[tuple[int, float]]:
    """Return ids and scores by ranking every post and then filtering."""
    scores, ids = [], [*topics]
    for start in range(0, len(ids), AT_ONCE):
        cursor.execute(RANK, [wishes.user, ids[start:start + AT_ONCE], ts])
        scores += cursor.fetchall()
    gone = set(wishes.exclude)
    if wishes.hide_viewed is not None:
        cursor.execute(SEEN, {"user": wishes.user, "start": ts - wishes.hide_viewed, "end": ts})
        gone |= {row[0] for row in cursor.fetchall()}
    wanted = set(topics if wishes.candidates is None else wishes.candidates) - gone
    if wishes.feed:
        wanted = {each for each in wanted if each % 13 == 3 and topics[each] not in ("covid", None)}
        scores = [(post_id, score + BOOST * (topics[post_id] == "sport")) for post_id, score in scores]
    ranked = sorted((row for row in scores if row[0] in wanted), key=lambda row: (-row[1], row[0]))
    counts: Counter = Counter()
    first, last = [], []
    for row in ranked:
        topic = topics[row[0]]
        counts[topic] += 1
        is_full = wishes.max_per_topic and topic is not None and counts[topic] > wishes.max_per_topic
        (last if is_full else first).append(row)
    return (first + last)[:wishes.k]


def is_same(got: list, expected: list) -> bool:
    """Return whether two lists have the same posts in the same order, with the same scores but for rounding."""
    return [row[0] for row in got] == [row[0] for row in expected] and np.allclose(
        [row[1] for row in got], [row[1] for row in expected], atol=1e-6, rtol=0
    )
