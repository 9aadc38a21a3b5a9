"""The body of pgfeed._recommend_users: the lists of many users at one moment, by what they share computed once.

Each list, and each score to the bit, is what recommend_posts() gives.
"""

from types import SimpleNamespace

import numpy as np

from plpy import kernel
from plpy.columns import (
    APPEAL,
    DAY_SECONDS,
    FRESH_COLUMNS,
    LIKE_WINDOW_SECONDS,
    LIVE_COLUMNS,
    SCORE,
    USER_COLUMNS,
    needs_factors,
    needs_neighbours,
    needs_preferences,
    unix_seconds,
)
from plpy.features import (
    attribute_columns,
    feature_values,
    match_vectors,
    preference_sides,
    taste_columns,
    user_columns,
    user_topic_columns,
)
from plpy.fresh import with_fresh_posts
from plpy.recommend import moments_of, recommend_posts
from plpy.request import ELEMENT
from plpy.seen import KEY as SEEN
from plpy.seen import VIEWED, Showings, changes
from plpy.session import current_session
from plpy.tables import SAMPLED_POSTS, TOPIC, Layout

USERS_AT_ONCE, FITTED_AT_ONCE, POSTS_AT_ONCE = 32, 16, 2048
BLOCK = 64  # posts, of which the best tells how good a list is at least
ROUNDING = 2.0**-24  # of float32
IS_RUNNING = (
    "select exists (select from pgfeed.experiments as e where e.started_at is not null and e.stopped_at is null)"
    " as is_running"
)
ARMS = (
    "select array_agg(u.user_id) as user_ids from unnest($1) as u (user_id)"
    " cross join lateral pgfeed._running_arm(u.user_id) as r group by r.experiment_id, r.arm"
)
RULES = (
    "select array_agg(a.action) filter (where a.sign > 0) as hits, bool_and(a.is_plain)"
    " and to_regprocedure('pgfeed._newest_events(bigint, timestamptz)') is null"
    " and not exists (select from pgfeed.own_features as f where f.name like 'user.%') as are_usual"
    " from pgfeed.actions as a"
)
USERS = (
    f"select f.user_id, {', '.join(f'f.{column}' for column in USER_COLUMNS)},"
    " coalesce(f.view_count + f.like_count, 0) > 0 as has_history, t.topics, t.topic_view_share, t.topic_like_rate,"
    " extract(epoch from $2::timestamptz)::double precision as at"
    " from pgfeed.user_features as f left join ("
    " select d.user_id, array_agg(d.topic) as topics, array_agg(d.view_share) as topic_view_share,"
    " array_agg(d.like_rate) as topic_like_rate from pgfeed.user_topic_features as d"
    " where d.user_id = any($1) group by d.user_id) as t on t.user_id = f.user_id where f.user_id = any($1)"
)
PROFILES = "select u.user_id, u.attributes::text as attributes from pgfeed._user_profiles($1) as u"
PACKED = "array_send(array_agg(e.user_id)) as user_ids, array_send(array_agg(e.post_id)) as post_ids"
# A kind: 1, of a view, plus 2, of a like.
EVENTS = (
    f"select {PACKED}, array_send(array_agg(e.event_at)) as moments, array_send(array_agg(e.kind)) as kinds from ("
    " select f.user_id, f.post_id, f.event_at, case when f.action = 'view' then 1::bigint else 0 end"
    " + case when f.action = any($3) or f.target then 2 else 0 end as kind"
    " from pgfeed.feed_events as f where f.user_id = any($1) and f.event_at < $2) as e"
)
LIKED = (
    f"select {PACKED}, array_send(array_agg(e.liked_at)) as moments from pgfeed.liked_posts as e"
    " where e.user_id = any($1) and e.liked_at < $2"
)
EXPOSED = (
    f"select {PACKED}, array_send(array_agg(e.served_at)) as moments from ("
    " select x.user_id, x.served_at, p.post_id from ("
    " select n.user_id, n.served_at, n.post_ids,"
    " row_number() over (partition by n.user_id order by n.served_at desc) as number"
    " from pgfeed.exposures as n where n.user_id = any($1) and n.served_at < $2"
    " and n.served_at >= greatest($2, timestamptz '4000-01-01 BC') - interval '90 days') as x"
    " cross join lateral unnest(x.post_ids) as p (post_id) where x.number <= 200) as e"
)
OF_USERS = ["bigint[]", "timestamptz"]
QUERIES = {
    "is running": (IS_RUNNING, []), "arms": (ARMS, OF_USERS[:1]), "rules": (RULES, []), "users": (USERS, OF_USERS),
    "profiles": (PROFILES, OF_USERS[:1]), "events": (EVENTS, [*OF_USERS, "text[]"]), "liked": (LIKED, OF_USERS),
    "exposed": (EXPOSED, OF_USERS),
}


