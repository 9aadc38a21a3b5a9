"""The body of pgfeed._rank_posts: stated posts in the order in which a user would like them."""

import numpy as np

from plpy.features import hidden_post_ids, liked_post_ids
from plpy.ranking import rank
from plpy.recommend import reply_to
from plpy.request import Request, unpack_ids
from plpy.session import current_session


def rank_posts(plpy, user_id, ts, variant, post_ids):
    """Return rank, post_id, score and status of each post; post_ids: see unpack_ids().

    Those that could be recommended come first, best first, ties by post_id; the others, without rank, in the order of
    the call. A score is None where there is no such post at the moment.
    """
    request = Request(user_id, ts, 1, variant)
    request.check(plpy)
    if post_ids is None:
        plpy.error("post_ids is null", hint="Give the posts to rank.", sqlstate="22004")
    ids = unpack_ids(plpy, "post_ids", post_ids)
    ids = ids[np.sort(np.unique(ids, return_index=True)[1])]
    request.candidates = ids
    session = current_session(plpy)
    reply = reply_to(session, request)
    status_of = statuses(session, reply, ids)
    places = reply.pack.locate(ids)
    scores = np.where(places >= 0, reply.scores[places], np.nan) if len(reply.pack) else np.full(len(ids), np.nan)
    is_ranked = np.array([status == "ranked" for status in status_of], bool)
    best = rank(np.where(is_ranked, scores, -np.inf), ids, len(ids))
    rows = [(number, int(ids[place]), float(scores[place]), "ranked") for number, place in enumerate(best.tolist(), 1)]
    for place in np.flatnonzero(~is_ranked).tolist():
        has_score = status_of[place] in ("liked", "hidden")
        rows.append((None, int(ids[place]), float(scores[place]) if has_score else None, status_of[place]))
    return rows


def statuses(session, reply, ids):
    """Return for each post the reason why it is not recommended, or ranked."""
    row = session.run("statuses", ids.tolist())[0]
    known, shown = (np.frombuffer(row[name] or b"", ">i8") for name in ("known", "shown"))
    conditions = (
        ("unknown", ~np.isin(ids, known)),
        ("unavailable", ~np.isin(ids, shown) | (reply.pack.locate(ids) < 0)),
        ("liked", np.isin(ids, np.intersect1d(hidden_post_ids(reply.user), liked_post_ids(reply.user)))),
        ("hidden", np.isin(ids, hidden_post_ids(reply.user))),
    )
    return np.select([is_so for _, is_so in conditions], [name for name, _ in conditions], "ranked").tolist()
