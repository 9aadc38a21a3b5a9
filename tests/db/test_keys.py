"""The application's own keys, and posts that stay in its own table."""

import contextlib
import json
import uuid
from contextlib import closing

import psycopg2
import psycopg2.extras
import pytest
from click.testing import CliRunner

from loader import batch
from loader.cli import main
from loader.data.embed import embed
from loader.report.checks import columns
from tests.db.conftest import autocommit, clone, copy_of, dsn_of, queries
from tests.db.test_embed import Words

END = "2021-12-13 12:00+00"
USERS = [uuid.uuid5(uuid.NAMESPACE_URL, str(number)) for number in range(1, 21)]
KEYED = """
    insert into pgfeed.users (user_id, key)
    select pgfeed._key_id(k.key), k.key from unnest(%s) as k (key);
    insert into pgfeed.posts (post_id, key, text, topic)
    select pgfeed._key_id('post-' || p), 'post-' || p, 'text of ' || p, 'topic' from generate_series(1, 30) as p;
    insert into pgfeed.feed_events (event_at, user_id, post_id, action)
    select timestamptz '2021-12-01' + n * interval '1 second' * (1 + p), pgfeed._key_id(u.key),
        pgfeed._key_id('post-' || p), case when p > 10 then 'view' else 'like' end
    from unnest(%s) with ordinality as u (key, n) cross join generate_series(1, 30) as p where p %% 10 <> n %% 10;
    call pgfeed.refresh_features();
"""
ARTICLES = """
    create table public.articles (slug text primary key, title text, section text, is_hidden boolean default false);
    insert into public.articles (slug, title, section)
    select p.key, 'title of ' || p.key, 'section' from pgfeed.posts as p;
    update pgfeed.posts set text = null;
"""
ATTACH = """
    call pgfeed.attach_posts('public.articles', key => 'slug', text => 'title', topic => 'section',
        available => 'not is_hidden', sync => 'pull')
"""


@pytest.fixture(scope="module")
def keyed_template(template):
    """Name of a database of 20 users with uuids and 30 posts with slugs."""
    with copy_of(template, "keyed") as name:
        with autocommit(dsn_of(name)) as connection:
            keys = [str(key) for key in USERS]
            queries(connection)(KEYED, keys, keys)
        yield name


@pytest.fixture(scope="module")
def attached_template(keyed_template):
    """As keyed; the posts are in a table of the application's own."""
    with copy_of(keyed_template, "attached") as name:
        with autocommit(dsn_of(name)) as connection:
            queries(connection)(ARTICLES)
            queries(connection)(ATTACH)
        yield name


@pytest.fixture
def dsn(request):
    """Connection string of a copy of the database that a test asks for."""
    kind = next((f"{name}_" for name in ("keyed", "attached") if name in request.fixturenames), "")
    with clone(request.getfixturevalue(f"{kind}template")) as result:
        yield result


@pytest.fixture
def keyed(query):
    """A function that runs one statement in a copy of keyed_template."""
    return query


@pytest.fixture
def attached(query):
    """A function that runs one statement in a copy of attached_template."""
    return query


def slugs(query, call="pgfeed.recommend_for('nobody')", column="post_key"):
    return [row[0] for row in query(f"select {column} from {call} order by rank")]


@pytest.mark.parametrize(("argument", "value"), [
    ("'abc'", "abc"), ("'abc'::text", "abc"), ("'abc'::varchar(10)", "abc"), ("'abc'::name", "abc"),
    (f"'{USERS[0]}'::uuid", str(USERS[0])), ("7", "7"), ("7::smallint", "7"), ("7::bigint", "7"),
    ("row(7, 'abc'::text)", "(7,abc)"), ("row(7, 'abc')", "(7,abc)"),
])
def test_a_key_of_any_type_has_the_id_of_its_text(keyed, argument, value):
    for noun in ("user", "post"):
        assert keyed(f"select pgfeed.{noun}_id_of({argument}) = pgfeed._key_id(%s)", value) == [(True,)]
    posts = slugs(keyed, f"pgfeed.recommend_for({argument}, '{END}')")
    assert len(posts) == 5 and all(post.startswith("post-") for post in posts)


def test_a_key_answers_as_its_id_does(keyed):
    for key in [*USERS, uuid.uuid4()]:
        by_id = keyed("select r.rank, p.key, r.score, r.source"
                      " from pgfeed.recommend_posts(pgfeed.user_id_of(%s), %s) as r"
                      " join pgfeed.posts as p on p.post_id = r.post_id order by 1", str(key), END)
        assert by_id == keyed("select rank, post_key, score, source from pgfeed.recommend_for(%s, %s)", str(key), END)
        assert by_id == keyed("select rank, post_key, score, source from pgfeed.recommend_for(%s::uuid, %s)",
                              str(key), END)
        assert len(by_id) == 5


