"""The body of pgfeed._relative_columns: what sessions would otherwise compute for themselves after each refresh."""

from plpy.recommend_posts import pack_relative, unpack_posts


def _relative_columns(plpy, cache, feature_names, topics, post_ids, topic_codes, matrix):
    """Return pack_relative() of the pack that the arguments are, as _post_pack() gives them."""
    return pack_relative(unpack_posts({
        "feature_names": feature_names, "topics": topics, "post_ids": post_ids, "topic_codes": topic_codes, "matrix": matrix,
    }))
