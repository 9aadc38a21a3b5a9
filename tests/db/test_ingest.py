"""Loading into a real database: counts, merging, repeats, rejects, interruption, rights, and the command itself."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from psycopg2.extensions import make_dsn

from loader.data import csv_files
from loader.data.ingest import ingest
from loader.data.outcome import refuse_rejects
from loader.data.sources import open_server, open_sources
from loader.data.times import moment
from loader.data.values import time_zone
from loader.errors import PgfeedError

ROOT = Path(__file__).resolve().parent.parent.parent
HEADER = "timestamp,user_id,post_id,action,target\n"
START = datetime(2021, 10, 20, 11, 0)


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "file.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def load(dsn):
    """Load files or a server; return the counts per source."""

    def load(*files, zone="UTC", since=None, **options):
        connection = psycopg2.connect(dsn)
        try:
            results = list(ingest(connection, open_sources(files, **options), time_zone(zone), since=since))
        finally:
            connection.close()
        for r in results:
            assert r.read == r.loaded + r.duplicates + r.rejected
        return results

    return load


def counts(result) -> tuple[int, int, int, int]:
    return result.read, result.loaded, result.duplicates, result.rejected


def command(dsn: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "loader.cli", "ingest", *arguments],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, "PGFEED_DSN": dsn, "COLUMNS": "80"},
    )


def feed(count: int, seed: int = 1) -> list[tuple]:
    """Views of 20 users, one every 20 seconds each, with whether a like followed."""
    rng = random.Random(seed)
    return [
        (
            START + timedelta(days=i // 500, seconds=20 * (i // 20 % 25) + i % 7),
            i % 20,
            rng.randrange(30),
            rng.random() < 0.15,
        )
        for i in range(count)
    ]


def first_views(rows: list[tuple]) -> int:
    """Return how many of the views come an hour or more after the one before of their user and post."""
    last, count = {}, 0
    for at, user, post, _ in sorted(rows):
        count += at - last.get((user, post), datetime.min) >= timedelta(hours=1)
        last[user, post] = at
    return count


def event(at, user, post, action="view", target="") -> str:
    return f"{at:%Y-%m-%d %H:%M:%S},{user},{post},{action},{target}\n"


def test_users_posts_and_events(load, query, write):
    users = write(
        "user_id,gender,age,country,city,exp_group,os,source\n"
        "200,1,34,Russia,Degtyarsk,3,Android,ads\n201,,37.0,,,,,\n",
        "u.csv",
    )
    topics = write("post_id,topic\n1,a\n2,z\n3,c\n", "topics.csv")
    texts = write('topic,post_id,text\n,1,"two\nlines, a\\\\ and a tab\t."\nz,2,"10 \\.\n\\.\n"\n', "texts.csv")
    events = write(HEADER + event(START, 200, 1) + event(START, -5, 2**63 - 1, "like", 0), "e.csv.gz")
    results = load(events, users, topics, texts)
    assert [counts(r) for r in results] == [(2, 2, 0, 0), (3, 3, 0, 0), (2, 2, 0, 0), (2, 2, 0, 0)]
    assert [r.kind for r in results] == ["users", "posts", "posts", "events"] and results[2].updated == 2
    assert query("select user_id, gender, age, country, city, exp_group, os, source from pgfeed.users order by 1") == [
        (200, 1, 34, "Russia", "Degtyarsk", 3, "Android", "ads"),
        (201, None, 37, None, None, None, None, None),
    ]
    assert query("select post_id, text, topic from pgfeed.posts order by 1") == [
        (1, "two\nlines, a\\\\ and a tab\t.", "a"),
        (2, "10 \\.\n\\.\n", "z"),
        (3, None, "c"),
        (2**63 - 1, None, None),
    ]
    assert results[3].added_posts == 1
    assert query(
        "select user_id, post_id, action, target, event_at at time zone 'UTC' from pgfeed.feed_events order by 1"
    ) == [(-5, 2**63 - 1, "like", False, START), (200, 1, "view", None, START)]
    again = load(users, topics, texts, events)
    assert [r.loaded for r in again] == [0, 0, 0, 0] and again[3].added_posts == 0
    assert query("select count(*) from pgfeed.posts where text is not null") == [(2,)]


def test_repeats_within_a_file_are_counted_and_named(load, query, write):
    rows = [
        event(START, 1, 5, target=0),
        event(START, 2, 5, target=1),
        event(START, 1, 5, target=0),
        event(START, 2, 5, target=0),
        event(START, 3, 5),
    ]
    (result,) = load(write(HEADER + "".join(rows)))
    assert counts(result) == (5, 3, 2, 0)
    assert list(result.notes()) == [
        "1 exact duplicate, first at line 4 (repeats line 2)",
        "1 duplicate with other values, first at line 5 (repeats line 3): liked wins",
    ]
    assert query("select user_id, target from pgfeed.feed_events order by 1") == [(1, False), (2, True), (3, None)]


def test_repeats_across_chunks(load, query, write, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 400)
    rows = [event(at, user, post, target=int(liked)) for at, user, post, liked in feed(100)]
    path = write(HEADER + "".join(rows) + rows[3] + rows[4].replace(",0\n", ",1\n"))
    (result,) = load(path)
    assert counts(result) == (102, 101, 1, 0) and result.updated == 1
    assert result.repeats.exact == 1 and result.repeats.differing == 1 and result.repeats.first_exact == (102, None)
    assert query("select count(*), count(*) filter (where target) from pgfeed.feed_events") == [
        (100, sum(liked for *_, liked in feed(100)) + 1)
    ]
    (again,) = load(path)
    assert counts(again) == (102, 0, 102, 0)


def test_targets_only_grow(load, query, write):
    def state():
        return query("select target, recorded_at from pgfeed.feed_events")[0]

    seen = []
    for target in ("", "0", "", "1", "0", ""):
        load(write(HEADER + event(START, 1, 5, target=target)))
        seen.append(state())
    assert [target for target, _ in seen] == [None, False, False, True, True, True]
    moments = [at for _, at in seen]
    assert moments[0] < moments[1] == moments[2] < moments[3] == moments[4] == moments[5]


def test_three_forms_of_the_same_feed_give_the_same_impressions(dsn, load, query, write):
    rows = feed(3000)
    views = [event(at, u, p, target=int(liked)) for at, u, p, liked in rows]
    plain = [event(at, u, p) for at, u, p, _ in rows]
    likes = [event(at + timedelta(seconds=9), u, p, "like", 0) for at, u, p, liked in rows if liked]
    forms = {
        "target": views,
        "likes": plain + likes,
        "both": views + likes,
        "zeros": [r.replace(",\n", ",0\n") for r in plain] + likes,
    }
    found = {}
    for name, form in forms.items():
        query("truncate pgfeed.feed_events")
        load(write(HEADER + "".join(sorted(form))))
        found[name] = query("select viewed_at, user_id, post_id, is_liked from pgfeed.impressions order by 1, 2, 3")
    assert len(found["target"]) == first_views(rows) > 2000
    assert 300 < sum(liked for *_, liked in found["target"]) < 600
    assert found["target"] == found["likes"] == found["both"] == found["zeros"]


def test_rejects_are_kept_with_line_and_reason_and_do_not_pile_up(load, query, write, tmp_path):
    content = (
        HEADER
        + event(START, 1, 5)
        + event(START, "12a", 5)
        + event(START, 1, 2**63)
        + "x\n"
        + event(START, 1, "7\0")
        + "20211-01-01,1,1,view,\n"
    )
    expected = [
        (3, "user_id: '12a' is not an integer", "2021-10-20 11:00:00,12a,5,view,"),
        (4, f"post_id: {2**63} does not fit in a bigint", f"2021-10-20 11:00:00,1,{2**63},view,"),
        (5, "1 field instead of 5", "x"),
        (6, "post_id: contains a NUL byte", "2021-10-20 11:00:00,1,7\\0,view,"),
        (7, "timestamp: year 20211 is out of range", "20211-01-01,1,1,view,"),
    ]
    for name in ("a.csv", "a.csv", "renamed.csv"):
        path = write(content, name)
        (result,) = load(path)
        assert (result.read, result.rejected) == (6, 5)
        assert query("select line, reason, content from pgfeed.ingest_rejects order by 1") == expected
        assert query("select distinct source_name from pgfeed.ingest_rejects") == [(path,)]
    load(write(HEADER, "renamed.csv"))
    assert query("select count(*) from pgfeed.ingest_rejects") == [(0,)]
    assert query(
        "select read_count, loaded_count, duplicate_count, rejected_count, length(sha256)"
        " from pgfeed.ingest_files order by ingest_id"
    ) == [(6, 1, 0, 5, 64), (6, 0, 1, 5, 64), (6, 0, 1, 5, 64), (0, 0, 0, 0, 64)]


def test_parquet_gives_the_same_as_csv(load, query, write, tmp_path):
    rows = feed(500)
    text = HEADER + "".join(event(at, u, p, target=int(liked)) for at, u, p, liked in rows)
    (first,) = load(write(text))
    before = query("select event_at, user_id, post_id, action, target from pgfeed.feed_events order by 1, 2, 3")
    query("truncate pgfeed.feed_events")
    table = pa.csv.read_csv(write(text))
    table = table.set_column(4, "target", table["target"].cast(pa.bool_()))
    table = table.set_column(3, "action", table["action"].dictionary_encode())
    pa.parquet.write_table(table, tmp_path / "feed.csv")
    (second,) = load(str(tmp_path / "feed.csv"))
    assert counts(first) == counts(second)
    assert query("select event_at, user_id, post_id, action, target from pgfeed.feed_events order by 1, 2, 3") == before


def test_from_a_running_postgres(dsn, load, query):
    query("""
        create table public.user_data (
            user_id int, gender int, age int, country text, city text, exp_group int, os text, source text
        );
        insert into public.user_data values (1, 0, 20, 'Russia', 'a "b", c', 1, 'iOS', 'ads');
        insert into public.user_data (user_id, age) values (2, 70000);
        create table public.post_text_df (post_id bigint, text text, topic varchar);
        insert into public.post_text_df values (5, E'line\n"two"\\t', 'a'), (6, '', null);
        create table public.feed_data (timestamp timestamp, user_id int, post_id int, action varchar, target int);
        insert into public.feed_data
        select
            timestamp '2021-10-20' + i * interval '1 second', i, i % 7,
            case when i % 5 = 0 then 'like' else 'view' end, i % 2
        from generate_series(1, 30000) as i;
        insert into public.feed_data values ('infinity', 1, 1, 'view', 0), ('2021-10-20', null, 1, 'view', 0);
    """)
    results = load(url=dsn, zone="Europe/Moscow")
    assert [counts(r) for r in results] == [(2, 1, 0, 1), (2, 2, 0, 0), (30002, 30000, 0, 2)]
    assert query("select line, reason from pgfeed.ingest_rejects order by reason") == [
        (2, "age: 70000 does not fit in a smallint"),
        (30001, "timestamp: 'infinity' is not a time, write 2021-02-01 10:00:00 or give --format"),
        (30002, "user_id: is missing"),
    ]
    assert query("select city from pgfeed.users") == [('a "b", c',)]
    assert query("select text, topic from pgfeed.posts where post_id in (5, 6) order by post_id") == [
        ('line\n"two"\t', "a"),
        (None, None),
    ]
    assert query("select min(event_at) at time zone 'UTC', sum(target::int) from pgfeed.feed_events") == [
        (datetime(2021, 10, 19, 21, 0, 1), 15000)
    ]
    assert query("select count(*) from pgfeed.ingest_files where source_name like '%%password%%'") == [(0,)]
    query("drop table public.feed_data")
    left = load(url=dsn)
    assert [r.kind for r in left] == ["users", "posts"]
    assert "not read: table feed_data, which is not there" in left[0].notes()
    assert [r.kind for r in load(url=dsn, kinds="users")] == ["users"]
    with pytest.raises(PgfeedError, match="has no table feed_data: .* Next: create a view of that name"):
        open_server(dsn, ["events"])


def test_a_source_that_breaks_off_keeps_what_was_loaded(load, query, write, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 5000)
    rows = [event(at, u, p, target=int(liked)) for at, u, p, liked in feed(30000)]
    packed = gzip.compress((HEADER + "".join(rows)).encode())
    with pytest.raises(PgfeedError, match=r"is a truncated gzip file: .* [\d,]+ loaded, and stay\. Next"):
        load(write(packed[:-20_000]))
    (count,) = query("select count(*) from pgfeed.feed_events")[0]
    assert 0 < count < 30000
    assert query("select loaded_count, finished_at from pgfeed.ingest_files") == [(count, None)]
    (result,) = load(write(packed))
    assert result.read == 30000 and query("select count(*) from pgfeed.feed_events") == [(len({r[:-2] for r in rows}),)]


def test_two_loads_at_once(dsn, query, write):
    path = write(HEADER + "".join(event(at, u, p, target=int(liked)) for at, u, p, liked in feed(20000)))
    loaded, failed = [], []

    def run():
        connection = psycopg2.connect(dsn)
        try:
            loaded.extend(r.loaded for r in ingest(connection, open_sources([path])))
        except PgfeedError as error:
            failed.append(error)
        finally:
            connection.close()

    whole, csv_files.BLOCK_BYTES = csv_files.BLOCK_BYTES, 20_000
    threads = [threading.Thread(target=run) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        csv_files.BLOCK_BYTES = whole
    assert failed == [] and [(sum(loaded),)] == query("select count(*) from pgfeed.feed_events")


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_client_loses_and_doubles_nothing(dsn, query, write, seed):
    rows = sorted({event(START + timedelta(seconds=i), i % 90, i % 30, target=i % 2) for i in range(400_000)})
    path = write(HEADER + "".join(rows))
    environment = {**os.environ, "PGFEED_DSN": dsn}
    process = subprocess.Popen(
        [sys.executable, "-m", "loader.cli", "ingest", path], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    time.sleep(0.6 + random.Random(seed).random())
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = command(dsn, path, "--json")
    assert done.returncode == 0, done.stderr
    assert query(
        "select count(*), count(distinct event_at), sum(user_id), sum(post_id), sum(target::int)"
        " from pgfeed.feed_events"
    ) == [(400_000, 400_000, sum(i % 90 for i in range(400_000)), sum(i % 30 for i in range(400_000)), 200_000)]


def months(query) -> list[str]:
    names = query("select relname from pg_class where relkind = 'r' and relname ~ '^feed_events_y' order by 1")
    return [name for name, in names]


def test_only_months_with_many_events_have_a_partition(load, query, write):
    many = "".join(event(datetime(2019, 11, 1) + timedelta(seconds=i), 1, 1) for i in range(10_000))
    load(write(HEADER + event(datetime(1970, 1, 1), 1, 1) + event(datetime(2019, 12, 31, 23, 59, 59), 1, 1) + many))
    assert months(query) == ["feed_events_y2019m11"]
    assert query("select count(*) from pgfeed.feed_events_default") == [(2,)]


def test_the_default_partition_is_kept_small(load, query, write, monkeypatch):
    monkeypatch.setattr("loader.data.ingest.OWN_MONTH_ROWS", 20_000)
    monkeypatch.setattr("loader.data.ingest.DEFAULT_ROWS", 25_000)
    steps = ((month, i) for i in range(12_000) for month in (1, 2, 3, 4))
    load(write(HEADER + "".join(event(datetime(2015, month, 1) + timedelta(seconds=i), 1, 1) for month, i in steps)))
    assert months(query) == [f"feed_events_y2015m{month:02}" for month in (1, 2, 3, 4)]
    assert query("select count(*) from pgfeed.feed_events") == [(48_000,)]
    assert query("select count(*) from pgfeed.feed_events_default") == [(0,)]


def test_an_event_of_the_future_is_rejected(load, query, write):
    load(write(HEADER
               + event(datetime.now() - timedelta(days=1), 1, 1) + event(datetime.now() + timedelta(days=3), 1, 1)))
    assert query("select count(*) from pgfeed.feed_events") == [(1,)]
    assert query("select line, reason like '%lies in the future' from pgfeed.ingest_rejects") == [(3, True)]


def test_hostile_names_and_values_are_only_data(load, query, write):
    evil = "'); drop table pgfeed.posts; --"
    load(write(f"post_id,topic,text\n1,{evil},{'x' * 10_000_000}\n", f"{evil} [red]%s.csv"))
    assert query("select topic, length(text) from pgfeed.posts") == [(evil, 10_000_000)]


def test_session_settings_do_not_matter(dsn, query, write):
    path = (
        write("post_id,text,created_at\n1,äöü,2021-03-04 05:06:07\n", "p.csv"),
        write(HEADER + event(START, 1, 1), "e.csv"),
    )
    connection = psycopg2.connect(
        dsn,
        options="-c datestyle=German -c timezone=Asia/Tokyo -c client_encoding=latin1"
        " -c search_path=pg_temp -c default_transaction_isolation=serializable",
    )
    list(ingest(connection, open_sources(path)))
    connection.close()
    assert query("select text, created_at at time zone 'UTC' from pgfeed.posts") == [
        ("äöü", datetime(2021, 3, 4, 5, 6, 7))
    ]
    assert query("select event_at at time zone 'UTC' from pgfeed.feed_events") == [(START,)]


def test_the_command(dsn, write, query):
    good = write(HEADER + event(START, 1, 5) + event(START, "x", 5), "good.csv")
    bad = write(HEADER + event(START, "x", 5), "bad.csv")
    done = command(dsn, good)
    assert done.returncode == 1 and done.stderr.startswith("error: 1 of 2 rows of ") and done.stderr.count("\n") == 1
    assert "posts known only from events: 1, added without text" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    done = command(dsn, good, "--json")
    (source,) = json.loads(done.stdout)["sources"]
    assert {k: source[k] for k in ("kind", "read", "loaded", "duplicates", "rejected")} == {
        "kind": "events",
        "read": 2,
        "loaded": 0,
        "duplicates": 1,
        "rejected": 1,
    }
    assert source["first_reject"] == {"line": 3, "reason": "user_id: 'x' is not an integer"}
    for arguments, message in [
        ((bad,), "could not be loaded: first line 2: user_id: 'x' is not an integer"),
        (("missing.csv",), "cannot read missing.csv: No such file or directory"),
        ((good, "--timezone", "Mars/Base"), "unknown time zone 'Mars/Base'"),
        ((good, "--as", "likes"), "unknown kind 'likes'"),
        (
            ("--from", "postgresql://u:secret@127.0.0.1:1/x"),
            "cannot connect to the server given by --from: connection to server",
        ),
        (("--from", "secret://x"), "--from is not a connection string"),
        ((), "nothing to load"),
    ]:
        done = command(dsn, *arguments)
        assert done.returncode == 1 and message in done.stderr, done.stderr
        assert (
            done.stderr.startswith("error: ")
            and done.stderr.count("\n") == 1
            and "secret" not in done.stderr.replace("secret://", "")
        )
    help_text = command(dsn, "--help").stdout
    assert help_text.index("Example:") > 0


def test_a_server_without_pgfeed_and_a_user_without_rights(dsn, empty_dsn, write, query):
    path = write(HEADER + event(START, 1, 5))
    done = command(empty_dsn, path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "has no pgfeed schema" in done.stderr
    name = f"pgfeed_test_nobody_{os.getpid()}"
    query(f"create role {name}; grant pgfeed_writer to {name}")
    try:
        connection = psycopg2.connect(make_dsn(dsn, options=f"-c role={name}"))
        with pytest.raises(
            PgfeedError,
            match="permission denied for table .*; nothing of it was loaded. Next: .*: grant pgfeed_owner to",
        ):
            list(ingest(connection, open_sources([path])))
        connection.close()
    finally:
        query(f"drop role {name}")


def test_rejects_are_refused_by_name(load, write):
    with pytest.raises(PgfeedError, match=r"1 of 2 rows of .*events.csv could not be loaded: first line 2"):
        refuse_rejects(load(write(HEADER + "x\n" + event(START, 1, 5), "events.csv")))
    refuse_rejects(load(write(HEADER)))
    bad = [load(write(HEADER + "x\n", name))[0] for name in ("a.csv", "b.csv")]
    with pytest.raises(PgfeedError, match=r"^2 of 2 rows in 2 files could not be loaded: first .*a.csv line 2"):
        refuse_rejects(bad)


def test_a_topic_that_comes_after_the_events_reaches_the_rollups(load, write, query):
    load(write(HEADER + event(START, 1, 5), "events.csv"))
    query("call pgfeed.roll_up_events()")
    assert query("select topic from pgfeed.user_topic_days") == [("",)]
    load(write("post_id,topic\n5,sport\n", "topics.csv"))
    query("call pgfeed.roll_up_events()")
    assert query("select topic from pgfeed.user_topic_days") == [("sport",)]


def test_equal_reasons_are_one_reject(load, query, write, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 20_000)
    future = "".join(event(datetime.now() + timedelta(days=2, seconds=i), i, 5) for i in range(1000))
    words = "".join(event(START, 1, 5, "share") + event(START, f"x{i}", 5) for i in range(150))
    (result,) = load(write(HEADER + future + words + event(START, 1, 5)))
    assert (result.read, result.loaded, result.rejected) == (1301, 1, 1300)
    rejects = "select line, reason, reject_count, last_line, lines[1:2], cardinality(lines) from pgfeed.ingest_rejects"
    assert query(f"{rejects} where reject_count > 1 order by reject_id") == [
        (2, "timestamp: lies in the future", 1000, 1001, [2, 3], 100),
        (1002, "action: 'share' is neither view nor like", 150, 1300, [1002, 1004], 100),
        (1203, "user_id: ... is not an integer", 50, 1301, [1203, 1205], 50),
    ]
    assert query(f"{rejects} where reject_count = 1 order by reject_id limit 1") == [
        (1003, "user_id: 'x0' is not an integer", 1, 1003, [1003], 1)
    ]
    assert query("select count(*), sum(reject_count) from pgfeed.ingest_rejects") == [(103, 1300)]
    assert query("select rejected_count from pgfeed.ingest_files") == [(1300,)]


def test_a_few_bad_rows_do_not_stop_a_nightly_load(dsn, query, write):
    rows = [event(START + timedelta(seconds=i), i, 5) for i in range(99)]
    path = write(HEADER + "".join(rows) + event(datetime.now() + timedelta(days=3), 1, 5))
    for most, code in (("0", 1), ("0.9%", 1), ("1", 0), ("1%", 0)):
        done = command(dsn, path, "--max-rejects", most)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1)
        assert done.stderr.startswith("warning: 1 of 100 rows" if code == 0 else "error: 1 of 100 rows"), done.stderr
    worse = write(HEADER + event(START, "x", 5), "worse.csv")
    done = command(dsn, path, worse, "--max-rejects", "50%")
    assert done.returncode == 1 and "error: 1 of 1 rows of " in done.stderr and "worse.csv" in done.stderr
    for wrong in ("-1", "1.5", "101%", "few", ""):
        done = command(dsn, path, "--max-rejects", wrong)
        assert done.returncode == 1 and "wrong --max-rejects" in done.stderr and done.stderr.count("\n") == 1


def test_only_new_events_are_read(dsn, load, query, write):
    rows = [event(START + timedelta(days=i), i, 5) for i in range(5)] + [event(START, "x", 5)]
    path = write(HEADER + "".join(rows))
    since = moment("2021-10-23", None)
    (result,) = load(path, since=since)
    assert (counts(result), result.old) == ((2, 2, 0, 0), 4)
    assert list(result.notes()) == ["4 rows before --since passed over"]
    (result,) = load(path, since=moment("2021-10-22", None))
    assert (counts(result), result.old) == ((3, 1, 2, 0), 3)
    query("""
        create schema app;
        create table app.feed (
            at timestamp not null, user_id int, post_id int, action text default 'view', is_liked boolean
        );
        insert into app.feed (at, user_id, post_id)
        select timestamp '2021-11-01' + i * interval '1 day', i, 7 from generate_series(0, 9) as i;
        create view public.feed_data as
        select at as "Timestamp", user_id, post_id, action, is_liked::int as target, 'x' as other from app.feed;
    """)
    (result,) = load(url=dsn, kinds="events", since=moment("2021-11-08", None))
    assert (counts(result), result.old, result.ignored) == ((3, 3, 0, 0), 1, ["other"])
    moscow = moment("2021-11-08", time_zone("Europe/Moscow"))
    (result,) = load(url=dsn, kinds="events", zone="Europe/Moscow", since=moscow)
    assert (counts(result), result.old) == ((3, 3, 0, 0), 1)
    query("""
        drop view public.feed_data;
        create materialized view public.feed_data as
        select at at time zone 'UTC' as timestamp, user_id, post_id, action from app.feed
    """)
    (result,) = load(url=dsn, kinds="events", since=moment("2021-11-09", None))
    assert (counts(result), result.old) == ((2, 0, 2, 0), 0)
    done = command(dsn, path, "--since", "last week")
    assert done.returncode == 1 and "--since is not understood" in done.stderr
    query("drop materialized view public.feed_data")
    query("create view public.feed_data as select user_id, post_id, 1 as target from app.feed")
    with pytest.raises(PgfeedError, match="table feed_data has a wrong header: .* column timestamp is missing"):
        open_server(dsn, ["events"])


def test_german_files_in_a_zip(dsn, load, query, tmp_path):
    path = str(tmp_path / "feed.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("users.csv", "sep=;\r\nUSER_ID;Age\r\n1;34,0\r\n2;null\r\n".encode("utf-16"))
        archive.writestr("feed/events.csv", "timestamp;user_id;post_id;action\r\n03.04.2021 10:00;1;5;view\r\n")
        archive.writestr("LIESMICH.txt", "Stand: heute")
    with pytest.raises(PgfeedError, match="feed.zip/feed/events.csv are not clear: .* Next: give --format DMY"):
        load(path)
    done = command(dsn, path, "--format", "DMY")
    assert done.returncode == 0 and "users.csv: not read: LIESMICH.txt" in done.stdout
    assert query("select user_id, age from pgfeed.users order by 1") == [(1, 34), (2, None)]
    assert query("select event_at at time zone 'UTC' from pgfeed.feed_events") == [(datetime(2021, 4, 3, 10, 0),)]


def test_keys_alone_are_files_too_and_take_nothing_away(load, query, write):
    load(write("user_id,age,city\n1,30,Moscow\n", "full.csv"),
        write("post_id,text,topic\n1,a film,movie\n", "posts.csv"))
    results = load(
        write("user_id\n1\n2\n2\nx\n", "users.csv"), write('"post_id"\n1\n7\n', "ids.csv"),
        write("timestamp,user_id,post_id,target\n2021-10-20 11:00:00,2,7,1\n",
            "views.csv"), write("post_id,user_id,timestamp,action\n7,3,2021-10-20 11:00:00,like\n", "likes.csv"),
    )
    assert [(r.kind, r.rejected) for r in results] == [("users", 1), ("posts", 0), ("events", 0), ("events", 0)]
    assert query("select user_id, age, city from pgfeed.users order by 1") == [(1, 30, "Moscow"), (2, None, None)]
    assert query("select post_id, text, topic from pgfeed.posts order by 1") == [(1, "a film", "movie"),
        (7, None, None)]
    assert query("select user_id, action, target from pgfeed.feed_events order by 1") == [(2, "view", True),
        (3, "like", None)]


def test_parquet_with_a_key_alone(load, query, tmp_path):
    pyarrow.parquet.write_table(pa.table({"user_id": [4, 5]}), tmp_path / "users.parquet")
    load(str(tmp_path / "users.parquet"))
    assert query("select user_id from pgfeed.users order by 1") == [(4,), (5,)]
