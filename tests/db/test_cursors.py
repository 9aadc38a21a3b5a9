"""Pages by cursor: nothing twice whatever happens in between, and what is no cursor of this call."""

import json
import random
from datetime import datetime, timedelta
from itertools import chain

import psycopg2
import pytest
from click.testing import CliRunner

from loader.cli import main
from migrations.objects import compose
from tests.db.conftest import autocommit, clone, copy_of, dsn_of, queries
from tests.db.test_replica import COPY_MODEL

END = "2021-12-13 12:00+00"
EARLIER = "2021-12-09 15:00+00"
PAGE = "select post_id, cursor from pgfeed.recommend_posts({}) order by rank"
PAGES, K = 20, 5
# What may happen to user 7 and the catalogue between two pages.
BETWEEN = {
    "like": "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " values ('{at}', 7, {post}, 'like') on conflict do nothing",
    "unlike": "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
              " values ('{at}', 7, {post}, 'unlike') on conflict do nothing",
    "view": "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
            " values ('{at}', 7, {post}, 'view') on conflict do nothing",
    "serve": "select count(*) from pgfeed.serve_posts(7, '{at}')",
    "refresh": "call pgfeed.refresh_features(date_trunc('hour', timestamptz '{at}'))",
    "activate": "call pgfeed.activate_model('control', {version})",
    "hide": "update pgfeed.posts set hidden_at = '{at}' where post_id = {post}",
    "unhide": "update pgfeed.posts set hidden_at = null where post_id = {post}",
    "delete": "delete from pgfeed.posts where post_id = {post}",
    "insert": "insert into pgfeed.posts (post_id, text, topic) values ({post} + 1000, 'post of football', 'sport')"
              " on conflict do nothing",
    "another key": "insert into pgfeed.cursor_keys (made_at) values ('{at}') on conflict do nothing",
}


@pytest.fixture(scope="module")
def wide_template(network_template):
    """Name of the network with 120 more posts and a second version of its model."""
    with copy_of(network_template, "wide") as name:
        with autocommit(dsn_of(name)) as connection:
            query = queries(connection)
            query("insert into pgfeed.posts (post_id, text, topic)"
                  " select p, 'post ' || p || ' football match', 'sport' from generate_series(81, 200) as p")
            query("call pgfeed.define_action('unlike', undoes => 'like')")
            query(COPY_MODEL)
            query("call pgfeed.refresh_features('2021-12-13')")
        yield name


@pytest.fixture
def wide_dsn(wide_template):
    """Connection string of a fresh copy of the wide network."""
    with clone(wide_template) as result:
        yield result


@pytest.fixture
def wide(wide_dsn):
    """A function that runs one statement in a fresh copy of the wide network and returns its rows."""
    with autocommit(wide_dsn) as connection:
        yield queries(connection)


def pages(query, call, *parameters, count=PAGES):
    """Return so many pages of a call, each a list of ids; the last row's cursor leads to the next one."""
    found, cursor = [], None
    for _ in range(count):
        rows = query(PAGE.format(f"{call}, after => %s"), *parameters, cursor)
        assert all(row[1] is None for row in rows[:-1])
        found.append([row[0] for row in rows])
        cursor = rows[-1][1] if rows else cursor
    return found


@pytest.mark.parametrize("variant", ["control", "popular", "random"])
@pytest.mark.parametrize("ts", [END, EARLIER])
@pytest.mark.parametrize("is_large", [False, True])
def test_twenty_pages_are_one_list(wide, is_large, ts, variant):
    if is_large:
        wide(compose("functions/_is_large").replace("> 25000", "> 0"))
        wide("call pgfeed.refresh_features('2021-12-13')")
    whole = [row[0] for row in wide(PAGE.format("7, %s, 100, %s"), ts, variant)]
    assert len(whole) == PAGES * K
    assert [*chain(*pages(wide, f"7, %s, {K}, %s", ts, variant))] == whole


