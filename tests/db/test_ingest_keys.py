"""Files whose keys are not integers."""

import uuid
from contextlib import closing

import psycopg2
import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from loader.cli import main
from loader.data import keys as module
from loader.data.ingest import ingest
from loader.data.sources import open_sources
from loader.errors import PgfeedError
from tests.db.test_ingest import write  # noqa: F401

USERS = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(5)]
MEMBERS = "user_id,age\n" + "".join(f"{user},{20 + n}\n" for n, user in enumerate(USERS))
ARTICLES = "post_id,text,topic\n" + "".join(f"post-{n},text {n},sport\n" for n in range(7))
READS = "timestamp,user_id,post_id,action,target\n" + "".join(
    f"2021-12-0{1 + n % 7} 10:00:{m:02},{user},post-{n},view,{n % 2}\n"
    for m, user in enumerate(USERS) for n in range(7)
)
LOADED = """
    select (select count(*) from pgfeed.users), (select count(*) from pgfeed.posts),
        (select count(*) from pgfeed.feed_events),
        (select bool_and(user_id = pgfeed._key_id(key)) from pgfeed.users),
        (select bool_and(post_id = pgfeed._key_id(key)) from pgfeed.posts),
        (select bool_and(exists (select from pgfeed.users as u where u.user_id = e.user_id)
            and exists (select from pgfeed.posts as p where p.post_id = e.post_id)) from pgfeed.feed_events as e)
"""


@pytest.fixture
def load(dsn):
    """Load files; return the counts of rows read, loaded, repeated and rejected per source."""

    def load(*files, keys=None):
        with closing(psycopg2.connect(dsn)) as connection:
            outcomes = list(ingest(connection, open_sources(files), keys=keys))
        return [(o.read, o.loaded, o.duplicates, o.rejected) for o in outcomes]

    return load


@pytest.fixture
def files(write):  # noqa: F811
    return [write(text, name) for text, name in ((READS, "r.csv"), (ARTICLES, "a.csv"), (MEMBERS, "m.csv"))]


def test_keys_are_kept_and_their_ids_join(load, query, files):
    assert load(*files, keys="text") == [(5, 5, 0, 0), (7, 7, 0, 0), (35, 35, 0, 0)]
    assert query(LOADED) == [(5, 7, 35, True, True, True)]
    assert load(*files) == [(5, 0, 5, 0), (7, 0, 7, 0), (35, 0, 35, 0)]
    query("call pgfeed.refresh_features()")
    rows = query("select post_key, text from pgfeed.recommend_for(%s, '2021-12-20', 7)", USERS[0])
    assert set(rows) == {(f"post-{n}", f"text {n}") for n in (0, 2, 4, 6)}


def test_events_alone_make_users_and_posts_with_keys(load, query, files):
    assert load(files[0], keys="text") == [(35, 35, 0, 0)]
    assert query(LOADED) == [(5, 7, 35, True, True, True)]
    assert load(files[2], files[1]) == [(5, 5, 0, 0), (7, 7, 0, 0)]
    assert query("select min(age), count(*) from pgfeed.users") == [(20, 5)]


@pytest.mark.parametrize(("form", "text"), [
    ("quoted", READS.replace("post-3", '"post-3"')), ("semicolons", READS.replace(",", ";")), ("plain", READS),
])
def test_every_form_of_a_file_gives_the_same_keys(load, query, write, form, text):  # noqa: F811
    assert load(write(text.replace("post-", "post.00")), keys="text") == [(35, 35, 0, 0)]
    assert query("select key from pgfeed.posts order by key") == [(f"post.00{n}",) for n in range(7)]


def test_parquet_too_but_not_its_integers(load, query, tmp_path):
    path = str(tmp_path / "posts.parquet")
    pa.parquet.write_table(pa.table({"post_id": ["a", "b", None, ""], "text": ["1", "2", "3", "4"]}), path)
    assert load(path, keys="text") == [(4, 2, 0, 2)]
    assert query("select reason from pgfeed.ingest_rejects") == [("post_id: is missing",)]
    pa.parquet.write_table(pa.table({"post_id": [1, 2], "text": ["1", "2"]}), path)
    with pytest.raises(PgfeedError, match="post_id of .* has the type int64: the posts .* keys of the type text"):
        load(path)


def test_users_may_have_integers_and_posts_texts(load, query, write):  # noqa: F811
    text = READS
    for number, user in enumerate(USERS):
        text = text.replace(user, str(number))
    assert load(write(text), keys="posts") == [(35, 35, 0, 0)]
    assert query("select min(user_id), max(user_id) from pgfeed.feed_events") == [(0, 4)]
    assert query("select pgfeed.user_id_of('3'), pgfeed.post_id_of('post-3') = pgfeed._key_id('post-3')") == [(3, True)]


def test_texts_are_not_mixed_with_integers(load, query, files, write):  # noqa: F811
    load(write("user_id,age\n1,20\n", "integers.csv"))
    with pytest.raises(PgfeedError, match="the users of this database have integer keys: --keys text would mix"):
        load(*files, keys="text")
    assert load(files[1], keys="text") == [(7, 7, 0, 0)]
    assert load(files[0]) == [(35, 0, 0, 35)]


def test_the_first_file_with_other_keys_is_told_what_to_say(load, query, files):
    with pytest.raises(PgfeedError, match="the keys of .*r.csv are not integers: at 2, user_id: .*--keys text"):
        load(files[0])
    assert query("select count(*) from pgfeed.users") == [(0,)]


def test_attached_uuids_have_one_spelling(load, query, write):  # noqa: F811
    query("create table public.members (id uuid primary key)")
    query("insert into public.members select unnest(%s::uuid[])", USERS)
    query("call pgfeed.attach_users('public.members', key => 'id')")
    text = READS.replace(USERS[0], USERS[0].upper()).replace(USERS[1], f"{{{USERS[1]}}}").replace(USERS[2], "abc")
    assert load(write(text), keys="posts") == [(35, 28, 0, 7)]
    assert query("select count(distinct user_id) from pgfeed.feed_events") == [(4,)]
    assert query("select count(*) from pgfeed.users") == [(5,)]
    assert query("select reason from pgfeed.ingest_rejects") == [("user_id: 'abc' is not a uuid",)]


def test_two_keys_of_one_id_are_refused(load, query, files, monkeypatch):
    load(files[0], keys="text")
    monkeypatch.setattr(module, "key_id", lambda key, ids={}: ids.setdefault(key, query(
        "select pgfeed._key_id(%s)", {"post-1": "post-2"}.get(key, key))[0][0]))
    with pytest.raises(PgfeedError, match="'post-1' and 'post-2' of posts have one id"):
        load(files[1])


def test_of_two_keys_of_one_id_in_a_file_the_later_is_rejected(load, query, files, monkeypatch):
    monkeypatch.setattr(module, "key_id", lambda key: int(key[-1]) % 4)
    assert load(files[1], keys="text") == [(7, 4, 0, 3)]
    assert query("select reason from pgfeed.ingest_rejects order by line limit 1") == [
        ("post_id: 'post-4' has the id of 'post-0'",)]


def test_the_command(dsn, query, files, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", dsn)
    done = CliRunner().invoke(main, ["ingest", *files, "--keys", "text"])
    assert done.exit_code == 0, done.output
    assert query(LOADED) == [(5, 7, 35, True, True, True)]
    assert "'uuid' is not one of 'text', 'users', 'posts'" in CliRunner().invoke(
        main, ["ingest", *files, "--keys", "uuid"]).output
