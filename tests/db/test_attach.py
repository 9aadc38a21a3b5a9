"""The application's own tables: what pgfeed has of them is what they have, and nothing of it fails the application."""

import hashlib
import json
import os
import subprocess
import sys

import psycopg2
import pytest

from tests.db.conftest import ROOT, alembic, autocommit, queries
from tests.site import ATTACH, SITE, STATE, attach, detach, live_together, state_of_a_fresh_attach


@pytest.fixture
def site(query):
    """The query function of a database that has the application's tables, not attached."""
    query(SITE)
    return query


@pytest.fixture
def roles(site):
    """Two logins of the application, dropped afterwards with what is theirs."""
    names = f"site_owner_{os.getpid()}", f"site_stranger_{os.getpid()}"
    for name in names:
        site(f"create role {name} login")
    yield names
    site(f"reset role; drop owned by {', '.join(names)} cascade; drop role {', '.join(names)}")


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


ANSWER = "select r.post_key from pgfeed.recommend_for(md5('3')::uuid::text, k => 30) as r"
HISTORY = "select r.{} from pgfeed._user_history(pgfeed._key_id(md5('3')::uuid::text), now() + interval '1 s') as r"


# What cannot be followed by mixed: the error, and the hint.
UNMIXED = {
    "'app.reads', user_key => 'member_id', post_key => 'slug', at => 'at'": (
        "app.reads has no index on (member_id, at)", "create index concurrently on app.reads (member_id, at);"
    ),
    "'app.reads', user_key => 'lower(slug)', post_key => 'slug', at => 'at'": (
        "no index of app.reads can find the newest rows of a user by (lower(slug)) and (at)", "Give a column of the"
    ),
    "'app.opinions', user_key => 'member_id', post_key => 'slug', at => 'at'": (
        "app.opinions is not a table", "Say sync => 'pull'."
    ),
}


def test_mixed_reads_new_rows_by_the_index_and_hears_of_all_other_writes_at_once(site):
    site("create view app.opinions as select * from app.hearts")
    site("create index on app.reads (member_id) include (at); create index on app.reads using hash (member_id)")
    for arguments, (error, hint) in UNMIXED.items():
        with pytest.raises(psycopg2.Error) as found:
            site(f"call pgfeed.attach_events({arguments}, sync => 'mixed')")
        assert error in found.value.diag.message_primary and hint in found.value.diag.message_hint
    attach(site, "mixed")
    triggers = "select count(*) from pg_trigger as t where t.tgrelid = 'app.hearts'::regclass"
    assert site(triggers) == [(3,)]
    site("call pgfeed.refresh_features()")
    first, second, third = site(ANSWER)[:3]
    like = "insert into app.hearts values (md5('3')::uuid, %s, now())"
    event = "select count(*) from pgfeed.feed_events as e where e.post_id = pgfeed.post_id_of(%s)" \
        " and e.action = 'like' and e.event_at > now() - interval '1 hour'"
    for is_read in (False, True):
        site(like, *first)
        if is_read:
            site("call pgfeed.refresh_features()")
        assert site(event, *first) == [(is_read,)] and first not in site(ANSWER)
        # As update and delete of a row that no refresh has read, and that one has.
        site("update app.hearts set slug = %s where slug = %s and at > now() - interval '1 minute'", *second, *first)
        assert first in site(ANSWER) and second not in site(ANSWER)
        site("delete from app.hearts where slug = %s and at > now() - interval '1 minute'", *second)
        assert second in site(ANSWER) and site(event, *first) == site(event, *second) == [(0,)]
    site(like, *third)
    site("delete from app.hearts where slug = %s", *third)
    site(like, *third)
    assert third not in site(ANSWER)
    site("drop index app.hearts_by_member")
    health = "select status, found, remedy from pgfeed.health() where name = 'attachments'"
    [(status, found, remedy)] = site(health)
    assert status == "warn" and found.startswith("app.hearts has no index any more by which calls read its newest rows")
    assert third in site(ANSWER)
    site(remedy)
    site("call pgfeed.sync_attachments()")
    assert third not in site(ANSWER) and site(health)[0][0] == "ok"
    # Who left the members has a row that no refresh has read: the next one would bring the user back.
    site("insert into app.hearts values (md5('stranger')::uuid, %s, now())", *first)
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="app.hearts still has rows of this user"):
        site("call pgfeed.erase_user(md5('stranger')::uuid::text)")
    detach(site)
    assert site(TRACES) == []


