"""The body of pgfeed._off_policy_estimates: what a version that was not served would have had of likes.

Lists h of the version are judged by lists that were drawn with known chances. Of a post a that was shown at place i,
with the chances pi(a, j) that it is shown at j, and that h has at place t(a), a like counts

    w = theta(t(a)) / sum over j of pi(a, j) theta(j)

where theta(j) is the effect of place j: inverse propensity scores for lists in which a like's chance is that of the
post times that of the place (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay and Wen, Offline evaluation of ranking
policies with click models, KDD 2018, the position-based model; the item-position model there counts 1 / pi(a, i) where
h has a at i itself). Self-normalised: divided by what w gives of a reward whose mean is known (Swaminathan and
Joachims, The self-normalized estimator for counterfactual learning, 2015). Doubly robust: a model of a like's chance
for every place of h, and w times what the model misses of the likes (Dudik, Langford and Li, Doubly robust policy
evaluation and learning, 2011). No weight is clipped.
"""

import json

import numpy as np

from plpy.preferences import sigmoid
from plpy.recommend import list_of_version

LEAST_SIZE, LEAST_USERS, LEAST_SUPPORT = 200, 30, 0.8
NEWTON_STEPS = 15
NORMAL_95 = 1.959964
# _place_effects() has those of one moment after those of another, and this module counts by the newest ones.
KNOWN_QUERY = """
    select pgfeed._hits() as hits, v.effects[cardinality(v.effects) - v.place_count + 1:] as effects
    from (
        select pgfeed._place_effects() as effects, (
            select count(*) from pgfeed.place_effects as e
            where e.until = (select max(n.until) from pgfeed.place_effects as n)
        )::integer as place_count
    ) as v
"""
EXPOSURES_QUERY = """
    with known as (
        select x.* from pgfeed.exposures as x
        where
            x.propensities is not null and x.served_at >= $1 and x.served_at < $2
            and ($3 is null or x.feed = $3) and x.arguments -> 'is_cut' is null
            and x.arguments -> 'after' is null -- such a page has the features of the last refresh, not of served_at
            and exists (select from pgfeed.named_feeds as f where f.name = x.feed)
    ),
    share as (select least($4::double precision / greatest(count(*), 1), 1) as of_users from known)
    select
        k.user_id, k.served_at::text as served_at, k.feed, k.arguments::text as arguments, k.post_ids,
        k.propensities::text as propensities,
        array(
            select (exists (
                select from pgfeed.feed_events as e
                where
                    e.user_id = k.user_id and e.post_id = p.post_id and (e.action = any($6) or e.target)
                    and e.event_at >= k.served_at and e.event_at < k.served_at + $5::interval
            ) or exists (
                select from pgfeed.liked_posts as l
                where
                    l.user_id = k.user_id and l.post_id = p.post_id
                    and l.liked_at >= k.served_at and l.liked_at < k.served_at + $5::interval
            ))::integer
            from unnest(k.post_ids) with ordinality as p (post_id, place) order by p.place
        ) as likes
    from known as k
    where (hashint8extended(k.user_id, 0) & 1048575) < 1048576 * (select s.of_users from share as s)
    order by k.served_at::date, k.user_id, k.served_at
"""


class Trial:
    """Lists with known chances beside those of another version; one entry per list: users, int64, from 0.

    One entry per place that was shown: lists, their number; places; likes, 0 or 1; targets, the place at which the
    version has the post, -1: nowhere; chances, float64 (places, k), of the post at each place. One per place of the
    version's lists: target_lists, target_places, scores, log-odds. effects: of places, 1 at the mean.
    """

    def __init__(self, users, shown, target, effects):
        self.users = users
        self.lists, self.places, self.likes, self.targets, chances = shown
        self.target_lists, self.target_places, self.scores = target
        self.effects = effects
        self.effect = effects[self.places]
        is_wanted = self.targets >= 0
        expected = chances @ effects[:chances.shape[1]]
        self.weights = np.where(is_wanted, effects[self.targets], 0) / expected
        own = chances[np.arange(len(chances)), self.places]
        self.exact = (self.targets == self.places) / own

    def sums(self, values):
        """Return the sums by list of values of the places that were shown."""
        return np.bincount(self.lists, values, len(self.users))

    def wanted(self):
        """Return what a like's chance of 1 in each list's mean place would give of the version's list."""
        return np.bincount(self.target_lists, self.effects[self.target_places], len(self.users))

    def modelled(self):
        """Return a like's chance by a model, at each place that was shown (0: the version has not its post) and of h.

        A logistic regression on the version's scores, of each half of the users for the other half, times the effect of
        the place: so w times it has, over the draws, the mean of what it says of the version's place.
        """
        at = np.full((len(self.users), len(self.effects)), np.nan)
        at[self.target_lists, self.target_places] = self.scores
        score = at[self.lists, self.targets]
        is_wanted = self.targets >= 0
        half, wanted_half = (self.users[lists] % 2 for lists in (self.lists, self.target_lists))
        shown, target = np.zeros(len(self.lists)), np.zeros(len(self.target_lists))
        for side in (0, 1):
            learned = is_wanted & (half != side)
            line = fitted(score[learned], self.effect[learned], self.likes[learned])
            chosen = is_wanted & (half == side)
            shown[chosen] = chance(line, score[chosen], self.effect[chosen])
            chosen = wanted_half == side
            target[chosen] = chance(line, self.scores[chosen], self.effects[self.target_places[chosen]])
        return shown, target

    def estimates(self):
        """Return estimators by name: the value of a list, its standard error over users, and each list's weight."""
        likes, size = self.likes, len(self.users)
        normal = self.sums(self.weights * self.effect)
        shown, target = self.modelled()
        by_model = np.bincount(self.target_lists, target, size)
        ips = self.sums(self.weights * likes)
        ratio, wanted = ips.sum() / max(normal.sum(), 1e-300), self.wanted()
        values = {
            "logged": self.sums(likes), "item-position IPS": self.sums(self.exact * likes), "IPS": ips,
            "self-normalised IPS": (ratio + (ips - ratio * normal) / max(normal.mean(), 1e-300)) * wanted.mean(),
            "doubly robust": by_model + self.sums(self.weights * (likes - shown)),
        }
        return {name: (each.mean(), self.error(each)) for name, each in values.items()}, normal / wanted.mean()

    def error(self, values):
        """Return the standard error of the mean of lists whose users were drawn."""
        users = np.unique(self.users).size
        residuals = np.bincount(self.users, values - values.mean())
        return np.sqrt((residuals**2).sum() * users / max(users - 1, 1)) / len(values)


