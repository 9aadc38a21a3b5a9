"""The body of pgfeed._user_vector: what a user likes, as a point among the users and posts of the factor model."""

import numpy as np

from plpy.features import fold_in
from plpy.recommend import check_state
from plpy.session import current_session


def user_vector(plpy, user_id, ts):
    """Return the vector of a user who liked what was liked before ts as a list, see fold_in(); None: nothing known."""
    session = current_session(plpy)
    state = session.run("state", ts, None, None)[0]
    check_state(session, state, ts, None)
    user = session.user(state, ts, user_id)
    vectors = session.post_vectors(np.unique(user["liked_post_ids"]))
    if not vectors.any():
        return None
    pack = session.pack(state)
    session.load_factors(state, pack)
    return fold_in(vectors, pack.gram).tolist()
