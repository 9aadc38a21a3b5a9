"""The events since a pack's cut-off, kept between the calls of a session: each call reads only what came since.

They are settled until some seconds after the cut-off. After that each call counts those of each user, and reads the
users' anew of whom that has changed. What is recorded late, or by a transaction that ends late, changes how many of the
settled ones were recorded of late: then all are read again.
"""

from time import time

import numpy as np

from plpy.columns import int8s
from plpy.live import KINDS, Counts, microseconds
from plpy.moment import Events

SETTLED_AFTER, READ_AHEAD, LONGEST_TAIL = 120.0, 3600.0, 1200.0  # seconds
LONGEST_TRANSACTION = 600.0  # seconds: most are over by then
FAR_FUTURE = 1e12  # seconds: what comes after would leave the range of a timestamp
COLUMNS = ("view_counts", "like_counts", "effective_view_counts")


class Recent:
    """Events since the cut-off of a pack version, until `until` seconds after it.

    snapshot: of the database as they were read, null: not known to stay the same. first, then: rows of the settled
    events and of those after, arrays of post ids, seconds and counts; then_users: whose the latter are. recorded: a
    token of the settled ones that were recorded since recorded_from, unix seconds; tail: the users of those after,
    ascending, and for each their number and when the last was recorded.
    """

    def __init__(self, version):
        self.version, self.snapshot = version, None
        self.settled = self.until = self.recorded_from = 0.0
        self.first = self.then = self.then_users = self.recorded = self.tail = None

    def covers(self, snapshot, seconds):
        """Return whether nothing has to be read for a moment."""
        return snapshot is not None and snapshot == self.snapshot and seconds <= self.until

    def read(self, session, state, seconds):
        """Read what is missing for a moment: nothing, what came after the settled events, or all."""
        as_of, until = state["features_as_of"], seconds + READ_AHEAD if seconds < FAR_FUTURE else seconds
        self.snapshot = None  # until all is read
        if self.first is None or not self.settled <= seconds < self.settled + LONGEST_TAIL:
            self.read_all(session, as_of, seconds, until)
        else:
            until = self.until if seconds <= self.until else until
            row = session.run("recorded", as_of, self.settled, until, self.recorded_from)[0]
            if row["recorded"] != self.recorded:
                self.read_all(session, as_of, seconds, until)
            else:
                self.read_tail(session, as_of, until, row)
        self.snapshot = state.get("snapshot")

    def read_all(self, session, as_of, seconds, until):
        """Read all events; those of the last two minutes before a moment are not settled."""
        self.first = None  # if this is cancelled
        self.settled, self.until = max(seconds - SETTLED_AFTER, 0.0), until
        self.recorded_from = time() - LONGEST_TRANSACTION
        row = session.run("recorded", as_of, self.settled, until, self.recorded_from)[0]
        self.recorded, self.tail = row["recorded"], tail_of({"user_ids": None, "written": None})
        self.then, self.then_users = unpacked(dict.fromkeys(("post_ids", "seconds", *COLUMNS))), int8s(None)
        settled = unpacked(session.run("events", as_of, 0.0, self.settled)[0])
        self.read_tail(session, as_of, until, row)
        self.first = settled

    def read_tail(self, session, as_of, until, row):
        """Read the events after the settled ones of users who have others than before; row: of "recorded"."""
        users, written = tail_of(row)
        is_same = are_same(users, written, *self.tail)
        is_kept = np.isin(self.then_users, users[is_same])
        rows, of_users = [column[is_kept] for column in self.then], self.then_users[is_kept]
        if not is_same.all():
            found = session.run("events of users", as_of, self.settled, until, users[~is_same].tolist())[0]
            rows = [np.concatenate(columns) for columns in zip(rows, unpacked(found))]
            of_users = np.concatenate([of_users, int8s(found["event_user_ids"])])
        self.then, self.then_users, self.tail, self.until = rows, of_users, (users, written), until

    def events(self, pack, seconds):
        """Return the Events of posts in a pack before a moment."""
        rows = [np.concatenate(columns) for columns in zip(self.first, self.then)]
        return located(rows, pack, seconds)

    def counts(self, pack, seconds, kinds=KINDS):
        """Return the Counts of a pack's posts at a moment; the pack keeps those with the settled events."""
        if seconds < self.settled:
            return Counts.of(pack).later(self.events(pack, seconds), seconds, kinds)
        if pack.settled[0] is not self.first:
            counts = Counts.of(pack).later(located(self.first, pack, seconds), self.settled)
            pack.settled = self.first, counts
        return pack.settled[1].later(located(self.then, pack, seconds), seconds, kinds)


def tail_of(row):
    """Return the users of a row of "recorded", int64 ascending, and (number, moment) of each, int64 (users, 2)."""
    users, written = int8s(row["user_ids"]), int8s(row["written"]).reshape(-1, 2)
    order = np.argsort(users)
    return users[order], written[order]


def are_same(users, written, known_users, known_written):
    """Return which users have what is known of them; users: ascending."""
    if not len(known_users):
        return np.zeros(len(users), bool)
    places = np.searchsorted(known_users, users).clip(max=len(known_users) - 1)
    return (known_users[places] == users) & (known_written[places] == written).all(axis=1)


def unpacked(row):
    """Return post ids, seconds and counts from a row of _recent_events() or _recent_events_of()."""
    counts = [np.frombuffer(row[name] or b"", ">f4").astype(np.float64) for name in COLUMNS]
    return [int8s(row["post_ids"]), np.frombuffer(row["seconds"] or b"", ">f8").astype(np.float64), *counts]


def located(rows, pack, seconds):
    """Return the Events of those rows that are of posts in a pack and before a moment."""
    post_ids, *columns = rows
    places = pack.locate(post_ids)
    is_wanted = (places >= 0) & (microseconds(columns[0]) < microseconds(np.float64(seconds)))
    return Events(places[is_wanted], *(column[is_wanted] for column in columns))
