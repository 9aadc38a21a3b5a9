"""What a call lets into the list equals ranking everything and then filtering, in a small and in a large catalogue."""

from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg2
import pytest

from migrations.objects import compose
from tests.db.conftest import autocommit, clone, queries
from tests.db.test_catalogue import choosing_template  # noqa: F401

FIRST, LAST = datetime(2021, 12, 6, 9, tzinfo=UTC), datetime(2021, 12, 13, 12, tzinfo=UTC)
REQUESTS = 25
FILTERS = "candidates => %s::bigint[], exclude => %s::bigint[], hide_viewed => %s::interval, max_per_topic => %s"
CALL = "select post_id, score from pgfeed.recommend_posts(%s, %s, {}, session => %s::bigint[]{}) order by rank"
RANK = "select post_id, score, status, rank from pgfeed.rank_posts(7, %s::bigint[], %s)"


def enlarge(run):
    """Let every catalogue count as a large one, with a shortlist of few posts."""
    run(compose("functions/_is_large").replace("> 25000", "> 0"))
    shortlist = compose("functions/_shortlist").replace("BEST_OF_ALL = 2_000", "BEST_OF_ALL = 6")
    run(shortlist.replace("TYPICAL_USERS = 64", "TYPICAL_USERS = 8").replace("_A_USER = 300", "_A_USER = 4"))
    run("delete from pgfeed.feature_packs")
    run("call pgfeed.refresh_features('2021-12-12')")
    count = run("select post_count from pgfeed.feature_packs where is_shortlist order by pack_id desc limit 1")[0][0]
    assert 5 < count < 60


@pytest.fixture(params=["control", "of the moment"], scope="module")
def made(request):
    """A function that runs a statement in the network with a model of each kind."""
    template = request.getfixturevalue("network_template" if request.param == "control" else "choosing_template")
    with clone(template) as dsn, autocommit(dsn) as connection:
        run = queries(connection)
        run("update pgfeed.posts set topic = case post_id %% 7 when 0 then null else 'topic ' || post_id %% 5 end"
            " where post_id > 0 and %s", True)
        run("call pgfeed.refresh_features('2021-12-12')")
        run("insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)"
            " select timestamptz '2021-12-05' + n * interval '7 hours', n %% 9, 'control', 'model', '2021-12-05',"
            " array[n, n * 3 %% 80] from generate_series(1, 30) as n where %s", True)
        yield run


class Wishes:
    """The arguments of a random call, and whom and when it asks for."""

    def __init__(self, random):
        def some(most):
            return random.choice(90, random.integers(0, most), replace=True).tolist()

        self.user_id = int(random.integers(0, 9))
        self.ts = FIRST + random.random() * (LAST - FIRST) if random.random() < 0.5 else LAST
        self.session = some(4) if random.random() < 0.3 else None
        self.k = int(random.integers(1, 20))
        self.candidates = some(60) if random.random() < 0.6 else None
        self.exclude = some(40) if random.random() < 0.5 else None
        self.hide_viewed = timedelta(days=float(random.random() * 3)) if random.random() < 0.5 else None
        self.max_per_topic = int(random.integers(1, 4)) if random.random() < 0.5 else None

    def call(self, run):
        filters = self.candidates, self.exclude, self.hide_viewed, self.max_per_topic
        return run(CALL.format(self.k, f", {FILTERS}"), self.user_id, self.ts, self.session, *filters)


def seen(run, wishes):
    """Return the posts that the user viewed or was served in the time that hides them."""
    rows = run("select user_id, event_at, post_id from pgfeed.feed_events where action = 'view' union all"
               " select user_id, served_at, unnest(post_ids) from pgfeed.exposures")
    return [post_id for user_id, at, post_id in rows
            if user_id == wishes.user_id and wishes.ts - wishes.hide_viewed <= at < wishes.ts]


def eligible(run, wishes):
    """Return the ids and scores of all posts that may be in the list, best first, by ranking everything."""
    ranked = np.array(run(CALL.format(1000, ""), wishes.user_id, wishes.ts, wishes.session), dtype=float).reshape(-1, 2)
    is_allowed = np.full(len(ranked), True)
    if wishes.candidates is not None:
        is_allowed &= np.isin(ranked[:, 0], wishes.candidates)
    if wishes.exclude is not None:
        is_allowed &= ~np.isin(ranked[:, 0], wishes.exclude)
    if wishes.hide_viewed is not None:
        is_allowed &= ~np.isin(ranked[:, 0], seen(run, wishes))
    return ranked[is_allowed]


def capped(ranked, topics, k, most):
    """Return the rows of a list from all that may be in it, best first: those within the caps, then the others."""
    first, last, counts = [], [], {}
    for row in ranked.tolist():
        topic = topics[int(row[0])]
        counts[topic] = counts.get(topic, 0) + 1
        (last if most and topic is not None and counts[topic] > most else first).append(row)
    return (first + last)[:k]


def topics_of(run):
    return dict(run("select post_id, topic from pgfeed.posts"))


