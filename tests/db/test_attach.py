"""The application's own tables: what pgfeed has of them is what they have, and nothing of it fails the application."""

import hashlib

import pytest

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
# What pgfeed has of the tables, the days that have nothing aside.
STATE = """
    select 'event', e.event_at::text, e.user_id::text, e.post_id::text, e.action, e.target::text
        from pgfeed.feed_events as e
    union all select 'user', u.user_id::text, u.key, u.attributes::text, u.age::text, u.country from pgfeed.users as u
    union all select 'post', p.post_id::text, p.key, p.attributes::text, concat_ws(' ', p.topic, p.created_at),
        concat_ws(' ', p.is_withdrawn, p.hidden_at is null) from pgfeed.posts as p
    union all select 'like', l.user_id::text, l.post_id::text, l.liked_at::text, null, null from pgfeed.liked_posts as l
    union all select 'post day', d.post_id::text, d.day::text, d.view_count::text, d.like_count::text, null
        from pgfeed.post_days as d
    union all select 'topic day', d.user_id::text, d.day::text, d.topic, d.view_count::text, d.like_count::text
        from pgfeed.user_topic_days as d
    union all select 'day', d.day::text, d.view_count::text, d.like_count::text, d.event_count::text,
        d.missing_count::text from pgfeed.rollup_days as d where d.event_count > 0
    order by 1, 2, 3, 4, 5, 6
"""


def attach(query, sync, names=tuple(ATTACH)):
    for name in names:
        query(ATTACH[name], sync)


def detach(query, names=tuple(ATTACH)):
    for name in names:
        query("call pgfeed.detach(%s)", f"app.{name}")


def state_of_a_fresh_attach(query, sync):
    """Return STATE after the tables were detached and attached anew, and refreshed."""
    detach(query)
    attach(query, sync)
    query("call pgfeed.refresh_features()")
    return query(STATE)


@pytest.fixture
def site(query):
    """The query function of a database that has the application's tables, not attached."""
    query(SITE)
    return query


@pytest.mark.parametrize("key", ["a", "", "a\\b\\101", "Ключ", "6b1d0f26-40c1-4b6e-a3e6-2a8c5e3c8f0e", "(7,x)"])
def test_id_of_a_key_is_63_bits_of_its_sha256(query, key):
    [(found,)] = query("select pgfeed._key_id(%s)", key)
    assert found == int(hashlib.sha256(key.encode()).hexdigest()[:16], 16) % 2**63


@pytest.mark.parametrize("sync", ["trigger", "pull"])
def test_four_statements_take_all_rows(site, sync):
    attach(site, sync)
    site("call pgfeed.refresh_features()")
    assert site("select count(*), count(u.age), min(u.age) from pgfeed.users as u") == [(20, 20, 45)]
    assert site("select u.attributes from pgfeed.users as u where u.key = md5('1')::uuid::text") == [
        ({"plan": "pro", "lang": "de"},)
    ]
    assert site("select count(*), count(p.text), count(p.topic) from pgfeed.posts as p") == [(30, 0, 30)]
    assert site(
        "select e.action, count(*), count(*) filter (where e.target) from pgfeed.feed_events as e group by 1 order by 1"
    ) == site(
        "select 'like', count(*), 0 from app.hearts union all"
        " select 'view', count(*), count(*) filter (where seconds >= 60) from app.reads"
    )
    rows = site("select r.post_id from pgfeed.recommend_posts(pgfeed._key_id(md5('1')::uuid::text)) as r")
    assert len(rows) == 5
    counts = site("select a.kind, a.row_count, a.rejected_count from pgfeed.attached_tables as a order by 1 desc, 2")
    assert counts[:2] == [("users", 20, 0), ("posts", 30, 0)] and counts[3] == ("events", 600, 0)


