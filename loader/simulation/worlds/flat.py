"""The world `flat`: no structure. Preference is 0 for every user and post.

    1 / (1 + exp(-(user + post))) * position * month * hour

The order of the posts is the same for everybody, so nothing can beat a post's quality.
"""

from loader.simulation.worlds.mechanism import Mechanism


class Flat(Mechanism):
    """Post quality, the user's own rate, place, month and hour only."""

    name = "flat"
