"""Each world without a database: its marginals, its formula, and who can be better than whom in it."""

from datetime import timedelta

import numpy as np
import pytest

from loader.cli import main
from loader.errors import PgfeedError
from loader.metrics import best
from loader.simulation import original, worlds
from loader.simulation.effects import LIKE_RATE
from loader.simulation.feed import generated_feed
from loader.simulation.population import TOPICS
from loader.simulation.world import DAYS, START, Life, World
from loader.simulation.worlds import audience, drift, news, shop
from loader.simulation.worlds.kinds import SHARES
from loader.simulation.worlds.mechanism import PREFERENCE_SD
from loader.simulation.worlds.taste import PROFILED

USERS = 600
VIEWED = [name for name, mechanism in worlds.WORLDS.items() if mechanism.has_views]
SCALED = [name for name in VIEWED if name != "popularity"]
EVENING = START + timedelta(days=75, hours=18)


@pytest.fixture(scope="module")
def world():
    made = {}

    def get(name: str) -> World:
        if name not in made:
            made[name] = World(seed=3, users=USERS, name=name)
        return made[name]

    return get


@pytest.fixture(scope="module")
def events(world):
    made = {}

    def get(name: str):
        if name not in made:
            made[name] = world(name).events()
        return made[name]

    return get


def hit_rates(world: World, users: int = 150) -> dict[str, float]:
    """Return the expected HitRate@5 of posts by lot, of those best on average and of those best for the user."""
    chances = world.chances(world.users.user_id[:users], world.posts.post_id, EVENING).astype(float)
    allowed = world.mechanism.available(75.75)
    lot = np.random.default_rng(0).random(chances.shape)
    scores = {"random": lot, "for all": np.broadcast_to(chances.mean(0), chances.shape), "oracle": chances}
    return {
        name: float(np.mean([
            1 - np.prod(1 - row[best(np.where(allowed, score, -np.inf))])
            for row, score in zip(chances, values, strict=True)
        ]))
        for name, values in scores.items()
    }


def test_the_help_has_a_line_on_each_world():
    lines = [line.split() for line in main.commands["simulate"].help.splitlines()]
    assert [line[0] for line in lines if len(line) > 3 and line[0] in worlds.WORLDS] == list(worlds.WORLDS)
    assert worlds.DEFAULT in worlds.WORLDS
    with pytest.raises(PgfeedError, match=r"there is no world mars.*popularity, taste.*Next: pgfeed help simulate"):
        worlds.named("mars")


@pytest.mark.parametrize("name", SCALED)
def test_users_and_topics_like_as_often_as_in_the_original(world, events, name):
    views = events(name)
    assert views.is_liked.mean() == pytest.approx(LIKE_RATE, rel=0.06)
    group = world(name).users.exp_group[views.user]
    rates = np.bincount(group, views.is_liked) / np.bincount(group)
    assert rates[[1, 2]].min() > 1.3 * rates[[0, 3]].max(), "groups 1 and 2 like more"
    first = views.is_liked[views.place < 9].mean()
    assert first / views.is_liked[views.place >= 18].mean() == pytest.approx(0.19 / 0.06, rel=0.1)


@pytest.mark.parametrize("name", SCALED)
def test_what_differs_between_users_is_as_large_in_every_world(world, name):
    mechanism, at = world(name).mechanism, np.array(40.6)
    weights = mechanism.view_weights(40.6)
    preference = mechanism.preference(np.arange(USERS)[:, None], np.arange(len(weights)), at)
    preference = preference - preference.mean(0)  # that of all users is the post's
    preference -= (preference * weights).sum(1, keepdims=True) / weights.sum()
    sd = np.sqrt((preference**2 * weights).sum(1).mean() / weights.sum())
    assert sd == pytest.approx(0 if name == "flat" else PREFERENCE_SD, rel=0.45)


