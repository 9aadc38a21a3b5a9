"""What a variant can be trained by: the recipe that is asked for, its own, or that of its newest version."""

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import catalogue, train
from loader.learning.model import NewModel
from loader.learning.recipes import RECIPES, AnyRecipe, RequestRecipe, as_settings, changed, parse, read, stored


def recipe_for(
    connection: Connection, variant: str, source: str | None = None, changes: tuple[str, ...] = ()
) -> AnyRecipe:
    """Return the recipe to train a variant by: of a file or name, else its own, else of its newest version; changed.

    PgfeedError if there is none, or if it cannot be used.
    """
    if source:
        settings = read(source)
    elif variant in RECIPES:
        settings = as_settings(RECIPES[variant])
    elif recipe := stored(connection, variant):
        settings = as_settings(recipe)
    else:
        raise PgfeedError(
            f"there is no recipe for variant {variant!r}", f"known: {', '.join(RECIPES)}; with --negatives any name",
            f"pgfeed train {variant} --recipe control",
        )
    return parse(changed(settings, changes), source or f"of {variant}")


def train_by(connection: Connection, variant: str, recipe: AnyRecipe, is_refitted: bool) -> NewModel:
    """Train a variant by a recipe."""
    if isinstance(recipe, RequestRecipe):
        return catalogue.train(connection, recipe.negatives, recipe.horizon_days, is_refitted=is_refitted)
    return train.train(connection, variant, is_refitted, recipe)
