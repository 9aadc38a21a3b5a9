"""Posts that were hidden or deleted stay away."""

from contextlib import closing

import psycopg2
import pytest

from loader.data.ingest import ingest
from loader.data.sources import open_sources
from tests.db.conftest import autocommit, queries
from tests.db.test_taste import large, stage_3, stage_3_dsn, stage_3_template  # noqa: F401

END = "2021-12-13 12:00+00"
CALL = "select post_id from pgfeed.recommend_posts(%s, %s, %s, %s) order by rank"
EVENTS = "timestamp,user_id,post_id,action,target\n2021-12-12 10:00:00,7,5,view,1\n2021-12-12 11:00:00,8,5,view,0\n"


def load(dsn: str, folder, *texts: str) -> None:
    """Ingest files."""
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.csv"
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    with closing(psycopg2.connect(dsn)) as connection:
        list(ingest(connection, open_sources(paths)))


@pytest.mark.parametrize(
    "deletion",
    [
        "delete from pgfeed.posts where post_id = 5",
        "delete from pgfeed.posts where post_id between 4 and 6",
        "set role pgfeed_writer; delete from pgfeed.posts where post_id = 5",
        "delete from pgfeed.posts where post_id = 5; insert into pgfeed.posts (post_id) values (5); delete from"
        " pgfeed.posts where post_id = 5",
        "create table kept as select * from pgfeed.posts where post_id <> 5; truncate pgfeed.posts cascade;"
        " insert into pgfeed.posts select * from kept",
    ],
)
def test_a_deleted_post_stays_away_until_it_is_put_back_by_name(network, network_dsn, tmp_path, deletion):
    network(deletion)
    network("reset role")
    load(network_dsn, tmp_path, EVENTS)
    network("call pgfeed.refresh_features()")
    for variant in ("control", "popular", "random"):
        assert 5 not in {row[0] for row in network(CALL, 999999, END, 1000, variant)}
    load(network_dsn, tmp_path, "post_id,text,topic\n5,back again,movie\n", EVENTS.replace("7,5", "9,5"))
    network("call pgfeed.refresh_features()")
    assert 5 in {row[0] for row in network(CALL, 60, END, 1000, "popular")} | {
        row[0] for row in network("select post_id from pgfeed.liked_posts where user_id = 60")
    }


def test_posts_known_only_from_events_are_still_added(network, network_dsn, tmp_path):
    load(network_dsn, tmp_path, EVENTS.replace(",5,", ",555,"))
    assert network("select text from pgfeed.posts where post_id = 555") == [(None,)]


@pytest.mark.parametrize("role", ["pgfeed_writer", "pgfeed_operator"])
def test_a_hidden_post_is_away_at_the_next_call_and_back_after(network, network_dsn, role):
    with autocommit(network_dsn) as open_session:
        ask = queries(open_session)
        for variant in ("control", "popular", "random"):
            before = ask(CALL, 7, END, 10, variant)
            network(f"set role {role}; call pgfeed.hide_post({before[0][0]})")
            hidden = ask(CALL, 7, END, 10, variant)
            assert hidden[:9] == before[1:] and len(hidden) == 10
            network(f"call pgfeed.unhide_post({before[0][0]}); reset role")
            assert ask(CALL, 7, END, 10, variant) == before


def test_hiding_is_a_column_that_writers_may_update(network):
    best = network(CALL, 7, END, 1, "control")[0][0]
    network("set role pgfeed_writer")
    network("update pgfeed.posts set hidden_at = now() where post_id = %s", best)
    assert best not in {row[0] for row in network(CALL, 7, END, 1000, "control")}


def test_history_and_features_of_a_hidden_post_stay(network):
    features = "select f.* from pgfeed.post_features as f where f.post_id = 5"
    counts = "select sum(view_count), sum(like_count) from pgfeed.post_features"
    before = network(features), network(counts), network("select count(*) from pgfeed.liked_posts")
    network("call pgfeed.hide_post(5)")
    network("call pgfeed.refresh_features()")
    assert (network(features), network(counts), network("select count(*) from pgfeed.liked_posts")) == before


def test_a_reload_of_the_catalogue_does_not_show_a_hidden_post(network, network_dsn, tmp_path):
    network("call pgfeed.hide_post(5)")
    load(network_dsn, tmp_path, "post_id,text,topic\n5,the same again,movie\n", EVENTS)
    network("call pgfeed.refresh_features()")
    assert 5 not in {row[0] for row in network(CALL, 999999, END, 1000, "control")}


def test_lists_are_full_however_many_posts_are_hidden(network):
    network("update pgfeed.posts set hidden_at = now() where post_id <= 60")
    shown = [row[0] for row in network(CALL, 999999, END, 20, "control")]
    assert sorted(shown) == list(range(61, 81))


def test_stored_lists_explanations_and_serving_leave_it_out(network):
    network("call pgfeed.refresh_recommendations(%s)", END)
    post = network("select post_id from pgfeed.recommendations where user_id = 7 and rank = 1")[0][0]
    network("call pgfeed.hide_post(%s)", post)
    assert post not in {row[0] for row in network("select post_id from pgfeed.current_recommendations")}
    assert post not in {row[0] for row in network("select post_id from pgfeed.serve_posts(7, %s)", END)}
    with pytest.raises(psycopg2.Error, match=f"post {post} cannot be recommended at this moment") as raised:
        network("select * from pgfeed.explain_recommendation(7, %s, %s)", post, END)
    assert "hidden" in raised.value.diag.message_hint
    network("call pgfeed.refresh_recommendations('2021-12-13 13:00+00')")
    assert network("select count(*), bool_or(post_id = %s) from pgfeed.recommendations where user_id = 7", post) == [
        (5, False)
    ]


def test_similar_and_found_posts_are_full_without_it(stage_3):  # noqa: F811
    before = [row[0] for row in stage_3("select post_id from pgfeed.similar_posts(2, 10)")]
    stage_3("call pgfeed.hide_post(%s)", before[0])
    after = [row[0] for row in stage_3("select post_id from pgfeed.similar_posts(2, 10)")]
    assert before[0] not in after and len(after) == 10 and after[:9] == before[1:]


def test_a_shortlist_is_full_without_hidden_posts(large):  # noqa: F811
    large("call pgfeed.refresh_features()")
    shown = [row[0] for row in large(CALL, 8, END, 5, "test")]
    for post in shown:
        large("call pgfeed.hide_post(%s)", post)
    for _ in range(2):
        others = [row[0] for row in large(CALL, 8, END, 5, "test")]
        assert len(others) == 5 and not set(others) & set(shown)
        large("call pgfeed.refresh_features()")
    assert not set(large("select unnest(pgfeed._shortlist('2021-12-13'))")) & {(post,) for post in shown}
    assert not set(large("select unnest(pgfeed._user_candidates(%s, array[2]::bigint[]))", END)) & {
        (post,) for post in shown
    }


@pytest.mark.parametrize("post", [777777, None])
def test_only_what_is_in_the_catalogue_can_be_hidden(network, post):
    for verb in ("hide", "unhide"):
        with pytest.raises(psycopg2.Error, match="there is no post"):
            network(f"call pgfeed.{verb}_post(%s)", post)


def test_readers_hide_nothing(network):
    network("set role pgfeed_reader")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        network("call pgfeed.hide_post(5)")
