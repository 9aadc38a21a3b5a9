"""What a user was shown before without liking it comes after what is new to the user."""

from datetime import timedelta

import numpy as np
import psycopg2
import pytest

from loader.learning import seen
from loader.simulation import future, simulate
from loader.simulation.served import read_lists
from loader.simulation.world import World

END = "2021-12-13 12:00+00"
LIST = "select post_id from pgfeed.recommend_posts(%s, %s, %s) order by rank"
SERVE = "select post_id from pgfeed.serve_posts(%s, %s) order by rank"
VIEW = "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (%s, %s, %s, 'view')"
EXPOSE = """
    insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)
    values (%s, %s, 'control', 'model', '2021-12-08', %s)
"""
WITHOUT = "update pgfeed.models set encoders = encoders - 'seen'"
SHOWN = "(times shown before)"


def ids(rows):
    return [row[0] for row in rows]


def test_what_was_shown_comes_last_and_no_list_gets_shorter(network):
    before = ids(network(LIST, 7, END, 1000))
    for post_id in before[:3]:
        network(VIEW, "2021-12-13 01:00+00", 7, post_id)
    after = ids(network(LIST, 7, END, 1000))
    assert sorted(after) == sorted(before)
    assert not {*before[:3]} & {*after[:5]}


def test_what_was_served_counts_as_shown_an_hour_later(network):
    served = ids(network(SERVE, 7, END))
    assert ids(network(LIST, 7, "2021-12-13 12:50+00", 5)) == served
    assert not {*ids(network(LIST, 7, "2021-12-13 14:00+00", 5))} & {*served}


def test_a_stranger_is_not_shown_the_same_again(network):
    served = ids(network(SERVE, 999_999, END))
    rows = network("select post_id, source from pgfeed.recommend_posts(999999, '2021-12-13 14:00+00')")
    assert not {*ids(rows)} & {*served} and {source for _, source in rows} == {"cold_start"}


def test_after_its_days_it_is_as_before(network):
    network("update pgfeed.models set encoders = jsonb_set(encoders, '{seen}', %s)",
            '{"rule: days": 2, "rule: effect": -3}')
    best = ids(network(LIST, 999_999, END, 1))[0]
    network(EXPOSE, END, 999_999, [best])
    for ts, is_best in (("2021-12-15 11:00+00", False), ("2021-12-15 13:00+00", True)):
        assert (ids(network(LIST, 999_999, ts, 1))[0] == best) == is_best


def test_variants_without_a_model_know_nothing_of_it(network):
    best = "select post_id from pgfeed.recommend_posts(7, %s, 5, 'popular')"
    first = ids(network(best, END))
    network(EXPOSE, END, 7, first)
    assert ids(network(best, "2021-12-13 14:00+00")) == first


def test_a_model_without_effects_serves_as_before(network):
    network(WITHOUT)
    served = ids(network(SERVE, 7, END))
    assert ids(network(LIST, 7, "2021-12-13 14:00+00", 5)) == served


@pytest.mark.parametrize("user_id", [7, 999_999])
def test_the_effect_is_a_row_of_the_explanation(network, user_id):
    explained = "select feature, value, contribution from pgfeed.explain_recommendation(%s, %s, '2021-12-13 14:00+00')"
    best = ids(network(LIST, user_id, END, 1))[0]
    # One that the rule passes over has no row before.
    (before,), = network(
        "select count(*) from pgfeed.feed_events where user_id = %s and post_id = %s and action = 'view'"
        " and event_at < '2021-12-13 13:00+00'", user_id, best,
    )
    network(SERVE, user_id, END)
    rows = network(explained, user_id, best)
    effect, = (row for row in rows if row[0] == SHOWN)
    assert effect[1] == before + 1 and effect[2] < -2
    scores = network("select score from pgfeed.recommend_posts(%s, '2021-12-13 14:00+00', 1000) where post_id = %s",
                     user_id, best)
    assert sum(row[2] for row in rows) == pytest.approx(scores[0][0], abs=1e-5)