def query(session, name, *arguments):
    """Run a statement of QUERIES, prepared once a session; return its rows."""
    text, types = QUERIES[name]
    if text not in session.plans:
        session.plans[text] = session.plpy.prepare(text, types)
    return session.plpy.execute(session.plans[text], list(arguments))


def unpacked(array):
    """Return what array_send() packed of an array of int8 or timestamptz without nulls, int64; None: empty."""
    return np.frombuffer(array or b"", ELEMENT, offset=20 if array else 0)["id"].astype(np.int64)


def _recommend_users(plpy, user_ids, ts, k, variant):
    """Return the rows of recommend_posts() for users as columns: lists of the fields of pgfeed.user_lists."""
    session, lists = current_session(plpy), {}
    for ids in arms(session, user_ids, variant):
        state = session.run("state", ts, variant, ids[0])[0]
        if state["is_finite"] and state["features_as_of"] and state["model_id"] and not state["is_shortlist"]:
            lists |= lists_by_model(session, state, ids, ts, k)
    rows = []
    for user_id in user_ids:
        if user_id in lists:
            shared, found = lists[user_id]
            rows += [(user_id, number, *row, *shared) for number, row in enumerate(found, 1)]
        else:
            found = recommend_posts(plpy, user_id, ts, k, variant)
            rows += [(user_id, *row[:2], *row[4:9]) for row in found]
    return [list(column) for column in zip(*rows)] or [[]] * 8


def arms(session, user_ids, variant):
    """Return lists of users who share a state: in a running experiment those of an arm."""
    if variant is not None or not user_ids or not query(session, "is running")[0]["is_running"]:
        return [user_ids] if user_ids else []
    return [row["user_ids"] for row in query(session, "arms", user_ids)]


def lists_by_model(session, state, user_ids, ts, k):
    """Return the lists of those users whom a model scores by tables: what their rows share, and ids and scores."""
    pack, model = with_fresh_posts(session, state, session.pack(state)), session.model(state["model_id"])
    if model is None or not len(pack) or needs_neighbours(model.feature_names) or not session.can_use(model, pack):
        return {}
    tables = model.tables(len(pack.topics))
    if tables is None or not tables.is_small:
        return {}
    if needs_factors(model.feature_names):
        session.load_factors(state, pack)
    if needs_preferences(model.feature_names):
        session.load_preferences(state, pack)
    pack.encode(model.encoders)
    users = [user for user in rows_of(session, state, user_ids, ts) if user["has_profile"] or user["has_history"]]
    if not users:
        return {}
    chunk = Chunk(session, state, pack, model, tables, users)
    effects = seen_effects(session, chunk, ts) if SEEN in model.encoders else None
    shared = state["variant"], "model", state["model_version"], state["features_as_of"]
    lists = {}
    for start in range(0, len(users), USERS_AT_ONCE):
        session.plpy.execute("select")  # a point where the statement can be cancelled
        lists |= chunk.lists(slice(start, start + USERS_AT_ONCE), k, effects)
    return {user_id: (shared, found) for user_id, found in lists.items()}


