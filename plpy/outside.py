"""Posts of a large catalogue that its stored pack, which holds the shortlist, lacks."""

import numpy as np

from plpy.pack import FACTORS

NEWEST_LIKES, NEWEST_VIEWS = 100, 200
MOST_KEPT = 25_000


def own_post_ids(user):
    """Return the ids, int64, of the posts that the user of a row liked and viewed last."""
    return np.union1d(user["liked_post_ids"][-NEWEST_LIKES:], user["viewed_post_ids"][-NEWEST_VIEWS:])


def outside(session, state, stored, post_ids):
    """Return a pack of those of post_ids that the stored one lacks; the session keeps the posts of the last calls."""
    missing = np.setdiff1d(post_ids, stored.post_ids)
    key = state["is_current"], stored.factors is not None, stored.preference_sides is not None, stored.preferences
    kept = stored.outside.get(key)
    new = missing if kept is None else np.setdiff1d(missing, kept.post_ids)
    if kept is not None and len(kept) + len(new) > MOST_KEPT:
        kept, new = None, missing
    if len(new):
        chosen = load(session, state, stored, new)
        if kept is not None:
            kept.forget_parts()  # else all that were ever kept would stay
        kept = chosen if kept is None else kept.join(chosen)
        if len(kept) <= MOST_KEPT:
            stored.outside = {key: kept}
    if kept is None:
        return stored.take(missing[:0])
    return kept.take(kept.places(missing))


def load(session, state, stored, post_ids):
    """Return a pack of other posts than the stored one has, with what a model needs to score them."""
    pack = session.chosen_pack(state["features_as_of"], post_ids, stored.topics, stored.scale)
    if stored.factors is not None:
        # Those of an earlier moment are unknown: the present ones would tell it what was liked later.
        pack.factors = np.zeros((len(pack), FACTORS), np.float32)
        if state["is_current"]:
            pack.factors = session.post_vectors(pack.post_ids)
    if stored.preference_sides is not None:
        pack.take_preferences(stored.preferences)
    return pack


def gather(session, state, stored, post_ids):
    """Return a pack of exactly these posts, without those that are in no pack of the moment."""
    inside = np.unique(stored.places(post_ids))
    others = outside(session, state, stored, post_ids)
    return stored.take(inside).join(others) if len(others) else stored.take(inside)


def taste_pack(session, state, stored, user):
    """Return a pack of what a user's taste is known by: liked and viewed posts, all in the stored one, else the last.

    What else is scored does not change it, so that the score of a post does not depend on other posts.
    """
    ids = np.union1d(user["liked_post_ids"], user["viewed_post_ids"])
    return gather(session, state, stored, np.union1d(np.intersect1d(ids, stored.post_ids), own_post_ids(user)))


def with_candidates(session, state, stored, user, ts, post_ids):
    """Return the stored pack joined with a user's candidates, newest liked and viewed posts, and post_ids."""
    liked = np.unique(user["liked_post_ids"][-NEWEST_LIKES:])
    near = np.array(session.run("candidates", ts, liked.tolist())[0]["post_ids"], np.int64)
    ids = np.concatenate([near, own_post_ids(user), np.array(post_ids, np.int64)])
    others = outside(session, state, stored, ids)
    return stored.join(others) if len(others) else stored


def most_liked(session, request, reply, asked, count, topics):
    """Return ids, int64, of `count` posts that a reply has not scored and a request lets in, the most liked first.

    asked: ids of posts that are not wanted again; topics: names of those of which none are.
    """
    inside = [reply.pack.post_ids, reply.user["hidden_post_ids"], asked]
    if request.exclude is not None:
        inside.append(request.exclude)
    if request.hide_viewed is not None:
        inside.append(session.seen_post_ids(request))
    ids = np.unique(np.concatenate(inside)).tolist()
    row = session.run("posts outside", request.ts, ids, count, topics)[0]
    return np.array(row["post_ids"], np.int64)
