"""What a server session keeps between calls: prepared plans, models, packs; and how they get there."""

import json
import sys
from functools import cached_property

import numpy as np

from plpy.columns import CATEGORICAL, USER_COLUMNS, int8s, unix_seconds
from plpy.features import with_history
from plpy.feed import Feed
from plpy.fresh import spread_factors
from plpy.import_catboost import import_catboost
from plpy.memory import CATBOOST_MB, MODEL_MB, require_memory
from plpy.moment import Neighbours
from plpy.pack import FACTORS, Pack
from plpy.preferences import Preferences
from plpy.recent import Recent
from plpy.request import array_text
from plpy.statements import STATEMENTS
from plpy.tables import Tables
from plpy.trees import Trees

MODELS = PACKS = FEEDS = 4
GROUPS = VARIANTS = 64
TABLES = 2
PROFILE = tuple(f"user.{column}" for column in USER_COLUMNS)


class UnusableError(ValueError):
    """A model whose CatBoost cannot be loaded."""


class Model:
    """A stored model that can score: feature names, and encoders: category to code by feature name.

    load: returns its CatBoost; trees: its Trees, None: it has others, or none are stored.
    """

    def __init__(self, model_id, load, feature_names, encoders, trees=None):
        self.model_id, self.load, self.feature_names, self.encoders = model_id, load, feature_names, encoders
        self.stored_trees, self.by_topics = trees, {}

    @cached_property
    def booster(self):
        """Its CatBoost, which takes a second library and its memory: only what tables cannot do needs it."""
        return self.load()

    @cached_property
    def trees(self):
        """Its Trees, None: it has others."""
        return self.stored_trees or Trees.read(self.booster)

    def tables(self, topic_count):
        """Return its Tables for posts of so many topics; None: it has none."""
        if topic_count not in self.by_topics:
            drop_oldest(self.by_topics, TABLES)
            tables = self.trees and Tables(self.trees, self.feature_names, self.encoders, topic_count)
            self.by_topics[topic_count] = tables
        return self.by_topics[topic_count]


