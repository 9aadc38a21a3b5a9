"""What a call lets into the list: candidates, posts left out, posts seen lately, caps."""

import psycopg2
import pytest

AT = "2021-12-13"
ALL = "select post_id, topic from pgfeed.recommend_posts(7, %s, 1000) order by rank"
ERRORS = {
    "candidates => '{1, null}'": ("22004", "candidates has a null"),
    "exclude => '{null}'": ("22004", "exclude has a null"),
    "candidates => array(select generate_series(1, 100001))": ("54000", "candidates has 100001 elements"),
    "hide_viewed => '-1 day'": ("22023", "hide_viewed is -1 days"),
    "max_per_topic => 0": ("22023", "max_per_topic is 0"),
}


@pytest.fixture
def ranked(network):
    """All posts that user 7 can be shown, in the order of the list, with their topics."""
    network("call pgfeed.refresh_features('2021-12-12')")
    return network(ALL, AT)


def ids(network, arguments, *values, k=5):
    rows = network(f"select post_id from pgfeed.recommend_posts(7, %s, {k}, {arguments}) order by rank", AT, *values)
    return [row[0] for row in rows]


def test_only_candidates_are_recommended_and_unknown_ones_ignored(network, ranked):
    wanted = [post_id for post_id, _ in ranked][10:14]
    assert ids(network, "candidates => %s::bigint[]", [*wanted[::-1], 12345, wanted[0]]) == wanted
    assert ids(network, "candidates => '{}'") == []
    assert ids(network, "candidates => (%s::bigint[])[1:3]", [*wanted[:3], None]) == wanted[:3]


def test_what_is_excluded_is_not_recommended(network, ranked):
    best = [post_id for post_id, _ in ranked]
    assert ids(network, "exclude => %s::bigint[]", [best[0], best[2], 12345]) == [best[1], *best[3:7]]
    assert ids(network, "exclude => '{}'") == best[:5]


def test_what_was_viewed_or_served_lately_is_hidden(network, ranked):
    seen = {row[0] for row in network(
        "select post_id from pgfeed.feed_events where user_id = 7 and event_at >= '2021-12-12' and event_at < %s", AT
    )}
    assert seen
    assert ids(network, "hide_viewed => '1 day'", k=1000) == [p for p, _ in ranked if p not in seen]
    served = [row[0] for row in network("select post_id from pgfeed.serve_posts(7, %s)", AT)]
    assert ids(network, "hide_viewed => '1 day'", k=1000) == [p for p, _ in ranked if p not in seen]
    later = network("select post_id from pgfeed.recommend_posts(7, '2021-12-13 01:00', 1000, hide_viewed => '2 hours')")
    assert not set(served) & {row[0] for row in later}


def test_a_topic_has_no_more_than_its_share(network, ranked):
    topics = dict(ranked)
    best = ids(network, "max_per_topic => 2")
    assert [topics[each] for each in best[:4]].count("sport") == 2
    assert len(best) == 5
    assert best[4] == next(post_id for post_id, _ in ranked if post_id not in best[:4])


def test_all_of_them_hold_for_keys_too(network, ranked):
    best = [post_id for post_id, _ in ranked]
    rows = network(
        "select post_key from pgfeed.recommend_for('7', %s, candidates => %s::text[], exclude => %s::text[])",
        AT, [str(each) for each in best[:4]], [str(best[1])],
    )
    assert [int(row[0]) for row in rows] == [best[0], *best[2:4]]


def test_what_is_served_is_recorded_with_the_same_arguments(network, ranked):
    best = [post_id for post_id, _ in ranked]
    rows = network("select post_id from pgfeed.serve_posts(7, %s, exclude => %s::bigint[])", AT, best[:2])
    assert [row[0] for row in rows] == best[2:7]
    assert network("select post_ids, feed from pgfeed.exposures") == [(best[2:7], None)]


@pytest.mark.parametrize(("arguments", "error"), ERRORS.items())
def test_what_cannot_be_served_is_one_error(network, ranked, arguments, error):
    with pytest.raises(psycopg2.Error, match=error[1]) as raised:
        ids(network, arguments)
    assert raised.value.pgcode == error[0]
    assert raised.value.diag.message_hint
    with pytest.raises(psycopg2.Error, match=error[1]):  # a visitor's call
        network(f"select from pgfeed.recommend_posts(null, %s, session => '{{1}}', {arguments})", AT)