def fitted(scores, effects, likes):
    """Return the intercept and slope for chance(), with a normal prior of deviation 1 on the slope.

    They solve sum of (1, score) (like - chance) = 0 but for the prior: the maximum of a concave function, and of the
    likelihood where all effects are 1.
    """
    line = np.array([np.log((likes.sum() + 0.5) / (len(likes) - likes.sum() + 0.5)), 0.0])
    columns = np.column_stack([np.ones(len(scores)), scores])
    for _ in range(NEWTON_STEPS):
        at_mean = sigmoid(columns @ line)
        slope = columns.T @ (likes - effects * at_mean) - [1e-3 * line[0], line[1]]
        curve = (columns * (effects * at_mean * (1 - at_mean))[:, None]).T @ columns + np.diag([1e-3, 1])
        line = line + np.clip(np.linalg.solve(curve, slope), -2, 2)
    return line


def chance(line, scores, effects):
    return effects * sigmoid(line[0] + line[1] * scores)


def judged(trial):
    """Return rows of pgfeed.off_policy_estimate of a Trial, without the counts."""
    estimates, weights = trial.estimates()
    size = weights.sum() ** 2 / max((weights**2).sum(), 1e-300)
    support = weights.mean()
    users = np.unique(trial.users).size
    refusal = None
    if users < LEAST_USERS:
        refusal = f"{users} users, at least {LEAST_USERS} are needed"
    elif size < LEAST_SIZE:
        refusal = f"the lists are worth {size:.0f} of the version's own, at least {LEAST_SIZE} are needed"
    elif support < LEAST_SUPPORT:
        refusal = f"only {support:.0%} of what it would show could be shown, at least {LEAST_SUPPORT:.0%} are needed"
    return estimates, float(size), float(support), refusal


def _off_policy_estimates(plpy, model_id, variant, version, from_at, until_at, feed, most, attribution):
    """Return rows of pgfeed.off_policy_estimate; none: no list was drawn."""
    known = plpy.execute(KNOWN_QUERY)[0]
    plan = plpy.prepare(EXPOSURES_QUERY, ["timestamptz", "timestamptz", "text", "bigint", "text", "text[]"])
    rows = plpy.execute(plan, [from_at, until_at, feed, most, attribution, known["hits"]])
    if not len(rows):
        return []
    effects = effects_of(known["effects"], max(len(row["post_ids"]) for row in rows))
    users, shown, target = [], [[] for _ in range(5)], [[] for _ in range(3)]
    numbers = {}
    for number, row in enumerate(rows):
        listed = list_of_version(plpy, (model_id, variant, version), row, explores=False)["rows"]
        place_of = {each[1]: place for place, each in enumerate(listed)}
        users.append(numbers.setdefault(row["user_id"], len(numbers)))
        matrix = np.zeros((len(row["post_ids"]), len(effects)))
        matrix[:, :len(matrix)] = json.loads(row["propensities"].replace("{", "[").replace("}", "]"))
        targets = [place_of.get(post_id, -1) for post_id in row["post_ids"]]
        for values, more in zip(shown, ([number] * len(matrix), range(len(matrix)), row["likes"], targets, matrix)):
            values.extend(more)
        for values, more in zip(target, ([number] * len(listed), range(len(listed)), [each[4] for each in listed])):
            values.extend(more)
    lists, places, likes, targets = (np.array(each, np.int64) for each in shown[:4])
    trial = Trial(np.array(users), (lists, places, likes, targets, np.array(shown[4])),
                  (*(np.array(each, np.int64) for each in target[:2]), np.array(target[2], float)), effects)
    return rows_of(trial, len(places) / len(rows))


def effects_of(known, count):
    """Return the effects of the first count places, float64; known: of some places, the last one for all beyond it."""
    effects = np.full(count, known[-1] if known else 1.0)
    effects[:len(known)] = known[:count]
    return effects


def rows_of(trial, length):
    """Return the rows of pgfeed.off_policy_estimate; length: the mean of the lists."""
    estimates, size, support, refusal = judged(trial)
    found = []
    for metric, unit in (("likes per list", 1), ("likes per place", length)):
        for name, (value, error) in estimates.items():
            is_refused = refusal is not None and name != "logged"
            figures = [None] * 3 if is_refused else [
                float(each / unit) for each in (value, value - NORMAL_95 * error, value + NORMAL_95 * error)
            ]
            found.append((
                metric, name, *figures, len(trial.users), np.unique(trial.users).size, size, support,
                refusal if is_refused else None,
            ))
    return found
