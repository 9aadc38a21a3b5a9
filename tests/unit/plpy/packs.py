"""Small packs for tests."""

import numpy as np

from plpy.moment import Events
from plpy.pack import Pack

NO_EVENTS = Events(np.empty(0, np.int64), *np.empty((4, 0)))


def pack(**columns):
    """Return three posts of two topics with these columns."""
    columns = {name: np.float32(values) for name, values in columns.items()}
    return Pack(np.array([3, 5, 9]), ["movie", "sport"], np.array([1, 0, -1]), columns)


def empty_pack():
    return Pack(np.empty(0, np.int64), [], np.empty(0, np.int32), {})


def unpacked(views, likes, topic_codes, scale=None):
    """Return a pack of posts of two topics as Pack.unpack() gives it."""
    return Pack.unpack({
        "post_ids": np.arange(len(views)).astype(">i8").tobytes(), "topics": ["movie", "sport"],
        "topic_codes": np.asarray(topic_codes).astype(">i4").tobytes(),
        "feature_names": ["post.view_count", "post.like_count"],
        "matrix": np.array([views, likes]).astype(">f4").tobytes(),
    }, scale)
