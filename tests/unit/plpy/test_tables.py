"""Tables in place of trees: the same scores as CatBoost, to the bit."""

import ctypes
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from catboost import CatBoost, Pool, sum_models

from plpy import kernel, tables
from plpy.fresh import computed_once
from plpy.pack import Pack
from plpy.ranking import Scores, predicted, rank, score
from plpy.session import Model
from plpy.tables import LARGEST, Tables
from plpy.trees import Trees

POSTS, TOPICS = 300, ["movie", "news", "sport"]
SHA256 = f"{2**200 + 7:064x}"
NAMES = [
    "post.topic", "post.quality", "post.view_count", "text.component_1", "user.age", "user.country", "time.hour",
    "user_topic.view_share", "user_topic.like_rate", "user_topic.like_rate:sport", "user_topic.like_rate:gone",
    "taste.popularity_like_rate", "taste.like_count", "pair.ease", "fresh.like_1h", "match.text", "match.preference",
    "match.appeal", "match.score",
]
SOURCE = Path(kernel.__file__).with_name("preload") / "sum_cells.c"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The C function, as the library that preloads has it."""
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    library = tmp_path_factory.mktemp("kernel") / "sum_cells.so"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", SOURCE, "-o", library], check=True)
    return kernel.c_function(library)


@pytest.fixture(autouse=True, params=["numpy", "C"])
def sums_by(request, monkeypatch):
    """Scores are the same in both."""
    monkeypatch.setattr(kernel, "sum_cells", request.getfixturevalue("compiled") if request.param == "C" else None)
    return request.param


def numbers(random, *shape, unknown=0.1):
    """Return float32 numbers, a few of them NaN, many of them whole."""
    values = random.normal(0, 2, shape).astype(np.float32)
    values = np.where(random.random(shape) < 0.3, np.round(values), values)
    return np.where(random.random(shape) < unknown, np.float32(np.nan), values)


def make_pack(random, count=POSTS, topics=TOPICS, first=0):
    """Return a pack of posts with what NAMES need."""
    codes = random.integers(-1, len(topics), count).astype(np.int32)
    names = ("post.quality", "post.view_count", "text.component_1", "post.age_days")
    pack = Pack(first + np.arange(count), list(topics), codes, {name: numbers(random, count) for name in names})
    pack.is_popular = random.integers(0, 2, count)
    pack.preference_sides, pack.appeal = numbers(random, count, 3, unknown=0), numbers(random, count)
    return pack


def make_request(random, pack):
    """Return the features of one request as request_columns() does."""
    requests = {name: numbers(random, 1) for name in ("user.age", "user.country", "time.hour", "taste.like_count")}
    requests |= {f"user_topic.{name}": numbers(random, 1, len(pack.topics) + 1) for name in ("view_share", "like_rate")}
    requests |= {name: numbers(random, 1, len(pack)) for name in ("pair.ease", "fresh.like_1h")}
    requests["taste.popularity_like_rate"] = numbers(random, 1, 2)
    requests["match.text"] = numbers(random, 1, pack.text_vectors.shape[1])
    requests["match.appeal"] = numbers(random, 1, unknown=0)
    return requests | dict.fromkeys(("match.preference", "match.score"), numbers(random, 1, 3))


def fitted(random, columns, unknown, **parameters):
    """Return a model of trees over some of the columns of NAMES."""
    rows = numbers(random, 400, len(NAMES), unknown=unknown)
    labels = np.nan_to_num(rows[:, columns]).sum(axis=1) + random.normal(0, 3, len(rows)) > 0
    booster = CatBoost({
        "loss_function": "Logloss", "iterations": 40, "learning_rate": 0.3, "verbose": False, "thread_count": 1,
        "random_seed": int(random.integers(1000)), "allow_writing_files": False,
        "ignored_features": [number for number in range(len(NAMES)) if number not in columns], **parameters,
    })
    return booster.fit(Pool(rows, labels.astype(int), feature_names=NAMES))


def random_model(random):
    """Return a model of trees, some of which see one feature alone."""
    parameters = {
        "depth": int(random.integers(1, 7)), "border_count": int(random.choice([3, 32, 254])),
        "unknown": random.choice([0, 0.1]), "nan_mode": str(random.choice(["Min", "Max"])),
    }
    booster = fitted(random, random.choice(len(NAMES), random.integers(2, len(NAMES)), replace=False), **parameters)
    if not parameters["unknown"]:  # else NaN would be treated in two ways
        other = fitted(random, [NAMES.index("match.score")], **parameters | {"depth": 6, "iterations": 20})
        booster = sum_models([booster, other], weights=[1.0, float(random.choice([0.5, 1.0]))])
    if random.random() < 0.5:
        booster.set_scale_and_bias(0.3, -1.7)
    return Model(1, lambda: booster, NAMES, {"post.topic": {topic: place for place, topic in enumerate(TOPICS)}})


def check(model, pack, random):
    """Assert that the scores of a request are CatBoost's, and are so near before that the best are among them."""
    requests = make_request(random, pack)
    truth = predicted(model, pack, requests)
    scores = score(model, pack, requests)
    assert scores.exact is not None
    assert np.abs(scores.values - truth).max() <= scores.margin < 1e-9
    some = np.unique(random.integers(0, len(pack), 20))
    of_some = score(model, pack, requests, some)
    assert np.array_equal(of_some[some], truth[some])
    assert of_some.is_in.sum() == len(some)
    best = rank(scores, pack.post_ids, 5)
    assert np.array_equal(best, rank(truth, pack.post_ids, 5))
    assert np.array_equal(scores[best], truth[best])
    assert np.array_equal(scores[:], truth)