class Session:
    """The plans, models and packs of a server session; plpy is its door to the database."""

    def __init__(self, plpy):
        self.plpy = plpy
        self.plans, self.models, self.packs, self.feeds = {}, {}, {}, {}
        self.variants, self.groups, self.embedder, self.recent = {}, {}, None, None

    def run(self, name, *arguments):
        """Run a statement of STATEMENTS, prepared once; return its rows."""
        if name not in self.plans:
            self.plans[name] = self.plpy.prepare(*STATEMENTS[name])
        return self.plpy.execute(self.plans[name], list(arguments))

    def user(self, state, ts, user_id):
        """Return the row of a user as of ts, see with_history()."""
        if state["is_current"] and not state["is_distributed"] and (rows := self.run("user", ts, user_id)):
            return with_history(rows[0])
        return self.users(ts, [user_id], state["is_current"])[0]

    def users(self, ts, user_ids, is_current):
        """Return the rows of users as of ts, see with_history()."""
        return [with_history(row) for row in self.run("users", ts, user_ids, is_current)]

    def load_exposures(self, user, ts):
        """Give a user's row the posts that were served before ts: the newest 200 exposures of 90 days."""
        row = self.run("exposures", user["user_id"], ts)[0]
        user["exposed_post_ids"], user["exposed_at"] = int8s(row["post_ids"]), unix_seconds(int8s(row["served_at"]))

    def has_variant(self, state):
        """Return whether a state's variant has a model, now or before, or needs none."""
        variant = state["variant"]
        return variant in state["variants"] or self.is_without_model(variant) or self.variants[variant]["is_default"]

    def is_without_model(self, variant):
        """Return whether a variant ranks without a model."""
        if variant not in self.variants:
            drop_oldest(self.variants, VARIANTS)
            self.variants[variant] = self.run("is without model", variant)[0]
        return self.variants[variant]["is_without_model"]

    def model(self, model_id):
        """Return a model, loaded at the first call; None, with a warning then, if it cannot be loaded."""
        if model_id not in self.models:
            drop_oldest(self.models, MODELS)
            self.models[model_id] = self.load_model(model_id)
        return self.models[model_id]

    def load_model(self, model_id):
        """Load a model, its trees where they are stored, else its CatBoost; None, with a warning, if it cannot be."""
        row = self.run("model", model_id)[0]
        try:
            require_intact(row)
            trees = Trees.unpack(row["trees"], row["sha256"]) if row["trees"] else None
            model = Model(
                model_id, lambda: self.booster(model_id), row["feature_names"], json.loads(row["encoders"]), trees
            )
            if trees is None:
                model.booster = self.booster(model_id)
        except ValueError as error:
            return self.give_up(model_id, error)
        return model

    def give_up(self, model_id, error):
        """Warn once that a model cannot be loaded; the session serves without it."""
        self.plpy.warning(f"model {model_id} cannot be loaded: {error}")
        self.models[model_id] = None

    def booster(self, model_id):
        """Return the CatBoost of a model whose artifact is intact; UnusableError: it cannot be loaded."""
        if "catboost" not in sys.modules:
            require_memory("CatBoost", CATBOOST_MB)
        catboost = import_catboost()
        row = self.run("artifact", model_id)[0]
        require_intact(row)
        require_memory("a model", MODEL_MB + 8 * (len(row["artifact"]) >> 20))
        try:
            return catboost.CatBoost().load_model(blob=row["artifact"])
        except catboost.CatBoostError as error:
            raise UnusableError(str(error)) from None

    def can_use(self, model, pack):
        """Return whether a pack has the model's features; warn once if not, as after an update without a refresh.

        match.text needs the components that it was made of in training, which the model's encoders name.
        """
        if model.model_id not in pack.is_usable:
            columns = {*CATEGORICAL, *PROFILE, *pack.columns, *pack.attributes}
            needed = [name for name in model.feature_names if name.startswith(("post.", "text.", "user."))]
            missing = [name for name in (*needed, *model.encoders.get("match.text", ())) if name not in columns]
            pack.is_usable[model.model_id] = not missing
            if missing:
                self.plpy.warning(
                    f"model {model.model_id} is not used: the features lack {', '.join(missing)}."
                    " Run: call pgfeed.refresh_features()"
                )
        return pack.is_usable[model.model_id]

    def pack(self, state):
        """Return the pack that serves a moment: the stored one, else one computed as of it."""
        key = state["pack_version"]
        if key in self.packs:
            self.packs[key] = self.packs.pop(key)  # the least recently used one goes first
        else:
            if state["pack_id"] is not None:
                row = self.run("stored pack", state["pack_id"])[0]
            else:
                row = self.run("computed pack", state["features_as_of"])[0]
            drop_oldest(self.packs, PACKS)
            self.packs[key] = Pack.unpack(row)
        return self.packs[key]

    def feed(self, name, state):
        """Return a named feed as of the pack that serves a moment."""
        rows = self.run("feed", name)
        if not rows:
            names = ", ".join(self.run("feed names")[0]["names"]) or "none yet"
            self.plpy.error(f"there is no feed {name!r}", hint=f"Feeds: {names}.", sqlstate="42704")
        key = state["pack_version"], rows[0]["feed_id"]
        if key in self.feeds:
            self.feeds[key] = self.feeds.pop(key)
        else:
            row = self.run("feed posts", rows[0]["feed_id"], state["pack_id"])[0]
            feed = Feed(row)
            if row["filter"] is not None:
                if row["post_ids"] is None:  # made after the refresh, or no pack is stored of this moment
                    as_of = state["features_as_of"]
                    row = self.run("filtered posts", row["filter"], "posts", as_of, as_of, None)[0]
                feed.take_posts(row)
            drop_oldest(self.feeds, FEEDS)
            self.feeds[key] = feed
        return self.feeds[key]

    def load_factors(self, state, pack):
        """Give a pack its posts' vectors."""
        if pack.factors is None and pack.base is not None:
            self.load_factors(state, pack.base)
            spread_factors(pack)
        elif pack.factors is None:
            pack.take_factors(self.stored_or_computed("factors", state, pack))

    def load_preferences(self, state, pack):
        """Give a pack the fit that says who likes what."""
        if pack.preference_sides is None and pack.base is not None:
            self.load_preferences(state, pack.base)
            pack.take_preferences(pack.base.preferences)
        elif pack.preference_sides is None:
            pack.take_preferences(self.preferences(state["features_as_of"]))

    def load_neighbours(self, state, pack):
        """Give a pack its posts' neighbours."""
        if pack.neighbours is None and pack.base is not None:
            self.load_neighbours(state, pack.base)
            pack.neighbours = pack.base.neighbours.spread(pack.locate(pack.base.post_ids), len(pack))
        elif pack.neighbours is None:
            pack.neighbours = Neighbours.unpack(self.stored_or_computed("neighbours", state, pack), len(pack))

    def stored_or_computed(self, kind, state, pack):
        """Return a column of the pack's row; computed as of the pack's cut-off if it is not stored."""
        blob = None
        if state["pack_id"] is not None:
            blob = self.run(f"stored {kind}", state["pack_id"])[0][kind]
        if blob is None:
            post_ids = pack.post_ids.astype(">i8").tobytes()
            blob = self.run(f"computed {kind}", state["features_as_of"], post_ids)[0][kind]
        return blob

    def preferences(self, as_of):
        """Return who likes what as the pack of a moment has it, else the last one before it, else learned anew.

        None: there is too little to learn from.
        """
        rows = self.run("earlier preferences", as_of) or self.run("computed preferences", as_of)
        blob = rows[0]["preferences"]
        return Preferences.unpack(blob) if blob else None

    def events(self, state, *packs):
        """Return the events from the packs' cut-off until before the moment of a state, of the posts of each pack."""
        recent, seconds = self.recent_events(state)
        return [recent.events(pack, seconds) for pack in packs]

    def counts(self, state, pack, kinds):
        """Return the Counts of these kinds of a pack's posts at the moment of a state, see live."""
        recent, seconds = self.recent_events(state)
        return recent.counts(pack, seconds, kinds)

    def recent_events(self, state):
        """Return the events kept for a state's pack, with all before its moment, and the seconds from cut-off to it."""
        seconds, version = state["moment"] - state["pack_moment"], state["pack_version"]
        if self.recent is None or self.recent.version != version:
            self.recent = Recent(version)
        if not self.recent.covers(state.get("snapshot"), seconds):
            self.recent.read(self, state, seconds)
        return self.recent, seconds

    def chosen_pack(self, as_of, post_ids, topics, scale=None):
        """Return the pack of chosen posts with these topics, compared by a scale, None: by their own."""
        return Pack.unpack(self.run("chosen pack", as_of, post_ids.tolist(), topics)[0], scale)

    def post_vectors(self, post_ids):
        """Return the vectors of posts as of the last refresh, float32 (posts, FACTORS); zeros: it has none."""
        vectors = np.zeros((len(post_ids), FACTORS), np.float32)
        for number, row in enumerate(self.run("post vectors", post_ids.tolist())):
            if row["factors"] is not None:
                vectors[number] = row["factors"]
        return vectors

    def likes(self, as_of, post_ids, most):
        """Return the newest likes before as_of of posts: user ids, days since 1970, places in post_ids.

        post_ids: bytes of ascending big-endian int8. All likes of the days that hold the newest `most` are read.
        """
        row = self.run("likes", as_of, most)[0]
        catalogue = int8s(post_ids)
        user_ids, liked = (int8s(row[name]) for name in ("user_ids", "post_ids"))
        days = np.frombuffer(row["days"] or b"", ">i4").astype(np.int64)
        places = np.searchsorted(catalogue, liked)
        is_inside = places < len(catalogue)
        is_inside[is_inside] = catalogue[places[is_inside]] == liked[is_inside]
        return user_ids[is_inside], days[is_inside], places[is_inside]

    def group_counts(self, state, feature, values):
        """Return what users with one of the values of a feature view and like, see _group_counts(): posts and counts.

        int64 and float64; empty: too few users, or no values.
        """
        key = state["pack_version"], feature, *values
        if key not in self.groups:
            drop_oldest(self.groups, GROUPS)
            row = self.run("group counts", feature, values, state["features_as_of"])[0]
            self.groups[key] = [
                np.frombuffer(row[name] or b"", kind).astype(kind[1:])
                for name, kind in (("post_ids", ">i8"), ("view_counts", ">f8"), ("like_counts", ">f8"))
            ]
        return self.groups[key]

    def seen_post_ids(self, request):
        """Return the ids, int64, of the posts that a user was shown within a request's hide_viewed before its ts.

        They are read once for a request.
        """
        if request.seen_post_ids is not None:
            return request.seen_post_ids
        row = self.run("seen", request.user_id, request.ts, request.hide_viewed)[0]
        if row["is_negative"]:
            self.plpy.error(
                f"hide_viewed is {request.hide_viewed}", hint="Give an interval such as 7 days.", sqlstate="22023",
            )
        request.seen_post_ids = int8s(row["post_ids"])
        return request.seen_post_ids

    def stored_ids(self, name, ids):
        """Return those of ids, int64, that a statement gives."""
        return int8s(self.run(name, array_text(ids.tolist()))[0]["post_ids"])


def require_intact(row):
    """Raise UnusableError if a model's artifact is another than was stored.

    CatBoost trusts its offsets: a damaged one could end the server.
    """
    if not row["is_intact"]:
        raise UnusableError("its artifact does not have the recorded sha256")


def drop_oldest(cache, most):
    """Make room for one more entry: the oldest ones go."""
    while len(cache) >= most:
        cache.pop(next(iter(cache)))


_session = None


def current_session(plpy):
    """Return the Session of this server session."""
    global _session
    if _session is None or _session.plpy is not plpy:
        _session = Session(plpy)
    return _session