def test_integer_keys_are_the_ids(network):
    assert network("select pgfeed.user_id_of(7), pgfeed.user_id_of('-7'), pgfeed.post_id_of(' 7')") == [(7, -7, 7)]
    by_id = network("select rank, post_id::text, score from pgfeed.recommend_posts(7, %s)", END)
    for key in ("7", "'7'", "'7'::varchar", "7::smallint"):
        assert network(f"select rank, post_key, score from pgfeed.recommend_for({key}, %s)", END) == by_id


@pytest.mark.parametrize("key", ["abc", "", "7.5", "9223372036854775808", str(USERS[0])])
def test_with_integer_keys_another_key_is_named(network, key):
    for call in ("recommend_for", "user_id_of"):
        with pytest.raises(psycopg2.Error, match=f"'{key}' is the key of no user: it is not an integer") as caught:
            network(f"select pgfeed.{call}(%s)", key)
        assert caught.value.pgcode == "22P02"
        assert "keys of the type bigint" in caught.value.diag.message_hint


def test_attached_uuids_are_read_in_any_spelling(attached):
    attached("insert into pgfeed.attached_tables (kind, relation, relation_name, sync, settings)"
             " values ('users', 'pgfeed.users', 'users', 'pull', '{\"key_types\": {\"key\": \"uuid\"}}')")
    key = str(USERS[0])
    assert attached("select count(distinct pgfeed.user_id_of(k)) from unnest(%s) as k",
                    [key, key.upper(), f"{{{key}}}", key.replace("-", "")]) == [(1,)]
    with pytest.raises(psycopg2.Error, match="'abc' is the key of no user: it is not a uuid"):
        attached("select pgfeed.user_id_of('abc')")


def test_a_null_key_is_the_error_of_a_null_id(keyed):
    for argument in ("null", "null::uuid", "null::bigint"):
        with pytest.raises(psycopg2.Error, match="^user_id is null"):
            keyed(f"select pgfeed.recommend_for({argument})")
    assert keyed("select pgfeed.user_id_of(null), pgfeed.post_id_of(null::uuid)") == [(None, None)]


def test_drivers_need_no_cast(keyed):
    expected = slugs(keyed, f"pgfeed.recommend_for('{USERS[3]}', '{END}')")
    psycopg2.extras.register_uuid()
    for key in (str(USERS[3]), USERS[3]):
        assert [row[0] for row in keyed("select post_key from pgfeed.recommend_for(%s, %s)", key, END)] == expected
    # As JDBC sends setString() and setObject(uuid).
    for kind in ("varchar", "uuid", "unknown"):
        keyed(f"prepare call_{kind} ({kind}) as select post_key from pgfeed.recommend_for($1, '{END}')")
        assert [row[0] for row in keyed(f"execute call_{kind} (%s)", str(USERS[3]))] == expected


def test_the_texts_are_those_of_the_attached_table(attached):
    call = f"pgfeed.recommend_for('{USERS[0]}', '{END}')"
    assert slugs(attached, call, "text") == [f"title of {key}" for key in slugs(attached, call)]
    assert set(slugs(attached, call, "topic")) == {"section"}


def test_what_leaves_the_attached_table_leaves_the_answers_at_once(attached):
    call = f"pgfeed.recommend_for('{USERS[0]}', '{END}', 30)"
    first, second, *others = slugs(attached, call)
    attached("update public.articles set is_hidden = true where slug = %s", first)
    assert slugs(attached, call) == [second, *others]
    attached("delete from public.articles where slug = %s", second)
    assert slugs(attached, call) == others
    attached("delete from public.articles where slug <> %s", others[-1])
    assert slugs(attached, f"pgfeed.recommend_for('{USERS[0]}', '{END}', 5)") == others[-1:]
    attached("update public.articles set is_hidden = false")
    assert first in [*slugs(attached, call), first]


def test_a_hidden_post_stays_hidden_whatever_the_attached_table_says(attached):
    call = f"pgfeed.recommend_for('{USERS[0]}', '{END}', 30)"
    first, *others = slugs(attached, call)
    attached("update pgfeed.posts set hidden_at = now() where key = %s", first)
    assert slugs(attached, call) == others


@pytest.mark.parametrize("damage", [
    "revoke select on public.articles from pgfeed_owner", "alter table public.articles rename column title to name",
    "drop table public.articles",
])
def test_where_the_attached_table_cannot_be_read_answers_have_no_texts_and_one_warning(db, attached, damage):
    call = f"pgfeed.recommend_for('{USERS[0]}', '{END}')"
    posts = slugs(attached, call)
    attached(damage)
    del db.notices[:]
    for _ in range(3):
        assert slugs(attached, call) == posts
        assert slugs(attached, call, "text") == [None] * 5
    assert len([notice for notice in db.notices if "the attached posts cannot be read" in notice]) == 1
    with pytest.raises(psycopg2.Error):
        attached("call pgfeed.refresh_features()")