@pytest.mark.parametrize("name", worlds.WORLDS)
def test_the_same_seed_gives_the_same_world(world, name):
    again, other = World(seed=3, users=USERS, name=name), World(seed=4, users=USERS, name=name)
    late = again.day_events(12)
    assert len(late.second) and all(
        np.array_equal(value, vars(world(name).day_events(12))[key]) for key, value in vars(late).items()
    )
    assert not np.array_equal(late.post, other.day_events(12).post)
    request = again.users.user_id[:3], again.posts.post_id, START + timedelta(days=9)
    assert np.array_equal(again.chances(*request), world(name).chances(*request))


@pytest.mark.parametrize("name", worlds.WORLDS)
def test_a_user_is_the_same_however_many_there_are(name):
    few, many = (World(3, count, 1_000, name) for count in (20, 40))
    moment = START + timedelta(hours=15)
    everything = few.posts.post_id
    assert few.chances(few.users.user_id, everything, moment) == pytest.approx(
        many.chances(few.users.user_id, everything, moment), rel=1e-5
    )


@pytest.mark.parametrize("name", worlds.WORLDS)
def test_the_oracle_is_best_and_lots_are_worst(world, name):
    rates = hit_rates(world(name))
    assert rates["oracle"] >= rates["for all"] > rates["random"]
    if name == "flat":
        assert rates["oracle"] == pytest.approx(rates["for all"], abs=1e-6)
    else:
        assert rates["oracle"] > rates["for all"] + 0.05


@pytest.mark.parametrize("name", VIEWED)
def test_likes_come_with_their_chance(world, events, name):
    views = events(name)
    some = slice(0, None, 7)
    probability = world(name).like_probability(views.user[some], views.post[some], views.at[some], views.place[some])
    liked = views.is_liked[some]
    for part in (probability < np.median(probability), probability >= np.quantile(probability, 0.9)):
        error = float(np.sqrt((probability[part] * (1 - probability[part])).sum()) / part.sum())
        assert liked[part].mean() == pytest.approx(float(probability[part].mean()), abs=4 * error)


@pytest.mark.parametrize("name", ["news", "shop", "drift"])
def test_the_report_has_the_facts_that_a_world_shares(name):
    facts = original.compare(generated_feed(USERS, 3, days=DAYS, name=name), name)
    names = {fact.name for fact in facts}
    assert {"gender 1", "text length median", "posts on movie"} <= names
    assert ("like rate, position 9" in names) == worlds.WORLDS[name].has_views
    assert "users of kind B" not in names
    off = [fact.name for fact in facts if fact.verdict != "ok"]
    assert len(off) <= 0.1 * len(facts), off


def test_taste_is_partly_of_the_profile_and_partly_of_the_text(world):
    mechanism = world("taste").mechanism
    assert mechanism.taste.var(0).mean() == pytest.approx(1, abs=0.25)
    age = world("taste").users.age
    explained = max(abs(np.corrcoef(age, column)[0, 1]) for column in mechanism.taste.T)
    assert 0.1 < explained < 3 * np.sqrt(PROFILED)
    cell = world("taste").posts.topic * 6 + world("taste").posts.theme
    means = np.stack([np.bincount(cell, column) / np.bincount(cell) for column in mechanism.meaning.T], 1)[cell]
    assert 0.5 < means.var() / mechanism.meaning.var() < 0.9, "a text tells most of what a post means"


def test_kinds_are_hidden(world, events):
    users, kind = world("kinds").users, world("kinds").mechanism.kind
    assert np.bincount(kind) / USERS == pytest.approx(SHARES, abs=0.06)
    views = events("kinds")
    for values in (users.age, users.gender, users.exp_group, np.bincount(views.user, minlength=USERS),
                   np.bincount(views.user, world("kinds").posts.level[views.post], USERS)):
        first, rest = values[kind == 0], values[kind > 0]
        error = values.std() * np.sqrt(1 / len(first) + 1 / len(rest))
        assert abs(first.mean() - rest.mean()) < 4 * error
    liked = [np.argsort(-row)[:100] for row in world("kinds").mechanism.liking]
    assert max(len(np.intersect1d(liked[0], other)) for other in liked[1:]) < 40


