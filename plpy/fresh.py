"""Posts that came after a pack was made: computed when they are first asked for, and joined with it."""

import numpy as np

from plpy.columns import int8s
from plpy.pack import FACTORS, Pack


def with_fresh_posts(session, state, pack):
    """Return a pack joined with the posts of _fresh_posts(), which the pack keeps; the pack itself if there are none.

    What is known of them: topic, own features and texts; vectors are 0, components NaN, neighbours none.
    """
    if state["fresh_posts"] is None:
        return pack
    if pack.joined[0] != state["fresh_posts"]:
        versions = int8s(state["fresh_posts"]).reshape(-1, 2)
        versions = versions[pack.locate(versions[:, 0]) < 0]
        joined = join_with(pack, computed_once(session, state, pack, versions)) if len(versions) else pack
        pack.joined = state["fresh_posts"], joined
    return pack.joined[1]


def computed_once(session, state, pack, versions):
    """Return the pack of posts, int64 (posts, 2): ids and versions; what was computed for the last call is kept."""
    known_versions, known = pack.fresh
    if known is not None:
        known.forget_parts()  # else each post that comes adds to what is kept, and to what a call goes through
    is_known = (versions[:, None] == known_versions[None]).all(axis=2).any(axis=1)
    missing = versions[~is_known][:, 0]
    fresh = None if known is None else known.take(np.isin(known.post_ids, versions[is_known][:, 0]))
    if len(missing) or fresh is None:
        topics = pack.topics if known is None else known.topics
        row = session.run("fresh pack", state["features_as_of"], missing.tolist(), topics)[0]
        computed = Pack.unpack(row, pack.scale.with_topics(pack, len(row["topics"])))
        fresh = computed if fresh is None else fresh.join(computed)
    pack.fresh = versions, fresh
    return fresh


def join_with(pack, fresh):
    """Return a pack joined with fresh posts: its base is the pack; vectors and neighbours come by spread()."""
    joined = pack.join(fresh)
    joined.base, joined.is_usable = pack, pack.is_usable
    joined.factors = joined.neighbours = None
    return joined


def spread_factors(joined):
    """Give a joined pack the vectors of its base; those of the other posts are 0."""
    joined.factors, joined.gram = np.zeros((len(joined), FACTORS), np.float32), joined.base.gram
    joined.factors[joined.locate(joined.base.post_ids)] = joined.base.factors
