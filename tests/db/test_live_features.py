"""An impression of the past has the live features that a request at its moment has, and nothing of what came then."""

from contextlib import closing
from datetime import UTC, date, datetime

import numpy as np
import psycopg2
import pytest
from catboost import CatBoost, Pool

from loader.learning import impressions, registry, split, train
from loader.learning.features import load_encoders
from loader.learning.recipes import RECIPES
from loader.measuring import logged
from plpy.columns import LIVE_COLUMNS
from tests.db.conftest import autocommit, queries

DAY = date(2021, 12, 9)
NAMES = [*LIVE_COLUMNS, "post.like_rate", "post.age_days", "post.topic"]
EVENT = "insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (%s, %s, %s, %s)"
EXPLAINED = "select feature, value from pgfeed.explain_recommendation(%s, %s, %s, 'live')"


def import_model(connection, path):
    """Activate a model of the variant live with these features."""
    rows = np.random.default_rng(0).normal(size=(300, len(NAMES)))
    booster = CatBoost({"iterations": 5, "verbose": False, "allow_writing_files": False, "loss_function": "Logloss"})
    booster.fit(Pool(rows, rows.sum(axis=1) > 0, feature_names=NAMES)).save_model(str(path / "model.cbm"))
    registry.activate(connection, "live", registry.import_model(connection, "live", path / "model.cbm"))


@pytest.fixture
def busy(network, network_dsn, tmp_path):
    """A function that runs a statement in a network with a busy day, and a model of live features.

    A post comes at noon and is viewed and liked, the post 4 is liked in the second of a view, and the post 6 is liked
    and the like taken back, before it is viewed by others.
    """
    network("call pgfeed.define_action('unlike', undoes => 'like')")
    network("insert into pgfeed.posts (post_id, topic, text, created_at)"
            " values (900, 'sport', 'football', '2021-12-09 12:00+00')")
    for user in range(1, 11):
        network(EVENT, f"2021-12-09 13:{user:02}:00+00", user, 900, "view")
        network(EVENT, f"2021-12-09 13:{user:02}:30+00", user, 900, "like" if user % 2 else "view")
        network(EVENT, f"2021-12-09 08:{user:02}:00+00", user + 20, 6, "like")
        network(EVENT, f"2021-12-09 08:{user:02}:20+00", user + 20, 6, "unlike")
        network(EVENT, f"2021-12-09 09:{user:02}:00+00", user + 30, 6, "view")
        network(EVENT, f"2021-12-09 09:{user:02}:00+00", user + 40, 4, "view")
        network(EVENT, f"2021-12-09 09:{user:02}:00+00", user + 30, 4, "like")
    network("call pgfeed.refresh_features()")
    with closing(psycopg2.connect(network_dsn)) as connection:
        import_model(connection, tmp_path)
    return network


def load(dsn, names=NAMES):
    with closing(psycopg2.connect(dsn)) as connection:
        model = registry.load_active(connection, "live")
        return impressions.load(connection, [DAY], names, model.encoders)


def asked_for(query, user, post, at):
    """Return what a request at a moment, unix seconds, knows of a post, by feature."""
    return dict(query(EXPLAINED, user, post, datetime.fromtimestamp(at, UTC)))


def chosen_rows(rows):
    """Return places of impressions: of the posts 4, 6 and 900, and some others."""
    of_posts = [np.flatnonzero(rows.post_ids == post) for post in (4, 6, 900)]
    assert all(len(places) >= 8 for places in of_posts)
    return np.concatenate([*(places[::3] for places in of_posts), np.arange(0, len(rows.at), 97)])


def test_an_impression_has_what_a_request_at_its_moment_has(busy, network_dsn):
    rows = load(network_dsn)
    for place in chosen_rows(rows):
        values = asked_for(busy, int(rows.user_ids[place]), int(rows.post_ids[place]), rows.at[place])
        for name, value in zip(NAMES, rows.features[place]):
            asked = np.nan if values[name] is None else values[name]
            assert value == pytest.approx(asked, rel=1e-5, abs=1e-6, nan_ok=True), (name, rows.post_ids[place])


