"""A view weighs by its place, so that rates do not depend on where posts are shown."""

from datetime import date
from io import StringIO

import numpy as np
import pytest

from loader.learning.features import load_pack

DAYS, VISITS, VIEWS, POSTS = 4, 360, 30, 60
TOP, MIDDLE = 1, 2  # equal posts, of which one is shown first and the other later, from the second day on
CHANCES = np.where(np.arange(VIEWS) < 6, 0.4, np.where(np.arange(VIEWS) < 15, 0.2, 0.1))
QUALITY = np.where(np.arange(POSTS + 1) % 2, 1.4, 0.7)
QUALITY[[TOP, MIDDLE]] = 1
TS = "2021-11-08"  # no day before it is counted from the events themselves
ROLLUPS = """
    select 'post', d.day::text, d.post_id, d.view_count, d.like_count, d.effective_view_count, ''
    from pgfeed.post_days as d
    union all
    select 'user', t.day::text, t.user_id, t.view_count, t.like_count, t.effective_view_count, t.topic
    from pgfeed.user_topic_days as t
    order by 1, 2, 3, 7
"""
RATES = "select post_id, like_rate, decayed_like_rate_7d from pgfeed.post_features_as_of(%s) order by 1"
EFFECTS = "select until::text, place, effect from pgfeed.place_effects order by 1, 2"
NEW = "insert into pgfeed.feed_events (event_at, user_id, post_id, action, target) values (%s, %s, %s, %s, %s)"


def events(day, seed=1):
    """Return the events of a day in which what is shown first is liked more, as text for COPY; no user comes twice."""
    random, lines = np.random.default_rng([seed, day]), []
    for user in range(1000 * day, 1000 * day + VISITS):
        posts = random.permutation(np.arange(3, POSTS + 1))[:VIEWS]
        if day:
            posts[random.integers(6)], posts[random.integers(15, 25)] = TOP, MIDDLE
        liked = random.random(VIEWS) < CHANCES * QUALITY[posts]
        for place, (post, is_liked) in enumerate(zip(posts.tolist(), liked.tolist())):
            at = f"2021-11-0{day + 1} 10:{place:02}:00+00"
            lines.append(f"{at}\t{user}\t{post}\tview\t{'t' if is_liked else 'f'}\n")
    return "".join(lines)


@pytest.fixture
def feed(db, query):
    """A function that adds the events of a day and rolls up; it has 10,800 views."""
    query("call pgfeed.create_event_partitions('2021-11-01', '2021-12-31')")
    query("insert into pgfeed.posts (post_id, topic) select p, 'sport' from generate_series(1, %s) as p", POSTS)

    def add(day):
        with db.cursor() as cursor:
            columns = ("event_at", "user_id", "post_id", "action", "target")
            cursor.copy_expert(f"copy pgfeed.feed_events ({', '.join(columns)}) from stdin", StringIO(events(day)))
        query("call pgfeed.roll_up_events()")

    return add


@pytest.fixture
def full(feed, query):
    """The query function of a database with the events of all days."""
    for day in range(DAYS):
        feed(day)
    return query


def raw_rates(query):
    """Return the likes per view by post."""
    return dict(query("select post_id, sum(like_count) / sum(view_count)::float from pgfeed.post_days group by 1"))


def test_effects_of_places_are_those_of_the_feed(full):
    assert full("select until::text, count(*), min(view_count) from pgfeed.place_effects group by 1 order by 1") == [
        ("2021-11-02", 40, 10_800), ("2021-11-03", 40, 21_600),  # the next one is due two days later
    ]
    effects = np.array(full("select effect from pgfeed.place_effects where until = '2021-11-03' order by place"))[:, 0]
    expected = CHANCES / CHANCES.mean()
    assert np.abs(effects[:VIEWS] / expected - 1).mean() < 0.1
    assert effects[VIEWS:] == pytest.approx(1, abs=0.25)  # of which there is no view