def test_pages_end_with_the_posts(wide):
    found = pages(wide, "7, %s, 45", END, count=6)
    (eligible,) = wide("select count(*) from pgfeed.posts as p where not exists"
                       " (select from pgfeed.likes as k where k.user_id = 7 and k.post_id = p.post_id)")[0]
    assert 135 < eligible < 180 and [len(page) for page in found] == [45, 45, 45, eligible - 135, 0, 0]
    assert len(set(chain(*found))) == eligible


def test_a_visitor_has_pages_too(wide):
    found = pages(wide, "null, %s, 5, session => '{2,4}'", END, count=4)
    assert len(set(chain(*found))) == 20 and not {2, 4} & set(chain(*found))
    cursor = wide(PAGE.format("null, %s, 5, session => '{2,4}'"), END)[-1][1]
    rows = wide(PAGE.format("null, %s, 5, session => '{2,4,6}', after => %s"), END, cursor)
    assert len(rows) == 5 and not {row[0] for row in rows} & {*found[0], 6}, "one more click is the same visitor"


def test_wishes_hold_on_every_page(wide):
    topics = dict(wide("select post_id, topic from pgfeed.posts"))
    candidates = list(range(1, 200, 3))
    call = "7, %s, 5, candidates => %s, exclude => %s, max_per_topic => 3"
    found = pages(wide, call, END, candidates, [1, 4, 7], count=8)
    assert all(len(page) == 5 for page in found)
    ids = set(chain(*found))
    assert len(ids) == 40 and ids <= set(candidates) - {1, 4, 7}
    assert all(sum(topics[post_id] == "sport" for post_id in page) <= 3 for page in found[:2])


def test_a_page_is_of_the_moment_of_the_first(wide):
    """A given ts beside a cursor says nothing: what came after the first page changes no later one."""
    second = pages(wide, "7, %s", END, count=2)[1]
    cursor = wide(PAGE.format("7, %s"), END)[-1][1]
    wide("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
         " select '2021-12-13 13:00+00', 7, p, 'like' from generate_series(2, 60, 2) as p")
    for ts in (END, EARLIER, "2021-12-13 18:00+00"):
        assert [row[0] for row in wide(PAGE.format("7, %s, after => %s"), ts, cursor)] == second


def test_after_a_refresh_the_page_is_of_its_cut_off(wide):
    """That of the first page's moment would have to be computed anew, which is slow."""
    cursor = wide(PAGE.format("7, %s"), END)[-1][1]
    old = wide(PAGE.format("7, %s"), EARLIER)[-1][1]
    wide("call pgfeed.refresh_features('2021-12-14')")
    cut_offs = "select distinct features_as_of::text from pgfeed.recommend_posts(7, %s, after => %s)"
    assert wide(cut_offs, END, cursor) == [("2021-12-14 00:00:00+00",)]
    assert wide(cut_offs, END, old) == [("2021-12-09 00:00:00+00",)], "what was of the past stays there"


@pytest.mark.parametrize("seed", range(4))
def test_nothing_returns_whatever_happens_in_between(wide, seed):
    """Each page is what the present state gives at the first page's moment, or the newest cut-off, without what was
    shown."""
    chance = random.Random(seed)
    at, shown, cursor, happened = 0, [], None, []
    for number in range(PAGES):
        rows = wide(PAGE.format("7, %s, 5, after => %s"), END, cursor)
        ids = [row[0] for row in rows]
        assert not set(ids) & set(shown), (number, happened)
        (ts,) = wide("select greatest(%s, pgfeed._refresh_as_of())", END)[0]
        assert rows and ids == [row[0] for row in wide(PAGE.format("7, %s, 5, exclude => %s::bigint[]"), ts, shown)]
        shown, cursor = [*shown, *ids], rows[-1][1]
        for name in chance.choices(list(BETWEEN), k=3):
            at += chance.randint(1, 120)
            moment = datetime.fromisoformat(END) + timedelta(minutes=at)
            post_id = chance.choice(shown) if chance.random() < 0.5 else chance.randint(1, 200)
            wide(BETWEEN[name].format(at=moment, post=post_id, version=chance.randint(1, 2)))
            happened.append((name, post_id))


