"""Feeds that explore: what is logged, which lists are drawn, and what they never do."""

import numpy as np
import psycopg2
import pytest

MOMENT = "2021-12-20 18:00+00"
RULES = "filter => 'post_id <> 5', max_per => '{\"topic\": 2}', hide_viewed => '1 hour'"
SERVE = (
    "select s.moment::text, u.user_id, array_agg(r.post_id order by r.rank)"
    f" from generate_series(timestamptz '{MOMENT}', timestamptz '{MOMENT}' + interval '90 s', '10 s') as s (moment)"
    " cross join (select user_id from pgfeed.users order by user_id limit 20) as u"
    " cross join lateral pgfeed.{}(u.user_id, s.moment, 4, feed => '{}') as r group by 1, 2 order by 1, 2"
)
LOGGED = (
    "select served_at::text, user_id, post_ids, propensities, exploration, seed from pgfeed.exposures"
    " where feed = 'lively' order by served_at::text, user_id"
)


@pytest.fixture
def feeds(network):
    """A function that runs statements where two feeds differ in exploration alone."""
    network(f"call pgfeed.create_feed('lively', explore => 'normal', {RULES})")
    network(f"call pgfeed.create_feed('calm', explore => 'off', {RULES})")
    network("call pgfeed.create_event_partitions(%s, %s)", MOMENT, MOMENT)
    return network


def test_what_is_served_is_what_is_recommended_and_its_chances_are_logged(feeds):
    recommended = feeds(SERVE.format("recommend_posts", "lively"))
    calm = feeds(SERVE.format("recommend_posts", "calm"))
    served = []
    for moment, user_id, _ in recommended[:40]:
        served += feeds("select %s, %s::bigint, array_agg(post_id order by rank)"
                        " from pgfeed.serve_posts(%s, %s, 4, feed => 'lively')", moment, user_id, user_id, moment)
        feeds("update pgfeed.exposures set served_at = served_at + interval '1 day'")
    logged = feeds(LOGGED)
    assert [row[2] for row in served] == [row[2] for row in recommended[:40]]
    assert sorted(row[2] for row in logged) == sorted(row[2] for row in served)
    assert {row[4] for row in logged} == {"normal-1"} and len({row[5] for row in logged}) == len(logged)
    matrices = np.array([row[3] for row in logged])
    assert matrices.shape == (40, 4, 4)
    assert (matrices >= 0).all() and (matrices.sum(axis=2) < 1 + 1e-5).all() and (matrices.sum(axis=1) < 1 + 1e-5).all()
    assert (np.diagonal(matrices, axis1=1, axis2=2) > 0).all()

    changed = [a[2] != b[2] for a, b in zip(recommended, calm)]
    # Half of 200 lists, 4 deviations.
    assert abs(np.mean(changed) - 0.4) < 4 * np.sqrt(0.24 / len(changed))
    for (_, _, lively), (_, _, greedy) in zip(recommended, calm):
        assert len(set(lively)) == 4 and 5 not in lively and len(set(lively) - set(greedy)) <= 1


def test_no_list_breaks_a_rule(feeds):
    topic = dict(feeds("select post_id, topic from pgfeed.posts"))
    liked = {}
    for user_id, post_id in feeds("select user_id, post_id from pgfeed.likes"):
        liked.setdefault(user_id, set()).add(post_id)
    for _, user_id, post_ids in feeds(SERVE.format("recommend_posts", "lively")):
        topics = [topic[post_id] for post_id in post_ids]
        assert max(map(topics.count, topics)) <= 2
        assert not set(post_ids) & liked.get(user_id, set())


def test_off_is_as_if_there_were_no_such_setting(feeds):
    feeds(f"call pgfeed.create_feed('plain', {RULES})")
    assert feeds("select settings from pgfeed.named_feeds where name = 'plain'") == feeds(
        "select settings from pgfeed.named_feeds where name = 'calm'"
    )
    call = f"select * from pgfeed.recommend_posts(%s, '{MOMENT}', 4, feed => '{{}}')"
    for user_id in (1, 2, 33):
        rows = [[row[:-1] for row in feeds(call.format(name), user_id)] for name in ("plain", "calm")]
        assert rows[0] == rows[1]
    feeds(f"select * from pgfeed.serve_posts(1, '{MOMENT}', feed => 'calm')")
    feeds(f"select * from pgfeed.serve_posts(1, '{MOMENT}')")
    assert feeds("select propensities, exploration, seed, arguments from pgfeed.exposures") == [(None,) * 4] * 2
    assert feeds("select name, explore from pgfeed.feeds order by name") == [
        ("calm", "off"), ("lively", "normal"), ("plain", "off"),
    ]