def test_text_features_are_those_of_the_attached_texts(attached):
    attached("call pgfeed.refresh_features()")
    assert attached("select count(*), count(f.text_length), bool_and(f.text_length = length('title of ' || p.key))"
                    " from pgfeed.post_text_features as f join pgfeed.posts as p on p.post_id = f.post_id") == [
                        (30, 30, True)]


def embed_words(dsn):
    with closing(psycopg2.connect(dsn)) as connection:
        return embed(connection, Words())


def test_embeddings_and_similar_posts_are_of_the_attached_texts(attached, dsn):
    attached("update public.articles set title = case when slug < 'post-2' then 'cats and dogs' else 'oil' end")
    assert (embed_words(dsn).embedded_count, embed_words(dsn).embedded_count) == (30, 0)
    attached("update public.articles set title = 'cats and dogs' where slug = 'post-30'")
    assert embed_words(dsn).embedded_count == 1
    call = "pgfeed.similar_posts(pgfeed.post_id_of('post-30'), 12)"
    assert slugs(attached, call, "text")[:11] == ["cats and dogs"] * 11
    attached("update public.articles set is_hidden = true where slug < 'post-18'")
    assert slugs(attached, call, "text") == ["cats and dogs"] * 2 + ["oil"] * 10
    attached("update public.articles set title = ' ' where slug = 'post-30'")
    done = embed_words(dsn)
    assert (done.removed_count, done.embedded_count) == (1, 0)
    attached("update public.articles set is_hidden = false")
    assert embed_words(dsn).embedded_count == 0


def test_health_counts_attached_texts_without_an_embedding(attached, dsn):
    attached("call pgfeed.refresh_features()")
    embed_words(dsn)
    attached("delete from pgfeed.post_embeddings where post_id = pgfeed.post_id_of('post-7')")
    figures = "select (figures ->> 'posts_without_embedding')::int from pgfeed.health() where name = 'embeddings'"
    assert attached(figures) == [(1,)]


def test_the_report_reads_the_attached_texts(attached, dsn):
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        texts = next(c for c in columns(cursor, "posts") if c.name == "text")
    assert (texts.missing, texts.distinct, texts.content) == (0, 30, "texts of 15 to 16 characters")


def test_current_recommendations_show_keys_and_texts_where_they_are(attached, dsn):
    attached("call pgfeed.refresh_recommendations(k => 2)")
    for role in ("pgfeed_reader", "pgfeed_operator"):
        with autocommit(dsn) as connection:
            run = queries(connection)
            run(f"set role {role}")
            rows = run("select user_key, post_key, text from pgfeed.current_recommendations")
        assert {row[0] for row in rows} == {str(key) for key in USERS}
        assert all(text == f"title of {key}" for _, key, text in rows)


def test_a_copy_of_the_recommendations_has_the_keys(keyed, dsn, empty_dsn):
    keyed("call pgfeed.refresh_recommendations(k => 2)")
    with closing(psycopg2.connect(dsn)) as source, autocommit(empty_dsn) as target:
        for _ in range(2):
            assert batch.publish(source, empty_dsn) == 40
        rows = queries(target)("select user_key, rank, post_key from pgfeed.recommendations order by 1, 2")
    assert rows == keyed("select user_key, rank, post_key from pgfeed.current_recommendations order by 1, 2")
    assert {row[0] for row in rows} == {str(key) for key in USERS}


def test_current_recommendations_show_ids_as_keys(network):
    network("call pgfeed.refresh_recommendations(k => 1)")
    assert network("select count(*), bool_and(user_key = user_id::text and post_key = post_id::text)"
                   " from pgfeed.current_recommendations") == [(60, True)]


