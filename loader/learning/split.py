"""What is learned from and what is held out: the days with views, cut where the last fifth of the views begins.

In a feed without views its likes stand for them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.model import Model

Moment = TypeVar("Moment")
HELD_OUT_SHARE = 0.2
# As in pgfeed._live_from: the events of a day and of the day before make its features.
DAYS = """
    select c.day, c.event_count
    from (
        select d.day, case when max(d.view_count) over () > 0 then d.view_count else d.like_count end as event_count
        from pgfeed.rollup_days as d
        where not d.is_stale and d.day <= now()::date and not exists (
            select from pgfeed.rollup_days as g where g.day between d.day - 1 and d.day and g.is_gone
        )
    ) as c
    where c.event_count > 0
    order by c.day
"""


@dataclass(frozen=True)
class Split:
    """Days with views, in order, and the first of those that are held out; likes where the feed has no views."""

    views: dict[date, int]
    day: date

    @property
    def history(self) -> dict[date, int]:
        """The views of the days to learn from."""
        return {day: count for day, count in self.views.items() if day < self.day}

    @property
    def held_out(self) -> dict[date, int]:
        """The views of the days to measure on."""
        return {day: count for day, count in self.views.items() if day >= self.day}

    @property
    def end(self) -> date:
        """The day after the last one."""
        return max(self.views) + timedelta(days=1)

    def first_unseen(self, trained_until: datetime | None) -> date:
        """Return the first held-out day that a model has not learned from; trained_until as in for_model()."""
        return self.day if trained_until is None else max(self.day, trained_until.astimezone(UTC).date())

    def for_model(self, trained_until: datetime | None) -> "Split":
        """Return the split for a model, whose training days are never held out; PgfeedError if it has seen them all.

        trained_until: null if unknown; the data may have grown or shrunk since.
        """
        first = self.first_unseen(trained_until)
        if first > max(self.views):
            raise PgfeedError(
                "nothing to evaluate on", f"the model has seen all days before {first}",
                "pgfeed ingest FILE... with newer events, then pgfeed refresh",
            )
        return Split(self.views, first)


def load(connection: Connection, until: date | None = None) -> Split:
    """Return the split whose held-out share of the views is nearest to 20%; PgfeedError if the days are too few.

    until: of the days before this one, tomorrow at the latest.
    """
    if until is not None and until > (latest := datetime.now(UTC).date() + timedelta(days=1)):
        raise PgfeedError(f"{until} is to come", "nothing can be learned from that", f"give {latest} or before")
    with connection.cursor() as cursor:
        cursor.execute(DAYS)
        days = dict(cursor.fetchall())
    views = {day: count for day, count in days.items() if until is None or day < until}
    if len(views) < 3 <= len(days):
        raise PgfeedError(
            "there is too little to learn from", f"the feed has views or likes on {len(views)} days before"
            f" {until}, training needs 3", f"give {sorted(days)[2] + timedelta(days=1)} or a later day",
        )
    if len(views) < 3:
        raise PgfeedError(
            "there is too little to learn from",
            f"the feed has views or likes on {len(views)} days that are rolled up"
            f"{f' and before {until}' if until else ''}, training needs 3",
            "pgfeed ingest FILE... && pgfeed refresh",
        )
    return Split(views, first_held_out(views))


def require_posts(connection: Connection, split: Split) -> None:
    """Raise if there are posts, and none was there before the held-out days: no view can be learned from."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select f.first::text"
            " from (select min(coalesce(p.created_at, '-infinity')) as first from pgfeed.posts as p) as f"
            " where f.first >= %s", [midnight(split.day)],
        )
        row = cursor.fetchone()
    if row:
        raise PgfeedError(
            "no post is as old as the views to learn from",
            f"these are of the days before {split.day}, and the oldest created_at of a post is {row[0]}",
            "give created_at the moment when a post could first be seen (of attached posts: pgfeed.detach, then"
            " pgfeed.attach_posts with another created_at or none), or wait for views of three later days",
        )


def for_models(split: Split, models: list[Model]) -> Split:
    """Return the split of the days that none of the models has seen; PgfeedError if there are none."""
    for model in models:
        split = split.for_model(model.trained_until)
    return split


def first_held_out(views: dict[date, int]) -> date:
    """Return the day, not the first, from which on the share of the views is nearest to 20%."""
    after = np.cumsum(list(views.values())[::-1])[::-1]
    nearest = int(np.argmin(np.abs(after[1:] / after[0] - HELD_OUT_SHARE))) + 1
    return list(views)[nearest]


def midnight(day: date) -> datetime:
    """Return the start of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def spread(moments: list[Moment], count: int) -> list[Moment]:
    """Return at most `count` of the days or other moments, evenly spread, the last one included."""
    if len(moments) <= count:
        return moments
    return [moments[i] for i in np.unique(np.linspace(0, len(moments) - 1, count).round().astype(int))]


def fullest(views: dict[date, int], count: int) -> list[date]:
    """Return at most `count` of the days: evenly spread over the views, the fullest of the others, and the last one.

    Where all days hold the same, they are evenly spread.
    """
    days, after = list(views), np.cumsum(list(views.values()))
    if len(days) <= count:
        return days
    chosen = set(np.searchsorted(after, np.linspace(after[0], after[-1], count)).tolist()) | {len(days) - 1}
    others = sorted(set(range(len(days))) - chosen, key=lambda place: -views[days[place]])
    return [days[place] for place in sorted([*chosen, *others[:max(count - len(chosen), 0)]])[-count:]]


def user_share(views: int, most: int) -> float:
    """Return the share of the users to take where at most so many views are wanted."""
    return min(1.0, most / views)


def in_sample(user_id: str) -> str:
    """Return the SQL condition that a user is in the sample of %(share)s of all: the same users in every query."""
    return f"(%(share)s >= 1 or (hashint8extended({user_id}, 0) & 1048575) < %(share)s * 1048576)"
