"""A session's events: read once, then only what is new; all again where something was recorded late."""

import numpy as np
import pytest

from plpy.columns import HALF_LIFE_HOURS
from plpy.pack import Pack
from plpy.recent import Recent

NAMES = [f"decayed_{action}_count_{name}" for action in ("view", "like") for name in HALF_LIFE_HOURS]
PACK = Pack(np.array([3, 5, 9]), [], np.full(3, -1),
            {f"post.{name}": np.zeros(3, np.float32) for name in (*NAMES, "view_count", "like_count")})
COUNT_NAMES = ("view_counts", "like_counts", "effective_view_counts")


class Feed:
    """Stands for a session: views as (post id, seconds after the cut-off, when recorded), and what was read of them.

    Each post has one user, with its number.
    """

    def __init__(self, *views):
        self.views, self.reads = list(views), []

    def run(self, name, as_of, start, end, more=None):
        rows = self.between(start, end)
        if name == "recorded":
            early = [view for view in self.views if view[1] < start and view[2] >= more]
            moments = {user: [row[2] for row in rows if row[0] == user] for user, *_ in rows}
            written = np.array([(len(each), max(each)) for each in moments.values()]).astype(">i8").tobytes()
            return [{"recorded": f"{early}", "user_ids": packed(list(moments)), "written": written}]
        self.reads.append((start, end) if more is None else (start, end, more))
        rows = [row for row in rows if more is None or row[0] in more]
        post_ids, at = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        counts = {name: np.ones(len(rows), ">f4").tobytes() for name in COUNT_NAMES}
        ids = packed(post_ids)
        return [{"event_user_ids": ids, "post_ids": ids, "seconds": at.astype(">f8").tobytes(), **counts}]

    def between(self, start, end):
        return sorted((view for view in self.views if start <= view[1] < end), reverse=True)


def packed(ids):
    return np.array(ids).astype(">i8").tobytes()


@pytest.fixture(autouse=True)
def now(monkeypatch):
    monkeypatch.setattr("plpy.recent.time", lambda: 10_000.0)


def totals(recent, feed, seconds, snapshot):
    """Return the views of each post before a moment as a request then counts them, by both ways."""
    if not recent.covers(snapshot, seconds):
        recent.read(feed, {"features_as_of": None, "snapshot": snapshot}, seconds)
    events, counts = recent.events(PACK, seconds), recent.counts(PACK, seconds)
    counted = np.bincount(events.places, events.counts["view"], 3).tolist()
    assert counts.counts["view"][-1].tolist() == counted and counts.seconds == seconds
    return counted


def test_where_nothing_changed_nothing_is_read():
    feed, recent = Feed((3, 100.0, 0.0), (5, 900.0, 0.0), (9, 1500.0, 0.0)), Recent("1")
    assert totals(recent, feed, 1000.0, "a") == [1, 1, 0]
    assert totals(recent, feed, 1500.0, "a") == [1, 1, 0]
    assert totals(recent, feed, 1500.1, "a") == [1, 1, 1]
    assert totals(recent, feed, 500.0, "a") == [1, 0, 0]
    assert [read[2:] for read in feed.reads] == [(), ([5, 9],)]


def test_after_what_is_settled_those_are_read_who_wrote():
    feed, recent = Feed((3, 100.0, 0.0), (5, 950.0, 9_900.0)), Recent("1")
    totals(recent, feed, 1000.0, "a")
    feed.views.append((9, 960.0, 10_005.0))
    assert totals(recent, feed, 1010.0, "b") == [1, 1, 1]
    feed.views.append((9, 970.0, 10_006.0))
    assert totals(recent, feed, 1010.0, "c") == [1, 1, 2]
    del feed.views[1]
    assert totals(recent, feed, 1010.0, "d") == [1, 0, 2]
    assert [(read[0], *read[2:]) for read in feed.reads] == [(0.0,), (880.0, [5]), (880.0, [9]), (880.0, [9])]


def test_an_event_of_long_ago_is_counted_at_once():
    feed, recent = Feed((3, 100.0, 0.0)), Recent("1")
    totals(recent, feed, 1000.0, "a")
    feed.views.append((9, 50.0, 10_005.0))
    assert totals(recent, feed, 1010.0, "b") == [1, 0, 1]
    feed.views.pop()
    assert totals(recent, feed, 1020.0, "c") == [1, 0, 0]


def test_where_others_wrote_something_else_nothing_is_read():
    feed, recent = Feed((3, 100.0, 0.0), (5, 950.0, 9_900.0)), Recent("1")
    assert totals(recent, feed, 1000.0, None) == totals(recent, feed, 1010.0, None) == [1, 1, 0]
    assert len(feed.reads) == 2
    feed.views[1] = (9, 950.0, 9_900.0)
    assert totals(recent, feed, 1010.0, None) == [1, 0, 1]
    assert [(read[0], *read[2:]) for read in feed.reads] == [(0.0,), (880.0, [5]), (880.0, [9])]


def test_after_twenty_minutes_all_is_read_again():
    feed, recent = Feed((3, 100.0, 0.0)), Recent("1")
    totals(recent, feed, 1000.0, "a")
    totals(recent, feed, 3000.0, "b")
    assert [start for start, _ in feed.reads] == [0.0, 0.0]


def test_all_is_read_again_after_a_reading_that_was_cancelled(monkeypatch):
    feed, recent = Feed((3, 100.0, 0.0)), Recent("1")
    totals(recent, feed, 1000.0, "a")
    feed.views.append((9, 2900.0, 10_005.0))
    with monkeypatch.context() as patch:
        patch.setattr("plpy.recent.unpacked", lambda row: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            totals(recent, feed, 3000.0, "b")
    assert totals(recent, feed, 3010.0, "b") == [1, 0, 1]


def test_what_is_far_in_the_future_is_read_until_there():
    feed = Feed()
    Recent("1").read(feed, {"features_as_of": None, "snapshot": "a"}, 5e12)
    assert feed.reads == [(0.0, 5e12 - 120)]