def rows_of(session, state, user_ids, ts):
    """Return rows of with_history() of users; of those whom the materialized views lack there may be none."""
    rules = query(session, "rules")[0]
    if not (state["is_current"] and rules["are_usual"]):
        return session.users(ts, user_ids, state["is_current"])
    profiles = {row["user_id"]: row["attributes"] for row in query(session, "profiles", user_ids)}
    users = list(query(session, "users", user_ids, ts))
    if not users:
        return users
    ids = np.array([user["user_id"] for user in users], np.int64)
    events, liked = query(session, "events", user_ids, ts, rules["hits"])[0], query(session, "liked", user_ids, ts)[0]
    kinds = unpacked(events["kinds"])
    events, liked = (
        [unpacked(row[name]) for name in ("user_ids", "post_ids", "moments")] for row in (events, liked)
    )
    likes = [np.concatenate([of_events[kinds > 1], of_liked]) for of_events, of_liked in zip(events, liked)]
    likes = first_likes(*owned(ids, *likes))
    views = views_apart(*owned(ids, *(column[kinds % 2 == 1] for column in events)))
    for user, (liked, liked_at), (viewed, viewed_at) in zip(users, split(len(ids), *likes), split(len(ids), *views)):
        user |= {
            "has_profile": user["user_id"] in profiles, "attributes": profiles.get(user["user_id"]),
            "liked_post_ids": liked, "liked_at": unix_seconds(liked_at), "hidden_post_ids": liked,
            "viewed_post_ids": viewed, "viewed_at": unix_seconds(viewed_at),
        }
    return users


def owned(ids, user_ids, *columns):
    """Return the places of users in ids, and the columns, of those rows whose users are among ids."""
    order = np.argsort(ids)
    places = np.searchsorted(ids, user_ids, sorter=order).clip(max=len(ids) - 1)
    owner = order[places]
    is_inside = ids[owner] == user_ids
    return [column[is_inside] for column in (owner, *columns)]


def first_likes(owner, post_ids, at):
    """Return the first like of each post of each owner, in the order of owners, time and posts."""
    owner, post_ids, at, is_again = by_post(owner, post_ids, at)
    return in_time(owner[~is_again], post_ids[~is_again], at[~is_again])


def views_apart(owner, post_ids, at):
    """Return the views that repeat none of the same post, see with_history(), in the order of owners, time, posts."""
    owner, post_ids, at, is_again = by_post(owner, post_ids, at)
    is_shown = ~(is_again & (np.diff(at, prepend=0) < LIKE_WINDOW_SECONDS * 1_000_000))
    return in_time(owner[is_shown], post_ids[is_shown], at[is_shown])


def by_post(owner, post_ids, at):
    """Return rows in the order of owners, posts and time, and which have the owner and post of the one before."""
    order = np.lexsort((at, post_ids, owner))
    owner, post_ids = owner[order], post_ids[order]
    return owner, post_ids, at[order], ~(changes(owner) | changes(post_ids))


def in_time(owner, post_ids, at):
    """Return rows in the order of owners, time and posts."""
    order = np.lexsort((post_ids, at, owner))
    return owner[order], post_ids[order], at[order]


def split(count, owner, *columns):
    """Return for each of so many owners its part of the columns, which are in their order."""
    ends = np.searchsorted(owner, np.arange(1, count + 1)).tolist()
    return [tuple(column[start:end] for column in columns) for start, end in zip([0, *ends], ends)]


def joined(users, *names):
    """Return the owner of each element, a place in users, and the columns of rows of users, one after the other."""
    owner = np.repeat(np.arange(len(users)), [len(user[names[0]]) for user in users])
    return owner, *(np.concatenate([user[name] for user in users]) for name in names)


