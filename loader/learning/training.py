"""Training from the recipe to the stored version: what the verb train and a worker do."""

from collections.abc import Callable

from psycopg2.extensions import connection as Connection

from loader.learning import candidates, registry, selection
from loader.learning.model import NewModel
from loader.learning.selection import Selection


def train_and_store(
    connection: Connection, variant: str, source: str | None = None, changes: tuple[str, ...] = (),
    is_selected: bool = False, is_refitted: bool = True, announce: Callable[[Selection], None] | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[int, NewModel]:
    """Train a variant and store it, inactive; return its version and the model.

    source, changes: see candidates.recipe_for(). is_selected, or no recipe to be found: all are tried, and announce
    gets what they reached, tell at once what cannot be tried.
    """
    registry.require_name(connection, variant)
    recipe, tried = None if is_selected else candidates.recipe_for(connection, variant, source, changes), {}
    if recipe is None:
        recipe, found = selection.select(connection, variant, tell)
        tried = {"selection": found.as_dict()}
        if announce:
            announce(found)
    model = candidates.train_by(connection, variant, recipe, is_refitted)
    model.metrics |= tried
    return registry.store(connection, variant, model), model
