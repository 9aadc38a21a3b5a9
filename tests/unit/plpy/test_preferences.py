"""Who likes what: networks with a known mechanism, and what the fit finds in them."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from loader.learning import features
from plpy import fit_preferences
from plpy.known import Known, user_inputs, user_values
from plpy.pack import Pack
from plpy.preferences import Preferences, pack_arrays, sigmoid, unpack_arrays

USERS, POSTS, VIEWS = 600, 300, 150


def network(effect, seed=1, aging=0.0):
    """Return the fit and result of a network; effect: log-odds of a user and a post from their known columns.

    aging: what each day of its age, up to 30, takes from a post's log-odds.
    """
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(USERS), VIEWS)
    post = rng.integers(0, POSTS, len(user))
    place = np.tile(np.arange(VIEWS) % 30, USERS)
    profiles, inputs = rng.standard_normal((USERS, 2)).astype(np.float32), rng.standard_normal((POSTS, 3))
    hidden = rng.standard_normal(USERS), rng.standard_normal(POSTS)
    quality = 0.3 * rng.standard_normal(POSTS)
    log_odds = -1.6 - 0.03 * place + quality[post]
    age = 30 * rng.random(len(user))
    log_odds -= aging * (age - 15)
    log_odds += effect(profiles[user], inputs[post], hidden[0][user], hidden[1][post], post)
    liked = rng.random(len(user)) < sigmoid(log_odds)
    fit = fit_preferences.Fit(user, post, place, place // 10, age, liked, inputs.astype(np.float32), profiles)
    return (*fit.result(np.arange(POSTS)), fit, quality, hidden)


def test_nothing_is_found_where_nothing_is_to_be_found():
    facts, arrays, _, quality, _ = network(lambda x, t, g, h, post: 0)
    assert len(facts["post_used"]) <= 1 and len(facts["user_used"]) <= 1 and facts["latent"] == 0
    assert np.corrcoef(arrays["appeal"], quality)[0, 1] > 0.8
    assert not arrays["ages"].any()


def test_what_age_takes_from_posts_is_found_and_what_is_older_or_unknown_is_as_its_siblings():
    _, arrays, _, quality, _ = network(lambda x, t, g, h, post: 0, aging=0.05)
    assert np.corrcoef(arrays["appeal"], quality)[0, 1] > 0.8
    preferences = Preferences.__new__(Preferences)
    preferences.arrays, preferences.facts = arrays, {"usual_aging": -0.25}
    day, week, month, years, unknown = preferences.aging(np.float32([1, 8, 29, 900, np.nan]))
    assert day - week == pytest.approx(0.35, abs=0.1) and week - month == pytest.approx(1.05, abs=0.15)
    assert years == pytest.approx(month, abs=0.1)
    assert unknown == -0.25


def test_a_taste_for_what_is_known_of_posts_is_found():
    facts, arrays, _, _, _ = network(lambda x, t, g, h, post: 0.8 * g * t[:, 1])
    assert 1 in facts["post_used"]
    weight = np.diag(arrays["precision"])[facts["post_used"].index(1)]
    assert 0.6 < weight ** -0.5 < 1.0


def test_what_a_profile_says_of_each_post_is_found():
    slopes = np.random.default_rng(9).standard_normal(POSTS)
    facts, arrays, _, _, _ = network(lambda x, t, g, h, post: 0.7 * slopes[post] * x[:, 0])
    column = facts["user_used"].index(0)
    assert np.corrcoef(arrays["own"][:, column], slopes)[0, 1] > 0.85


def test_what_nobody_knows_of_users_and_posts_is_found():
    facts, arrays, _, _, (_, of_posts) = network(lambda x, t, g, h, post: 0.8 * g * h)
    assert facts["latent"] == 1
    assert abs(np.corrcoef(arrays["own"][:, -1], of_posts)[0, 1]) > 0.85


def test_a_post_shown_only_at_the_top_is_not_better_than_its_equal():
    rng = np.random.default_rng(3)
    user, place = np.repeat(np.arange(USERS), 30), np.tile(np.arange(30), USERS)
    post = rng.integers(2, POSTS, len(user))
    post[place == 0], post[place == 20] = 0, 1
    liked = rng.random(len(user)) < sigmoid(-1.0 - 0.08 * place)
    none = np.zeros((POSTS, 1), np.float32), np.zeros((USERS, 1), np.float32)
    fit = fit_preferences.Fit(user, post, place, np.zeros_like(user), np.ones(len(user)), liked, *none)
    rates = [liked[post == number].mean() for number in (0, 1)]
    assert rates[0] > 2 * rates[1]
    # All that is known of them was seen at one place each, which tells nothing of either.
    assert abs(fit.appeal[0] - fit.appeal[1]) < 0.25


def test_the_appeal_of_posts_is_learned_from_what_a_sample_leaves_out_too():
    rng = np.random.default_rng(5)
    quality = 0.4 * rng.standard_normal(POSTS)
    user, place = np.repeat(np.arange(USERS), 60), np.tile(np.arange(30), 2 * USERS)
    post = rng.integers(0, POSTS, len(user))
    at_top, below = np.argsort(quality)[POSTS // 2:POSTS // 2 + 2]
    is_odd = user % 2 == 1
    post[is_odd & (place == 0)], post[is_odd & (place == 20)] = at_top, below
    chance = sigmoid(-1.0 - 0.08 * place + quality[post])
    liked, is_inside = rng.random(len(user)) < chance, user < USERS // 10
    effect = np.exp(-0.08 * place)
    effect /= effect.mean()
    likes, views, effective = (
        np.bincount(post[~is_inside], each, POSTS) for each in (liked[~is_inside], None, effect[~is_inside])
    )
    none = np.zeros((POSTS, 1), np.float32), np.zeros((USERS, 1), np.float32)
    inside = (user, post, place, np.zeros_like(user), np.ones(len(user)), liked)
    sample = [column[is_inside] for column in inside]
    alone, with_others, of_all = (
        fit_preferences.Fit(*columns, *none, others).appeal
        for columns, others in ((sample, None), (sample, (likes, views, effective)), (inside, None))
    )
    found = [np.corrcoef(appeal, quality)[0, 1] for appeal in (alone, with_others, of_all)]
    assert found[0] + 0.1 < found[1] > found[2] - 0.03
    assert abs(with_others[at_top] - with_others[below]) < 0.6  # their places alone make it 1.6


class Free(fit_preferences.Fit):
    """A fit that takes the effects of what is known of posts as they are estimated."""

    map_variance = property(lambda self: np.inf, lambda self, value: None)


@pytest.mark.parametrize("effect", [0.0, 0.4])
def test_what_is_known_of_few_posts_tells_of_others_only_what_it_does_tell(effect):
    rng = np.random.default_rng(9)
    user, post = np.repeat(np.arange(USERS), 15), rng.integers(0, 100, USERS * 15)
    inputs = rng.standard_normal((100, 30)).astype(np.float32)
    liked = rng.random(len(user)) < sigmoid(-1.6 + effect * inputs[post, 0] + 0.2 * rng.standard_normal(100)[post])
    zeros, true = np.zeros_like(user), np.append(effect, np.zeros(29))
    fits = [kind(user, post, zeros, zeros, np.ones(len(user)), liked, inputs, np.zeros((USERS, 1), np.float32))
            for kind in (fit_preferences.Fit, Free)]
    errors = [np.linalg.norm(fit.appeal_map[1:] - true) for fit in fits]
    assert errors[0] < 0.8 * errors[1]
    assert abs(fits[0].appeal_map[1] - effect) < 0.15


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_stays_calm_where_posts_are_seen_hardly_ever_and_hardly_ever_liked(seed):
    rng = np.random.default_rng(seed)
    user, place = np.repeat(np.arange(USERS), 25), np.tile(np.arange(25), USERS)
    post = np.minimum(rng.exponential(100, len(user)).astype(int), 1_299)
    liked = rng.random(len(user)) < sigmoid(-3.4 + rng.standard_normal(1_300)[post])
    inputs = (rng.random((1_300, 30)) < 0.02).astype(np.float32)
    inputs = ((inputs - inputs.mean(0)) / inputs.std(0)).clip(-6, 6)
    fit = fit_preferences.Fit(user, post, place, np.zeros_like(user), rng.random(len(user)), liked, inputs,
                              np.zeros((USERS, 1), np.float32))
    assert np.abs(fit.appeal_map).max() < 1 and np.abs(fit.appeal).max() < 6 and fit.appeal_variance < 2


@pytest.mark.parametrize("is_hot", [True, False])
def test_what_is_liked_more_these_days_is_a_trend_and_what_was_is_none(is_hot):
    rng = np.random.default_rng(8)
    user, post = np.repeat(np.arange(USERS), VIEWS), rng.integers(0, POSTS, USERS * VIEWS)
    day, inputs = np.tile(np.arange(VIEWS) % 30, USERS), rng.standard_normal((POSTS, 3)).astype(np.float32)
    log_odds = -1.6 + 0.3 * rng.standard_normal(POSTS)[post] + is_hot * (
        np.where(day >= 24, inputs[post, 0], 0) + np.where((day > 5) & (day < 12), inputs[post, 1], 0)
    )
    liked = rng.random(len(user)) < sigmoid(log_odds)
    fit = fit_preferences.Fit(user, post, np.zeros_like(user), day, np.ones(len(user)), liked, inputs,
                              np.zeros((USERS, 1), np.float32))
    arrays = fit.result(np.arange(POSTS))[1]
    assert ("trend" in arrays) == is_hot
    if is_hot:  # what posts have of it over all days is appeal: 6 and 7 days of 30
        now = arrays["appeal_map"][1:] + arrays["trend"][1:]
        assert now == pytest.approx([1, 0, 0], abs=0.3) and arrays["trend"][1] > 0.5


def test_a_trend_is_added_to_the_appeal_and_teaches_nothing_of_users():
    facts, arrays, _, _, _ = network(lambda x, t, g, h, post: 0.8 * g * t[:, 1])
    facts |= {"first_day": 0, "types": {}, "post_inputs": [["post.view_ratio"]] * 3, "user_inputs": [["user.age"]] * 2}
    for side, width in (("post", 3), ("user", 2)):
        arrays |= {f"{side}_mean": np.zeros(width), f"{side}_deviation": np.ones(width)}
    columns = {"post.view_ratio": np.linspace(-1, 1, POSTS), "post.age_days": np.ones(POSTS)}
    pack = Pack(np.arange(POSTS), [], np.full(POSTS, -1), columns)
    user = {
        "viewed_post_ids": np.arange(40), "viewed_at": np.arange(40) * 60.0, "liked_post_ids": np.arange(9),
        "liked_at": np.arange(9) * 60.0 + 5, "at": 1e5, "age": 30, "attributes": None,
    }
    scores = []
    for trend in ({}, {"trend": np.float64([0.1, 0, 2, 0])}):
        preferences = Preferences(facts, arrays | {"ratios": np.linspace(-1, 1, 101)} | trend)
        pack.take_preferences(preferences)
        scores.append((pack.appeal, pack.preference_sides @ preferences.of_users([user], pack, [0.0])[0]))
    (appeal, preferred), (with_trend, still_preferred) = scores
    assert with_trend - appeal == pytest.approx(0.1 + 2 * np.linspace(0, 1, POSTS), abs=1e-4)
    assert preferred.std() > 0 and still_preferred == pytest.approx(preferred, abs=1e-4)


def test_impressions_are_views_until_the_first_like():
    pack = SimpleNamespace(locate=lambda ids: np.where(np.isin(ids, [7, 8]), ids - 7, -1))
    rows = [
        (1, 7, 100, 0), (1, 7, 130, 2),  # liked half a minute later
        (1, 8, 200, 0), (1, 8, 260, 0),  # sent again
        (1, 7, 9000, 0),  # was liked before
        (1, 9, 300, 0),  # not in the pack
        (2, 8, 500, 0), (2, 8, 90_000, 1), (2, 8, 99_999, 2),  # a like that only a target tells of
        (3, 8, 100, 0), (3, 8, 4000, 2),  # liked too late
    ]
    users, user, place_of, at, place, is_liked = fit_preferences.impressions(
        *(np.array(column, np.int64) for column in zip(*rows)), pack, 1e6
    )
    assert users.tolist() == [1, 2, 3]
    got = list(zip(users[user].tolist(), (place_of + 7).tolist(), at.tolist(), place.tolist(), is_liked.tolist()))
    assert got == [
        (1, 7, 100, 0, True), (1, 8, 200, 1, False), (2, 8, 500, 0, False), (2, 8, 90_000, 0, True),
        (3, 8, 100, 0, False),
    ]


def test_who_likes_what_is_learned_most_often_where_little_is_known():
    first = date(2021, 10, 1)
    days = [first + timedelta(days=number) for number in range(90)]
    fitted = [features.fit_day(day, first) for day in days]
    assert fitted[:12] == days[:12] and fitted[-1] > days[-8] and len(set(fitted)) < 40
    assert all(first <= made <= day for made, day in zip(fitted, days))


def test_arrays_come_back_as_they_were_packed():
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([], np.int64)}
    facts, back = unpack_arrays(pack_arrays({"x": ["y"]}, arrays))
    assert facts == {"x": ["y"]} and all(np.array_equal(back[name], arrays[name]) for name in arrays)


def people(count=100):
    """Return rows of users with a profile and own features."""
    row = dict.fromkeys(("country", "exp_group", "os", "source"))
    return [
        row | {
            "age": 20 + number % 30, "gender": None if number == 5 else number % 2, "at": 86400.0 * 366,
            "city": ["Omsk", "Perm"][number % 2],
            "attributes": '{"plan": "pro", "tags": ["a", "b"], "born": "1970-01-02"}' if number else None,
        }
        for number in range(count)
    ]


def test_what_is_known_of_users_is_standardised_and_what_is_not_is_the_mean():
    types = {"user.plan": "category", "user.tags": "tags", "user.born": "date", "post.price": "number"}
    inputs = user_inputs(people(), types)
    assert ["user.city", "Omsk"] in inputs and ["user.tags", "b"] in inputs and ["user.born"] in inputs
    known = Known.fit(inputs, user_values(inputs, people(), types), np.ones(100))
    values = known.standard(user_values(known.inputs, people(), types))
    city, gender = known.inputs.index(["user.city", "Omsk"]), known.inputs.index(["user.gender"])
    assert values[0, city] == pytest.approx(1) and values[1, city] == pytest.approx(-1) and values[5, gender] == 0


def test_a_user_prefers_what_the_impressions_say():
    facts, arrays, _, _, _ = network(lambda x, t, g, h, post: 0.8 * g * h)
    facts |= {"first_day": 0, "types": {}, "post_inputs": [], "user_inputs": []}
    for side in ("post", "user"):
        arrays |= {f"{side}_mean": np.empty(0), f"{side}_deviation": np.empty(0)}
    preferences = Preferences(facts, arrays)
    sides = np.zeros((POSTS, preferences.width), np.float32)
    sides[:, -1] = arrays["own"][:, -1]
    pack = SimpleNamespace(
        locate=lambda ids: ids, preference_sides=sides, appeal_at=lambda places, since: np.zeros(len(places))
    )
    liked = np.argsort(sides[:, -1])[-20:]
    viewed = np.concatenate([liked, np.argsort(sides[:, -1])[:20]])
    at = np.arange(40) * 60.0
    user = {
        "viewed_post_ids": viewed, "viewed_at": at, "liked_post_ids": liked, "liked_at": at[:20] + 5, "at": 1e5,
    }
    empty = np.zeros(preferences.profile_width, np.float32)
    mean = np.zeros(preferences.width - preferences.profile_width)
    likes_them = preferences.fold_in(user, pack, empty, mean, 0.0)[-1]
    none = user | {"liked_post_ids": liked[:0], "liked_at": at[:0]}
    likes_none = preferences.fold_in(none, pack, empty, mean, 0.0)[-1]
    assert likes_them > 1 and likes_them > likes_none + 0.5
    shown_now = none | {"at": at[-1] + 1}
    assert preferences.fold_in(shown_now, pack, empty, mean, 0.0)[-1] == 0  # may still be liked


@pytest.mark.parametrize("rate", [0.0, 0.6, 1.0])
def test_a_user_who_likes_everything_or_nothing_prefers_nothing(rate):
    rng = np.random.default_rng(5)
    columns = np.column_stack([rng.standard_normal((1000, 2)), np.ones(1000)])
    labels = (rng.random(1000) < rate).astype(float)
    preferences = Preferences.__new__(Preferences)
    preferences.arrays = {"precision": np.diag([5.0, 5.0, 10.0])}
    mode = preferences.newton(columns, np.full(1000, -2.2), labels, np.zeros(3))
    assert np.abs(mode[:2]).max() < 0.3 and np.sign(mode[2]) == np.sign(rate - 0.1)


def test_what_is_unknown_is_the_mean_of_what_is_known():
    values = np.array([[25.0], [35.0], [np.nan], [np.nan]])
    known = Known.fit([["user.age"]], values, np.ones(4))
    assert known.standard(values)[:, 0].tolist() == pytest.approx([-1, 1, 0, 0])