@pytest.mark.parametrize("seed", range(6))
def test_scores_are_those_of_catboost(seed, monkeypatch):
    monkeypatch.setattr(tables, "SAMPLED_POSTS", int(seed % 2) * 2000)
    random = np.random.default_rng(seed)
    model, pack = random_model(random), make_pack(random)
    for _ in range(5):
        check(model, pack, random)
    stored = Trees.unpack(model.trees.pack(SHA256), SHA256)
    check(Model(1, model.load, NAMES, model.encoders, stored), pack, random)


@pytest.mark.parametrize("sums_by", ["C"], indirect=True)
@pytest.mark.parametrize("seed", range(4))
def test_values_at_a_border_and_beyond_all_have_the_bins_of_numpy(seed):
    random = np.random.default_rng(seed)
    features, borders = np.repeat([15, 16, 17], 60), numbers(random, 180, unknown=0)
    borders[::60], borders[70:100] = -LARGEST, 1 + np.arange(30) * np.float32(1e-4)
    trees = Trees(features, borders, np.full(60, 3), random.random(480), random.random(19) < 0.5, 1.0, 0.0)
    made = Tables(trees, NAMES, {}, len(TOPICS))
    near = [borders, np.nextafter(borders, np.float32(np.inf)), np.nextafter(borders, np.float32(-np.inf))]
    values = np.concatenate([*near, np.float32([np.nan, np.inf, -np.inf, LARGEST, -LARGEST, 0, -0.0, 1e-40])])
    for place, feature in enumerate(made.of_both):
        bins = np.arange(len(made.edges[feature]) + 1)
        one = kernel.terms([0], [[(place, bins.astype(np.uint16))]])  # a table of the bins themselves
        of_c = made.kernel.direct(np.zeros((1, len(values)), np.uint16), bins.astype(float), [values] * 3, one)
        assert np.array_equal(of_c, made.bins(feature, values))


@pytest.mark.parametrize("sums_by", ["C"], indirect=True)
def test_the_kernel_stops_for_an_interrupt_and_goes_on_after_it(monkeypatch):
    random, flag, acted = np.random.default_rng(14), ctypes.c_int(1), []

    def act():
        acted.append(flag.value)
        flag.value = 0

    monkeypatch.setattr(kernel, "is_interrupted", ctypes.addressof(flag))
    monkeypatch.setattr(kernel, "act_on_interrupts", act)
    check(random_model(random), make_pack(random), random)
    assert acted == [1]


def test_a_library_without_the_function_is_not_used():
    assert kernel.c_function() is None


def test_trees_of_another_artifact_and_damaged_ones_are_not_taken():
    packed = random_model(np.random.default_rng(11)).trees.pack(SHA256)
    damaged = packed[:200] + bytes([packed[200] ^ 1]) + packed[201:]
    assert Trees.unpack(packed, SHA256[::-1]) is None
    assert Trees.unpack(damaged, SHA256) is None
    assert Trees.unpack(packed[:5], SHA256) is None


