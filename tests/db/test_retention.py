"""Old events: dropped by drop_events or deleted by hand, and what is remembered of them."""

import threading
import time
from contextlib import closing
from datetime import UTC, date, datetime

import psycopg2
import pytest

from loader.errors import PgfeedError
from loader.learning import catalogue, impressions, requests, split, train
from plpy.features import with_history
from tests.db.conftest import autocommit, clone, copy_of, dsn_of, queries

END = "2021-12-13 12:00+00"
CALL = "select post_id from pgfeed.recommend_posts(%s, %s, %s) order by rank"
COUNTS = "select count(*), sum(view_count), sum(like_count) from pgfeed.rollup_days"
POSTS = "select md5(string_agg(f::text, '|' order by f.post_id)) from pgfeed.post_features as f"
USERS = "select md5(string_agg(f::text, '|' order by f.user_id)) from pgfeed.user_features as f"
HEALTH = "select status, found, remedy from pgfeed.health() where name = 'counted events'"
# The same views and likes a month earlier, so that there is a month to drop.
EARLIER_MONTH = """
    call pgfeed.create_event_partitions('2021-11-01', '2021-11-30');
    insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)
    select event_at - interval '12 days', user_id, post_id % 80 + 1, action, target from pgfeed.feed_events;
    call pgfeed.refresh_features();
"""


@pytest.fixture(scope="module")
def two_months_template(network_template):
    """Name of a copy of the network with a second month of events before the first."""
    with copy_of(network_template, "months") as name:
        with autocommit(dsn_of(name)) as connection:
            queries(connection)(EARLIER_MONTH)
        yield name


@pytest.fixture
def months_dsn(two_months_template):
    """Connection string of a fresh copy of the network of two months."""
    with clone(two_months_template) as result:
        yield result


@pytest.fixture
def months(months_dsn):
    """A function that runs one statement in a fresh copy of the network of two months."""
    with autocommit(months_dsn) as connection:
        yield queries(connection)


def test_dropping_a_month_keeps_counts_likes_and_features(months, months_dsn):
    liked = {
        user: {row[0] for row in months("select post_id from pgfeed.liked_posts where user_id = %s", user)}
        for user in range(1, 61)
    }
    old = months("select count(*) from pgfeed.liked_posts where liked_at < '2021-12-01'")[0][0]
    before = [months(statement) for statement in (COUNTS, POSTS, USERS)]
    answers = {user: months(CALL, user, END, 80) for user in range(1, 61)}
    assert old > 500
    assert months("call pgfeed.drop_events('2021-12-05')") == [(1,)]
    assert months("select min(event_at) >= '2021-12-01' from pgfeed.feed_events") == [(True,)]
    for refresh in (
        "select",
        "call pgfeed.refresh_features()",
        "call pgfeed.roll_up_events(from_day => '2021-10-01')",
        "call pgfeed.refresh_features()",
    ):
        months(refresh)
        assert [months(statement) for statement in (COUNTS, POSTS, USERS)] == before
        with autocommit(months_dsn) as fresh:
            for user in range(1, 61):
                rows = queries(fresh)(CALL, user, END, 80)
                assert {post for (post,) in rows} == {post for (post,) in answers[user]}
                assert not {post for (post,) in rows} & liked[user]
    assert months(HEALTH) == [("ok", "those until 2021-11-30 were dropped by drop_events", None)]


def test_only_what_is_made_of_single_views_can_change(months):
    def user():
        (row,), = months("select to_jsonb(r) from pgfeed._request_users(%s, array[7], true) as r", END)
        bytes_of = {name: value for name, value in row.items() if name.endswith(("_post_ids", "ed_at"))}
        others = {name: value for name, value in row.items() if name not in bytes_of}
        history = with_history({name: value and bytes.fromhex(value[2:]) for name, value in bytes_of.items()})
        return len(history["viewed_at"]), history["liked_post_ids"].tolist(), history["liked_at"].tolist(), others

    before = user()
    months("call pgfeed.drop_events('2021-12-01')")
    after = user()
    assert before[1:] == after[1:] and before[0] > after[0] > 0


def test_features_as_of_dropped_days_are_one_clear_error(months):
    past = "2021-11-22 12:00+00"
    assert len(months(CALL, 7, past, 5)) == 5
    months("call pgfeed.drop_events('2021-12-01')")
    for ts in (past, "2021-11-30 23:00+00", "2021-12-01 12:00+00"):
        with pytest.raises(psycopg2.Error, match="features as of .* need the events of .*, which are gone") as raised:
            months(CALL, 7, ts, 5)
        assert raised.value.diag.message_hint == "Give a moment from 2021-12-02 on."
    # Nothing was counted on that day or the day before it.
    assert len(months(CALL, 7, "2021-12-02", 5)) == 5