@pytest.mark.parametrize("own_actions", [False, True])
def test_with_an_index_what_a_pulled_table_has_counts_in_the_next_call(site, own_actions):
    if own_actions:
        site("call pgfeed.define_action('save', 1)")
    site("create index by_member on app.hearts (member_id, at); create index on app.reads (member_id, at, slug)")
    attach(site, "pull")
    site("call pgfeed.refresh_features()")
    first, second = site(ANSWER)[:2]
    before = site(HISTORY.format("viewed_post_ids"))[0][0]
    site("insert into app.hearts values (md5('3')::uuid, %s, now()), (md5('4')::uuid, %s, now())", *first, *second)
    assert first not in site(ANSWER) and second in site(ANSWER)
    site("delete from app.hearts where at > now() - interval '1 minute' and slug = %s", *first)
    assert first in site(ANSWER)
    site("insert into app.reads values (md5('3')::uuid, %s, now(), 100)", *first)
    assert first not in site(ANSWER)
    assert len(site(HISTORY.format("viewed_post_ids"))[0][0]) == len(before) + 8
    site("call pgfeed.refresh_features()")
    assert first not in site(ANSWER)
    assert len(site(HISTORY.format("viewed_post_ids"))[0][0]) == len(before) + 8
    # Without the index it is not read; a table that cannot be read fails no call.
    site("insert into app.hearts values (md5('3')::uuid, %s, now())", *second)
    assert second not in site(ANSWER)
    site("drop index app.by_member")
    assert second in site(ANSWER)
    site("create index by_member on app.hearts (member_id, at); call pgfeed.sync_attachments()")
    third = site(ANSWER)[0]
    assert second not in site(ANSWER)
    site("insert into app.hearts values (md5('3')::uuid, %s, now())", *third)
    assert third not in site(ANSWER)
    site("alter table app.hearts rename column at to liked_at")
    assert third in site(ANSWER)
    detach(site)
    assert site(TRACES) == []


def test_a_locked_pulled_table_delays_a_call_by_a_tenth_of_a_second_and_fails_none(site, dsn):
    site("create index on app.hearts (member_id, at)")
    attach(site, "pull")
    site("call pgfeed.refresh_features()")
    first = site(ANSWER)[0]
    site("insert into app.hearts values (md5('3')::uuid, %s, now())", *first)
    with autocommit(dsn) as other, autocommit(dsn) as caller:
        locking, query = queries(other), queries(caller)
        locking("begin; lock table app.hearts")
        assert first in query(ANSWER) and first in query(ANSWER)
        said = [notice for notice in caller.notices if "newest events" in notice]
        assert len(said) == 1 and "cannot be read: canceling statement due to lock timeout" in said[0]
        assert query("show lock_timeout") == [("0",)]
        locking("commit")
        assert first not in query(ANSWER)


@pytest.mark.parametrize(("user_key", "at"), [
    ("integer", "timestamptz"), ("bigint", "timestamp"), ("text", "date"), ("varchar(40)", "timestamptz"),
])
def test_the_newest_rows_are_found_by_an_index_on_keys_and_times_of_any_type(site, user_key, at):
    site(f"create table app.people (id {user_key} primary key)")
    site(f"create table app.clicks (\"user\" {user_key}, slug text, at {at}) partition by range (at)")
    site("create table app.clicks_now partition of app.clicks default; create index on app.clicks (\"user\", at)")
    site(f"insert into app.people select i::text::{user_key} from generate_series(1, 5000) as i")
    site("call pgfeed.attach_users('app.people', key => 'id', sync => 'pull')")
    site(ATTACH["articles"], "pull")
    site(
        "call pgfeed.attach_events('app.clicks', user_key => '\"user\"', post_key => 'slug', at => 'at',"
        " action => 'like', sync => 'pull')"
    )
    site(f"insert into app.clicks select i::text::{user_key}, 'post-1', now() from generate_series(1, 5000) as i")
    site("insert into app.clicks values ('7', 'post-2', now()); analyze app.clicks")
    user = "7" if user_key in ("integer", "bigint") else "pgfeed._key_id('7')"
    found = site(f"select post_id, action from pgfeed._newest_events({user}, now() + interval '1 day') order by 1")
    assert sorted(found) == sorted(
        (site("select pgfeed._key_id(%s)", slug)[0][0], "like") for slug in ("post-1", "post-2")
    )
    read = "select seq_scan from pg_stat_xact_all_tables where relid = 'app.clicks_now'::regclass"
    site("begin")
    before = site(read)
    site(f"select count(*) from pgfeed._newest_events({user}, now() + interval '1 day')")
    assert site(read) == before
    site("rollback")


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
        where p.proname ~ '^_follow_\\d' or p.proname in ('_attached_posts', '_newest_events')
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


def test_a_relation_of_two_kinds_is_detached_as_both_or_as_one_or_as_the_events_of_an_action(site):
    site("create view app.firsts as select distinct on (r.member_id) r.* from app.reads as r order by r.member_id")
    kinds = "select a.kind from pgfeed.attached_tables as a order by 1"
    ended = {"'view'": ["users"], "kind => 'events'": ["users"], "kind => 'users'": ["events"], "null": []}
    for arguments, left in ended.items():
        for kind, options in (("users", "key => 'member_id'"), ("events", FEED)):
            if (kind,) not in site(kinds):
                site(f"call pgfeed.attach_{kind}('app.firsts', {options})")
        site(f"call pgfeed.detach('app.firsts', {arguments})")
        assert [kind for (kind,) in site(kinds)] == left
    assert site(TRACES) == [] and site("select count(*) from pgfeed.users") == [(0,)]