def test_an_exposure_is_of_one_page(wide):
    served, cursor = [], None
    for number in range(3):
        rows = wide("select post_id, cursor from pgfeed.serve_posts(7, %s::timestamptz + %s * interval '1 minute',"
                    " after => %s) order by rank", END, number, cursor)
        served.append([row[0] for row in rows])
        cursor = rows[-1][1]
    assert len(set(chain(*served))) == 15
    assert wide("select post_ids from pgfeed.exposures where user_id = 7 order by served_at") == [
        (ids,) for ids in served
    ]
    assert served == pages(wide, "7, %s", END, count=3)


def test_pages_by_keys(wide):
    wide("update pgfeed.posts set key = 'post ' || post_id")
    keys, cursor = [], None
    for _ in range(3):
        rows = wide("select post_key, cursor from pgfeed.recommend_for('7', %s, after => %s) order by rank",
                    END, cursor)
        keys, cursor = [*keys, *(row[0] for row in rows)], rows[-1][1]
    assert keys == [f"post {post_id}" for post_id in chain(*pages(wide, "7, %s", END, count=3))]


@pytest.mark.parametrize(("change", "user_id", "said"), [
    (lambda cursor: cursor, 8, "after is the cursor of another user"),
    (lambda cursor: cursor, None, "after is the cursor of another user"),
    (lambda cursor: cursor[:-1], 7, "after is no cursor of this database, or not all of it"),
    (lambda cursor: "Q" + cursor[1:], 7, "after is no cursor of this database"),
    (lambda cursor: cursor[:40] + cursor[41:] + cursor[40], 7, "after is no cursor of this database"),
    (lambda cursor: "", 7, "after is no cursor of this database"),
    (lambda cursor: "Ж'; select 1", 7, "after is no cursor of this database"),
    (lambda cursor: "A" * 2_000_000, 7, "after is no cursor of this database"),
])
def test_what_is_no_cursor_of_this_call_is_one_error(wide, change, user_id, said):
    cursor = wide(PAGE.format("7, %s"), END)[-1][1]
    changed = change(cursor)
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match=said) as raised:
        wide(PAGE.format("%s, %s, session => '{}', after => %s"), user_id, END, changed)
    assert "last row of the page before" in raised.value.diag.message_hint
    assert cursor not in str(raised.value)


def test_a_cursor_of_another_database_is_none_here(wide, network):
    (key,) = network("select key from pgfeed.cursor_keys")[0]
    network("update pgfeed.cursor_keys set key = sha256(key)")
    cursor = network(PAGE.format("7, %s"), END)[-1][1]
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="no cursor of this database"):
        wide(PAGE.format("7, %s, after => %s"), END, cursor)
    assert wide("select key from pgfeed.cursor_keys") == [(key,)]


@pytest.mark.parametrize("role", ["reader", "writer", "operator"])
def test_nobody_reads_the_key(wide, role):
    wide(f"set role pgfeed_{role}")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        wide("select key from pgfeed.cursor_keys")


def test_without_a_key_there_are_posts_and_no_pages(wide):
    wide("delete from pgfeed.cursor_keys")
    rows = wide(PAGE.format("7, %s"), END)
    assert len(rows) == 5 and rows[-1][1] is None
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="no cursor of this database"):
        wide(PAGE.format("7, %s, after => 'abc'"), END)