def test_pages_have_no_post_twice_and_leave_none_out(feeds):
    feeds("call pgfeed.create_feed('endless', explore => 'normal')")
    for user_id in (1, 2, 7):
        every = {row[0] for row in feeds("select post_id from pgfeed.recommend_posts(%s, %s, 1000)", user_id, MOMENT)}
        cursor, seen = None, []
        while True:
            rows = feeds("select post_id, cursor from pgfeed.recommend_posts(%s, %s, 7, feed => 'endless',"
                         " after => %s)", user_id, MOMENT, cursor)
            if not rows:
                break
            seen += [row[0] for row in rows]
            cursor = rows[-1][1]
        assert len(seen) == len(set(seen)) and set(seen) == every


def test_a_list_that_lacks_posts_is_sure(feeds):
    feeds("call pgfeed.create_feed('few', 'post_id < 4', explore => 'normal')")
    feeds("select * from pgfeed.serve_posts(1, %s, feed => 'few')", MOMENT)
    feeds("select * from pgfeed.serve_posts(1, %s, 60, feed => 'lively')", MOMENT)
    assert feeds("select propensities, exploration, arguments from pgfeed.exposures where feed = 'few'") == [
        (None, "normal-1", {"k": 5})
    ]
    assert feeds("select propensities, exploration from pgfeed.exposures where feed = 'lively'") == [(None, "normal-1")]


def test_a_post_that_was_hidden_does_not_come(feeds):
    before = {post_id for *_, post_ids in feeds(SERVE.format("recommend_posts", "lively")) for post_id in post_ids}
    greedy = {post_id for *_, post_ids in feeds(SERVE.format("recommend_posts", "calm")) for post_id in post_ids}
    hidden = sorted(before - greedy)[::2]
    assert hidden
    feeds("update pgfeed.posts set hidden_at = now() where post_id = any(%s)", hidden)
    after = {post_id for *_, post_ids in feeds(SERVE.format("recommend_posts", "lively")) for post_id in post_ids}
    assert not after & set(hidden)


def test_a_pinned_baseline_is_not_explored_unless_asked(feeds):
    feeds("call pgfeed.create_experiment('pinned', '{control@1,random}', '{5000,5000}', '{pinned,lot}')")
    feeds("call pgfeed.start_experiment('pinned')")
    feeds("call pgfeed.create_feed('asked', explore => 'normal', explore_baseline => true)")
    arms = feeds("select user_id, pgfeed.experiment_arm(user_id, 'pinned') from pgfeed.users order by user_id limit 20")
    for user_id, _ in arms:
        feeds("select * from pgfeed.serve_posts(%s, %s, feed => 'lively')", user_id, MOMENT)
        feeds("select * from pgfeed.serve_posts(%s, %s, feed => 'asked')", user_id, MOMENT)
    found = feeds("select distinct feed, arm, exploration, propensities is null from pgfeed.exposures order by 1, 2")
    assert found == [
        ("asked", "lot", "normal-1", True), ("asked", "pinned", "normal-1", False),
        ("lively", "lot", "normal-1", True), ("lively", "pinned", None, True),
    ]
    # The champion of the gate is: what it is compared with explores.
    feeds("""
        insert into pgfeed.model_decisions (
            variant, challenger, champion, decision, rule, reasons, figures, experiment_id
        )
        select 'control', 1, 1, 'served', '', '{}', '{}', e.experiment_id from pgfeed.experiments as e
    """)
    feeds("truncate pgfeed.exposures")
    for user_id, _ in arms:
        feeds("select * from pgfeed.serve_posts(%s, %s, feed => 'lively')", user_id, MOMENT)
    assert feeds("select distinct arm, exploration from pgfeed.exposures order by 1") == [
        ("lot", "normal-1"), ("pinned", "normal-1"),
    ]


@pytest.mark.parametrize(("argument", "message"), [
    ("explore => 'wild'", "explore is 'wild'"), ("explore_baseline => true", "explore_baseline is true"),
])
def test_what_is_no_exploration_is_refused(network, argument, message):
    with pytest.raises(psycopg2.Error, match=message):
        network(f"call pgfeed.create_feed('home', {argument})")


REPLAY = "select array_agg(post_id order by rank), array_agg(propensity order by rank) from pgfeed.replay_exposure(%s)"