# Each statement of the application, as one session sends it.
CHANGES = [
    "insert into app.reads values (md5('3')::uuid, 'post-4', now(), 70)",
    "insert into app.reads"
    " select md5('3')::uuid, 'post-' || i, now() - interval '2 days', i * 10 from generate_series(1, 12) as i",
    "update app.reads set seconds = 120 - seconds where slug = 'post-5'",
    "update app.reads set slug = 'post-6' where slug = 'post-7' and seconds < 50",
    "delete from app.reads where slug = 'post-8'",
    "delete from app.hearts where slug = 'post-9'",
    "insert into app.hearts values (md5('2')::uuid, 'post-10', now() - interval '20 days')",
    "delete from app.reads where at < now() - interval '25 days'",
    "truncate app.hearts",
    "delete from app.articles where slug = 'post-11'",
    "insert into app.articles (slug, title, section) values ('new', 'New', 'section 1')",
    "update app.articles set section = 'section 9' where slug = 'post-12'",
    "update app.articles set is_hidden = true where slug in ('post-13', 'post-14')",
    "update app.articles set slug = 'renamed' where slug = 'post-15'",
    "update app.members set plan = 'gone', born = null where id = md5('4')::uuid",
    "delete from app.members where id = md5('5')::uuid",
    "update app.members set id = md5('new')::uuid where id = md5('6')::uuid",
    "insert into app.reads values (null, 'post-1', now(), 1), (md5('1')::uuid, null, now(), 1),"
    " (md5('1')::uuid, 'post-1', null, 1), (md5('1')::uuid, 'post-1', 'infinity', 1)",
]


@pytest.mark.parametrize("sync", ["trigger", "pull"])
def test_changes_arrive_as_in_a_fresh_attach(site, sync):
    attach(site, sync)
    site("call pgfeed.refresh_features()")
    for change in CHANGES:
        site(change)
    assert site("select count(*) from pgfeed.attachment_errors as r where r.sqlstate <> '00000'") == [(0,)]
    site("call pgfeed.refresh_features()")
    if sync == "pull":
        site("call pgfeed.sync_attachments(complete => true)")
        site("call pgfeed.roll_up_events()")
    found = site(STATE)
    assert found == state_of_a_fresh_attach(site, sync)


def test_changes_arrive_with_the_transaction(site):
    attach(site, "trigger")
    site("call pgfeed.refresh_features()")
    user = "pgfeed._key_id(md5('3')::uuid::text)"
    answer = f"select p.key from pgfeed.recommend_posts({user}, k => 30) as r join pgfeed.posts as p using (post_id)"
    first = site(answer)[0]
    site("insert into app.hearts values (md5('3')::uuid, %s, now())", *first)
    assert first not in site(answer)
    site("delete from app.hearts where member_id = md5('3')::uuid and slug = %s", *first)
    assert first in site(answer)


# What pgfeed has on the relations of the application.
TRACES = """
    select 'trigger', t.tgname from pg_trigger as t where t.tgname like 'pgfeed%%'
    union all select 'policy', p.polname from pg_policy as p where p.polname like 'pgfeed%%'
    union all select 'table', c.relname from pg_class as c where c.relacl::text like '%%pgfeed%%'
        and c.relnamespace = 'app'::regnamespace
    union all select 'column', a.attname from pg_attribute as a inner join pg_class as c on c.oid = a.attrelid
        where a.attacl::text like '%%pgfeed%%' and c.relnamespace = 'app'::regnamespace
    union all select 'schema', n.nspname from pg_namespace as n
        where n.nspacl::text like '%%pgfeed%%' and n.nspname = 'app'
    union all select 'function', p.proname from pg_proc as p
        where p.proname ~ '^_follow_\\d' or p.proname = '_attached_posts'
"""


def test_detach_leaves_nothing(site):
    assert site(TRACES) == []
    attach(site, "trigger")
    assert {"trigger", "column", "schema", "function"} == {kind for kind, _ in site(TRACES)}
    detach(site, ["reads"])
    assert site("select pg_catalog.has_column_privilege('pgfeed_owner', 'app.hearts', 'slug', 'select')") == [(True,)]
    detach(site, ["members", "articles", "hearts"])
    assert site(TRACES) == []
    for relation in ("users", "posts", "feed_events", "liked_posts", "attached_tables", "attachment_errors"):
        assert site(f"select count(*) from pgfeed.{relation}") == [(0,)], relation
