"""`pgfeed simulate --report`: every fact of the original network beside its value in the simulated one."""


import numpy as np

from loader.errors import PgfeedError
from loader.simulation import worlds
from loader.simulation.behaviour import behaviour_facts
from loader.simulation.facts import Fact, post_facts, size_facts, user_facts
from loader.simulation.feed import Feed

FEWEST_LIKES = 100


def compare(feed: Feed, name: str = worlds.DEFAULT) -> list[Fact]:
    """Compute every fact of the original network that a world of this name has, too."""
    if feed.is_like.sum() < FEWEST_LIKES:
        raise PgfeedError(
            f"{feed.is_like.sum()} likes are too few for a report", f"it needs {FEWEST_LIKES}",
            "pgfeed simulate with 100 or more --users",
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        facts = [*size_facts(feed), *user_facts(feed), *post_facts(feed)]
        if worlds.named(name).has_views:
            facts += behaviour_facts(feed)
    left_out = tuple(worlds.named(name).left_out)
    return [fact for fact in facts if not fact.name.startswith(left_out)]