@pytest.mark.parametrize("sync", ["trigger", "mixed", "pull"])
def test_what_two_sessions_do_at_random_is_as_in_a_fresh_attach(site, dsn, sync):
    attach(site, sync)
    failures = live_together(dsn, 1, 80, [lambda: site("call pgfeed.refresh_features()")] * 3)
    assert failures == []
    site("call pgfeed.sync_attachments(complete => %s)", sync != "trigger")
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


# What an events table is attached with, and whether its trigger reads new rows by a function that was made once, and
# so without settings of its own.
READINGS = {
    "columns": ({}, True),
    "a pattern": ({"target": r"slug ~ '^\w+-\d+$' and seconds in (7, 70)"}, True),
    "a comparison with null": ({"target": "seconds = null"}, True),
    "a condition": ({"condition": "coalesce(slug, '') <> '' and seconds > 0"}, True),
    "a time without a zone": ({"at": "clock"}, False),
    "a day": ({"at": "clock::date"}, False),
    "the text of a number": ({"target": "price::text = '0.3333333333333333'"}, False),
    "the text of bytes": ({"target": "sha256('a')::text like '%%xca%%'"}, False),
    "a key of two columns": ({"user_key": "row(member_id, seconds)"}, False),
    "the name of the table": ({"target": "seen.seconds > 60"}, False),
    "a function of the application": ({"target": "app.is_long(seconds)"}, False),
    "a type of the application": ({"target": "mood = 'good'"}, False),
}
STRANGE = """
    set standard_conforming_strings = off; set transform_null_equals = on; set bytea_output = 'escape';
    set extra_float_digits = -15; set datestyle = 'German, MDY'; set timezone = 'Pacific/Kiritimati';
    create schema other;
    create function other.never(integer, integer) returns boolean language sql as 'select false';
    create operator other.>= (function = other.never, leftarg = integer, rightarg = integer);
    create operator other.= (function = other.never, leftarg = integer, rightarg = integer);
    create temp table new_rows as select * from app.seen limit 0;
    set search_path = other, pg_temp, pg_catalog
"""


@pytest.mark.parametrize("reading", READINGS)
def test_new_events_say_the_same_in_any_session(site, dsn, reading):
    expressions, is_made = READINGS[reading]
    site(
        "create function app.is_long(integer) returns boolean immutable return $1 > 60;"
        "create type app.mood as enum ('good');"
        "create table app.seen (member_id uuid, slug text, at timestamptz, seconds integer, clock timestamp,"
        " price float8, mood app.mood)"
    )
    said = {"user_key": "member_id", "post_key": "slug", "at": "at", "target": "seconds >= 60", **expressions}
    site(
        "call pgfeed.attach_events('app.seen', " + ", ".join(f"{name} => %s" for name in said) + ")", *said.values()
    )
    names = {name for (name,) in site("select p.proname from pg_proc as p where p.proname ~ '^_follow_\\d'")}
    assert (len(names) == 3) == is_made, names
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(STRANGE)
        for seconds in (7, 70, None):
            cursor.execute(
                "insert into app.seen values (md5('1')::uuid, 'post-7', '2026-01-02 23:30+00', %s, '2026-01-03 00:30',"
                " 1 / 3.0::float8, 'good')", [seconds],
            )
    connection.close()
    events = "select e.event_at, e.user_id, e.post_id, e.target from pgfeed.feed_events as e order by 1, 2, 3, 4"
    found = site(events)
    assert len(found) == (3 if reading == "a key of two columns" else 1)
    assert site("select * from pgfeed.attachment_errors") == []
    site("delete from pgfeed.feed_events")
    site("call pgfeed.sync_attachments(complete => true)")
    # Of rows that are one event the first counts, until a refresh looks for any with the target.
    assert [row[:3] for row in site(events)] == [row[:3] for row in found]
    if is_made or reading == "a function of the application":
        site("drop function app.is_long(integer)")
        site("insert into app.seen values (md5('2')::uuid, 'post-7', '2026-01-02 23:30+00', 70)")


def test_an_own_action_is_attached_and_taken_back_at_once(site):
    site("call pgfeed.define_action('hide', sign => -1)")
    attach(site, "trigger")
    site("create table app.hides (member_id uuid, slug text, at timestamptz)")
    site(
        "call pgfeed.attach_events('app.hides', user_key => 'member_id', post_key => 'slug', at => 'at',"
        " action => 'hide')"
    )
    site("call pgfeed.refresh_features()")
    answer = "select r.post_key from pgfeed.recommend_for(md5('3')::uuid::text, k => 30) as r"
    first = site(answer)[0]
    for refresh in (False, True):
        site("insert into app.hides values (md5('3')::uuid, %s, now())", *first)
        if refresh:
            site("call pgfeed.refresh_features()")
        assert first not in site(answer)
        site("delete from app.hides")
        assert first in site(answer)
    site("call pgfeed.refresh_features()")
    assert first in site(answer)
    assert site("select count(*) from pgfeed.marked_posts") == [(0,)]