def test_news_is_shown_when_it_is_new(world, events):
    views, created = events("news"), world("news").mechanism.created
    age = views.at / 86_400 - created[views.post]
    assert age.min() > 0, "nobody sees what is not there yet"
    assert 0.5 < np.median(age) < 2
    a_day = np.bincount(np.floor(created[created > 0]).astype(int))[:80]
    assert a_day.mean() == pytest.approx(news.POSTS_A_DAY, rel=0.05)
    assert views.is_liked[age < 0.5].mean() > 2 * views.is_liked[(age > 2) & (age < 4)].mean()
    available = world("news").available(EVENING)
    assert np.array_equal(available, world("news").posts.post_id[created < 75.75])
    assert world("news").created_at[0] == START + timedelta(seconds=round(created[0] * 86_400))


def test_a_shop_sells_nothing_twice_and_what_goes_together(world, events):
    sold, mechanism = events("shop"), world("shop").mechanism
    pairs = sold.user.astype(int) * 10_000 + sold.post
    assert len(np.unique(pairs)) == len(pairs)
    assert sold.is_liked.all() and not (~world("shop").day_events(30).is_like).any()
    order = np.lexsort((sold.at, sold.user))
    same = np.diff(sold.user[order]) == 0
    cluster = mechanism.cluster[sold.post[order]]
    together = (cluster[1:] == cluster[:-1])[same].mean()
    by_lot = (np.random.default_rng(0).permutation(cluster)[1:] == cluster[:-1])[same].mean()
    assert together > 3 * by_lot
    per_user = len(sold.user) / USERS
    assert per_user == pytest.approx(50.3, rel=0.12)


def test_what_a_visit_buys_follows_its_chances():
    shop_world = World(seed=3, users=USERS, name="shop")
    shop_world.day_events(20)
    mechanism = shop_world.mechanism
    user = int(np.bincount(mechanism.memory.user).argmax())
    visits = np.full(40_000, user)
    rng = np.random.default_rng(1)
    _, post = mechanism.baskets(rng, visits, np.full(len(visits), 21.5), np.ones(len(visits)))
    bought = np.bincount(post, minlength=len(shop_world.posts)) / len(visits)
    chances = mechanism.limited(mechanism.like_rate(np.array([user]), np.arange(len(bought)), np.array([21.5])))
    assert bought == pytest.approx(chances, abs=float(5 * np.sqrt(chances.max() / len(visits))))
    assert bought[np.argsort(-chances)[:5]].sum() == pytest.approx(
        chances[np.argsort(-chances)[:5]].sum(), rel=0.05
    )
    mine = mechanism.memory.mine(user, 21.5)
    last = mine.post[mine.first[-1]:]
    next_ones = np.setdiff1d(mechanism.after(last, np.ones(len(last), int)), mine.post)
    assert len(next_ones) and chances[next_ones].min() > 20 * np.median(chances)
    assert not chances[mine.post].any()
    assert shop.NEXT_SHARES[0] > shop.NEXT_SHARES[1]


def test_what_is_shown_first_is_bought_more(world):
    mechanism = world("shop").mechanism
    users, at = np.arange(300), np.full(300, 60.5)
    first = np.argsort(-mechanism.like_rate(users[:, None], np.arange(7_023), at[:, None]), 1)[:, :5]
    counts = []
    for shown in (None, first):
        sold = 0
        for seed in range(20):
            visit, post = mechanism.baskets(np.random.default_rng(seed), users, at, np.ones(300), shown)
            sold += (post[:, None] == first[visit]).any(1).sum()
        counts.append(sold)
    assert 1.5 < counts[1] / counts[0] < 2.1


