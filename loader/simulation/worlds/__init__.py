"""The worlds by name: each has one file with its formula."""

from loader.errors import PgfeedError
from loader.simulation.worlds.audience import Audience
from loader.simulation.worlds.drift import Drift
from loader.simulation.worlds.flat import Flat
from loader.simulation.worlds.kinds import Kinds
from loader.simulation.worlds.mechanism import Mechanism
from loader.simulation.worlds.news import News
from loader.simulation.worlds.popularity import Popularity
from loader.simulation.worlds.shop import Shop
from loader.simulation.worlds.taste import Taste

WORLDS: dict[str, type[Mechanism]] = {
    world.name: world for world in (Popularity, Taste, Kinds, News, Shop, Flat, Audience, Drift)
}
DEFAULT = Popularity.name


def named(name: str) -> type[Mechanism]:
    """Return the mechanism of a world; PgfeedError if there is none of that name."""
    if name not in WORLDS:
        raise PgfeedError(f"there is no world {name}", f"worlds are {', '.join(WORLDS)}", "pgfeed help simulate")
    return WORLDS[name]
