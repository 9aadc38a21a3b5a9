"""Explanations in people's words."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from plpy import columns as names
from plpy import labels
from plpy.pack import Pack

SQL = Path(__file__).parents[3] / "sql"


@pytest.fixture(autouse=True, scope="module")
def words():
    """The words that the database has."""
    text = (SQL / "functions" / "_feature_words.sql").read_text().split("'")[1]
    labels.load_words(SimpleNamespace(execute=lambda statement: [{"words": text}]))


@pytest.fixture
def reply():
    """A request of a user from Omsk about three posts, the second of which has a topic and an author."""
    rates = np.array([0.1, 0.3, 0.2], np.float32)
    pack = Pack(np.array([5, 6, 7]), ["sport"], np.array([-1, 0, -1], np.int32), {"post.like_rate": rates})
    pack.attributes = {"post.author": "category", "user.plan": "category", "user.tags": "tags"}
    pack.categories = {"post.author": (np.array([-1, 0, -1]), ["anna", None])}
    user = {"city": "Omsk", "age": 30, "attributes": '{"plan": "free", "tags": ["a", "b"]}'}
    return SimpleNamespace(pack=pack, user=user, requests={}, source="model", scores=np.array([-2.0, -0.5, -7.0]))


@pytest.mark.parametrize("name, value, place, said", [
    ("user.city", 7.93, 1, "city: Omsk"), ("user.age", 30.0, 1, "age: 30"), ("post.topic", 12.0, 1, "topic: sport"),
    ("post.topic", None, 0, "topic: unknown"), ("post.author", 3.0, 1, "author: anna"),
    ("post.author", None, 0, "author: unknown"), ("user.plan", 3.0, 1, "plan: free"),
    ("user.tags", 3.0, 1, "tags: a, b"), ("post.like_rate", 0.1234, 1, "likes of the post per view: 12.3%"),
    ("post.age_days", 0.25, 1, "age of the post: 6 hours"),
    ("post.view_count", 12345.0, 1, "views of the post: 12,345"), ("(average)", None, 1, "average"),
    ("user_topic.view_share:movie", 0.5, 1, "share of movie in what the user views: 50%"),
    ("user_topic.view_share", 0.5, 1, "share of sport in what the user views: 50%"),
    ("(times shown before)", 2.0, 1, "times shown before: 2"), ("post.own_figure", 1.5, 1, "own figure: 1.5"),
])
def test_a_feature_is_told_in_words(reply, name, value, place, said):
    assert labels.label_of(name, value, reply, place) == said


def all_features():
    """Return every feature that a model can have, but for the application's own."""
    columns = [
        f"{kind}.{column}"
        for kind, file in (("post", "post_features"), ("text", "post_text_features"))
        for column in re.findall(r"^    \w\.(\w+),?$", (SQL / "matviews" / f"{file}.sql").read_text(), re.MULTILINE)
    ]
    fixed = [
        *names.FRESH_COLUMNS, *names.LIVE_COLUMNS, *names.PAIR_COLUMNS, *names.RELATIVE_COLUMNS, *names.TASTE_COLUMNS,
        *names.USER_TASTE_COLUMNS, *names.MATCH_COLUMNS, names.APPEAL, *names.TIME_COLUMNS, *names.CATEGORICAL,
        *(f"user.{column}" for column in names.USER_COLUMNS),
        *(f"user_topic.{column}{topic}" for column in names.TOPIC_COLUMNS for topic in ("", ":sport")),
        *(f"{names.TEXT_COMPONENT}{number}" for number in range(1, 26)),
    ]
    return [name for name in dict.fromkeys([*columns, *fixed]) if not name.endswith("_id")]


def test_every_feature_has_words_of_its_own(reply):
    plain = {*names.CATEGORICAL, *(f"user.{column}" for column in names.USER_COLUMNS)}
    features = all_features()
    assert {"post.decayed_like_count_1d", "post.days_since_event", "text.tfidf_max"} <= set(features)
    for name in features:
        said = labels.label_of(name, 0.5, reply, 1)
        words = said.partition(":")[0]
        is_told = name.partition(":")[0] in labels.WORDS or name.startswith(names.TEXT_COMPONENT) or name in plain
        assert is_told and "_" not in said and words, name
    said = [labels.label_of(name, 0.5, reply, 1) for name in features]
    assert len(set(said)) > len(said) - 8  # those of one meaning that is counted in two ways


@pytest.mark.parametrize("days, said", [
    (0, "0 minutes"), (1 / 1440, "1 minute"), (0.5, "12 hours"), (1, "1 day"), (0.99, "1 day"),
    (0.97, "23 hours"), (0.0415, "1 hour"), (1234.4, "1,234 days"),
])
def test_a_time_is_told_in_its_largest_unit(days, said):
    assert labels.span(days) == said


@pytest.mark.parametrize("share, said", [
    (1.0, "any other post"), (0.9999, "99.9% of the posts"), (0.7, "70% of the posts"),
])
def test_almost_all_posts_are_not_all(share, said):
    assert labels.others(share) == said


@pytest.mark.parametrize("text, said", [
    (None, "a post"), ("  \n ", "a post"), ("one\ntwo", "“one”"), ("ab cd " * 20, "“" + "ab cd " * 9 + "ab cd ...”"),
    ("字" * 80, "“" + "字" * 60 + " ...”"),
])
def test_a_title_is_the_beginning_of_the_first_line(text, said):
    assert labels.title_of(text) == said


def test_score_belongs_to_the_reasons_that_it_is_made_of(reply, monkeypatch):
    values = {"match.preference": np.array([0.0, 0.3, 0.0]), "match.appeal": np.array([0.0, 0.1, 0.2])}
    monkeypatch.setattr(labels, "values_of", lambda name, reply: values[name])
    assert dict(labels.parts_of("match.score", 0.6, reply, 1)) == {"taste": pytest.approx(0.6), "quality": 0}
    assert dict(labels.parts_of("match.score", 0.6, reply, 2)) == {"taste": 0, "quality": pytest.approx(0.6)}


@pytest.mark.parametrize("source, score, sentence", [
    ("random", 0.5, "Because it was drawn by lot."),
    ("newest", -0.5, "Because the newest come first: it is 12 hours old."), ("newest", -36_500.0, None),
    ("trending", 1.5, "Because it is liked more than it used to be."), ("trending", -1.5, None),
    ("popular_by:user.home_city", -0.5, "Because those with the same home city like it more than others do."),
    ("popular_by:user.home_city=Omsk", -0.5, "Because those with home city Omsk like it more than others do."),
    ("popular_by:user.home_city", -2.0, None),
])
def test_what_no_model_ranked_has_a_sentence_if_it_is_true(reply, source, score, sentence):
    reply.pack.columns["post.decayed_like_rate_7d"] = np.array([0.1, 0.2, 0.3], np.float32)
    reply.source, reply.scores[1] = source, score
    assert labels.because_without_model(reply, 1) == sentence


def test_a_post_that_is_liked_less_than_most_has_no_sentence(reply):
    reply.source = "popular"
    reply.pack.columns["post.decayed_like_rate_7d"] = np.array([0.1, 0.3, 0.2], np.float32)
    assert labels.because_without_model(reply, 1) == "Because it has been liked more than any other post of late."
    assert labels.because_without_model(reply, 2) is None