def test_what_a_pack_was_made_of_knows_the_cells(monkeypatch):
    monkeypatch.setattr(tables, "SAMPLED_POSTS", 100)
    random = np.random.default_rng(7)
    model, stored, fresh = random_model(random), make_pack(random), make_pack(random, 20, first=POSTS)
    check(model, stored.join(fresh), random)
    check(model, stored.take(random.random(POSTS) < 0.5).join(fresh.take(np.arange(3))), random)
    kept = stored.take(np.arange(9)).join(fresh)
    check(model, kept.take(np.arange(5, 15)), random)
    kept.forget_parts()
    check(model, kept.take(np.arange(5, 15)), random)
    new = make_pack(random, 20, [*TOPICS, "tech"], POSTS)
    check(model, stored.join(new), random)
    empty = stored.take(np.arange(0))
    assert not len(score(model, empty, make_request(random, empty)))


def test_posts_that_come_one_by_one_are_kept_once(monkeypatch):
    random = np.random.default_rng(13)
    model, stored = random_model(random), make_pack(random)
    stored.scale = SimpleNamespace(with_topics=lambda *_: None)
    session = SimpleNamespace(run=lambda name, as_of, post_ids, topics: [{"topics": topics, "post_ids": post_ids}])
    monkeypatch.setattr(Pack, "unpack", lambda row, scale: make_pack(random, 1, first=row["post_ids"][0]))
    for count in range(1, 6):
        versions = np.stack([POSTS + np.arange(count), np.zeros(count, int)], axis=1)
        fresh = computed_once(session, {"features_as_of": None}, stored, versions)
        check(model, stored.join(fresh), random)
        depth, part = 0, fresh
        while part.parts:
            depth, part = depth + 1, part.parts[0][0]
        assert len(fresh) == count and depth <= 2


@pytest.mark.parametrize("nan_mode", ["Min", "Max"])
def test_posts_that_lack_a_column_have_it_as_unknown(nan_mode):
    random = np.random.default_rng(12)
    booster = fitted(random, [0, 3], 0.1, nan_mode=nan_mode)
    stored, fresh = make_pack(random), make_pack(random, 20, first=POSTS)
    del fresh.columns["text.component_1"]  # as of posts that came after texts got other components
    check(Model(1, lambda: booster, NAMES, {}), stored.join(fresh), random)


def test_many_topics_have_their_bins_at_the_request(monkeypatch):
    monkeypatch.setattr(tables, "MOST_TOPICS", 3)
    random = np.random.default_rng(8)
    check(random_model(random), make_pack(random), random)


@pytest.mark.parametrize("parameters", [{"grow_policy": "Depthwise"}, {"grow_policy": "Lossguide"}])
def test_other_trees_are_left_to_catboost(parameters):
    random = np.random.default_rng(9)
    booster, pack = fitted(random, [1, 4, 15], 0, **parameters), make_pack(random)
    model = Model(1, lambda: booster, NAMES, {})
    requests = make_request(random, pack)
    scores = score(model, pack, requests)
    assert scores.exact is None
    assert np.array_equal(scores[:], predicted(model, pack, requests))


def test_topics_that_a_request_does_not_know_are_left_to_catboost():
    random = np.random.default_rng(10)
    model, pack = random_model(random), make_pack(random)
    requests = make_request(random, pack)
    pack.topics.append("tech")
    assert score(model, pack, requests).exact is None


def test_scores_become_exact_where_they_decide():
    exact, asked = np.array([1.0, 1.1, 0.5, 1.2, 0.0]), []

    def of(places):
        asked.extend(places.tolist())
        return exact[places]

    scores = Scores(exact + np.array([0.1, -0.1, 0, 0, 0]), 0.1, of)
    scores[3] = -np.inf
    scores += np.array([0, 0, 5.0, 0, 0])
    assert rank(scores, np.arange(5), 2).tolist() == [2, 1]
    assert sorted(asked) == [0, 1, 2]
    assert scores[[0, 1, 2, 3]].tolist() == [1.0, 1.1, 5.5, -np.inf]
    more = scores + np.array([1.0, 0, 0, 0, 0])
    assert more[4] == 0 and more[0] == 2 and scores[0] == 1
