"""Data of which some figure is not defined: the model is stored, the figure is null, and everything goes on."""

import json
import os
import random
import re
import subprocess
import sys
from contextlib import closing

import psycopg2
import pytest

from loader.errors import PgfeedError
from loader.learning import features, impressions, registry, split, train
from loader.measuring import compare, logged
from loader.report import document
from tests.db.conftest import ROOT, queries

DAYS, USERS, POSTS = 8, 30, 20
MANY_POSTS = 1000  # in which a user hardly ever comes upon a post again: what is liked is not liked a second time


def one_view(rng, day, user):
    """One view a user and day: no user-day has both a like and a view without one."""
    return [(rng.randint(1, POSTS), rng.random() < 0.3)]


def one_post(rng, day, user):
    return [(1, rng.random() < 0.3)]


def all_or_nothing(rng, day, user):
    return [(post, user % 2 == 1) for post in rng.sample(range(1, MANY_POSTS + 1), 6)]


def likes_until_the_split(rng, day, user):
    return [(rng.randint(1, POSTS), day < 6 and rng.random() < 0.3) for _ in range(7)]


def all_liked_from_the_split_on(rng, day, user):
    return [(rng.randint(1, POSTS), day >= 6 or rng.random() < 0.3) for _ in range(7)]


def none_liked_on_the_days_to_validate_on(rng, day, user):
    return [(rng.randint(1, POSTS), day != 5 and rng.random() < 0.3) for _ in range(7)]


def one_user(rng, day, user):
    return [(post, rng.random() < 0.3) for post in rng.sample(range(1, MANY_POSTS + 1), 9)] if user == 1 else []


def two_posts_one_always_liked(rng, day, user):
    """New users come each day: a user likes a post once."""
    return [(1, True), (2, False)] if user % DAYS == day else []


def one_like(rng, day, user):
    return [(rng.randint(1, POSTS), user == day == 1) for _ in range(7)]


def many_views(rng, day, user):
    return [(rng.randint(1, POSTS), rng.random() < 0.3) for _ in range(7)]


# What each lacks: the AUC of training, that of the held-out views, and user-days of more than five views.
FEEDS = {
    one_view: ("training", "days"),
    one_post: ("training", "days"),
    all_or_nothing: ("training",),
    likes_until_the_split: ("held out",),
    all_liked_from_the_split_on: ("held out",),
    none_liked_on_the_days_to_validate_on: ("training",),
    one_user: (),
    two_posts_one_always_liked: ("days",),
    one_like: ("training", "held out"),
    many_views: (),
}
POST_COUNTS = {one_post: 1, two_posts_one_always_liked: 2}


def load(dsn, feed, seed=3):
    """Fill a database with the views of a feed, a user's of a day at 10:00, 10:01..., and refresh it."""
    rng = random.Random(seed)
    views = [
        (f"2021-11-{15 + day:02d} 10:{minute:02d}+00", user, post, liked)
        for day in range(DAYS) for user in range(1, USERS + 1) for minute, (post,
            liked) in enumerate(feed(rng, day, user))
    ]
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.create_event_partitions('2021-11-01', '2021-11-30')")
        cursor.execute("insert into pgfeed.posts (post_id) select distinct (v ->> 2)::bigint from"
            " jsonb_array_elements(%s) as v", [json.dumps(views)])
        cursor.execute(
            "insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)"
            " select (v ->> 0)::timestamptz, (v ->> 1)::bigint, (v ->> 2)::bigint, 'view', (v ->> 3)::boolean from"
                " jsonb_array_elements(%s) as v",
            [json.dumps(views)],
        )
        cursor.execute("call pgfeed.refresh_features()")


def run(dsn, *words):
    """Run the command; return its exit code and what it printed on both streams."""
    environment = {**os.environ, "PGFEED_DSN": dsn}
    done = subprocess.run([sys.executable, "-m", "loader.cli", *words], cwd=ROOT, env=environment,
        capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.__name__)
