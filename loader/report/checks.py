"""The report's data checks: what each column holds, and findings that are ok or need a look."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from psycopg2.extensions import cursor as Cursor

from loader.server.remedies import program

NOT_DESCRIBED = ("key", "attributes", "is_withdrawn", "is_new")
FEW = 0.01  # a share that needs no look
EVENTS = """
    select
        count(*) filter (where e.action = 'view'),
        count(*) filter (where e.action = 'view' and e.target is null),
        count(*) filter (where e.action = 'view' and e.target),
        count(*) filter (where e.action = 'like'),
        count(*) filter (where e.action = 'like' and v.viewed_at is null),
        count(*) filter (where e.action = 'like' and not v.target)
    from pgfeed.feed_events as e
    left join lateral (
        select v.event_at as viewed_at, v.target from pgfeed.feed_events as v
        where e.action = 'like' and v.user_id = e.user_id and v.post_id = e.post_id and v.action = 'view'
            and v.event_at <= e.event_at and v.event_at > e.event_at - pgfeed._like_window()
        order by v.event_at desc limit 1
    ) as v on true
    where %(user_ids)s::bigint[] is null or e.user_id = any(%(user_ids)s)
"""
TOTALS = """
    select
        (select count(*) from pgfeed.users),
        (select count(*) from pgfeed.users as u where u.age not between 5 and 110),
        (select count(*) from pgfeed.users as u
            where '' in (trim(u.country), trim(u.city), trim(u.os), trim(u.source))),
        (select count(*) from pgfeed.users as u
            where not exists (select from pgfeed.user_topic_days as d where d.user_id = u.user_id)),
        (select count(*) from pgfeed.posts),
        (select count(p.text) - count(distinct md5(p.text)) from pgfeed._post_texts() as p),
        (select count(*) from pgfeed.posts as p left join pgfeed._post_texts() as t on t.post_id = p.post_id
            where trim(t.text) = '' or trim(p.topic) = ''),
        (select count(*) from pgfeed.posts as p
            where not exists (select from pgfeed.post_days as d where d.post_id = p.post_id)),
        (select coalesce(sum(d.view_count), 0)
            from pgfeed.post_days as d join pgfeed.posts as p on p.post_id = d.post_id
            where d.day < (p.created_at at time zone 'UTC')::date)
"""
UNKNOWN_USERS = """
    select count(distinct d.user_id), coalesce(sum(d.view_count), 0) from pgfeed.user_topic_days as d
    where not exists (select from pgfeed.users as u where u.user_id = d.user_id)
"""
UNKNOWN_POSTS = """
    select count(distinct d.post_id), coalesce(sum(d.view_count), 0) from pgfeed.post_days as d
    where not exists (select from pgfeed.posts as p where p.post_id = d.post_id)
"""
REJECTS = """
    select f.rejected, f.unfinished, r.reason, r.count
    from (
        select
            coalesce(sum(i.rejected_count), 0) as rejected,
            count(*) filter (where i.finished_at is null) as unfinished
        from pgfeed.ingest_files as i
    ) as f
    left join (
        select j.reason, sum(j.reject_count)::bigint as count from pgfeed.ingest_rejects as j
        group by j.reason order by 2 desc, j.reason limit 3
    ) as r on true
    order by r.count desc
