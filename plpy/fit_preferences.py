"""The body of pgfeed._preferences: who likes what, learned from the impressions before a moment; see preferences.

Regression-based latent factors (Agarwal and Chen, KDD 2009) with a logistic likelihood. How much the coefficients
differ from user to user, and from post to post, is estimated from the squares of the scores (Haseman and Elston, 1972),
so that a network where nothing is to be found gives nothing. The latent factors start from the singular vectors of the
residuals that exceed those of residuals with random signs (Hong, Sheng and Dobriban, 2020), and are fitted as
mean-field posteriors (Lim and Teh, 2007), which lets unneeded ones vanish. How fast the trend of what is known of
posts is forgotten, and how far it goes, is what foretells each day best from the days before it (Dawid, 1984).
"""

import functools

import numpy as np

from plpy.columns import DAY_SECONDS, LIKE_WINDOW_SECONDS, USER_COLUMNS, int8s, unix_seconds
from plpy.known import Known, post_inputs, post_values, user_inputs, user_values
from plpy.pack import Pack
from plpy.preferences import AGES, PLACES, age_steps, aging, numbers_within, pack_arrays, sigmoid
from plpy.products import LEAST_VARIANCE, LONGEST_STEP, MAP_PENALTY, Cells, Products, variances
from plpy.session import current_session

MAX_VIEWS, MAX_POSTS, MAX_USERS = 1_500_000, 20_000, 20_000
LEAST_LIKES = 200
SWEEPS = 5
MAIN_ROUNDS, ROUNDS_WITH_AGES = 4, 12
LAST_DAYS = 7
USUAL_VIEWS = 20
AGE_PENALTY, LEAST_AGING = 10.0, 0.05
TREND_HALF_LIVES, TREND_VARIANCES = (0.5, 1.0, 2.0, 4.0, 8.0), (0.001, 0.003, 0.01, 0.03)
FIRST_DAYS, LEAST_SHARE, LEAST_GAIN = 7, 0.01, 10.0


def _preferences(plpy, as_of):
    """Return the packed Preferences as of a moment; nothing: too little to learn from."""
    session = current_session(plpy)
    sample = session.run("sample", as_of, float(MAX_VIEWS))[0]
    events = learned_events(session, as_of, sample)
    ids, counts = np.unique(events[0], return_counts=True)
    if len(ids) > MAX_USERS:
        is_kept = np.isin(events[0], ids[np.lexsort((ids, -counts))][:MAX_USERS])
        events = [column[is_kept] for column in events]
    pack = most_seen(session, as_of, events[1])
    user_ids, users, posts, at, place, is_liked = impressions(*events, pack, sample["moment"])
    del events  # 50 MB
    if is_liked.sum() < LEAST_LIKES or is_liked.all():
        return b""
    profiles = {profile["user_id"]: profile for profile in session.run("profiles", as_of, user_ids.tolist())}
    nobody = dict.fromkeys((*USER_COLUMNS[:7], "attributes", "at"))
    people = [profiles.get(user_id, nobody) for user_id in user_ids.tolist()]
    views = np.bincount(posts, minlength=len(pack)), np.bincount(users, minlength=len(people))
    ratios = np.quantile(pack.columns["post.view_ratio"], np.linspace(0, 1, 101))
    inputs, own = post_inputs(pack), user_inputs(people, pack.attributes)
    values = post_values(inputs, pack, ratios), user_values(own, people, pack.attributes)
    known = [Known.fit(*each) for each in zip((inputs, own), values, views)]
    standard = [each.standard(value[:, [names.index(name) for name in each.inputs]])
                for each, names, value in zip(known, (inputs, own), values)]
    others = counted_outside(session, as_of, pack, posts, is_liked) if sample["share"] < 1 else None
    day = np.floor(at / DAY_SECONDS).astype(np.int64)
    age = pack.columns["post.age_days"][posts] - (sample["moment"] - at) / DAY_SECONDS
    try:
        pause = functools.partial(plpy.execute, "select")
        fit = Fit(users, posts, place, day - day.min(), age, is_liked, *standard, others, pause)
        facts, arrays = fit.result(pack.post_ids)
    except (RuntimeError, np.linalg.LinAlgError, MemoryError) as error:  # a refresh does without
        plpy.warning(f"who likes what cannot be learned: {error}")
        return b""
    ages = pack.columns["post.age_days"]
    usual = aging(ages[np.isfinite(ages)], arrays["ages"]).mean()
    facts |= {"types": pack.attributes, "first_day": int(day.min()), "usual_aging": float(usual)}
    for side, each in zip(("post", "user"), known):
        facts[f"{side}_inputs"] = each.inputs
        arrays |= {f"{side}_mean": each.mean, f"{side}_deviation": each.deviation}
    return pack_arrays(facts, arrays | {"ratios": ratios})


