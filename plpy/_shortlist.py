"""The body of pgfeed._shortlist: the posts of a large catalogue that anyone could like best."""

import numpy as np
from plpy.recommend_posts import (
    FACTORS,
    candidate_factors,
    has_features,
    liked_post_ids,
    load_model,
    needs_moment,
    popularity,
    request_columns,
    score,
    text_vectors,
    unpack_posts,
    viewed_post_ids,
)

TYPICAL_USERS = 64
BEST_OF_A_USER = 300
BEST_OF_ALL = 2_000
POSTS_AT_ONCE = 50_000
IDS_QUERY = "select coalesce(string_agg(int8send(p.post_id), '' order by p.post_id), '') as post_ids from pgfeed.posts as p"
USERS_QUERY = (
    "select array(select f.user_id from pgfeed.user_features as f where f.view_count + f.like_count > 0"
    " order by md5(f.user_id::text) limit $1) as user_ids"
)
CURRENT_QUERY = "select $1 = pgfeed._refresh_as_of() as is_current"
MODELS_QUERY = "select a.model_id from pgfeed.active_models as a"
PACK_QUERY = "select feature_names, topics, post_ids, topic_codes, matrix from pgfeed._post_pack($1, $2, $3)"
TOPICS_QUERY = "select array(select distinct p.topic from pgfeed.posts as p where p.topic is not null order by 1) as topics"
REQUESTS_QUERY = (
    "select user_id, has_profile, has_history, gender, age, country, city, exp_group, os, source, view_count, like_count,"
    " like_rate, days_since_active, topics, topic_view_share, topic_like_rate, liked_post_ids, liked_at, viewed_post_ids"
    " from pgfeed._request_users($1, $2, false)"
)


class Best:
    """The ids with the best scores among all that were added, at most `count`."""

    def __init__(self, count):
        self.count, self.ids, self.scores = count, np.empty(0, np.int64), np.empty(0)

    def add(self, ids, scores):
        ids, scores = np.concatenate([self.ids, ids]), np.concatenate([self.scores, scores])
        best = np.lexsort((ids, -scores))[:self.count]
        self.ids, self.scores = ids[best], scores[best]


def _shortlist(plpy, cache, as_of):
    """Return ids of posts, ascending, as a list: what the active models find best as of a moment.

    The 300 best posts of each of 64 users, chosen by a hash of the id, by each active model, and the 2,000 with the
    highest decayed like rate, which serve whoever no model knows.
    """
    ids = np.frombuffer(plpy.execute(IDS_QUERY)[0]["post_ids"], ">i8").astype(np.int64)
    topics = plpy.execute(TOPICS_QUERY)[0]["topics"]
    user_ids = plpy.execute(plpy.prepare(USERS_QUERY, ["integer"]), [TYPICAL_USERS])[0]["user_ids"]
    users = list(plpy.execute(plpy.prepare(REQUESTS_QUERY, ["timestamptz", "bigint[]"]), [as_of, user_ids]))
    model_ids = [row["model_id"] for row in plpy.execute(MODELS_QUERY)]
    pack_plan = plpy.prepare(PACK_QUERY, ["timestamptz", "bigint[]", "text[]"])
    has_factors = plpy.execute(plpy.prepare(CURRENT_QUERY, ["timestamptz"]), [as_of])[0]["is_current"]

    def load(chosen, scale=None):
        posts = unpack_posts(plpy.execute(pack_plan, [as_of, chosen.tolist(), topics])[0], scale)
        # For an earlier moment the products are unknown: they do not decide who is among the best 300.
        posts["vectors"]["match.factors"] = (
            candidate_factors(plpy, cache, posts["post_ids"]) if has_factors else np.zeros((len(posts["post_ids"]), FACTORS), np.float32)
        )
        return posts

    known = [f(row) for row in users for f in (liked_post_ids, viewed_post_ids)]
    own = load(np.unique(np.concatenate([np.empty(0, np.int64), *known])))
    own["gram"] = own["vectors"]["match.factors"].T @ own["vectors"]["match.factors"]
    loaded = {model_id: load_model(plpy, cache, model_id) for model_id in model_ids}
    usable = {
        model_id: model for model_id, model in loaded.items()
        if model and not needs_moment(model["feature_names"]) and has_features(plpy, own, model, model_id)
    }
    requests = {}
    for model_id, model in usable.items():
        requests[model_id] = request_columns(users, own, model["encoders"], model["feature_names"])
        # At noon of a Wednesday: neither changes much in who is first.
        requests[model_id]["time.hour"], requests[model_id]["time.weekday"] = np.full((2, len(users)), [[12], [3]], np.float32)

    popular, best = Best(BEST_OF_ALL), {}
    for start in range(0, len(ids), POSTS_AT_ONCE):
        posts = load(ids[start:start + POSTS_AT_ONCE], own["scale"])
        plpy.execute("select")  # a point where the statement can be cancelled
        text_vectors(posts)
        popular.add(posts["post_ids"], popularity(posts))
        for model_id, model in usable.items():
            for number in range(len(users)):
                one = {name: values[number:number + 1] for name, values in requests[model_id].items()}
                plpy.execute("select")  # another one
                found = best.setdefault((model_id, number), Best(BEST_OF_A_USER))
                found.add(posts["post_ids"], score(model, model_id, posts, one))
    return np.unique(np.concatenate([popular.ids, *(found.ids for found in best.values())])).tolist()