def test_the_model_is_stored_and_what_is_not_defined_is_null(feed, dsn, tmp_path):
    load(dsn, feed)
    lacks = FEEDS[feed]
    with closing(psycopg2.connect(dsn)) as connection:
        model = train.train(connection, "control")
        registry.activate(connection, "control", registry.store(connection, "control", model))
        stored = queries(connection)("select metrics from pgfeed.models")[0][0]
        connection.commit()
        assert (stored["validation_request_auc"] is None) == ("training" in lacks)
        assert all(value is not None for name, value in stored.items() if name != "validation_request_auc")
        if "days" in lacks:
            with pytest.raises(PgfeedError, match="no held-out user-day has more than five views"):
                logged.evaluate(connection, registry.load_active(connection, "control"))
        else:
            evaluation = logged.evaluate(connection, registry.load_active(connection, "control"))
            evaluation.store(connection)
            assert evaluation.table() and json.dumps(evaluation.as_dict(), allow_nan=False)
        path = tmp_path / "report.html"
        document.write_report(connection, path)
        words = re.sub("<[^>]+>", " ", path.read_text(encoding="utf-8")).lower().split()
        assert "nan" not in words
        is_defined = feed in (one_user, two_posts_one_always_liked, none_liked_on_the_days_to_validate_on, many_views)
        assert is_defined or "auc within a user-day not defined" in " ".join(words)
        shown = queries(connection)("select count(*) from pgfeed.recommend_posts(999)")
        assert shown == [(min(5, POST_COUNTS.get(feed, POSTS)),)]


@pytest.mark.parametrize("feed", [one_view, all_or_nothing, likes_until_the_split], ids=lambda feed: feed.__name__)
def test_methods_are_compared_all_the_same(feed, dsn):
    load(dsn, feed)
    with closing(psycopg2.connect(dsn)) as connection:
        rows = compare.compare(connection, "control")
    assert {row.method for row in rows} == {"decision tree", "random forest", "CatBoost Logloss", "CatBoost YetiRank"}
    assert {row.logged is None for row in rows} == {"days" in FEEDS[feed]}
    assert {row.auc is None for row in rows} == {"held out" in FEEDS[feed]}
    assert {row.validation_auc is None for row in rows} == {"training" in FEEDS[feed]}


def test_the_command_says_that_it_is_not_defined_and_why(dsn):
    load(dsn, one_view)
    code, printed, _ = run(dsn, "train", "control", "--activate")
    reason = "AUC within a validation user-day not defined: none of them has both a like and a view without one"
    assert code == 0 and reason in " ".join(printed.split())
    code, printed, _ = run(dsn, "train", "control", "--json")
    assert code == 0 and json.loads(printed)["validation_request_auc"] is None and json.loads(printed)["version"] == 2
    code, printed, _ = run(dsn, "evaluate", "full", "control", "--json")
    assert code == 0 and all(result["value"] is not None for result in json.loads(printed)["results"])


@pytest.mark.parametrize(("feed", "words"), [
    (lambda rng, day, user: [(1, None)], "hold no likes, or nothing else"),
    (lambda rng, day, user: [(rng.randint(1, POSTS), True)], "hold no likes, or nothing else"),
    (lambda rng, day, user: [(rng.randint(1, POSTS), False)], "hold no likes, or nothing else"),
    (lambda rng, day, user: [(rng.randint(1, POSTS), True)] if day < 2 else [], "views or likes on 2 days"),
])
def test_what_cannot_be_learned_from_is_one_line(feed, words, dsn):
    load(dsn, feed)
    code, _, errors = run(dsn, "train", "control")
    assert code == 1 and words in errors and errors.splitlines()[-1].startswith("error: there is too little to learn"
        " from")


def test_posts_that_came_after_the_views_are_one_line(dsn):
    load(dsn, many_views)
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        queries(connection)("update pgfeed.posts set created_at = now(); delete from pgfeed.feature_packs")
        names, days = ["post.like_rate", "user_topic.like_rate"], split.load(connection)
        encoders = features.load_encoders(connection, days.day)
        with pytest.raises(impressions.NoImpressions):
            impressions.load(connection, list(days.views)[2:], names, encoders)
    code, _, errors = run(dsn, "train", "control")
    assert code == 1
    assert errors.splitlines()[-1].startswith("error: no post is as old as the views to learn from: these are of")
