"""The rules beside a model: exact at each moment, and named where they win."""

from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import psycopg2
import pytest
from catboost import CatBoost, Pool

from loader.learning import impressions, split
from loader.learning.model import Model
from loader.learning.requests import load_likes
from loader.measuring import baselines, full, logged
from tests.servers import queries

# Each day eight posts are made at 23:00 for the next one; users see them and those of the day before. Of the new ones
# people like every second one.
NEWS = """
    select setseed(0.5);
    insert into pgfeed.users (user_id, age) select u, 20 + u from generate_series(1, 40) as u;
    insert into pgfeed.posts (post_id, created_at)
    select d * 8 + n, timestamptz '2021-11-30 23:00+00' + d * interval '1 day'
    from generate_series(0, 11) as d cross join generate_series(1, 8) as n;
    call pgfeed.create_event_partitions('2021-12-01', '2021-12-12');
    insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)
    select
        timestamptz '2021-12-01 06:00+00' + d * interval '1 day' + floor(random() * 57600) * interval '1 second',
        u, p, 'view', random() < case when p <= d * 8 then 0.05 when p % 2 = 1 then 0.9 else 0.2 end
    from generate_series(0, 11) as d cross join generate_series(1, 40) as u
    cross join generate_series(greatest(1, d * 8 - 7), d * 8 + 8) as p;
    call pgfeed.refresh_features();
"""


@pytest.fixture
def connection(dsn):
    with closing(psycopg2.connect(dsn)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(NEWS)
        yield connection


@pytest.fixture
def model():
    """A model that cannot reorder a list: it knows the user's age alone."""
    ages = np.arange(40, dtype=np.float32)[:, None]
    booster = CatBoost({"iterations": 2, "allow_writing_files": False, "verbose": False})
    booster.fit(Pool(ages, ages[:, 0] % 2, feature_names=["user.age"]))
    return Model("control", 1, booster, ["user.age"], {}, None, None)


def by_metric(evaluation, metric):
    return {result.method: result.value for result in evaluation.results if result.metric == metric}


def test_the_verdict_says_which_rules_are_ahead(connection, model):
    evaluation = logged.evaluate(connection, model)
    aucs = by_metric(evaluation, "AUC")
    assert aucs["live like rate"] > aucs["newest first"] + 0.05 > aucs["random"] + 0.2
    assert aucs["live like rate"] > aucs["best like rate"] + 0.1
    leads = {lead.over: lead for lead in evaluation.leads}
    hit_rates = by_metric(evaluation, "HitRate@5")
    for rule in ("live like rate", "newest first"):
        assert leads[rule].lead == pytest.approx(hit_rates["model"] - hit_rates[rule]) and leads[rule].high < 0
        assert f"{rule} is ahead of the model by {-leads[rule].lead:.3f}" in evaluation.verdict()
    assert "the model is ahead of" not in evaluation.verdict()


def test_of_the_whole_catalogue_the_newest_posts_are_best(connection, model):
    evaluation = full.evaluate(connection, model)
    assert "newest first is ahead of the model by" in evaluation.verdict()
    assert "decayed popularity: half-life" in evaluation.note


def test_counts_are_those_of_sql_at_the_moment_of_each_view(connection):
    day = datetime(2021, 12, 11, tzinfo=UTC).date()
    _, post_ids, at, *_ = impressions.load_day(connection, day, 1.0)
    counts = baselines.Moments(connection, day, post_ids, at)
    found = np.column_stack([counts.now("view"), counts.now("like"), counts.decayed_likes("1 h"),
                             counts.decayed_likes("3 d"), (at - counts.births()) / 86400])
    query = queries(connection)
    for row in np.random.default_rng(0).choice(len(at), 25, replace=False):
        moment = datetime.fromtimestamp(at[row], UTC)
        exact = query(
            "select view_count, like_count, decayed_like_count_1h, decayed_like_count_3d, age_days"
            " from pgfeed.post_features_as_of(%s, %s)", moment, [int(post_ids[row])],
        )[0]
        assert found[row] == pytest.approx(exact, rel=1e-4, abs=1e-4)


def test_a_post_without_a_date_counts_from_its_first_event(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into pgfeed.posts (post_id) values (500)")
        cursor.execute("insert into pgfeed.feed_events (event_at, user_id, post_id, action) values"
                       " ('2021-12-11 08:00+00', 1, 500, 'view')")
    day = datetime(2021, 12, 11, tzinfo=UTC)
    hours = np.array([7, 8, 9])
    births = baselines.Moments(connection, day.date(), np.full(3, 500), day.timestamp() + 3600 * hours).births()
    assert births.tolist() == [baselines.UNKNOWN_BIRTH, baselines.UNKNOWN_BIRTH, day.timestamp() + 8 * 3600]


def test_the_half_life_is_chosen_without_the_held_out_days(connection):
    days = split.load(connection)
    chosen = baselines.choose_for_views(connection, days, 6)
    frozen = baselines.choose_for_catalogue(connection, days, load_likes(connection))
    assert chosen.name in ("1 h", "6 h", "1 d") and chosen.days[1] < days.day
    with connection, connection.cursor() as cursor:
        cursor.execute("update pgfeed.feed_events set target = not target, recorded_at = now() where event_at >= %s",
                       [split.midnight(days.day)])
        cursor.execute("call pgfeed.refresh_features()")
    assert baselines.choose_for_views(connection, days, 6) == chosen
    assert baselines.choose_for_catalogue(connection, days, load_likes(connection)) == frozen