def test_what_exploration_has_placed_counts_where_it_opened_the_day(feed, query):
    feed(0)
    # As if chance had placed a post that was liked last and one that was not first.
    query("""
        insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids, propensities)
        select
            s.event_at, s.user_id, 'control', 'model', s.event_at, s.post_ids,
            array(
                select array(
                    select case
                        when r.i = case when s.targets[5] then 5 else 1 end then 0.02 when r.i = c.j then 0.9 else 0
                    end::real from generate_series(1, 5) as c (j)
                ) from generate_series(1, 5) as r (i)
            )
        from (
            select e.user_id, min(e.event_at) as event_at, (array_agg(e.post_id order by e.event_at))[:5] as post_ids,
                (array_agg(e.target order by e.event_at))[:5] as targets
            from pgfeed.feed_events as e group by 1
        ) as s
        where s.targets[5] or not s.targets[1]
    """)

    def ratio():
        query("truncate pgfeed.place_effects")
        query("call pgfeed._estimate_places('{2021-11-02}')")
        effects = dict(query("select place, effect from pgfeed.place_effects where until = '2021-11-02'"))
        return effects[4] / effects[0]

    query("update pgfeed.rollup_days set is_stale = true")
    with_chances = ratio()
    query("update pgfeed.exposures set served_at = served_at + interval '1 hour'")
    later = ratio()
    query("update pgfeed.exposures set propensities = null, served_at = served_at - interval '1 hour'")
    assert with_chances > 2 > 1.5 > later == ratio() > 0.7


def test_equal_posts_are_equal_wherever_they_are_shown(full):
    raw = raw_rates(full)
    assert raw[TOP] > 3 * raw[MIDDLE]
    assert [max(raw, key=raw.get), min(raw, key=raw.get)] == [TOP, MIDDLE]

    features = full(RATES, TS)
    for rates in ({post: row[number] for post, *row in features} for number in (0, 1)):
        assert rates[TOP] / rates[MIDDLE] == pytest.approx(1, abs=0.25)
        mean = np.mean(list(rates.values()))
        assert np.mean(list(raw.values())) == pytest.approx(mean, rel=0.15)  # the scale stays

    full("call pgfeed.refresh_features()")
    order = [post for post, in full("select post_id from pgfeed.popular_posts(%s, ts => %s) order by rank", POSTS, TS)]
    good = {post for post in range(3, POSTS + 1) if QUALITY[post] > 1}
    assert len(good & set(order[: len(good)])) >= len(good) - 2
    places = [order.index(post) for post in (TOP, MIDDLE)]
    assert min(places) >= len(good) - 6 and max(places) <= len(good) + 6


def test_what_a_group_likes_does_not_depend_on_the_place(full):
    full("insert into pgfeed.users (user_id, city) select distinct e.user_id, 'Rome' from pgfeed.feed_events as e")
    full("call pgfeed.refresh_features()")
    scores = full("select post_id, score from pgfeed.popular_posts(%s, 'user.city', 'Rome', %s)", POSTS, TS)
    odds = {post: np.exp(score) for post, score in scores}
    assert odds[TOP] / odds[MIDDLE] == pytest.approx(1, abs=0.4)  # of odds, a quarter of rates
    full("truncate pgfeed.place_effects")
    likes = "select * from pgfeed._group_counts('user.city', '{Rome}', %s)"
    _, ids, views, liked = full(likes, TS)[0]
    kinds = ((ids, ">i8"), (views, ">f8"), (liked, ">f8"))
    ids, views, liked = (np.frombuffer(packed, kind) for packed, kind in kinds)
    rates = dict(zip(ids.tolist(), liked / views))
    assert rates[TOP] > 3 * rates[MIDDLE]


def test_quality_does_not_depend_on_the_place(full, db):
    quality = quality_of(full, db)
    assert quality[TOP] / quality[MIDDLE] == pytest.approx(1, abs=0.25)
    full("update pgfeed.post_days set effective_view_count = null")
    quality = quality_of(full, db)
    assert quality[TOP] > 2 * quality[MIDDLE]


def quality_of(query, db):
    """Return post.quality by post as of TS."""
    query("call pgfeed.refresh_features(%s)", TS)
    pack = load_pack(db, date.fromisoformat(TS), {})
    return dict(zip(pack.post_ids.tolist(), pack.columns["post.quality"].tolist()))