def test_what_is_learned_of_a_post_of_the_day(busy, network_dsn):
    rows = load(network_dsn)
    of_post = rows.post_ids == 900
    assert of_post.sum() == 10 and rows.is_liked[of_post].sum() == 5
    ages, views, likes, last = (
        rows.column(f"fresh.{name}")[of_post]
        for name in ("age_days", "view_count_total", "like_count_total", "days_since_event")
    )
    assert ages == pytest.approx([(60 + user) / 1440 for user in range(1, 11)], abs=1e-6)
    assert views.tolist() == list(range(10)) and likes.tolist() == [user // 2 for user in range(1, 11)]
    assert np.isnan(last[0]) and last[2] == pytest.approx(60 / 86400, abs=1e-6)
    assert last[1] == pytest.approx(30 / 86400, abs=1e-6)
    assert (rows.column("post.age_days")[of_post] < 0).all()


def test_neither_its_second_nor_what_comes_later_is_in_an_impression(busy, network_dsn):
    rows = load(network_dsn)
    place = np.flatnonzero((rows.post_ids == 4) & (rows.user_ids > 41) & (rows.user_ids <= 50))[0]
    at = datetime.fromtimestamp(rows.at[place], UTC)
    busy("delete from pgfeed.feed_events where event_at >= %s", at)
    values = asked_for(busy, int(rows.user_ids[place]), 4, rows.at[place])
    expected = dict(zip(NAMES, rows.features[place].tolist()))
    assert expected["fresh.days_since_event"] == pytest.approx(60 / 86400, abs=1e-6)
    for name in NAMES:
        assert expected[name] == pytest.approx(values[name], rel=1e-5, abs=1e-6), name


def test_events_of_its_second_and_of_later_change_no_impression(busy, network_dsn):
    before = load(network_dsn)
    at = np.sort(before.at)[len(before.at) // 2]
    busy("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
         " select t, u, p, 'like' from (values (%s::timestamptz), (%s::timestamptz + interval '2 hours')) as m (t)"
         " cross join generate_series(61, 70) as u cross join generate_series(1, 80) as p",
         datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(at, UTC))
    busy("call pgfeed.refresh_features()")
    after = load(network_dsn)
    early = before.at <= at
    assert np.array_equal(before.features[early], after.features[early], equal_nan=True)
    assert not np.array_equal(before.features[~early], after.features[~early], equal_nan=True)


def test_such_a_model_is_trained_evaluated_and_serves_without_neighbours(busy, network_dsn):
    recipe = RECIPES["control"]
    with closing(psycopg2.connect(network_dsn)) as connection:
        days = list(split.load(connection).history)
        rows = impressions.load(connection, days[-3:], [*recipe.features, *LIVE_COLUMNS],
                                load_encoders(connection, days[-3]))
        assert rows.features.shape == (len(rows.at), len(recipe.features) + len(LIVE_COLUMNS))
        booster, _ = train.fit(rows, rows, recipe.parameters | {"iterations": 3})
        assert booster.feature_names_ == rows.names
        model = registry.load_active(connection, "live")
        assert {result.method for result in logged.evaluate(connection, model).results} >= {"model", "random"}
    busy("call pgfeed.refresh_features()")
    assert busy("select bool_or(neighbours is not null) from pgfeed.feature_packs where as_of ="
                " (select max(as_of) from pgfeed.feature_packs)") == [(False,)]
    with autocommit(network_dsn) as connection:
        call = queries(connection)
        assert call("select distinct source from pgfeed.recommend_posts(7, '2021-12-13', 5, 'live')") == [("model",)]


def test_an_open_session_knows_what_a_new_one_knows(busy, network_dsn):
    """After each change: in time, late, of another's transaction, taken back by a rollback, deleted."""
    def known(call):
        return call("select feature, value from pgfeed.explain_recommendation(7, 5, '2021-12-13 12:00+00', 'live')")

    def of_new_session():
        with autocommit(network_dsn) as connection:
            return known(queries(connection))

    with closing(psycopg2.connect(network_dsn)) as other, other.cursor() as cursor, autocommit(network_dsn) as own:
        call = queries(own)
        values = [known(call)]
        call(EVENT, "2021-12-13 11:59:50+00", 130, 5, "view")
        values.append(known(call))
        call(EVENT, "2021-12-13 08:00+00", 131, 5, "like")
        values.append(known(call))
        assert known(call) == values[-1] == of_new_session()
        cursor.execute(EVENT, ["2021-12-13 09:00+00", 132, 5, "like"])
        assert known(call) == values[-1]
        other.commit()
        values.append(known(call))
        assert values[-1] == of_new_session()
        call("begin")
        call(EVENT, "2021-12-13 10:00+00", 133, 5, "like")
        values.append(known(call))
        call("rollback")
        assert known(call) == values[-2]
        call("delete from pgfeed.feed_events where user_id = 132 and event_at = '2021-12-13 09:00+00'")
        assert known(call) == values[2] == of_new_session()
    likes = [dict(each)["fresh.like_count_total"] for each in values]
    assert np.diff(likes).tolist() == [0, 1, 1, 1]


def test_of_the_last_minutes_an_open_session_reads_the_users_who_wrote(busy, network_dsn):
    """A second event of a user, one of another, one taken back, one moved, and all of a user's gone."""
    def known(call):
        return call("select feature, value from pgfeed.explain_recommendation(7, 5, '2021-12-13 12:00+00', 'live')")

    def of_new_session():
        with autocommit(network_dsn) as connection:
            return known(queries(connection))

    changes = [
        (EVENT, "2021-12-13 11:59:10+00", 130, 5, "view"), (EVENT, "2021-12-13 11:59:20+00", 130, 5, "like"),
        (EVENT, "2021-12-13 11:58:30+00", 131, 5, "view"), (EVENT, "2021-12-13 11:59:40+00", 131, 4, "view"),
        ("update pgfeed.feed_events set event_at = '2021-12-13 11:57+00', recorded_at = now() where user_id = 131"
         " and post_id = 5 and event_at = '2021-12-13 11:58:30+00'",),
        ("delete from pgfeed.feed_events where user_id = 130 and action = 'like'",),
        ("delete from pgfeed.feed_events where user_id = 131",),
        ("delete from pgfeed.feed_events where user_id = 130",),
    ]
    with autocommit(network_dsn) as own:
        call = queries(own)
        before, counts = known(call), []
        for change in changes:
            call(*change)
            values = known(call)
            assert values == of_new_session(), change
            counts.append(tuple(dict(values)[f"fresh.{action}_count_total"] for action in ("view", "like")))
        assert known(call) == before
    views, likes = zip(*((view - dict(before)["fresh.view_count_total"], like - dict(before)["fresh.like_count_total"])
                         for view, like in counts))
    assert views == (1, 1, 2, 2, 2, 2, 1, 0) and likes == (0, 1, 1, 1, 1, 0, 0, 0)