@pytest.mark.parametrize("is_large", [False, True])
def test_equals_rank_everything_then_filter(made, is_large):
    if is_large:
        enlarge(made)
    topics, sizes = topics_of(made), []
    for seed in range(REQUESTS * 2):
        wishes = Wishes(np.random.default_rng(seed))
        if is_large and wishes.candidates is None:
            continue
        expected = capped(eligible(made, wishes), topics, wishes.k, wishes.max_per_topic)
        got = wishes.call(made)
        assert [row[0] for row in got] == [row[0] for row in expected], vars(wishes)
        assert [row[1] for row in got] == pytest.approx([row[1] for row in expected], abs=1e-6)
        sizes.append(len(got))
    assert sizes.count(0) < len(sizes) / 3 and max(sizes) > 9


def test_a_large_catalogue_is_never_short_and_caps_hold_where_they_can(made):
    enlarge(made)
    topics = topics_of(made)
    for seed in range(REQUESTS):
        wishes = Wishes(np.random.default_rng(seed))
        wishes.candidates, wishes.k = None, wishes.k * 4
        posts = eligible(made, wishes)
        got = [row[0] for row in wishes.call(made)]
        assert len(set(got)) == len(got) == min(wishes.k, len(posts)) and set(got) <= set(posts[:, 0])
        if wishes.max_per_topic:
            shares = [[topics[int(each)] for each in ids].count for ids in (posts[:, 0], got)]
            most = sum(min(shares[0](topic), wishes.max_per_topic) for topic in set(topics.values()) - {None})
            within = sum(min(shares[1](topic), wishes.max_per_topic) for topic in set(topics.values()) - {None})
            assert within + shares[1](None) == min(wishes.k, most + shares[0](None)), vars(wishes)


@pytest.mark.parametrize("is_large", [False, True])
def test_given_posts_are_ranked_with_the_scores_of_the_list(made, is_large):
    if is_large:
        enlarge(made)
    ids = [*range(85, 0, -1), 3, 3]
    for ts in (FIRST, LAST):
        all_of_it = made(CALL.format(1000, ""), 7, ts, None)
        rows = made(RANK, ids, ts)
        assert len(rows) == 85 and [row[:2] for row in rows if row[2] == "ranked"] == [
            (post_id, pytest.approx(score, abs=1e-6)) for post_id, score in all_of_it
        ]
        assert [row[3] for row in rows if row[3]] == list(range(1, len(all_of_it) + 1))
        others = {row[0]: row[2] for row in rows if row[2] != "ranked"}
        assert {each for each in others if others[each] == "unknown"} == {81, 82, 83, 84, 85}
        assert set(others.values()) == {"unknown", "liked"}
        liked = made("select post_id from pgfeed.feed_events where user_id = 7 and target and event_at < %s", ts)
        assert {row[0] for row in liked} == {each for each in others if others[each] == "liked"}


def test_why_a_post_is_not_ranked(network):
    network("call pgfeed.define_action('mute', -1)")
    best = [row[0] for row in network("select post_id from pgfeed.recommend_posts(7, '2021-12-13', 4) order by rank")]
    network("insert into pgfeed.feed_events (event_at, user_id, post_id, action) values"
            " ('2021-12-12 22:00+00', 7, %s, 'mute'), ('2021-12-12 23:00+00', 7, %s, 'like')", best[0], best[1])
    network("call pgfeed.hide_post(%s)", best[2])
    network("insert into pgfeed.posts (post_id, text, topic, created_at) values (500, 'new', 'sport', '2021-12-14')")
    rows = network("select post_id, rank, status, score is null from pgfeed.rank_posts(7, %s::bigint[], '2021-12-13')",
                   [999, *best, 500])
    assert rows == [
        (best[3], 1, "ranked", False), (999, None, "unknown", True), (best[0], None, "hidden", False),
        (best[1], None, "liked", False), (best[2], None, "unavailable", True), (500, None, "unavailable", True),
    ]
    by_key = network("select post_key, rank, status from pgfeed.rank_for(7, %s, '2021-12-13')", [str(best[3]), "999"])
    assert by_key == [(str(best[3]), 1, "ranked"), ("999", None, "unknown")]
    assert network("select from pgfeed.rank_posts(7, '{}')") == []


@pytest.mark.parametrize(("arguments", "code", "message"), [
    ("7, null", "22004", "post_ids is null"), ("7, '{1, null}'", "22004", "post_ids has a null"),
    ("null, '{1}'", "22004", "user_id is null"), ("7, '{1}', null", "22004", "ts is null"),
    ("7, array(select generate_series(1, 100001))", "54000", "post_ids has 100001 elements"),
])
def test_what_cannot_be_ranked_is_one_error(network, arguments, code, message):
    with pytest.raises(psycopg2.Error, match=f"^{message}") as raised:
        network(f"select from pgfeed.rank_posts({arguments})")
    assert raised.value.pgcode == code and raised.value.diag.message_hint