def test_the_command_takes_and_shows_keys(keyed, dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", dsn)
    key = str(USERS[0])
    done = CliRunner().invoke(main, ["recommend", key, "--at", END, "--json"])
    expected = slugs(keyed, f"pgfeed.recommend_for('{key}', '{END}')")
    assert [row["post_key"] for row in json.loads(done.output)] == expected
    assert "post_key" in CliRunner().invoke(main, ["recommend", "[/b] Ж"]).output


def test_the_command_shows_integer_keys_as_numbers(network, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    done = CliRunner().invoke(main, ["recommend", "7", "--at", END, "--json"])
    assert [(row["post_id"],) for row in json.loads(done.output)] == network(
        "select post_id from pgfeed.recommend_posts(7, %s) order by rank", END)
    done = CliRunner().invoke(main, ["recommend", "abc"])
    assert done.exit_code == 1 and "'abc' is the key of no user: it is not an integer" in done.output


def test_the_cast_of_a_callers_own_type_runs_as_the_caller(keyed):
    keyed("create type public.own as (id integer)")
    keyed("create table public.seen (who text)")
    keyed("create function public.as_text(public.own) returns text language plpgsql as"
          " $$ begin insert into public.seen values (current_user); return 'abc'; end $$")
    keyed("create cast (public.own as text) with function public.as_text(public.own)")
    for call in ("recommend_for", "serve_for", "user_id_of", "post_id_of"):
        with contextlib.suppress(psycopg2.Error):
            keyed(f"select pgfeed.{call}(row(1)::public.own)")
    seen = {row[0] for row in keyed("select who from public.seen")}
    assert seen and "pgfeed_owner" not in seen


def test_an_id_tells_its_key(keyed, dsn):
    with autocommit(dsn) as connection:
        run = queries(connection)
        run("set role pgfeed_reader")
        assert run("select pgfeed.user_key_of(pgfeed.user_id_of(%s)), pgfeed.post_key_of(pgfeed.post_id_of('post-7')),"
                   " pgfeed.post_key_of(7), pgfeed.post_key_of(null)", str(USERS[0])) == [
                       (str(USERS[0]), "post-7", "7", None)]


def test_post_rows_keep_the_order(attached):
    ids = [row[0] for row in attached("select post_id from pgfeed.posts order by md5(key) limit 7")]
    rows = attached("select number, post_id, key from pgfeed._post_rows(%s)", [*ids, 1])
    assert [row[:2] for row in rows] == list(enumerate(ids, 1))
    assert all(row[2].startswith("post-") for row in rows)


def test_serve_for_logs_what_it_served(keyed):
    rows = keyed("select post_key from pgfeed.serve_for(%s::uuid, %s) order by rank", str(USERS[0]), END)
    assert keyed("select array(select p.key from unnest(e.post_ids) with ordinality as i (post_id, n)"
                 " join pgfeed.posts as p on p.post_id = i.post_id order by n), e.user_id = pgfeed.user_id_of(%s)"
                 " from pgfeed.exposures as e", str(USERS[0])) == [([row[0] for row in rows], True)]


@pytest.mark.parametrize(("clicked", "topic"), [((2, 4, 6, 8), "sport"), ((1, 3, 5, 7), "movie")])
def test_a_visitor_gets_what_is_like_the_clicks(network, clicked, topic):
    rows = network("select post_id, topic, source from pgfeed.recommend_posts(null, %s, 10, session => %s)",
                   END, list(clicked))
    assert len(rows) == 10 and {row[2] for row in rows} == {"model"}
    assert not set(clicked) & {row[0] for row in rows}
    assert network("select post_key::bigint, topic, source from pgfeed.recommend_for(null, %s, 10, session => %s)",
                   END, [str(post) for post in clicked]) == rows
    assert [row[1] for row in rows].count(topic) > 5


def test_clicks_of_a_user_join_the_history(network):
    before = [row[0] for row in network("select post_id from pgfeed.recommend_posts(7, %s, 20)", END)]
    after = [row[0] for row in network("select post_id from pgfeed.recommend_posts(7, %s, 1000, session => %s)", END,
                                       before[:3])]
    assert not set(before[:3]) & set(after)
    liked = {row[0] for row in network("select post_id from pgfeed.likes where user_id = 7 and liked_at < %s", END)}
    assert not liked & set(after)


@pytest.mark.parametrize("session", ["'{}'", "'{null}'", "'{999999}'"])
def test_a_visitor_without_clicks_gets_what_is_popular(network, session):
    rows = network(f"select post_id from pgfeed.recommend_posts(null, '{END}', session => {session})")
    assert len(rows) == 5
    if "9" not in session:
        assert rows == network(f"select post_id from pgfeed.recommend_posts(-1, '{END}')")


def test_without_user_and_session_the_error_is_as_before(network):
    for call in ("recommend_posts(null)", "recommend_for(null)", "recommend_posts(null, session => null)"):
        with pytest.raises(psycopg2.Error, match="^user_id is null"):
            network(f"select pgfeed.{call}")


def test_calls_by_position_are_as_in_the_first_release(network):
    assert network(f"select count(*) from pgfeed.recommend_posts(7, '{END}', 3, 'control')") == [(3,)]
    assert network(f"select count(*) from pgfeed.recommend_posts('7', '{END}')") == [(5,)]


def test_a_reader_may_use_keys(keyed, dsn):
    with autocommit(dsn) as connection:
        run = queries(connection)
        run("set role pgfeed_reader")
        assert len(run("select * from pgfeed.recommend_for(%s::uuid, %s)", str(USERS[0]), END)) == 5
        assert run("select pgfeed.post_id_of('post-1') is not null") == [(True,)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run("select pgfeed.serve_for('abc')")