def learned_events(session, as_of, sample):
    """Return user ids, post ids, unix seconds and kinds, see impressions(), of a sample of the events before a moment.

    int64 each. Those of a part of the users are found by the key of the events, not by reading all.
    """
    name, arguments = "learned events", [as_of, sample["hits"], sample["refusals"]]
    if sample["share"] < 1:
        name, users = "learned events of users", session.run("sampled users", as_of, sample["share"])[0]
        arguments.append(users["user_ids"])
    row = session.run(name, *arguments)[0]
    user_ids, post_ids, moments, kinds = (int8s(row[name]) for name in ("user_ids", "post_ids", "happened_at", "kinds"))
    return user_ids, post_ids, np.floor(unix_seconds(moments)).astype(np.int64), kinds


def most_seen(session, as_of, post_ids):
    """Return the stored pack of a small catalogue, else one of the posts in most events, whose ids these are."""
    rows = session.run("pack as of", as_of)
    if rows:
        return Pack.unpack(rows[0])
    ids, counts = np.unique(post_ids, return_counts=True)
    return session.chosen_pack(as_of, np.sort(ids[np.lexsort((ids, -counts))][:MAX_POSTS]), None)


def impressions(user_ids, post_ids, seconds, kinds, pack, moment):
    """Return users and per impression: row of the user, place in the pack, unix seconds, place in the day, is_liked.

    kinds: 0 a view, 1 a view that was liked, 2 a like, 3 one taken back, or a dislike: the user does not like the post.
    A view within an hour of another one of the post by the user repeats it; one after the user's first like of the post
    does not count, nor does one of the hour before the moment, unix seconds, that may still be liked; is_liked: within
    an hour.
    """
    users, user = np.unique(user_ids, return_inverse=True)
    order = np.lexsort((kinds, seconds, post_ids, user))
    user, post_ids, seconds, kinds = user[order], post_ids[order], seconds[order], kinds[order]
    starts = np.flatnonzero(np.append(True, (np.diff(user) != 0) | (np.diff(post_ids) != 0)))
    pair = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(user))))
    first_like = np.full(len(starts), np.inf)
    is_like = (kinds == 1) | (kinds == 2)
    np.minimum.at(first_like, pair[is_like], seconds[is_like])
    first_like[pair[kinds == 3]] = np.inf
    views = np.flatnonzero(kinds < 2)
    user, pair, at = user[views], pair[views], seconds[views]
    is_new = np.append(True, (np.diff(pair) != 0) | (np.diff(at) >= LIKE_WINDOW_SECONDS))[:len(at)]
    places = pack.locate(post_ids[views])
    order = np.flatnonzero(is_new)
    order = order[np.lexsort((at[order], user[order]))]
    user, pair, at, places = user[order], pair[order], at[order], places[order]
    day = at // DAY_SECONDS
    position = numbers_within((np.diff(user, prepend=-1) != 0) | (np.diff(day, prepend=-1) != 0))
    is_liked = first_like[pair] < at + LIKE_WINDOW_SECONDS
    kept = (places >= 0) & (first_like[pair] >= at) & (is_liked | (at < moment - LIKE_WINDOW_SECONDS))
    return users, user[kept], places[kept], at[kept], position[kept].clip(max=PLACES - 1), is_liked[kept]


def counted_outside(session, as_of, pack, posts, is_liked):
    """Return the likes, views and effective views of a pack's posts that the impressions of a sample are not part of.

    Float64 (posts,) each; the views without effects of their places as often as the effective ones.
    """
    row = session.run("counted posts", as_of, pack.post_ids.tolist())[0]
    counts = np.zeros((3, len(pack)))
    places = pack.locate(int8s(row["post_ids"] or b""))
    for count, name, kind in zip(counts, ("likes", "views", "effective"), (">i8", ">i8", ">f8")):
        count[places] = np.frombuffer(row[name] or b"", kind)
    likes, views, effective = counts
    share = 1 - np.bincount(posts, minlength=len(pack)) / np.maximum(views, 1)
    views, effective = views * share.clip(min=0), effective * share.clip(min=0)
    return (likes - np.bincount(posts, is_liked, len(pack))).clip(0, views), views, effective