def test_an_audience_is_of_one_age_sex_or_place(world):
    mechanism, users = world("audience").mechanism, world("audience").users
    assert (mechanism.traits.std(0) ** 2).sum() == pytest.approx(sum(audience.WEIGHTS.values()), abs=0.12)
    preference = mechanism.preference(np.arange(USERS)[:, None], np.arange(0, 7_023, 10), np.array(1.0))
    slopes = np.array([np.corrcoef(users.age, column)[0, 1] for column in preference.T])
    assert (slopes > 0.5).any() and (slopes < -0.5).any() and abs(slopes.mean()) < 0.1
    same = (users.age == users.age[0]) & (users.gender == users.gender[0]) & (users.country == users.country[0])
    same &= (users.city == 0) == (users.city[0] == 0)
    assert same.sum() > 1 and np.ptp(preference[same], axis=0).max() == pytest.approx(0, abs=1e-5)


def test_interest_moves_with_what_was_liked_lately(world, events):
    events("drift")
    mechanism = world("drift").mechanism
    begin, week, end = (mechanism.interest(day) for day in (0, 7, 85))
    assert begin == pytest.approx(drift.OWN * mechanism.taste)

    def likeness(first: np.ndarray, second: np.ndarray) -> float:
        return float(np.mean((first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)))

    assert likeness(mechanism.interest(78), end) > likeness(week, end) + 0.1
    user = mechanism.memory.user[-1]
    mine = mechanism.memory.mine(user, 85)
    lately = mechanism.meaning[mine.post[mine.at > 71]].mean(0)
    assert lately @ (end[user] - begin[user]) > 0


def test_topics_break_out_for_days(world, events):
    mechanism = world("drift").mechanism
    heats = np.stack([mechanism.heat(day) for day in range(90)])
    assert heats.min() >= 0 and heats.max() > 0.8
    day, cell = np.unravel_index(heats.argmax(), heats.shape)
    assert heats[(day + 12) % 90, cell] < heats[day, cell]
    here = mechanism.cell == cell
    views = events("drift")
    shares = [here[views.post[views.at // 86_400 == d]].mean() for d in range(90)]
    assert np.corrcoef(shares, heats[:, cell])[0, 1] > 0.7


@pytest.mark.parametrize("name", ["popularity", "taste"])
def test_posts_and_users_come_with_the_days(name):
    growing = World(seed=3, users=300, posts=600, name=name, life=Life(new_posts=2, new_users=1))
    created, joined = growing.mechanism.created, growing.joined
    assert (created < 0).sum() == 600 - 2 * 180 and (joined < 0).sum() == 300 - 180
    assert np.bincount(np.floor(created[created >= 0]).astype(int)).tolist() == [2] * 180
    for day in (0, 90, 200):
        events = growing.day_events(day)
        assert (created[events.post] < day + events.second / 86_400).all() and (joined[events.user] < day).all()
    assert len(np.unique(events.post[~events.is_like])) > 100
    assert np.isin(np.flatnonzero(created > 60), growing.day_events(200).post).any()


def test_new_posts_come_only_where_there_can_be_some():
    for name in ("news", "shop"):
        with pytest.raises(PgfeedError, match=f"no new posts can come to the world {name}"):
            World(seed=3, users=50, posts=600, name=name, life=Life(new_posts=1))


def test_tastes_change_and_topics_break_out(world):
    usual = world("taste")
    other = World(seed=3, users=USERS, name="taste", life=Life(changes=(20,), outbreaks=((5, "sport"),)))
    users, posts = np.arange(40)[:, None], np.arange(2_000)
    is_sport = usual.posts.topic[posts] == TOPICS.index("sport")

    def chances(of: World, day: float) -> np.ndarray:
        return of.like_probability(users, posts, np.array(round(day * 86_400)), None)

    for day in (4.9, 12.1):
        assert np.array_equal(chances(usual, day), chances(other, day))
    ratio = chances(other, 6.5) / chances(usual, 6.5)
    assert (ratio[:, ~is_sport] == 1).all() and ratio[:, is_sport] == pytest.approx(1.5, rel=1e-5)
    before, after = chances(usual, 25.5), chances(other, 25.5)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] < 0.5
    assert after.mean() == pytest.approx(before.mean(), rel=0.3)
    assert Life.of({"new_posts": 1, "changes": [3], "outbreaks": [[5, "sport"]]}) == Life(1, 0, (3,), ((5, "sport"),))