FEED = "user_key => 'member_id', post_key => 'slug', at => 'at'"
BAD = {
    "attach_users('app.nothing', key => 'id')": "there is no relation 'app.nothing'",
    "attach_users(null, key => 'id')": "there is no relation null",
    "attach_users('app.members', key => 'nothing')": "column \"nothing\" does not exist",
    "attach_users('app.members', key => null)": "key is empty",
    "attach_users('app.members', key => '  ')": "key is empty",
    "attach_users('app.members', key => 'born')": "date cannot be a key",
    "attach_users('app.members', key => '7')": "it is the same for all rows",
    "attach_users('app.members', key => 'user')": "it is the same for all rows",
    "attach_users('app.members', key => 'id; drop table app.members')": "syntax error",
    "attach_users('app.members', key => 'id) from app.members; drop table app.hearts; select (1')": "cannot open",
    "attach_users('app.members', key => 'id) from app.members where (true')": "syntax error",
    "attach_users('app.members', key => 'lang')": "several rows have the key",
    "attach_users('app.members', key => 'max(id::text)')": "has an aggregate",
    "attach_users('app.members', key => '(select id)')": "has a subquery",
    "attach_users('app.members', key => 'row_number() over ()::text')": "",
    "attach_users('app.members', key => 'generate_series(1, length(plan))')": "gives several rows",
    "attach_users('app.members', key => 'random()::text || id')": "is volatile",
    "attach_users('app.members', key => 'id', features => '{}')": "features is not an array",
    "attach_users('app.members', key => 'id', features => '[1]')": "features has 1",
    "attach_users('app.members', key => 'id', features => '[\"nothing\"]')": "column \"nothing\" does not exist",
    "attach_users('app.members', key => 'id', features => '[\"plan\", \"plan\"]')": "two features are called plan",
    "attach_users('app.members', key => 'id', features => '[{\"a b\": \"plan\"}]')": "cannot be the name of a feature",
    "attach_users('app.members', key => 'id', features => '[{\"age\": \"plan\"}]')": "it is text, not a number",
    "attach_users('app.members', key => 'id', features => '[{\"x\": \"point(1, 1)\"}]')": "cannot be of type point",
    "attach_users('app.members', key => 'id', sync => 'push')": "sync is push",
    "attach_users('app.member_list', key => 'id', sync => 'trigger')": "is not a table: it cannot have a trigger",
    "attach_users('app.members', key => 'id', sync => 'mixed')": "sync is mixed, which only events can be",
    "attach_users('pgfeed.models', key => 'model_id')": "cannot be attached",
    "attach_posts('app.articles', key => 'slug', text => 'nothing')": "column \"nothing\" does not exist",
    "attach_posts('app.articles', key => 'slug', topic => 'nothing')": "column \"nothing\" does not exist",
    "attach_posts('app.articles', key => 'slug', created_at => 'title')": "it is text, not a time",
    "attach_posts('app.articles', key => 'slug', available => 'price')": "it is numeric, not true or false",
    "attach_events('app.reads', user_key => 'member_id', post_key => 'slug', at => 'seconds')": "integer, not a time",
    "attach_events('app.reads', user_key => null, post_key => 'slug', at => 'at')": "user_key is empty",
    "attach_events('app.reads', user_key => 'member_id', post_key => '2.0 * seconds', at => 'at')": "numeric cannot be",
    f"attach_events('app.reads', {FEED}, action => 'cheer')": "there is no action cheer",
    f"attach_events('app.reads', {FEED}, action => null)": "action is empty",
    f"attach_events('app.reads', {FEED}, action => ' ')": "action is empty",
    f"attach_events('app.reads', {FEED}, target => 'seconds')": "it is integer, not true or false",
    f"attach_events('app.reads', {FEED}, condition => 'slug')": "it is text, not true or false",
    f"attach_events('app.reads', {FEED}, condition => 'app.nothing(slug)')": "app.nothing(text) does not exist",
    "detach('app.reads')": "app.reads is not attached",
    "detach(null)": "null is not attached",
    "detach('app.reads', kind => 'readers')": "kind => 'readers': a table is attached as users, posts or events",
    "detach('app.reads', kind => 'users')": "app.reads as users is not attached",
}


@pytest.mark.parametrize("call", BAD)
def test_bad_input_is_one_line_with_a_hint_and_changes_nothing(site, call):
    site("create view app.member_list as select * from app.members")
    with pytest.raises(psycopg2.Error) as error:
        site(f"call pgfeed.{call}")
    assert BAD[call] in error.value.diag.message_primary
    assert "\n" not in error.value.diag.message_primary and error.value.diag.message_hint
    assert site(TRACES) == [] and site("select count(*) from pgfeed.attached_tables") == [(0,)]


def test_attached_already_is_said_after_what_is_wrong_with_the_arguments(site):
    attach(site, "pull")
    feed = "'app.reads', user_key => 'member_id', post_key => 'slug'"
    for call, error in {
        f"attach_events({feed}, at => 'nothing')": 'column "nothing" does not exist',
        "attach_users('app.members', key => 'nothing')": 'column "nothing" does not exist',
        "attach_posts('app.articles', key => 'slug', features => '[1]')": "features has 1",
        # Their keys are of another kind than the ones that they would replace.
        "attach_users('app.members', key => 'length(plan)')": "users of app.members are attached already",
        f"attach_events({feed}, at => 'at')": "events of app.reads are attached already as view",
    }.items():
        with pytest.raises(psycopg2.Error) as found:
            site(f"call pgfeed.{call}")
        assert error in found.value.diag.message_primary


