"""The body of pgfeed._rank_posts: stated posts in the order in which a user would like them."""

import numpy as np

from plpy.ranking import rank
from plpy.recommend import reply_to
from plpy.request import Request, array_text, unpack_ids
from plpy.session import current_session


def rank_posts(plpy, user_id, ts, variant, post_ids):
    """Return the ids, scores and statuses of posts, each as the text of an array; post_ids: see unpack_ids().

    Those that could be recommended come first, best first, ties by post_id; the others, without rank, in the order of
    the call. A score is null where there is no such post at the moment. PL/Python would make rows one by one.
    """
    request = Request(user_id, ts, 1, variant)
    request.check(plpy)
    if post_ids is None:
        plpy.error("post_ids is null", hint="Give the posts to rank.", sqlstate="22004")
    ids = unpack_ids(plpy, "post_ids", post_ids)
    ids = ids[np.sort(np.unique(ids, return_index=True)[1])]
    request.candidates = np.sort(ids)
    session = current_session(plpy)
    reply = reply_to(session, request)
    status_of = statuses(session, reply, ids)
    places = reply.pack.locate(ids)
    scores = np.where(places >= 0, reply.scores[places], np.nan) if len(reply.pack) else np.full(len(ids), np.nan)
    is_ranked = status_of == "ranked"
    best = rank(np.where(is_ranked, scores, -np.inf), ids, len(ids))
    order = np.concatenate([best, np.flatnonzero(~is_ranked)])
    status_of, scores = status_of[order].tolist(), scores[order].tolist()
    return [
        array_text(ids[order].tolist()),
        array_text(
            score if status in ("ranked", "liked", "hidden") else "NULL" for score, status in zip(scores, status_of)
        ),
        array_text(status_of),
    ]


def statuses(session, reply, ids):
    """Return for each post, object, the reason why it is not recommended, or ranked."""
    status_of = np.full(len(ids), "ranked", object)
    hidden = np.isin(ids, reply.user["hidden_post_ids"])
    if hidden.any():
        status_of[hidden] = "hidden"
        liked = np.intersect1d(reply.user["hidden_post_ids"], reply.user["liked_post_ids"])
        status_of[np.isin(ids, liked)] = "liked"
    status_of[reply.pack.locate(ids) < 0] = "unavailable"
    shown = session.stored_ids("shown ids", ids)
    if len(shown) < len(ids):
        others = np.setdiff1d(ids, shown)
        status_of[np.isin(ids, others)] = "unavailable"
        status_of[np.isin(ids, np.setdiff1d(others, session.stored_ids("known ids", others)))] = "unknown"
    return status_of