def test_a_late_event_does_not_bring_a_dropped_day_back(months):
    months("call pgfeed.drop_events('2021-12-01')")
    before = months(COUNTS)
    months(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " values ('2021-11-30 23:59+00', 7, 1, 'view')"
    )
    months("call pgfeed.refresh_features()")
    assert months(COUNTS) == before and months("select pgfeed._events_from()::text") == [("2021-12-02",)]
    with pytest.raises(psycopg2.Error, match="features as of .* need the events of 2021-11-30, which are gone"):
        months(CALL, 7, "2021-12-01 12:00+00", 5)


@pytest.mark.parametrize("loss", ["call pgfeed.drop_events('2021-12-01')", "delete from pgfeed.feed_events where"
                                  " event_at < '2021-12-01'; call pgfeed.roll_up_events(from_day => '2021-11-01')"])
@pytest.mark.parametrize("late_count", [2, 3, 4])
def test_a_thin_day_that_is_gone_is_not_counted_by_as_many_late_events(months, loss, late_count):
    """Three events were counted; those that come late are of other users and posts."""
    events = (
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
        " select '2021-11-10 10:00+00', u, %s, 'view'"
    )
    counts = "select view_count, like_count from pgfeed.rollup_days where day = '2021-11-10'"
    of_posts = "select post_id, view_count from pgfeed.post_days where day = '2021-11-10'"
    months(f"{events} from generate_series(1, 3) as u", 1)
    months("call pgfeed.roll_up_events()")
    months(loss)
    for post_id in (2, 3):
        months(f"{events} from generate_series(11, 10 + %s) as u", post_id, late_count)
        months("call pgfeed.roll_up_events()")
        months("call pgfeed.roll_up_events(from_day => '2021-11-01')")
        assert (months(counts), months(of_posts)) == ([(3, 0)], [(1, 3)])
        with pytest.raises(psycopg2.Error, match="need the events of 2021-11-10, which are gone"):
            months(CALL, 7, "2021-11-11", 5)
    months("call pgfeed.recount_days('2021-11-10', '2021-11-10')")
    assert months(of_posts) == [(2, late_count), (3, late_count)]


def test_a_day_that_goes_on_is_counted_by_what_is_there(months):
    months("update pgfeed.rollup_days set rolled_up_at = '2021-12-12 12:00+00' where day = '2021-12-12'")
    months("delete from pgfeed.feed_events where event_at >= '2021-12-12' and user_id = 7")
    months("call pgfeed.roll_up_events(from_day => '2021-12-12')")
    assert months(HEALTH)[0][0] == "warn"
    months("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
           " select '2021-12-12 23:00+00', u, 80, 'view' from generate_series(101, 140) as u")
    months("call pgfeed.roll_up_events()")
    assert months(HEALTH)[0][0] == "ok"
    assert months("select view_count from pgfeed.post_days where day = '2021-12-12' and post_id = 80")[0][0] >= 40


def test_training_and_evaluation_use_the_days_that_are_left(months, months_dsn):
    months("call pgfeed.drop_events('2021-12-01')")
    with closing(psycopg2.connect(months_dsn)) as connection:
        days = split.load(connection)
        assert min(days.views).isoformat() == "2021-12-02"
        assert len(impressions.load_day(connection, min(days.views), 1.0)[0]) > 0
        assert train.train(connection, "control").trained_from.isoformat() >= "2021-12-02"


def test_a_day_lost_by_hand_does_not_take_those_before_it_from_training(months, months_dsn):
    months("delete from pgfeed.feed_events where event_at >= '2021-12-11'")
    months("call pgfeed.roll_up_events(from_day => '2021-11-01')")
    with closing(psycopg2.connect(months_dsn)) as connection:
        days = [day.isoformat() for day in split.load(connection).views]
    assert days[0] < "2021-11-22" and days[-1] == "2021-12-10"