# What a DBA or developer does to an attached table, and what health then says.
DIFFERENCES = {
    "alter table app.reads rename column at to read_at": "the column at of app.reads is called read_at now",
    "alter table app.reads drop column seconds": "the column seconds of app.reads was dropped",
    "alter table app.reads alter column seconds type bigint": "seconds of app.reads is bigint now, it was integer",
    "revoke select (seconds) on app.reads from pgfeed_owner": "pgfeed_owner may not read the column seconds of app",
    "revoke usage on schema app from pgfeed_owner": "pgfeed_owner may not use the schema app any more",
    "alter table app.reads rename to readings": "app.reads is called app.readings now",
    "alter table app.reads set schema public": "app.reads is called public.reads now",
    "alter table app.reads enable row level security": "app.reads has row security now",
    "drop table app.reads": "app.reads was dropped",
    "drop table app.reads; create table app.reads (slug text, member_id uuid, at timestamptz, seconds integer)":
        "app.reads was dropped and made anew",
    "alter table app.articles drop column section": "the column section of app.articles was dropped",
    "alter table app.members rename column plan to tariff": "the column plan of app.members is called tariff now",
}


def finish(query, remedy):
    """Do what health says, as psql would."""
    for statement in remedy.split("; "):
        query(statement.rstrip(";"))


@pytest.mark.parametrize("statement", DIFFERENCES)
def test_a_difference_fails_the_refresh_while_the_old_version_serves(site, statement):
    attach(site, "trigger")
    site("call pgfeed.refresh_features()")
    answer = "select r.post_key from pgfeed.recommend_for(md5('3')::uuid::text) as r"
    before = site(answer)
    site(statement)
    if "reads" not in statement:
        site("update app.members set lang = 'fr'")
    with pytest.raises(psycopg2.Error) as error:
        site("call pgfeed.refresh_features()")
    assert DIFFERENCES[statement] in error.value.diag.message_primary
    assert site(answer) == before and site("select count(*) from pgfeed.feature_refreshes") == [(1,)]
    [(status, found, remedy)] = site("select status, found, remedy from pgfeed.health() where name = 'attachments'")
    assert status == "fail" and DIFFERENCES[statement] in found
    assert f"First: {remedy}" == error.value.diag.message_hint
    if "drop column" not in statement:
        finish(site, remedy)
        site("call pgfeed.refresh_features()")
        [(status,)] = site("select status from pgfeed.health() where name = 'attachments'")
        assert status == "ok"


def test_what_is_gone_leaves_though_another_column_was_renamed(site):
    attach(site, "trigger")
    site("call pgfeed.refresh_features()")
    hidden, deleted, kept = (key for (key,) in site(ANSWER)[:3])
    site("alter table app.articles rename column section to sect")
    site("update app.articles set is_hidden = slug = %s", hidden)
    site("delete from app.articles where slug = %s", deleted)
    keys = [key for (key,) in site(ANSWER)]
    assert kept in keys and hidden not in keys and deleted not in keys
    assert site("select error_count from pgfeed.attachments where kind = 'posts'") == [(2,)]
    site("alter table app.articles rename column sect to section; update app.articles set is_hidden = false")
    assert (hidden,) in site(ANSWER)


def test_rows_of_another_action_are_not_rejected(site):
    site("create table app.events (member_id uuid, slug text, at timestamptz, kind text)")
    site("insert into app.events select md5('1')::uuid, 'post-' || i, now(), 'seen' from generate_series(1, 5) as i")
    for slug in ("post-1", None):
        site("insert into app.events values (md5('1')::uuid, %s, now(), 'heart')", slug)
    for action, condition in (("view", "kind = 'seen'"), ("like", "kind = 'heart'")):
        site(f"call pgfeed.attach_events('app.events', {FEED}, action => %s, condition => %s)", action, condition)
    site("call pgfeed.sync_attachments(complete => true)")
    counts = "select a.action, a.row_count, a.rejected_count from pgfeed.attachments as a order by 1"
    assert site(counts) == [("like", 1, 1), ("view", 5, 0)]
    with pytest.raises(psycopg2.Error, match="events of app.events are attached already as like") as error:
        site(f"call pgfeed.attach_events('app.events', {FEED}, action => 'like')")
    site(error.value.diag.message_hint.removeprefix("First: "))
    assert site(counts) == [("view", 5, 0)]


def test_the_index_that_would_help_can_be_made_on_a_partitioned_table(site):
    site("create table app.opens (member_id uuid, slug text, at timestamptz) partition by range (at)")
    site("create table app.opens_all partition of app.opens default")
    site(f"call pgfeed.attach_events('app.opens', {FEED})")
    [(statement,)] = site("select a.helpful_index from pgfeed.attachments as a")
    site(statement)
    assert site("select a.helpful_index from pgfeed.attachments as a") == [(None,)]


