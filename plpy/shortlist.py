"""The body of pgfeed._shortlist: the posts of a large catalogue that anyone could like best."""

import numpy as np

from plpy.columns import needs_catalogue, needs_live, needs_preferences
from plpy.features import request_columns
from plpy.live import Counts, live_of_request
from plpy.pack import FACTORS
from plpy.ranking import popularity, rank, score
from plpy.session import current_session

TYPICAL_USERS = 64
BEST_OF_A_USER = 300
BEST_OF_ALL = 2_000
POSTS_AT_ONCE = 50_000
IDS_QUERY = (
    "select coalesce(string_agg(int8send(p.post_id), '' order by p.post_id), '') as post_ids"
    " from pgfeed.posts as p where p.hidden_at is null"
)
USERS_QUERY = (
    "select array(select f.user_id from pgfeed.user_features as f where f.view_count + f.like_count > 0"
    " order by md5(f.user_id::text) limit $1) as user_ids"
)
CURRENT_QUERY = "select $1 = pgfeed._refresh_as_of() as is_current"
MODELS_QUERY = "select a.model_id from pgfeed.active_models as a"
TOPICS_QUERY = (
    "select array(select distinct p.topic from pgfeed.posts as p where p.topic is not null order by 1) as topics"
)


class Best:
    """The ids with the best scores among all that were added, at most `count`."""

    def __init__(self, count):
        self.count, self.ids, self.scores = count, np.empty(0, np.int64), np.empty(0)

    def add(self, ids, scores):
        ids, scores = np.concatenate([self.ids, ids]), np.concatenate([self.scores, scores])
        best = np.lexsort((ids, -scores))[:self.count]
        self.ids, self.scores = ids[best], scores[best]


class Catalogue:
    """The posts of the database as of a moment, in packs of those that are asked for."""

    def __init__(self, session, as_of):
        self.session, self.as_of = session, as_of
        plpy = session.plpy
        self.topics = plpy.execute(TOPICS_QUERY)[0]["topics"]
        models = [session.model(row["model_id"]) for row in plpy.execute(MODELS_QUERY)]
        self.models = [model for model in models if model and not needs_catalogue(model.feature_names)]
        self.has_preferences = any(needs_preferences(model.feature_names) for model in self.models)
        # Of the last pack, where there is one: who is among the best 300 hardly changes.
        self.preferences = session.preferences(as_of) if self.has_preferences else None
        self.has_factors = plpy.execute(plpy.prepare(CURRENT_QUERY, ["timestamptz"]), [as_of])[0]["is_current"]

    def pack(self, post_ids, scale=None):
        """Return a pack with vectors.

        For an earlier moment the products are unknown: they do not decide who is among the best 300.
        """
        pack = self.session.chosen_pack(self.as_of, post_ids, self.topics, scale)
        pack.factors = np.zeros((len(pack), FACTORS), np.float32)
        if self.has_factors:
            pack.factors = self.session.post_vectors(pack.post_ids)
        if self.has_preferences:
            pack.take_preferences(self.preferences)
        return pack


def typical_requests(models, users, pack):
    """Return for each model the requests of users; pack: of what they liked and viewed."""
    requests = []
    for model in models:
        columns = request_columns(users, pack, model.encoders, model.feature_names)
        # At noon of a Wednesday: neither changes much in who is first.
        columns["time.hour"], columns["time.weekday"] = np.full((2, len(users)), [[12], [3]], np.float32)
        requests.append(columns)
    return requests


def live_at_cut_off(pack, names):
    """Return those of LIVE_COLUMNS that are named as of the pack's cut-off, as request_columns() does: one row each."""
    if not needs_live(names):
        return {}
    return live_of_request(pack, Counts.of(pack), names)


def _shortlist(plpy, as_of):
    """Return ids of posts, ascending, as a list: what the active models find best as of a moment.

    The 300 best posts of each of 64 users, chosen by a hash of the id, by each active model, and the 2,000 with the
    highest decayed like rate, which serve whoever no model knows.
    """
    session = current_session(plpy)
    catalogue = Catalogue(session, as_of)
    ids = np.frombuffer(plpy.execute(IDS_QUERY)[0]["post_ids"], ">i8").astype(np.int64)
    user_ids = plpy.execute(plpy.prepare(USERS_QUERY, ["integer"]), [TYPICAL_USERS])[0]["user_ids"]
    users = session.users(as_of, user_ids, False)
    seen = [user[name] for user in users for name in ("liked_post_ids", "viewed_post_ids")]
    own = catalogue.pack(np.unique(np.concatenate([np.empty(0, np.int64), *seen])))
    own.gram = own.factors.T @ own.factors
    models = [model for model in catalogue.models if session.can_use(model, own)]
    requests = typical_requests(models, users, own)

    popular, best = Best(BEST_OF_ALL), [[Best(BEST_OF_A_USER) for _ in users] for _ in models]
    for start in range(0, len(ids), POSTS_AT_ONCE):
        pack = catalogue.pack(ids[start:start + POSTS_AT_ONCE], own.scale)
        plpy.execute("select")  # a point where the statement can be cancelled
        popular.add(pack.post_ids, popularity(pack))
        for model, columns, of_users in zip(models, requests, best):
            live = live_at_cut_off(pack, model.feature_names)
            for number, of_user in enumerate(of_users):
                one = {name: values[number:number + 1] for name, values in columns.items()} | live
                plpy.execute("select")  # another one
                scores = score(model, pack, one)
                best_here = rank(scores, pack.post_ids, BEST_OF_A_USER)
                of_user.add(pack.post_ids[best_here], scores[best_here])
    chosen = [popular.ids, *(of_user.ids for of_users in best for of_user in of_users)]
    return np.unique(np.concatenate(chosen)).tolist()