def test_rates_of_users_by_topic_count_places(feed, query):
    feed(0)
    feed(1)
    weights = dict(query("select place, effect::float from pgfeed.place_effects"))
    views = query(
        "select topic, view_count, effective_view_count::float from pgfeed.user_topic_days where user_id = 1000"
    )
    assert views == [("sport", VIEWS, sum(weights[place] for place in range(VIEWS)))]
    at, live = "2021-11-03 09:02:30+00", 5000
    for minute, post in enumerate((5, 6, 5, 7)):  # the third one repeats the first
        query(NEW, f"2021-11-03 09:0{minute}:00+00", live, post, "view", post == 6)
    (likes, rate), = query("select like_count, like_rate from pgfeed.user_topic_features_as_of(%s, array[5000])", at)
    seen = weights[0] + weights[1]
    assert (likes, rate) == (1, pytest.approx((1 + 20 * (1 + 2) / (seen + 20)) / (seen + 20), rel=1e-5))


def test_what_comes_later_changes_nothing(feed, query):
    feed(0)
    feed(1)
    before = query(RATES, "2021-11-02 10:15:30+00"), query(RATES, "2021-11-03"), query(EFFECTS)
    feed(2)
    feed(3)
    now = query(RATES, "2021-11-02 10:15:30+00"), query(RATES, "2021-11-03")
    assert (*now, [row for row in query(EFFECTS) if row[0] < "2021-11-03"]) == before


def test_rolling_up_day_by_day_is_rolling_up_at_once(full):
    rollups, effects = full(ROLLUPS), full(EFFECTS)
    full("call pgfeed.roll_up_events(from_day => '2021-11-01')")
    assert (full(ROLLUPS), full(EFFECTS)) == (rollups, effects)
    full("truncate pgfeed.post_days, pgfeed.user_topic_days, pgfeed.rollup_days, pgfeed.place_effects")
    full("update pgfeed.rollup_watermarks set watermark_at = '-infinity'")
    full("call pgfeed.roll_up_events()")
    assert (full(ROLLUPS), full(EFFECTS)) == (rollups, effects)


def test_erased_and_merged_users_leave_what_was_counted_from_scratch(full):
    # Of a day on which both were there, places are counted anew.
    for minute in range(5):
        full(NEW, f"2021-11-04 09:5{minute}:00+00", 9000, 10 + minute, "view", minute == 1)
    full("call pgfeed.roll_up_events()")
    for change in ("call pgfeed.erase_user(3001)", "call pgfeed.merge_users(9000, 3002)"):
        before = full(ROLLUPS)
        full(change)
        after = full(ROLLUPS)
        full("call pgfeed.roll_up_events(from_day => '2021-11-01')")
        assert before != after == full(ROLLUPS)


def test_dropped_events_stay_weighed(full):
    full(NEW, "2021-12-20 10:00:00+00", 1, 1, "view", False)
    full("call pgfeed.refresh_features()")
    before = full(ROLLUPS), full(EFFECTS)
    full("call pgfeed.drop_events('2021-12-01')")
    full("call pgfeed.roll_up_events(from_day => '2021-11-01')")
    assert (full(ROLLUPS), full(EFFECTS)) == before


def test_views_that_were_counted_before_there_were_places_weigh_one_each(full):
    full("update pgfeed.post_days set effective_view_count = null")
    features = "select view_count, like_count, like_rate from pgfeed.post_features_as_of(%s, array[1])"
    (views, likes, rate), = full(features, TS)
    overall = full("select sum(like_count) / sum(view_count)::float from pgfeed.rollup_days")[0][0]
    assert rate == pytest.approx((likes + 100 * overall) / (views + 100), rel=1e-5)


def test_a_small_feed_has_no_effects(feed, query):
    query("call pgfeed.roll_up_events()")
    for minute in range(9):
        query(NEW, f"2021-11-01 10:0{minute}:00+00", 1, 10 + minute, "view", minute == 0)
        query(NEW, f"2021-11-02 10:0{minute}:00+00", 1, 20 + minute, "view", minute == 0)
    query("call pgfeed.roll_up_events()")
    assert query("select count(*) from pgfeed.place_effects") == [(0,)]
    assert query("select distinct effective_view_count from pgfeed.post_days") == [(1,)]


def test_a_day_that_came_late_makes_no_version_of_days_that_are_counted(feed, query):
    feed(2)
    feed(0)
    feed(1)
    assert query("select count(*) from pgfeed.place_effects") == [(0,)]
    feed(3)
    assert query("select distinct until::text from pgfeed.place_effects") == [("2021-11-04",)]