def test_keys_change_in_an_open_session(wide):
    cursor = wide(PAGE.format("7, %s"), END)[-1][1]
    wide("insert into pgfeed.cursor_keys (made_at) select made_at + interval '1 day' from pgfeed.cursor_keys")
    second = wide(PAGE.format("7, %s, after => %s"), END, cursor)
    wide("delete from pgfeed.cursor_keys where made_at = (select min(made_at) from pgfeed.cursor_keys)")
    assert wide(PAGE.format("7, %s, after => %s"), END, second[-1][1]), "signed with the newer key"
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="no cursor of this database"):
        wide(PAGE.format("7, %s, after => %s"), END, cursor)


def test_a_cursor_goes_on_in_the_feed_that_has_its_name_now(wide):
    wide("call pgfeed.create_feed('home', 'topic = ''sport''')")
    call = "7, %s, 5, feed => 'home'"
    rows = wide(PAGE.format(call), END)
    wide("call pgfeed.drop_feed('home')")
    wide("call pgfeed.create_feed('home', 'post_id % 2 = 1')")
    found = [row[0] for row in wide(PAGE.format(call + ", after => %s"), END, rows[-1][1])]
    shown = [row[0] for row in rows]
    assert found == [row[0] for row in wide(PAGE.format(call + ", exclude => %s::bigint[]"), END, shown)]
    assert len(found) == 5 and all(post_id % 2 for post_id in found)


@pytest.mark.parametrize("is_large", [False, True])
def test_twenty_pages_of_a_feed_with_a_refresh_and_another_model_in_between(wide, is_large):
    if is_large:
        wide(compose("functions/_is_large").replace("> 25000", "> 0"))
        wide("call pgfeed.refresh_features('2021-12-13')")
    wide("call pgfeed.create_feed('home', 'post_id <> 7 and extract(hour from ts) < 23', max_per => '{\"topic\": 3}',"
         " boosts => '{\"topic:movie\": 0.5}')")
    shown, cursor = [], None
    for number in range(PAGES):
        rows = wide(PAGE.format(f"7, %s, {K}, feed => 'home', after => %s"), END, cursor)
        shown, cursor = shown + [row[0] for row in rows], rows[-1][1]
        if number == 6:
            wide("call pgfeed.refresh_features('2021-12-14')")
        if number == 12:
            wide("call pgfeed.activate_model('control', 2)")
    assert len(set(shown)) == len(shown) == PAGES * K and 7 not in shown


def test_a_moment_far_away_has_pages(wide):
    found = pages(wide, "7, '294276-12-31'", count=3)
    assert len(set(chain(*found))) == 15


def recommend(network_dsn, monkeypatch, *arguments):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    return CliRunner().invoke(main, ["recommend", *arguments])


def test_the_verb_filters_and_turns_pages(wide, wide_dsn, monkeypatch, tmp_path):
    file = tmp_path / "keys"
    file.write_text("\n".join(map(str, range(1, 200, 3))) + "\n\n", encoding="utf-8")
    call = ("7", "--at", END, "--candidates", f"@{file}", "--exclude", "1,4,7", "--max-per-topic", "3", "--json")
    found, cursor = [], []
    for _ in range(3):
        rows = json.loads(recommend(wide_dsn, monkeypatch, *call, *cursor).stdout)
        found.append([row["post_id"] for row in rows])
        cursor = ["--after", rows[-1]["cursor"]]
    wishes = "7, %s, 5, candidates => %s, exclude => '{1,4,7}', max_per_topic => 3"
    assert found == pages(wide, wishes, END, [*range(1, 200, 3)], count=3)


@pytest.mark.parametrize(("arguments", "said"), [
    (("--batch", "--exclude", "1"), "--exclude does not go with --batch"),
    (("7", "--candidates", "@nothing"), "No such file"),
    (("7", "--candidates", "x"), "'x' is the key of no post"),
    (("7", "--after", "x"), "after is no cursor of this database"),
])
def test_the_verb_names_what_is_wrong(wide_dsn, monkeypatch, arguments, said):
    done = recommend(wide_dsn, monkeypatch, *arguments)
    assert done.exit_code == 1 and said in done.output and "Traceback" not in done.output