def test_a_relation_whose_rows_cannot_be_computed_is_named(site, db):
    view = "view app.opens as select r.member_id, r.slug, r.at, 60 / r.seconds as rate from app.reads as r"
    site(f"create {view} where r.seconds > 0")
    site(f"call pgfeed.attach_events('app.opens', {FEED}, target => 'rate > 1')")
    site(f"create or replace {view}")
    with pytest.raises(psycopg2.errors.DivisionByZero, match="app.opens cannot be followed: division by zero") as error:
        site("call pgfeed.sync_attachments(complete => true)")
    assert error.value.diag.message_hint
    del db.notices[:]
    detach(site, ["opens"])
    assert db.notices == []


def test_a_name_with_capitals_is_told_how_it_is_written(site):
    site('create table app."Readers" (id uuid)')
    with pytest.raises(psycopg2.Error, match="there is no relation 'app.Readers'") as error:
        site("call pgfeed.attach_users('app.Readers', key => 'id')")
    site(f"call pgfeed.attach_users({error.value.diag.message_hint.removeprefix('Write it so: ')}, key => 'id')")
    for name in ("xyz.qwk", "", "%"):
        with pytest.raises(psycopg2.Error, match="there is no relation") as error:
            site("call pgfeed.attach_users(%s, key => 'id')", name)
        assert error.value.diag.message_hint == "Give its schema and its name: SCHEMA.TABLE"


def test_row_security_of_the_application_hides_nothing_from_a_refresh(site, roles):
    site("alter table app.reads enable row level security; alter table app.reads force row level security")
    site("create policy own on app.reads using (member_id = md5('1')::uuid)")
    attach(site, "trigger")
    assert site("select count(*) from pgfeed.feed_events where action = 'view'") == [(600,)]
    site("insert into app.reads values (md5('2')::uuid, 'post-1', now(), 5)")
    assert site("select count(*) from pgfeed.feed_events where action = 'view'") == [(601,)]
    detach(site, ["reads"])
    assert site("select polname from pg_policy") == [("own",)]
    site("create policy none on app.reads as restrictive using (false)")
    with pytest.raises(psycopg2.Error, match="the restrictive policy none of app.reads holds") as error:
        attach(site, "pull", ["reads"])
    site(error.value.diag.message_hint.split(": ", 1)[1].rstrip(";").replace("app_role", roles[0]))
    attach(site, "pull", ["reads"])
    assert site("select count(*) from pgfeed.feed_events where action = 'view'") == [(601,)]


def test_views_and_partitioned_tables_are_followed(site):
    site(
        "create table app.clicks (member_id uuid, slug text, at timestamptz, seconds integer) partition by range (at);"
        "create table app.clicks_old partition of app.clicks for values from ('2000-01-01') to ('2020-01-01');"
        "create table app.clicks_new partition of app.clicks for values from ('2020-01-01') to ('2100-01-01');"
        "create view app.opinions as select h.member_id, h.slug, h.at, 5 as stars from app.hearts as h"
    )
    site(f"call pgfeed.attach_events('app.clicks', {FEED})")
    site(f"call pgfeed.attach_events('app.opinions', {FEED}, action => 'like', condition => 'stars > 3')")
    assert site("select a.relation, a.sync from pgfeed.attachments as a order by 1") == [
        ("app.clicks", "trigger"), ("app.opinions", "pull")
    ]
    site("insert into app.clicks select member_id, slug, at, seconds from app.reads")
    assert site("select count(*) from pgfeed.feed_events where action = 'view'") == [(600,)]
    # Statements on a partition fire no trigger of the table.
    site("insert into app.clicks_new values (md5('1')::uuid, 'post-1', now() - interval '1 minute', 1)")
    site("call pgfeed.refresh_features()")
    assert site("select count(*) from pgfeed.feed_events where action = 'view'") == [(601,)]
    site("delete from app.hearts where slug = 'post-1'")
    site("call pgfeed.sync_attachments(complete => true)")
    likes = site("select count(*) from pgfeed.feed_events where action = 'like'")
    assert likes == site("select count(*) from app.hearts")
    # The posts of events are those that can be recommended, with their keys.
    assert site("select count(*) from pgfeed.posts as p where p.key like 'post-%%'") == [(30,)]


def test_keys_of_any_type(site):
    site(
        "create table app.buyers (tenant integer, id bigint, name text);"
        "insert into app.buyers select i % 2, i, 'name' from generate_series(1, 10) as i;"
        "create table app.goods (id integer primary key, name text);"
        "insert into app.goods select i, 'goods ' || i from generate_series(1, 10) as i;"
        "create table app.sales (tenant integer, buyer_id bigint, goods_id smallint, day date);"
        "insert into app.sales select i % 2, i, i, current_date - i from generate_series(1, 10) as i"
    )
    site("call pgfeed.attach_users('app.buyers', key => 'row(tenant, id)', features => '[\"name\"]')")
    site("call pgfeed.attach_posts('app.goods', key => 'id', text => 'name')")
    site(
        "call pgfeed.attach_events('app.sales', user_key => 'row(tenant, buyer_id)', post_key => 'goods_id',"
        " at => 'day', action => 'like')"
    )
    site("call pgfeed.refresh_features()")
    assert site("select u.key from pgfeed.users as u order by u.key limit 2") == [("(0,10)",), ("(0,2)",)]
    assert site("select p.post_id, p.key from pgfeed.posts as p order by 1 limit 2") == [(1, None), (2, None)]
    [(user_id,)] = site("select pgfeed._key_id('(1,3)')")
    liked = site("select e.post_id from pgfeed.feed_events as e where e.user_id = %s", user_id)
    assert liked == [(3,)]
    rows = site("select r.post_id, r.text from pgfeed.recommend_posts(%s, k => 100) as r order by 1", user_id)
    assert rows == [(i, f"goods {i}") for i in range(1, 11) if i != 3]
    with pytest.raises(psycopg2.Error, match="app.reads.post_key is text, but app.goods.key is integer"):
        attach(site, "trigger", ["reads"])


