"""Training from the recipe to the stored version: what the verb train, a worker and the server do."""

from collections.abc import Callable, Iterable
from datetime import date

from psycopg2.extensions import connection as Connection

from loader.learning import candidates, recipes, registry, selection, split
from loader.learning.model import NewModel
from loader.learning.recipes import RECIPES, AnyRecipe
from loader.learning.selection import Selection
from loader.learning.split import Split


def train_and_store(
    connection: Connection, variant: str, source: str | None = None, changes: tuple[str, ...] = (),
    is_selected: bool = False, is_refitted: bool = True, announce: Callable[[Selection], None] | None = None,
    tell: Callable[[str], None] = lambda text: None, until: date | None = None,
    read: Callable[[str], dict] = recipes.read, require: Callable[[Split, Iterable[AnyRecipe]], None] | None = None,
) -> tuple[int, NewModel]:
    """Train a variant and store it, inactive; return its version and the model.

    source, changes, read: see candidates.recipe_for(). is_selected, or no recipe to be found: all are tried, and
    announce gets what they reached, tell at once what cannot be tried. until: on the days before this one. require:
    raises before a recipe is trained by that cannot be.
    """
    registry.require_name(connection, variant)
    recipe, tried = None if is_selected else candidates.recipe_for(connection, variant, source, changes, read), {}
    days = split.load(connection, until)
    split.require_posts(connection, days)
    if require:
        require(days, [recipe] if recipe else RECIPES.values())
    if recipe is None:
        recipe, found = selection.select(connection, variant, tell, days)
        tried = {"selection": found.as_dict()}
        if announce:
            announce(found)
    model = candidates.train_by(connection, variant, recipe, is_refitted, days)
    model.metrics |= tried
    return registry.store(connection, variant, model), model