def seen_effects(session, chunk, ts):
    """Return what seen_effects() adds for users of a chunk where it is not 0: keys, see Chunk.key(), and values."""
    users, pack, moment = chunk.users, chunk.pack, chunk.state["moment"]
    effects = chunk.model.encoders[SEEN]
    ids = [user["user_id"] for user in users]
    row = query(session, "exposed", ids, ts)[0]
    served, served_ids, served_at = owned(
        np.array(ids, np.int64), *(unpacked(row[name]) for name in ("user_ids", "post_ids", "moments"))
    )
    owner, viewed, at = joined(users, "viewed_post_ids", "viewed_at")
    all_at = np.concatenate([at, unix_seconds(served_at)])
    is_over = all_at < moment - LIKE_WINDOW_SECONDS
    shown = Showings.count(
        np.concatenate([viewed, served_ids])[is_over], all_at[is_over], (np.arange(len(all_at)) < len(at))[is_over],
        moment, np.concatenate([owner, served])[is_over],
    )
    places = pack.locate(shown.post_ids)
    is_inside = places >= 0
    keys = chunk.key(shown.owner[is_inside], places[is_inside])
    values = shown.effects(chunk.model.encoders, pack.catalogue_count)[is_inside]
    if effects.get(VIEWED):
        places = pack.locate(viewed)
        again = np.unique(chunk.key(owner[places >= 0], places[places >= 0]))
        both = np.union1d(keys, again)
        of_both = np.zeros(len(both))
        of_both[np.searchsorted(both, keys)] = values
        of_both[np.searchsorted(both, again)] += effects[VIEWED]
        keys, values = both, of_both
    return keys, values


class Part:
    """Posts whose cells are known together, at places `here` of a pack.

    of_posts: pairs of the cells whose tables are added up, (groups, cells), and in which of their sums each post is.
    own: by group the cells of posts without the bins of what belongs to a user, too.
    """

    def __init__(self, tables, pack, here, bins):
        self.here = here
        if len(pack) < SAMPLED_POSTS:
            cells = tables.cells_at(pack)
            numbers = [number for number in range(len(cells)) if number not in tables.both_of]
            self.of_posts = [(self.table(tables, number), cells[number]) for number in numbers]
            of_both = {number: cells[number] for number in tables.both_of}
        else:
            layout = tables.kept(pack.layouts, lambda: Layout(tables, tables.cells_at(pack)))
            self.of_posts, of_both = list(layout.joint), layout.cells
        self.own = {}
        for number, cells in of_both.items():
            group = tables.groups[number]
            for feature in tables.both_of[number]:
                if feature in bins:
                    cells = cells + tables.steps_of(group, feature).take(bins[feature][here])
            if bins.keys() >= set(tables.both_of[number]):
                self.of_posts.append((self.table(tables, number), cells.astype(np.intp)))
            else:
                self.own[number] = cells

    @staticmethod
    def table(tables, number):
        """Return the cells of a group's table, (1, cells)."""
        return (tables.firsts[number] + np.arange(tables.groups[number].cells))[None]