def test_effects_are_stored_with_the_model(network):
    (encoders, metrics), = network("select encoders -> 'seen', metrics from pgfeed.models")
    assert encoders["rule: days"] > 0 > encoders["rule: effect"] and "times: 1" in encoders
    assert metrics["shown_again_count"] > 0


def test_exposures_without_a_view_are_learned_from(network, network_dsn):
    """Post 5 was only served to user 7, post 6 viewed, both the day before user 7 views them again."""
    network("delete from pgfeed.feed_events where user_id = 7 and event_at >= '2021-12-08'")
    network("delete from pgfeed.feed_events where user_id = 7 and post_id in (5, 6)")
    network(EXPOSE, "2021-12-08 09:00+00", 7, [5])
    for moment, post_id in (("2021-12-08 09:00+00", 6), ("2021-12-09 09:00+00", 5), ("2021-12-09 09:01+00", 6)):
        network(VIEW, moment, 7, post_id)
    with psycopg2.connect(network_dsn) as connection, connection.cursor() as cursor:
        cursor.execute(seen.SHOWN_AGAIN, {"until": END, "days": ["2021-12-09"], "share": 1.0})
        rows = [(row[1], row[3], round(row[4], 3), row[5]) for row in cursor.fetchall() if row[0] == 7]
    connection.close()
    assert sorted(rows) == [(5, 1, 1.0, False), (6, 1, round(1 + 1 / 1440, 3), True)]


def test_health_says_what_the_lists_are_like(network):
    lists = "select found, figures from pgfeed.health() where name = 'lists'"
    assert network(lists) == []
    first = ids(network(SERVE, 7, END))
    (found, figures), = network(lists)
    assert figures == {
        "served_lists": 1, "served_posts": 5, "catalogue_served_ratio": 5 / 80, "ten_most_served_ratio": 1,
        "shown_again_ratio": 0,
    }
    others = [post for post in range(1, 80) if post not in first][:4]
    network(EXPOSE, "2021-12-13 12:30+00", 7, first[:2])
    network(EXPOSE, "2021-12-13 14:00+00", 7, first[:1] + others)
    (found, figures), = network(lists)
    assert figures["served_lists"] == 3 and figures["served_posts"] == 9
    assert figures["shown_again_ratio"] == pytest.approx(1 / 12)  # not what came within an hour
    assert found == ("in 7 days 3 lists hold 11.3% of the posts, the ten most served take 100.0% of the places,"
                     " 8.3% of the places show a post again")


def test_the_lists_of_simulated_days_are_measured(dsn):
    connection = psycopg2.connect(dsn)
    simulate.simulate(connection, 40, 1, posts=300, days=3)
    world, start = World.load(connection), future.midnight_of(3)
    assert read_lists(connection, world, start, future.midnight_of(4)) is None
    users, posts = world.users.user_id[:2].tolist(), world.posts.post_id[:3].tolist()
    with connection, connection.cursor() as cursor:
        cursor.execute("delete from pgfeed.feed_events")
        for hour, user, shown in ((6, 0, posts[:2]), (9, 0, posts[1:]), (7, 1, posts[:1])):
            cursor.execute(
                "insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)"
                " values (%s::timestamptz + %s * interval '1 hour', %s, 'control', 'model', %s, %s)",
                [start, hour, users[user], start, shown],
            )
    lists = read_lists(connection, world, start, future.midnight_of(4))
    assert (lists.places, lists.places_again, lists.posts, lists.catalogue) == (5, 1, 3, 300)
    assert lists.user_ids.tolist() == [users[0], users[0], users[1]] and lists.places_of_ten == 5
    for number, (user, shown, hour) in enumerate(((0, posts[:2], 6), (0, posts[1:], 9), (1, posts[:1], 7))):
        chances = world.chances([users[user]], shown, start + timedelta(hours=hour))[0]
        assert lists.hits[number] == pytest.approx(1 - np.prod(1 - chances), abs=1e-6)
    connection.close()