def test_an_interrupted_load_goes_on(site, dsn):
    site("insert into app.reads select r.member_id, r.slug, r.at - i * interval '1 ms', 1 from app.reads as r,"
         " generate_series(1, 40) as i")
    connection = psycopg2.connect(dsn)  # in a transaction block, whose load cannot commit as it goes
    with connection.cursor() as cursor:
        cursor.execute("savepoint before")
        cursor.execute(ATTACH["reads"], ["trigger"])
        cursor.execute("select count(*) from pgfeed.feed_events")
        assert cursor.fetchone() == (600 * 41,)
        cursor.execute("rollback to before")
    connection.close()
    assert site("select count(*) from pgfeed.attached_tables") == [(0,)]
    attach(site, "trigger", ["reads"])
    site("delete from pgfeed.feed_events where event_at < now() - interval '3 days'")
    site("update pgfeed.attached_tables set is_loaded = false")
    assert site("select status from pgfeed.health() where name = 'attachments'") == [("warn",)]
    site("call pgfeed.sync_attachments()")
    assert site("select count(*) from pgfeed.feed_events") == [(600 * 41,)]
    assert site("select a.is_loaded from pgfeed.attachments as a") == [(True,)]


def test_the_owner_of_the_table_attaches_it(site, roles):
    owner, stranger = roles
    site(f"grant pgfeed_operator to {owner}, {stranger}; alter schema app owner to {owner}")
    for name in ATTACH:
        site(f"alter table app.{name} owner to {owner}")
    site(f"set role {stranger}")
    with pytest.raises(psycopg2.Error, match="there is no relation|belongs to|permission denied for schema app"):
        attach(site, "trigger", ["reads"])
    site(f"set role {owner}")
    attach(site, "trigger")
    site("call pgfeed.refresh_features()")
    site("insert into app.reads values (md5('3')::uuid, 'post-4', now(), 70)")
    site("reset role")
    site(f"grant usage on schema app to {stranger}; grant insert on app.reads to {stranger}")
    site(f"set role {stranger}")
    site("insert into app.reads values (md5('3')::uuid, 'post-5', now(), 70)")
    site("reset role")
    assert site("select count(*) from pgfeed.feed_events where action = 'view'") == [(602,)]
    site(f"set role {owner}")
    detach(site)
    site("reset role")
    assert site(TRACES) == []


def test_the_first_like_is_taken_back_while_a_later_one_comes(site):
    attach(site, "trigger")
    for days in (9, 5):
        site("insert into app.hearts values (md5('9')::uuid, 'post-30', now() - %s * interval '1 day')", days)
    site("call pgfeed.refresh_features()")
    site("insert into app.hearts values (md5('9')::uuid, 'post-30', now() - interval '2 days')")
    site("delete from app.hearts where slug = 'post-30' and at < now() - interval '8 days'")
    site("call pgfeed.refresh_features()")
    found = site(STATE)
    assert found == state_of_a_fresh_attach(site, "trigger")


def run(dsn, *words):
    """Run a verb; return what it did."""
    return subprocess.run(
        [sys.executable, "-m", "loader.cli", *words], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PGFEED_DSN": dsn}, check=False,
    )


def test_the_verbs_attach_and_detach_with_the_same_words(site, dsn):
    events = ["events", "app.reads", "--user-key", "member_id", "--post-key", "slug", "--at", "at"]
    assert "app.members is attached as users, 20 rows, 0 rejected" in run(
        dsn, "attach", "users", "app.members", "--key", "id", "--features", '["plan"]'
    ).stdout
    assert json.loads(run(dsn, "attach", *events, "--target", "seconds >= 60", "--json").stdout) == {
        "relation": "app.reads", "kind": "events", "rows": 600, "rejected": None
    }
    for words, said in {
        ("attach", *events): f"First: PGFEED_DSN={dsn} ./run psql -c \"call pgfeed.detach('app.reads', 'view');",
        ("attach", "events", "app.redas", *events[2:]): "such a name: app.reads\n",
        ("attach", "posts", "app.articles"): "--key is missing",
        ("attach", "posts", "app.articles", "--key", "slug", "--at", "at"): "posts have no --at",
        ("attach", "posts", "app.articles", "--key", "nothing"):
            'column "nothing" does not exist. Columns of app.articles: ',
        ("detach", "app.hearts"): "app.hearts is not attached",
    }.items():
        done = run(dsn, *words)
        assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) <= 2, words
    for name in ("members", "reads"):
        assert f"app.{name} is detached" in run(dsn, "detach", f"app.{name}").stderr
    assert site(TRACES) == []