class Chunk:
    """Users who share a state, with what it says of the posts of a pack, and the features of all of them."""

    def __init__(self, session, state, pack, model, tables, users):
        self.session, self.state, self.pack, self.model, self.tables = session, state, pack, model, tables
        self.users, names = users, model.feature_names
        self.requests = moments_of(session, state, names, pack, None, pack) | self.columns()
        is_shared = {
            feature: tables.names[feature] in {APPEAL, *FRESH_COLUMNS, *LIVE_COLUMNS} for feature in tables.of_both
        }
        self.shared = {feature: self.values(feature, 0) for feature in tables.of_both if is_shared[feature]}
        self.own = [feature for feature in tables.of_both if not is_shared[feature]]
        bins = {feature: tables.bins(feature, values) for feature, values in self.shared.items()}
        parts = [(pack, slice(None))]
        if tables.is_joined(pack):
            parts = [(part, here) for part, _, here in pack.parts]
        self.parts = [Part(tables, part, here, bins) for part, here in parts]
        self.is_shown = np.zeros(len(pack), bool)  # those that were asked for
        self.gone = np.empty(0, np.int64)
        self.flatten()

    def columns(self):
        """Return what belongs to the users, as request_columns() does, of the features that the model has."""
        pack, names, users = self.pack, self.model.feature_names, self.users
        columns = user_columns(users, self.model.encoders) | attribute_columns(users, pack, self.model.encoders)
        columns |= user_topic_columns(users, pack, columns["user.like_rate"])
        liked, viewed = (
            split(len(users), owner[places >= 0], places[places >= 0])
            for owner, places in ((owner, pack.locate(ids)) for owner, ids in (
                joined(users, name) for name in ("liked_post_ids", "viewed_post_ids")))
        )
        liked, viewed = ([places for places, in each] for each in (liked, viewed))
        if any(name.startswith("taste.") for name in names):
            columns |= taste_columns(liked, viewed, pack)
        if any(name.startswith("match.") for name in names):
            columns |= match_vectors(liked, pack)
        since = np.full(len(users), (self.state["moment"] - self.state["pack_moment"]) / DAY_SECONDS, np.float32)
        columns[APPEAL] = since
        if needs_preferences(names) and pack.preference_sides is not None:
            sides = []
            for start in range(0, len(users), FITTED_AT_ONCE):
                self.session.plpy.execute("select")  # another point to cancel at
                some = slice(start, start + FITTED_AT_ONCE)
                sides.append(preference_sides(users[some], pack, since[some]))
            columns |= dict.fromkeys(("match.preference", SCORE), np.concatenate(sides))
        for name in ("hour", "weekday"):
            columns[f"time.{name}"] = np.full(len(users), self.state[name], np.float32)
        return columns

    def key(self, owner, places):
        """Return numbers for pairs of a user and a post."""
        return owner * len(self.pack) + places

    def values(self, feature, row, known=None):
        """Return a feature of all posts for a user, float32; known: what of it there is already, by feature."""
        name, names = self.tables.names[feature], self.tables.names
        if name == SCORE:
            known = {} if known is None else known
            first, second = (
                known[names.index(part)] if part in names and names.index(part) in known
                else self.of_name(part, row) for part in ("match.preference", APPEAL)
            )
            return first + second
        return self.of_name(name, row)

    def of_name(self, name, row):
        """Return a feature of all posts for a user, float32."""
        row = 0 if name in FRESH_COLUMNS or name in LIVE_COLUMNS else row
        return np.asarray(feature_values(name, self.pack, self.requests, slice(None), row), np.float32)

    def flatten(self):
        """Make the cells of all trees one after the other: where their leaves are, and which constant adds to it.

        What has no constant is a leaf of its own, after those of the trees, and the last constant, 0, adds to it.
        """
        tables, leaf, code, rests = self.tables, [], [], []
        start, none = len(tables.trees.leaves), len(tables.trees.counts) * tables.code_count
        for leaves, codes, rest in tables.buckets:
            if leaves is None:
                leaf.append(np.arange(start, start + len(rest[0])))
                code.append(np.full(len(rest[0]), none))
                rests.append(rest[0])
                start += len(rest[0])
            else:
                leaf.append(leaves.ravel())
                code.append(codes.ravel())
        self.leaf, self.code = np.concatenate(leaf), np.concatenate(code)
        self.leaves = np.concatenate([tables.trees.leaves, *rests])

    def constants(self, some):
        """Return what Tables.constants() does of some users, and a last one, 0: (trees * codes + 1, users)."""
        tables, requests, count = self.tables, self.requests, len(self.users[some])
        (names, places, borders, is_high, tree, weights), of_codes = tables.parts

        def bits(values, borders, is_high, weights, tree):
            outcomes = (values > borders) | (np.isnan(values) & is_high)
            starts = np.flatnonzero(np.diff(tree, prepend=-1))
            return tree[starts], np.add.reduceat(outcomes * weights, starts, axis=0)

        result = np.zeros((len(tables.trees.counts), tables.code_count, count), np.intp)
        if names:
            values = np.array([
                feature_values(name, self.pack, requests, 0, some) if ":" in name else requests[name][some]
                for name, _ in names
            ], np.float32)[places]
            trees, added = bits(values, borders[:, None], is_high[:, None], weights[:, None], tree)
            result[trees] = added[:, None]
        names, places, borders, is_high, tree, weights = of_codes
        if names:
            values = np.array([
                np.repeat(requests[name][some].T, 2, axis=0) if tables.kinds[tables.names.index(name)] == TOPIC
                else np.tile(requests[name][some].T, (tables.topic_count + 1, 1)) for name, _ in names
            ], np.float32)[places]
            wide = (slice(None), None, None)
            trees, added = bits(values, borders[wide], is_high[wide], weights[wide], tree)
            result[trees] += added
        return np.concatenate([result.reshape(-1, count), np.zeros((1, count), np.intp)])

    def tables_of(self, constants):
        """Return the tables of the groups, flat, float64 (cells, users)."""
        tables, result = self.tables, []
        for leaf, code, rest in tables.buckets:
            if leaf is None:
                result.append(np.repeat(rest[1][:, None], constants.shape[1], axis=1))
            else:
                leaves = tables.trees.leaves.take(leaf[..., None] + constants.take(code, axis=0))
                added = np.add.reduceat(leaves, rest, axis=0)
                result.append(added.reshape(-1, constants.shape[1]))
        return np.concatenate(result) * tables.trees.scale

    def lists(self, some, k, effects):
        """Return the lists of some users: ids and scores by user_id."""
        users, pack, constants = self.users[some], self.pack, self.constants(some)
        owner, hidden = joined(users, "hidden_post_ids")
        places = pack.locate(hidden)
        sums, margin, own = self.sums(some, constants)
        sums[places[places >= 0], owner[places >= 0]] = -np.inf
        keys, values = self.effects_of(some, effects)
        sums[keys % len(pack), keys // len(pack)] += values
        margin = 2 * (margin + 4 * ROUNDING * np.abs(values).max(initial=0))
        while True:
            sums[self.gone] = -np.inf
            place, owner = contenders(sums, min(k, len(pack)), margin)
            scores = self.exact(place, owner, constants, own)
            at = np.searchsorted(keys, self.key(owner, place))
            is_added = np.append(keys, -1)[at] == self.key(owner, place)
            scores[is_added] += values[at[is_added]]
            order = np.lexsort((pack.post_ids[place], -scores, owner))
            place, owner, scores = place[order], owner[order], scores[order]
            starts = np.searchsorted(owner, np.arange(len(users)))
            is_best = np.arange(len(owner)) - starts[owner] < k
            place, owner, scores = place[is_best], owner[is_best], scores[is_best]
            if not self.find_gone(place):
                break
        found = split(len(users), owner, pack.post_ids[place], scores)
        return {user["user_id"]: list(zip(ids.tolist(), of.tolist())) for user, (ids, of) in zip(users, found)}

    def effects_of(self, some, effects):
        """Return the keys, among some users, and values of the effects on them."""
        if effects is None:
            return np.empty(0, np.int64), np.empty(0)
        keys, values = effects
        first, last = np.searchsorted(keys, [some.start * len(self.pack), some.stop * len(self.pack)])
        return keys[first:last] - some.start * len(self.pack), values[first:last]

    def find_gone(self, places):
        """Return whether posts at these places cannot be shown any more; each is asked for once."""
        places = np.unique(places)
        places = places[~self.is_shown[places]]
        if not len(places):
            return False
        shown = np.isin(self.pack.post_ids[places], self.session.stored_ids("shown ids", self.pack.post_ids[places]))
        self.is_shown[places[shown]] = True
        self.gone = np.union1d(self.gone, places[~shown])
        return not shown.all()

    def sums(self, some, constants):
        """Return the scores without bias, float32 (posts, users), how far they are from the exact ones at most, and
        the values of the users' own features, float32 (users, posts) by feature.
        """
        flat, count = self.tables_of(constants), constants.shape[1]
        result, most = np.zeros((len(self.pack), count), np.float32), 0.0
        own = {feature: np.empty((count, len(self.pack)), np.float32) for feature in self.own}
        for row in range(count):
            known = dict(self.shared)
            for feature in sorted(self.own, key=lambda feature: self.tables.names[feature] == SCORE):
                known[feature] = own[feature][row] = self.values(feature, some.start + row, known)
        for part in self.parts:
            tables = [flat[index].sum(axis=0).astype(np.float32) for index, _ in part.of_posts]
            add(result, part.here, tables, [cells for _, cells in part.of_posts])
            if part.own:
                result[part.here] += self.own_sums(part, flat, own).T
            largest = sum(np.abs(table).max() for table in tables)
            largest += sum(np.abs(flat[Part.table(self.tables, number)[0]]).max() for number in part.own)
            most = max(most, (len(tables) + 4) * float(largest))
        return result, most * ROUNDING + self.tables.trees.margin, own

    def own_sums(self, part, flat, own):
        """Return the sums of the tables that need the users' own features, (users, posts)."""
        tables, numbers = self.tables, list(part.own)
        index = [Part.table(tables, number)[0] for number in numbers]
        of_users, cells = np.ascontiguousarray(flat[np.concatenate(index)].T), np.stack(list(part.own.values()))
        firsts = np.cumsum([0, *map(len, index)])[:-1]
        if kernel.sum_cells:
            chosen = SimpleNamespace(
                of_both=self.own, firsts=firsts, groups=[tables.groups[number] for number in numbers],
                both_of={place: [feature for feature in tables.both_of[number] if feature in own]
                         for place, number in enumerate(numbers)},
                grids=tables.grids, steps_of=tables.steps_of, bins=tables.bins,
            )
            in_c = kernel.Kernel(chosen)
            cells = cells.astype(np.uint16)
            return np.array([
                in_c.direct(cells, each, [own[feature][row][part.here] for feature in self.own])
                for row, each in enumerate(of_users)
            ])
        result = np.zeros((len(of_users), cells.shape[1]))
        for row, each in enumerate(of_users):
            bins = self.joint_bins({feature: own[feature][row][part.here] for feature in self.own}, cells.shape[1])
            for number, of_posts, first in zip(numbers, cells, firsts):
                result[row] += each[first:].take(tables.with_bins(number, of_posts, bins))
        return result

    def joint_bins(self, values, count):
        """Return Tables.joint_bins() of features whose values are given; the others are in their first bin."""
        nothing = np.zeros(count, np.intp)
        return self.tables.joint_bins([
            self.tables.bins(feature, values[feature]) if feature in values else nothing
            for feature in self.tables.of_both
        ])

    def exact(self, places, owner, *arguments):
        """Return the exact scores of pairs of a post and a user, as Tables.exact() does."""
        return np.concatenate([np.empty(0), *(
            self.exact_of(places[start:start + POSTS_AT_ONCE], owner[start:start + POSTS_AT_ONCE], *arguments)
            for start in range(0, len(places), POSTS_AT_ONCE)
        )])

    def exact_of(self, places, owner, constants, own):
        """Return the exact scores of so few pairs that a leaf for each of them and of the trees takes little memory."""
        tables = self.tables
        cells = tables.cells_at(self.pack, places).astype(np.intp)
        values = {feature: of_all[places] for feature, of_all in self.shared.items()}
        values |= {feature: of_all[owner, places] for feature, of_all in own.items()}
        for (numbers, stack), each in zip(tables.stacked, self.joint_bins(values, len(places))):
            cells[numbers] += stack.take(each, axis=1)
        cells = cells[tables.of_tree[0]] + tables.of_tree[1][:, None]
        leaves = self.leaves.take(self.leaf.take(cells) + constants[self.code.take(cells), owner])
        return tables.scaled(np.add.accumulate(leaves, axis=0, out=leaves)[-1])


def add(sums, here, tables, cells):
    """Add to sums, (posts, users), at the places here of a part, the cell of each of its tables where a post is."""
    result = sums[here]  # a view of all, else a copy
    some = np.empty((POSTS_AT_ONCE, sums.shape[1]), np.float32)
    for start in range(0, len(result), POSTS_AT_ONCE):
        block = result[start:start + POSTS_AT_ONCE]
        for table, of_posts in zip(tables, cells):
            block += table.take(of_posts[start:start + len(block)], axis=0, out=some[:len(block)], mode="clip")
    sums[here] = result


def contenders(sums, k, margin):
    """Return places and owners, users, of what may be among the k best of a user; -inf is not."""
    size = max(min(BLOCK, len(sums) // (4 * k)), 1)
    whole = len(sums) // size * size
    best = np.concatenate([sums[:whole].reshape(-1, size, sums.shape[1]).max(axis=1), sums[whole:]])
    least = np.partition(best, len(best) - k, axis=0)[len(best) - k]
    least = np.nextafter((least.astype(float) - margin).astype(np.float32), np.float32(-np.inf))
    return np.nonzero((sums >= least) & (sums > -np.inf))
