"""The application's own tables: what pgfeed has of them is what they have, and nothing of it fails the application."""

import hashlib

import pytest

from tests.site import SITE, STATE, attach, detach, live_together, state_of_a_fresh_attach


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


@pytest.mark.parametrize("sync", ["trigger", "pull"])
def test_what_two_sessions_do_at_random_is_as_in_a_fresh_attach(site, dsn, sync):
    attach(site, sync)
    failures = live_together(dsn, 1, 80, [lambda: site("call pgfeed.refresh_features()")] * 3)
    assert failures == []
    site("call pgfeed.sync_attachments(complete => %s)", sync == "pull")
    site("call pgfeed.refresh_features()")
    found = site(STATE)
    assert found == state_of_a_fresh_attach(site, sync)


def raising(relation):
    """Return the statements that let every write to a relation fail, and that end it."""
    return (
        "create function public.refuse() returns trigger language plpgsql as 'begin raise ''refused''; end';"
        f"create trigger refuse before insert or update or delete on pgfeed.{relation}"
        " for each row execute function public.refuse()",
        f"drop trigger refuse on pgfeed.{relation}; drop function public.refuse()",
    )


SABOTAGES = {
    **{name: raising(name) for name in ("feed_events", "removed_events", "liked_posts", "users", "posts")},
    "a missing table": (
        "alter table pgfeed.removed_events rename to gone", "alter table pgfeed.gone rename to removed_events"
    ),
    "no rights": (
        "revoke all on pgfeed.feed_events, pgfeed.users, pgfeed.posts from pgfeed_owner",
        "grant all on pgfeed.feed_events, pgfeed.users, pgfeed.posts to pgfeed_owner",
    ),
    "a missing function": (
        "alter function pgfeed._key_id(text) rename to gone", "alter function pgfeed.gone(text) rename to _key_id"
    ),
    "errors cannot be noted": (
        "alter table pgfeed.attachment_errors rename to gone; alter table pgfeed.feed_events rename to away",
        "alter table pgfeed.gone rename to attachment_errors; alter table pgfeed.away rename to feed_events",
    ),
}


@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_an_error_in_any_step_of_a_trigger_fails_no_statement_and_is_mended(site, sabotage):
    attach(site, "trigger")
    site("call pgfeed.refresh_features()")
    begin, end = SABOTAGES[sabotage]
    site(begin)
    for change in CHANGES:
        site(change)
    site(end)
    if sabotage != "errors cannot be noted":
        assert site("select count(*) > 0 from pgfeed.attachments as a where a.error_count > 0") == [(True,)]
        assert site("select status from pgfeed.health() where name = 'attachments'") == [("warn",)]
    site("call pgfeed.sync_attachments(complete => %s)", sabotage == "errors cannot be noted")
    site("call pgfeed.refresh_features()")
    assert site("select sum(a.error_count) from pgfeed.attachments as a") == [(0,)]
    found = site(STATE)
    assert found == state_of_a_fresh_attach(site, "trigger")