def exposures(query):
    """Return the id, the posts and the propensities of all exposures."""
    return query("""
        select x.exposure_id, x.post_ids, array(
            select coalesce(x.propensities[i][i], 1) from generate_series(1, cardinality(x.post_ids)) as i
        )
        from pgfeed.exposures as x
    """)


def test_an_exposure_can_be_replayed(feeds):
    calls = ["feed => 'lively'", "", "feed => 'calm', max_per_topic => 1", "candidates => '{1,2,3,4,5,6,7,8,9,10,11}'",
             "exclude => '{2,4,6,8}', feed => 'lively'", "hide_viewed => '40 days', feed => 'lively'"]
    for user_id in (1, 2, 3, 60, 999):
        for number, arguments in enumerate(calls):
            feeds(f"select from pgfeed.serve_posts(%s, timestamptz '{MOMENT}' + %s * interval '1 h', 4"
                  f"{', ' * bool(arguments)}{arguments})", user_id, 2 * number)
    first = feeds("select cursor from pgfeed.serve_posts(5, %s, 4, feed => 'lively') where cursor is not null", MOMENT)
    feeds("select from pgfeed.serve_posts(5, now(), 4, feed => 'lively', after => %s)", first[0][0])
    logged = exposures(feeds)
    assert len(logged) == 32 and any(min(each) < 1 for *_, each in logged)
    for exposure_id, *served in logged:
        assert feeds(REPLAY, exposure_id) == [tuple(served)]
    # A later refresh changes nothing: the moment is of the past then.
    feeds("call pgfeed.refresh_features('2021-12-12')")
    feeds("select from pgfeed.serve_posts(4, '2021-12-12 10:00+00', feed => 'lively')")
    newest = feeds("select exposure_id, post_ids from pgfeed.exposures where user_id = 4")[0]
    feeds("call pgfeed.refresh_features('2021-12-13')")
    assert feeds(REPLAY, newest[0])[0][0] == newest[1]
    feeds("call pgfeed.refresh_features('2021-12-14')")
    later = feeds("select exposure_id from pgfeed.exposures where arguments ? 'after'")[0][0]
    with pytest.raises(psycopg2.Error, match="a page after the first takes the newest features"):
        feeds(REPLAY, later)


def test_what_cannot_be_replayed_says_why(feeds):
    feeds("select from pgfeed.serve_posts(1, %s, 4, feed => 'lively')", MOMENT)
    feeds("select from pgfeed.serve_posts(2, %s, 4, exclude => array(select generate_series(100, 1200))::bigint[])",
          MOMENT)
    by_user = dict(feeds("select user_id, exposure_id from pgfeed.exposures"))

    def problem(exposure_id):
        with pytest.raises(psycopg2.Error) as error:
            feeds(REPLAY, exposure_id)
        assert error.value.diag.message_hint
        return error.value.diag.message_primary

    assert "too many to be kept" in problem(by_user[2])
    assert "there is no exposure" in problem("00000000-0000-0000-0000-000000000000")
    post_id = feeds("select post_ids[2] from pgfeed.exposures where user_id = 1")[0][0]
    feeds("call pgfeed.hide_post(%s)", post_id)
    assert f"the posts {post_id} were deleted or hidden" in problem(by_user[1])
    feeds("call pgfeed.unhide_post(%s)", post_id)
    feeds("insert into pgfeed.feed_events (event_at, user_id, post_id, action) values"
          f" (timestamptz '{MOMENT}' - interval '1 minute', 1, %s, 'view')", post_id)
    assert "events of before its moment" in problem(by_user[1])
    feeds("delete from pgfeed.feed_events where event_at > '2021-12-15'")
    feeds("call pgfeed.drop_feed('lively')")
    assert "there is no feed 'lively'" in problem(by_user[1])
    feeds(f"call pgfeed.create_feed('lively', explore => 'careful', {RULES})")
    assert "explored by normal-1, its feed does by careful-1" in problem(by_user[1])
    feeds("call pgfeed.drop_feed('lively')")
    feeds(f"call pgfeed.create_feed('lively', explore => 'normal', {RULES})")
    assert len(feeds(REPLAY, by_user[1])[0][0]) == 4
    feeds("call pgfeed.refresh_features('2021-12-20 12:00+00')")
    assert "are gone, this moment is served with those of" in problem(by_user[1])
    feeds("delete from pgfeed.model_activations")
    feeds("call pgfeed.delete_model('control', 1)")
    assert "control version 1 was deleted" in problem(by_user[1])