"""


@dataclass
class Check:
    """One line of the data checks."""

    table: str
    name: str
    finding: str
    is_ok: bool


@dataclass
class Column:
    """What a column of a table holds."""

    table: str
    name: str
    kind: str
    missing: float
    distinct: int | None
    content: str


def is_filled(cursor: Cursor, name: str) -> bool:
    """Return whether a materialized view of schema pgfeed has been filled."""
    cursor.execute("select c.relispopulated from pg_class as c where c.oid = to_regclass(%s)", [f"pgfeed.{name}"])
    return cursor.fetchone() == (True,)


def share_of(part: float, whole: float) -> str:
    """Return a count with its share in percent."""
    return "none" if not part else f"{part:,} of {whole:,} ({part / max(whole, 1):.2%})"


def columns(cursor: Cursor, table: str) -> list[Column]:
    """Return what the columns of users or posts hold: numbers and times as a range, texts by the most frequent."""
    cursor.execute(
        "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a"
        " where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> all(%s)"
        " order by a.attnum",
        [f"pgfeed.{table}", list(NOT_DESCRIBED)],
    )
    described = []
    for name, kind in cursor.fetchall():
        relation = f"pgfeed.{table}"
        if (table, name) == ("posts", "text"):
            relation = "pgfeed._post_texts()"
            content = "'texts of ' || min(length(text)) || ' to ' || max(length(text)) || ' characters'"
        elif kind == "text":
            content = f"'mostly ' || left(mode() within group (order by {name}), 60)"
        else:
            content = f"min({name}) || ' to ' || max({name})"
        distinct = "md5(text)" if name == "text" else name
        cursor.execute(
            f"select 1 - count({name})::float8 / greatest(count(*), 1), count(distinct {distinct}), {content}"
            f" from {relation}"
        )
        described.append(Column(table, name, kind, *cursor.fetchone()))
    return described


def event_columns(cursor: Cursor, data, no_target: float) -> list[Column]:
    """Return what the columns of feed_events hold, by the rollups."""
    cursor.execute(
        "select count(distinct d.post_id), min(d.post_id) || ' to ' || max(d.post_id) from pgfeed.post_days as d"
    )
    posts = cursor.fetchone()
    cursor.execute("select min(d.user_id) || ' to ' || max(d.user_id) from pgfeed.user_topic_days as d")
    users = data.overall.clusters, cursor.fetchone()[0]
    moments = f"{data.first_at:%Y-%m-%d %H:%M:%S} to {data.last_at:%Y-%m-%d %H:%M:%S}"
    return [
        Column("feed_events", "event_at", "timestamp with time zone", 0, None, moments),
        Column("feed_events", "user_id", "bigint", 0, *users),
        Column("feed_events", "post_id", "bigint", 0, *posts),
        Column("feed_events", "action", "text", 0, None, f"{data.overall.views:,} views, {data.overall.likes:,} likes"),
        Column("feed_events", "target", "boolean", no_target, None, "of views: whether a like followed"),
    ]


def collect(cursor: Cursor, data, user_ids: list[int] | None, repeats: int) -> tuple[list[Column], list[Check]]:
    """Return what the columns hold and the checks; repeats: views of a post that the user saw before on that day."""
    cursor.execute(EVENTS, {"user_ids": user_ids})
    events = cursor.fetchone()
    held = [*columns(cursor, "users"), *columns(cursor, "posts")]
    held += event_columns(cursor, data, events[1] / max(events[0], 1))
    return held, [*table_checks(cursor, held), *event_checks(cursor, data, events, repeats), *load_checks(cursor)]


def table_checks(cursor: Cursor, held: list[Column]) -> Iterator[Check]:
    """Yield the checks of users and posts."""
    cursor.execute(TOTALS)
    users, odd_ages, empty, silent, posts, same_text, empty_posts, unseen, too_early = cursor.fetchone()

    def missing(table: str) -> Check:
        lacking = [c for c in held if c.table == table and c.missing and c.name not in ("created_at", "hidden_at")]
        text = ", ".join(f"{c.name} {c.missing:.1%}" for c in lacking)
        return Check(table, "missing values", text or "none", all(c.missing < FEW for c in lacking))

    yield Check("users", "rows", f"{users:,}, each user_id once by its key", users > 0)
    if users:
        yield missing("users")
        yield Check("users", "age below 5 or above 110", share_of(odd_ages, users), not odd_ages)
        yield Check("users", "empty text instead of null", share_of(empty, users), not empty)
        yield Check("users", "without any event", share_of(silent, users), silent <= 0.5 * users)
    yield Check("posts", "rows", f"{posts:,}, each post_id once by its key", posts > 0)
    if posts:
        yield missing("posts")
        yield Check("posts", "text that another post has too", share_of(same_text, posts), same_text <= 0.05 * posts)
        yield Check("posts", "empty text or topic instead of null", share_of(empty_posts, posts), not empty_posts)
        yield Check("posts", "never viewed", share_of(unseen, posts), unseen <= 0.5 * posts)
        finding = f"{too_early:,}" if too_early else "none"
        yield Check("posts", "views on days before created_at", finding, not too_early)


def event_checks(cursor: Cursor, data, events: tuple, repeats: int) -> Iterator[Check]:
    """Yield the checks of feed_events; those of single events look at the sampled users."""
    views, no_target, told, likes, stray, denied = events
    everyone, seen = data.overall, max(data.overall.views, 1)
    of = "" if data.sample_share == 1 else f", in a sample of {views:,} views"

    def check(name: str, finding: str, is_ok: bool) -> Check:
        return Check("feed_events", name, finding, is_ok)

    yield check("rows", f"{everyone.views:,} views and {everyone.likes:,} likes, no exact duplicate by the key", True)
    cursor.execute(UNKNOWN_USERS)
    users, of_users = cursor.fetchone()
    finding = f"{share_of(users, everyone.clusters)}, with {of_users / seen:.1%} of the views" if users else "none"
    yield check("users without a profile", finding, of_users <= FEW * seen)
    cursor.execute(UNKNOWN_POSTS)
    posts, of_posts = cursor.fetchone()
    finding = f"{posts:,}, with {of_posts / seen:.1%} of the views" if posts else "none"
    yield check("posts not in the catalogue", finding, not posts)
    first, last = data.days[0][0], data.days[-1][0]
    with_events = {day for day, _, _ in data.days}
    period = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    gaps = [str(day) for day in period if day not in with_events]
    named = ", ".join(gaps[:4] + ["..."] * (len(gaps) > 4))
    finding = f"{len(gaps)} of {len(period)}: {named}" if gaps else f"none of {len(period)}"
    yield check("days without events", finding, not gaps)
    cursor.execute("select %s > now(), (select count(*) from pgfeed.rollup_days as d where d.is_stale)", [data.last_at])
    is_future, stale = cursor.fetchone()
    yield check("events in the future", f"up to {data.last_at:%Y-%m-%d %H:%M}" if is_future else "none", not is_future)
    yield check("days that wait for a rollup", f"{stale}, {program()} refresh rolls them up" if stale else "none",
                not stale)
    yield check(
        "how likes are told",
        f"{likes:,} like rows, {told:,} views with target true, {no_target:,} views without a target{of}",
        likes + told > 0,
    )
    yield check("like rows without a view in the hour before", share_of(stray, likes) + of, stray <= FEW * likes)
    yield check("like rows after a view with target false", share_of(denied, likes) + of, denied <= FEW * likes)
    yield check("same user, same post, same day again", share_of(repeats, views) + of, repeats <= FEW * views)


def load_checks(cursor: Cursor) -> Iterator[Check]:
    """Yield the checks of what ingest refused or left unfinished."""
    cursor.execute(REJECTS)
    rows = cursor.fetchall()
    rejected, unfinished = rows[0][:2]
    reasons = "; ".join(f"{reason}: {count:,}" for _, _, reason, count in rows if reason)
    finding = f"{rejected:,}" + (f" ({reasons})" if reasons else "") if rejected else "none"
    yield Check("ingest", "rows refused", finding, not rejected)
    yield Check("ingest", "loads interrupted or running", f"{unfinished}" if unfinished else "none", not unfinished)