class Fit:
    """The fit to impressions: rows of users and of posts, places, days from 0, ages of the posts in days, labels; and
    the standardised inputs.

    others: of a sample, what counted_outside() returns: the appeal of posts is learned from it, too.
    """

    def __init__(self, users, posts, place, day, age, is_liked, post_inputs, user_inputs, others=None,
                 pause=lambda: None):
        self.pause, self.others = pause, others  # pause: a point where the statement can be cancelled
        order = np.lexsort((posts, users))  # what lies together is read fast
        users, posts, place, day, age, is_liked = (each[order] for each in (users, posts, place, day, age, is_liked))
        self.users, self.posts, self.labels, self.day = users, posts, is_liked.astype(float), day.astype(np.int32)
        self.post_inputs, self.user_inputs = post_inputs, user_inputs
        self.shape = len(user_inputs), len(post_inputs)
        self.cells = Cells(users, posts, self.shape)
        self.has_views = [np.bincount(rows, minlength=n) > 0 for rows, n in zip((users, posts), self.shape)]
        rate = self.labels.mean()
        self.days, self.places = np.full(day.max() + 1, np.log(rate / (1 - rate))), np.zeros(PLACES)
        self.levels, self.appeal = (np.zeros(count) for count in self.shape)
        self.level_variance = self.appeal_variance = 0.1
        self.appeal_map, self.map_variance = np.zeros(post_inputs.shape[1] + 1), 0.1
        self.ages, self.age = np.zeros(len(AGES)), age_steps(age)
        self.base = np.full(len(users), self.days[0])
        self.product = np.zeros(len(users))
        self.fit_main(place, day)

    def chances(self):
        """Return the probability of a like of each impression."""
        return sigmoid(self.base + self.product)

    def fit_main(self, place, day):
        """Fit the levels of days, places and users and the appeal of posts, by turns, and what age takes from it.

        Where age takes nothing that could reorder a list, it stays out.
        """
        views = np.bincount(self.age, minlength=len(AGES))
        number = 0
        while number < (ROUNDS_WITH_AGES if self.ages.any() else MAIN_ROUNDS):
            number += 1
            self.pause()
            for effect, rows in ((self.places, place), (self.days, day)):
                slope, weight = self.sums(rows, len(effect), self.chances())
                step = slope / (weight + 10)
                effect += step
                self.base += step[rows]
            self.update_ages(self.chances())
            mean = np.average(self.ages, weights=views)
            if number == MAIN_ROUNDS and np.average((self.ages - mean) ** 2, weights=views) < LEAST_AGING**2:
                self.base -= self.ages[self.age]
                self.ages[:] = 0
            self.update_levels(self.chances())
            self.update_appeal(self.chances())

    def sums(self, rows, count, chance):
        """Return the slope and curvature of the log-likelihood by row."""
        return np.bincount(rows, self.labels - chance, count), np.bincount(rows, chance * (1 - chance), count)

    def update_ages(self, chance):
        """Take a Newton step with the effects of ages, each shrunk to that of the ages beside it."""
        slope, weight = self.sums(self.age, len(AGES), chance)
        difference = np.diff(np.eye(len(AGES)), axis=0)
        penalty = AGE_PENALTY * difference.T @ difference + 1e-3 * np.eye(len(AGES))
        step = np.linalg.solve(np.diag(weight) + penalty, slope - penalty @ self.ages)
        step = step.clip(-LONGEST_STEP, LONGEST_STEP)
        self.ages += step
        self.base += step[self.age]

    def update_levels(self, chance):
        """Take a Newton step with the levels of users."""
        slope, weight = self.sums(self.users, self.shape[0], chance)
        step = (slope - self.levels / self.level_variance) / (weight + 1 / self.level_variance)
        step = step.clip(-LONGEST_STEP, LONGEST_STEP)
        self.levels += step
        self.base += step[self.users]
        spread = self.levels**2 + 1 / (weight + 1 / self.level_variance)
        self.level_variance = max(spread[self.has_views[0]].mean(), LEAST_VARIANCE)

    def update_appeal(self, chance):
        """Take a Newton step with the appeal of posts, shrunk to what posts like them have."""
        slope, weight = self.sums(self.posts, self.shape[1], chance)
        if self.others is not None:
            slope, weight = (one + other for one, other in zip((slope, weight), self.sums_outside(chance)))
        inputs = np.column_stack([np.ones(self.shape[1]), self.post_inputs])
        usual, seen = inputs @ self.appeal_map, self.has_views[1]
        # The map is fitted to the estimates before they are shrunk, weighed by how sure they are; how far its effects
        # go is estimated, too.
        raw = self.appeal + slope / np.maximum(weight, 1e-9)
        sure = np.where(seen, 1 / (self.appeal_variance + 1 / np.maximum(weight, 1e-9)), 0)
        precision = weight + 1 / self.appeal_variance
        step = ((slope - (self.appeal - usual) / self.appeal_variance) / precision).clip(-LONGEST_STEP, LONGEST_STEP)
        self.appeal += step
        self.base += step[self.posts]
        spread = (self.appeal - usual) ** 2 + 1 / precision
        self.appeal_variance = max(spread[seen].mean(), LEAST_VARIANCE)
        weighted = inputs * sure[:, None]
        penalty = np.full(inputs.shape[1], MAP_PENALTY * sure.mean())
        penalty[1:] = np.maximum(penalty[1:], 1 / self.map_variance)
        covariance = np.linalg.inv(weighted.T @ inputs + np.diag(penalty))
        found = covariance @ (weighted.T @ np.where(seen, raw, 0))
        effects = found[1:] ** 2 + np.diag(covariance)[1:]
        self.map_variance = max(effects.mean(), LEAST_VARIANCE) if len(effects) else LEAST_VARIANCE
        change = found - self.appeal_map
        self.appeal_map += change * min(1, LONGEST_STEP / max(np.abs(inputs[seen] @ change).max(), 1e-9))

    def sums_outside(self, chance):
        """Return the slope and curvature of posts by the events outside of the sample.

        A view of these is liked as often as those of the post in the sample, at its mean user, day, age and place,
        each with the weight of one beside 20 at the mean of all.
        """
        likes, views, effective = self.others
        count = np.bincount(self.posts, minlength=self.shape[1])
        rate = chance.mean()
        usual = sigmoid(np.log(rate / (1 - rate)) + self.appeal - np.average(self.appeal, weights=count))
        own = np.bincount(self.posts, chance, self.shape[1])
        expected = (views * own + effective * USUAL_VIEWS * usual) / (count + USUAL_VIEWS)
        expected *= likes.sum() / max(expected.sum(), 1e-9)
        liked_share = expected / np.maximum(views, 1e-9)
        return likes - expected, expected * (1 - liked_share).clip(min=0)

    def matrices(self, is_transposed=False):
        """Return the residuals and weights of impressions as sparse (users, posts) matrices, or (posts, users)."""
        chance = self.chances()
        return [self.cells.matrix(v, is_transposed) for v in (self.labels - chance, chance * (1 - chance))]

    def trend(self):
        """Return what an additional 1 and each input of posts add to the log-odds after the last day; None: nothing."""
        from scipy.sparse import csr_matrix

        chance = self.chances()
        slope, weight = self.labels - chance, chance * (1 - chance)
        count, viewed = len(self.days), np.bincount(self.posts, weight, self.shape[1])
        inputs = self.post_inputs.astype(float)
        mean = np.average(inputs, axis=0, weights=viewed)
        inputs -= mean
        size, directions = np.linalg.eigh((inputs * viewed[:, None]).T @ inputs / viewed.sum())
        kept = size > LEAST_SHARE  # along these directions the inputs differ from post to post by 1
        directions = directions[:, kept] / np.sqrt(size[kept])
        slopes = csr_matrix((slope, (self.day, self.posts)), (count, self.shape[1])) @ (inputs @ directions)
        last = directions @ latest(slopes, np.bincount(self.day, weight, count))
        return np.append(-mean @ last, last) if last.any() else None

    def result(self, post_ids):
        """Fit the products; return the facts and arrays of Preferences."""
        residuals, weights = self.matrices()
        spreads = [
            variances(residuals, weights, self.post_inputs, self.pause),
            variances(*self.matrices(is_transposed=True), self.user_inputs, self.pause),
        ]
        used = [np.flatnonzero(spread) for spread in spreads]
        products = Products(self, used, [spread[u] for spread, u in zip(spreads, used)])
        products.start_latent(residuals, weights)
        if products.user_width or products.post_width:
            self.product = products.products()
            for _ in range(SWEEPS):
                products.sweep()
        seen = self.has_views[1]
        facts = {
            "post_used": used[0].tolist(), "user_used": used[1].tolist(), "latent": products.latent,
        }
        precision = np.zeros((products.user_width + 1,) * 2)
        precision[:-1, :-1], precision[-1, -1] = products.precision, 1 / self.level_variance
        recent, trend = self.days[-LAST_DAYS:].mean(), self.trend()
        return facts, ({} if trend is None else {"trend": trend}) | {
            "post_ids": post_ids[seen], "appeal": self.appeal[seen], "appeal_map": self.appeal_map,
            "own": products.of_posts[seen].astype(np.float32), "latent_map": products.latent_map,
            "user_map": products.user_map, "precision": precision, "days": np.append(self.days, recent),
            "places": self.places, "ages": self.ages,
        }


def latest(slopes, weights):
    """Return the effects after the last day, (effects,), of slopes (days, effects), each of a curvature (days,).

    Zeros: the days before tell nothing of the next one.
    """
    most, result = LEAST_GAIN, np.zeros(slopes.shape[1])
    day = np.arange(len(weights) + 1)
    for half_life in TREND_HALF_LIVES:
        left = np.tril(0.5 ** (np.abs(day[:, None] - day[:-1]) / half_life), -1)  # on each day of those before
        for variance in TREND_VARIANCES:
            *effects, last = left @ slopes / (left @ weights + 1 / variance)[:, None]
            gains = (effects * slopes).sum(axis=1) - weights * np.square(effects).sum(axis=1) / 2
            if (gain := gains[FIRST_DAYS:].sum()) > most:
                most, result = gain, last
    return result
