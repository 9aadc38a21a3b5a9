"""A small community site of an application's own tables, and what people do with it, to attach pgfeed to."""

import random
import threading
from collections.abc import Callable, Iterable

import psycopg2

SITE = """
    create schema app;
    create table app.members (id uuid primary key, plan text, lang text, born date);
    create table app.articles (
        slug text primary key, title text, body text, section text, published_at timestamptz default now(),
        is_hidden boolean default false, expires_at timestamptz, author_id integer, lang text, price numeric
    );
    create table app.reads (member_id uuid, slug text, at timestamptz, seconds integer);
    create index on app.reads (at);
    create table app.hearts (member_id uuid, slug text, at timestamptz);
    insert into app.members
    select
        md5(i::text)::uuid, (array['free', 'pro'])[1 + i % 2], (array['en', 'de', 'fr'])[1 + i % 3],
        date '1980-01-01' + i
    from generate_series(1, 20) as i;
    insert into app.articles (slug, title, body, section, published_at, author_id, lang, price)
    select
        'post-' || i, 'Title ' || i, repeat('word' || i || ' ', 20), 'section ' || i % 4, now() - interval '40 days',
        i % 7, (array['en', 'de'])[1 + i % 2], i * 1.5
    from generate_series(1, 30) as i;
    insert into app.reads
    select
        md5((1 + i % 20)::text)::uuid, 'post-' || 1 + (i * 7) % 30,
        date_trunc('hour', now()) - (i % 30) * interval '1 day' - i * interval '1 second', i % 120
    from generate_series(1, 600) as i;
    insert into app.hearts select r.member_id, r.slug, r.at + interval '5 s' from app.reads as r where r.seconds > 100;
"""
ATTACH = {
    "members": "call pgfeed.attach_users('app.members', key => 'id', features => "
    "'[\"plan\", \"lang\", {\"age\": \"extract(year from age(timestamptz ''2026-01-01'', born))\"}]', sync => %s)",
    "articles": "call pgfeed.attach_posts('app.articles', key => 'slug', text => 'title || E''\\n'' || body', "
    "topic => 'section', created_at => 'published_at', "
    "available => 'not is_hidden and (expires_at is null or expires_at > now())', "
    "features => '[\"author_id\", \"lang\", \"price\"]', sync => %s)",
    "reads": "call pgfeed.attach_events('app.reads', user_key => 'member_id', post_key => 'slug', at => 'at', "
    "action => 'view', target => 'seconds >= 60', sync => %s)",
    "hearts": "call pgfeed.attach_events('app.hearts', user_key => 'member_id', post_key => 'slug', at => 'at', "
    "action => 'like', sync => %s)",
}
# What pgfeed has of the tables, the days that have nothing aside. Of a deleted post the topic is known only if its
# events were counted before: those of a user and day that saw one are compared together.
STATE = """
    select 'event', e.event_at::text, e.user_id::text, e.post_id::text, e.action, e.target::text
        from pgfeed.feed_events as e
    union all select 'user', u.user_id::text, u.key, u.attributes::text, u.age::text, u.country from pgfeed.users as u
    union all select 'post', p.post_id::text, p.key, p.attributes::text, concat_ws(' ', p.topic, p.created_at),
        concat_ws(' ', p.is_withdrawn, p.hidden_at is null) from pgfeed.posts as p
    union all select 'like', l.user_id::text, l.post_id::text, l.liked_at::text, null, null from pgfeed.liked_posts as l
    union all select 'post day', d.post_id::text, d.day::text, d.view_count::text, d.like_count::text, null
        from pgfeed.post_days as d
    union all select 'topic day', d.user_id::text, d.day::text, t.topic, sum(d.view_count)::text,
        sum(d.like_count)::text from pgfeed.user_topic_days as d cross join lateral (
            select case when not exists (select from pgfeed.feed_events as e where e.user_id = d.user_id
                and e.event_at >= d.day and e.event_at < d.day + 1
                and not exists (select from pgfeed.posts as p where p.post_id = e.post_id)) then d.topic end as topic
        ) as t group by d.user_id, d.day, t.topic
    union all select 'day', d.day::text, d.view_count::text, d.like_count::text, d.event_count::text,
        d.missing_count::text from pgfeed.rollup_days as d where d.event_count > 0
    order by 1, 2, 3, 4, 5, 6
"""


# By which calls read the newest rows of a user.
INDEXES = "create index if not exists {0}_by_member on app.{0} (member_id, at)"


def attach(query, sync, names=tuple(ATTACH)):
    """Attach these tables; mixed is a way for events: users and posts are followed by triggers then."""
    for name in names:
        is_mixed = sync == "mixed" and name in ("reads", "hearts")
        if is_mixed:
            query(INDEXES.format(name))
        query(ATTACH[name], sync if is_mixed or sync != "mixed" else "trigger")