def test_a_foreign_table_is_pulled(site, db):
    if not site("select 1 from pg_available_extensions where name = 'postgres_fdw'"):
        pytest.skip("no postgres_fdw here")
    site("create extension postgres_fdw")
    site(
        "do $$ begin execute format('create server other foreign data wrapper postgres_fdw options ("
        "dbname %L, host %L, port %L)', current_database(),"
        " trim('\"' from split_part(current_setting('unix_socket_directories'), ',', 1)),"
        " current_setting('port')); end $$"
    )
    site(
        "create foreign table app.remote (member_id uuid, slug text, at timestamptz) server other"
        " options (schema_name 'app', table_name 'hearts')"
    )
    call = f"call pgfeed.attach_events('app.remote', {FEED}, action => 'like')"
    with pytest.raises(psycopg2.Error, match='app.remote cannot be read: user mapping not found for .*"pgfeed_owner"'):
        site(call)
    assert site(TRACES) == []
    site(
        "create user mapping for public server other options (user %s, password %s, password_required 'false')",
        db.info.user, db.info.password or "none",
    )
    site(call)
    site("delete from app.hearts where slug = 'post-1'")
    site("insert into app.hearts values (md5('1')::uuid, 'post-2', now())")
    site("call pgfeed.refresh_features()")
    assert site("select a.sync from pgfeed.attachments as a") == [("pull",)]
    assert site("select count(*) from pgfeed.feed_events") == site("select count(distinct h.*) from app.hearts as h")
    health = "select status, found, remedy from pgfeed.health() where name = 'attachments'"
    assert site(health)[0][0] == "ok"
    site("alter table app.hearts rename to away")
    [(status, found, remedy)] = site(health)
    assert (status, found.partition(": ")[0]) == ("fail", "app.remote cannot be read")
    assert "select from app.remote limit 1;" in remedy
    with pytest.raises(psycopg2.Error, match='app.remote cannot be read: relation "app.hearts" does not exist'):
        site("call pgfeed.refresh_features()")
    site("alter table app.away rename to hearts")
    assert site(health)[0][0] == "ok"
    site("call pgfeed.refresh_features()")
    # A view of it is no better than it is.
    site("call pgfeed.detach('app.remote')")
    site("create view app.afar as select r.member_id, r.slug, r.at from app.remote as r")
    site(f"call pgfeed.attach_events('app.afar', {FEED}, action => 'like')")
    site("alter table app.hearts rename to away")
    assert site(health)[0][1].startswith('app.afar cannot be read: relation "app.hearts" does not exist')


def test_a_downgrade_takes_all_off_the_tables(site, dsn):
    site("alter table app.reads enable row level security; create policy own on app.reads using (true)")
    attach(site, "trigger")
    alembic(dsn, "downgrade", "0012")
    assert site(TRACES) == []
    assert site("select p.polname from pg_policy as p") == [("own",)]
    site("insert into app.reads values (md5('3')::uuid, 'post-4', now(), 70)")
    alembic(dsn, "upgrade", "head")
    attach(site, "trigger")


ELIGIBLE = """
    select a.slug from app.articles as a
    where a.section in ('section 1', 'section 2') and a.published_at > %s - interval '3 days'
        and a.author_id <> all(%s)
        and not exists (select from app.reads as r where r.slug = a.slug and r.member_id = %s::uuid)
        and not exists (select from app.hearts as h where h.slug = a.slug and h.member_id = %s::uuid)
"""
FEED_PAGE = "select post_key, cursor from pgfeed.recommend_for(%s, %s, 2, exclude => %s, feed => 'few', after => %s)"


@pytest.mark.parametrize("sync", ["trigger", "pull"])
def test_every_member_gets_full_pages_of_a_feed_while_articles_are_left(site, sync):
    site("update app.articles set published_at = now() - interval '1 day' * (substr(slug, 6)::integer % 5)")
    attach(site, sync)
    site("call pgfeed.refresh_features()")
    site("call pgfeed.create_feed('few', filter => 'topic in (''section 1'', ''section 2'')"
         " and created_at > ts - interval ''3 days''', max_per => '{\"topic\": 1}', hide_viewed => '90 days')")
    [(ts,)] = site("select now()")
    sizes = []
    for (member,) in site("select id::text from app.members"):
        blocked = [1, 4]
        left = {slug for (slug,) in site(ELIGIBLE, ts, blocked, member, member)}
        sizes.append(len(left))
        excluded = [slug for (slug,) in site("select slug from app.articles where author_id = any(%s)", blocked)]
        after = None
        for _ in range(4):
            rows = site(FEED_PAGE, member, ts, excluded, after)
            assert {slug for slug, _ in rows} <= left and len(rows) == min(2, len(left))
            left -= {slug for slug, _ in rows}
            if not rows:
                break
            after = rows[-1][1]
    assert min(sizes) < 8 <= max(sizes)