@pytest.mark.parametrize("horizon", [None, 86400.0])
def test_choosing_from_the_catalogue_is_learned_on_both_sides_of_a_lost_day(months, months_dsn, horizon):
    months("delete from pgfeed.feed_events where event_at::date = '2021-12-07'")
    months("call pgfeed.roll_up_events(from_day => '2021-11-01')")
    with closing(psycopg2.connect(months_dsn)) as connection:
        likes = requests.load_likes(connection)
        found = catalogue.requests_until(likes, split.midnight(date(2021, 12, 13)).timestamp(), horizon, 3000)
        days = {datetime.fromtimestamp(request.at, UTC).date().isoformat() for request in found}
        assert min(days) < "2021-11-25" and max(days) > "2021-12-09"
        assert not days & {"2021-12-07", "2021-12-08"}
        for request in found[:: len(found) // 5]:
            next(requests.with_features(connection, [request], {}, "features"))


def test_nothing_to_choose_from_is_learned_where_all_events_are_gone(months, months_dsn):
    months("delete from pgfeed.feed_events")
    months("call pgfeed.roll_up_events(from_day => '2021-11-01')")
    with closing(psycopg2.connect(months_dsn)) as connection, pytest.raises(PgfeedError, match="gone on all days"):
        catalogue.train(connection, 30, until=split.midnight(date(2021, 12, 10)))


@pytest.mark.parametrize("before", ["2022-01-01", "2030-01-01", "infinity", None])
def test_what_the_features_need_is_not_dropped(months, before):
    with pytest.raises(psycopg2.Error, match="cannot be dropped") as raised:
        months("call pgfeed.drop_events(%s)", before)
    assert (
        raised.value.diag.message_hint
        == "The features need those of the last two days. Give a moment until 2021-12-01."
    )


def test_a_month_in_use_is_given_up_and_nobody_waits(months, months_dsn):
    with psycopg2.connect(months_dsn) as reader, autocommit(months_dsn) as other:
        queries(reader)("select count(*) from pgfeed.feed_events")
        failed = []

        def drop():
            with pytest.raises(psycopg2.Error, match="the months of events are in use") as raised:
                queries(other)("call pgfeed.drop_events('2021-12-01')")
            failed.append(raised.value.pgcode)

        dropping = threading.Thread(target=drop)
        dropping.start()
        time.sleep(0.5)
        assert len(months(CALL, 7, END, 5)) == 5
        dropping.join()
        assert failed == ["55P03"]
        reader.rollback()
    assert months("call pgfeed.drop_events('2021-12-01')") == [(1,)]


def test_events_that_were_not_counted_are_counted_first(months):
    months(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values ('2021-11-25 10:00+00', 900,"
        " 901, 'like')"
    )
    months("call pgfeed.drop_events('2021-12-01')")
    assert months("select liked_at::date::text from pgfeed.liked_posts where user_id = 900") == [("2021-11-25",)]
    assert months("select like_count from pgfeed.post_days where post_id = 901 and day = '2021-11-25'") == [(1,)]


def test_a_file_that_is_loaded_again_brings_a_month_back_when_that_is_asked_for(months):
    months("create table kept as select * from pgfeed.feed_events where event_at < '2021-12-01'")
    before = months(COUNTS)
    months("call pgfeed.drop_events('2021-12-01')")
    months("call pgfeed.create_event_partitions('2021-11-01', '2021-11-30')")
    months(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action, target) select event_at, user_id,"
        " post_id, action, target from kept"
    )
    months("call pgfeed.refresh_features()")
    with pytest.raises(psycopg2.Error, match="need the events of 2021-11-21, which are gone"):
        months(CALL, 7, "2021-11-22 12:00+00", 5)
    assert months("call pgfeed.recount_days('2021-11-01', '2021-11-30')") == [(12,)]
    months("call pgfeed.refresh_features()")
    assert months(COUNTS) == before
    assert months(HEALTH)[0][:2] == ("ok", "all are there")
    assert len(months(CALL, 7, "2021-11-22 12:00+00", 5)) == 5


@pytest.mark.parametrize(
    "loss",
    [
        "drop table pgfeed.feed_events_y2021m11",
        "alter table pgfeed.feed_events detach partition pgfeed.feed_events_y2021m11",
        "truncate pgfeed.feed_events_y2021m11",
        "delete from pgfeed.feed_events where event_at < '2021-12-01'",
    ],
)
def test_a_month_lost_by_hand_keeps_its_counts_and_is_named(months, loss):
    before = [months(statement) for statement in (COUNTS, POSTS, USERS)]
    months(loss)
    months("call pgfeed.roll_up_events(from_day => '2021-11-01')")
    months("call pgfeed.refresh_features()")
    assert [months(statement) for statement in (COUNTS, POSTS, USERS)] == before
    status, found, remedy = months(HEALTH)[0]
    restore = " -- or restore a backup, see docs/how-to/dump-and-restore.md"
    assert status == "fail" and remedy == f"call pgfeed.drop_events('2021-12-01'){restore}"
    assert months("select status from pgfeed.health() where name = 'partitions'") != [("fail",)]
    assert found.startswith(
        "8640 events of 12 days, 2021-11-19 to 2021-11-30, are gone: what was counted of them stays"
    )
    with pytest.raises(psycopg2.Error, match="which are gone"):
        months(CALL, 7, "2021-11-22 12:00+00", 5)
    months(remedy)
    assert months(HEALTH)[0][0] == "ok" and months(COUNTS) == before[0]


def test_everything_truncated_by_hand_keeps_what_was_counted(months):
    before, likes = months(COUNTS), months("select count(*) from pgfeed.liked_posts")
    months("truncate pgfeed.feed_events")
    months("call pgfeed.roll_up_events(from_day => '2021-11-01')")
    assert months(COUNTS) == before and months("select count(*) from pgfeed.liked_posts") == likes
    liked = {row[0] for row in months("select post_id from pgfeed.liked_posts where user_id = 7")}
    assert len(liked) > 5 and not liked & {row[0] for row in months(CALL, 7, END, 80)}
    with pytest.raises(psycopg2.Error, match="which are gone"):
        months("call pgfeed.refresh_features()")


def test_the_newest_day_deleted_by_hand_can_be_given_up(months):
    """Features as of its midnight need nothing of it; the error names the call after which later ones do not either."""
    midnight, noon = "call pgfeed.refresh_features('2021-12-12')", "call pgfeed.refresh_features('2021-12-12 12:00+00')"
    months("delete from pgfeed.feed_events where event_at >= '2021-12-12'")
    months("call pgfeed.roll_up_events(from_day => '2021-12-12')")
    months(midnight)
    with pytest.raises(psycopg2.Error, match="need the events of 2021-12-12, which are gone") as raised:
        months(noon)
    hint = "If they are to be gone: call pgfeed.recount_days('2021-12-12', '2021-12-12')."
    assert raised.value.diag.message_hint == hint
    months(hint.removeprefix("If they are to be gone: ").removesuffix("."))
    months(noon)


def test_late_events_of_a_lost_day_do_not_take_its_counts(months):
    day = "select view_count, like_count from pgfeed.rollup_days where day = '2021-11-26'"
    before = months(day)
    months("delete from pgfeed.feed_events where event_at::date = '2021-11-26'")
    months(
        "insert into pgfeed.feed_events (event_at, user_id, post_id, action) select '2021-11-26 10:00+00', u, 1,"
        " 'like' from generate_series(1, 200) as u"
    )
    months("call pgfeed.roll_up_events()")
    assert months(day) == before
    assert months("select count(*) from pgfeed.liked_posts where liked_at = '2021-11-26 10:00+00'")[0][0] > 100


def test_a_correction_is_asked_for_by_name(months):
    posts = [row[0] for row in months("select post_id from pgfeed.liked_posts where user_id = 7")]
    total = months("select sum(like_count) from pgfeed.rollup_days")[0][0]
    months("delete from pgfeed.feed_events where user_id = 7")
    months("call pgfeed.roll_up_events(from_day => '2021-11-01')")
    assert months("select sum(like_count) from pgfeed.rollup_days") == [(total,)]
    status, _, remedy = months(HEALTH)[0]
    assert (status, remedy) == ("warn", "call pgfeed.recount_days('2021-11-19', '2021-12-12')")
    months(remedy)
    assert months("select sum(like_count) from pgfeed.rollup_days") == [(total - len(posts),)]
    assert months("select count(*) from pgfeed.liked_posts where user_id = 7") == [(0,)]
    assert months(HEALTH)[0][0] == "ok"
    assert months(COUNTS) == months(
        "select 24, (select count(*) from pgfeed.impressions), (select count(*) from pgfeed.liked_posts)"
    )


def test_of_two_likes_the_first_is_taken_back(months):
    months("""insert into pgfeed.feed_events (event_at, user_id, post_id, action)
        values ('2021-12-03 10:00+00', 900, 1, 'like'), ('2021-12-08 10:00+00', 900, 1, 'like')""")
    months("call pgfeed.roll_up_events()")
    months("delete from pgfeed.feed_events where user_id = 900 and event_at < '2021-12-05'")
    months("call pgfeed.recount_days('2021-12-03', '2021-12-03')")
    assert months("select liked_at::date::text from pgfeed.liked_posts where user_id = 900") == [("2021-12-08",)]
    assert months("select sum(like_count) from pgfeed.rollup_days") == months("select count(*) from pgfeed.liked_posts")


def test_dropped_days_are_not_recounted(months):
    months("call pgfeed.drop_events('2021-12-01')")
    with pytest.raises(psycopg2.Error, match="the events of 2021-11-30 were dropped by drop_events") as raised:
        months("call pgfeed.recount_days('2021-11-22', '2021-12-05')")
    assert raised.value.diag.message_hint == "What was counted of them stays. Give a from_day from 2021-12-01 on."
    for days in (("2021-12-05", "2021-12-01"), (None, "2021-12-01"), ("2021-12-01", None)):
        with pytest.raises(psycopg2.Error, match="no days from"):
            months("call pgfeed.recount_days(%s, %s)", *days)


def test_operators_do_it_and_nobody_else(months):
    for statement in ("call pgfeed.drop_events('2021-12-01')", "call pgfeed.recount_days('2021-12-05', '2021-12-06')"):
        for role in ("pgfeed_reader", "pgfeed_writer"):
            months(f"set role {role}")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                months(statement)
        months("set role pgfeed_operator")
        months(statement)
        months("reset role")