def detach(query, names=tuple(ATTACH)):
    for name in names:
        query("call pgfeed.detach(%s)", f"app.{name}")


def state_of_a_fresh_attach(query, sync):
    """Return STATE after the tables were detached and attached anew, and refreshed."""
    detach(query)
    attach(query, sync)
    query("call pgfeed.refresh_features()")
    return query(STATE)


OWN_FAILURES = ("40P01", "23505")


def operation(rng: random.Random) -> list[str]:
    """Return the statements of one transaction of the application."""
    member, other = (f"md5('{rng.randint(1, 25)}')::uuid" for _ in range(2))
    slug, another = (f"post-{rng.randint(1, 35)}" for _ in range(2))
    at = f"date_trunc('hour', now()) - interval '{rng.randint(0, 60 * 24 * 30)} minutes'"
    seconds = rng.randint(0, 120)
    kind = rng.choices(list(OPERATIONS), [weight for weight, _ in OPERATIONS.values()])[0]
    texts = OPERATIONS[kind][1]
    return [
        text.format(member=member, other=other, slug=slug, another=another, at=at, seconds=seconds) for text in texts
    ]


# How often, and which statements.
OPERATIONS = {
    "read": (20, ["insert into app.reads values ({member}, '{slug}', {at}, {seconds})"]),
    "reads": (
        5,
        [
            "insert into app.reads select {member}, 'post-' || i, {at} + i * interval '1 minute', i * 9"
            " from generate_series(1, 10) as i"
        ],
    ),
    "longer": (8, ["update app.reads set seconds = {seconds} where member_id = {member} and slug = '{slug}'"]),
    "moved": (3, ["update app.reads set at = at - interval '3 days' where member_id = {member} and seconds < 20"]),
    "unread": (6, ["delete from app.reads where member_id = {member} and slug = '{slug}'"]),
    "like": (15, ["insert into app.hearts values ({member}, '{slug}', {at})"]),
    "unlike": (10, ["delete from app.hearts where member_id = {member} and slug = '{slug}'"]),
    "clean": (1, ["delete from app.reads where at < {at} - interval '20 days'"]),
    "truncate": (1, ["truncate app.hearts"]),
    "post": (4, ["insert into app.articles (slug, title) values ('{slug}', 'New') on conflict do nothing"]),
    "edit": (4, ["update app.articles set section = 'section {seconds}', price = {seconds} where slug = '{slug}'"]),
    "hide": (4, ["update app.articles set is_hidden = not is_hidden where slug in ('{slug}', '{another}')"]),
    "delete": (2, ["delete from app.articles where slug = '{slug}'"]),
    "rename": (
        3,
        [
            "update app.articles set slug = '{another}' where slug = '{slug}'"
            " and not exists (select from app.articles where slug = '{another}')",
            "update app.reads set slug = '{another}' where slug = '{slug}'",
            "update app.hearts set slug = '{another}' where slug = '{slug}'",
        ],
    ),
    "join": (3, ["insert into app.members values ({member}, 'free', 'en', '1990-01-01') on conflict do nothing"]),
    "profile": (4, ["update app.members set plan = 'plan {seconds}', born = born + 100 where id = {member}"]),
    "leave": (
        2, ["delete from app.hearts where member_id = {member}", "delete from app.members where id = {member}"]
    ),
    "merge": (1, ["update app.reads set member_id = {member} where member_id = {other}"]),
}


def live(dsn: str, seed: int, operations: int, failures: list[str]) -> None:
    """Be one session of the application; add to failures what fails because of pgfeed, a third of it rolls back."""
    rng = random.Random(seed)
    connection = psycopg2.connect(dsn)
    for _ in range(operations):
        try:
            with connection.cursor() as cursor:
                for statement in operation(rng):
                    cursor.execute(statement)
            if rng.random() < 0.9:
                connection.commit()
            else:
                connection.rollback()
        except psycopg2.Error as error:
            if connection.closed:  # the server was killed
                return
            connection.rollback()
            # Two sessions that lock each other out, or take one key both, fail without pgfeed too.
            if "pgfeed" in f"{error.diag.context} {error.diag.message_primary}" or error.pgcode not in OWN_FAILURES:
                failures.append(str(error))
    connection.close()


def live_together(dsn: str, seed: int, operations: int, meanwhile: Iterable[Callable[[], object]] = ()) -> list[str]:
    """Let two sessions share these operations, while others do something else; return what failed."""
    failures: list[str] = []
    sessions = [
        threading.Thread(target=live, args=(dsn, 2 * seed + number, operations // 2, failures)) for number in (0, 1)
    ]
    for session in sessions:
        session.start()
    for work in meanwhile:
        work()
    for session in sessions:
        session.join()
    return failures
