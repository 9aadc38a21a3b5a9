"""What a variant is trained by: a recipe that is asked for, its own, or that of its newest version."""

from collections.abc import Callable

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning import catalogue, train
from loader.learning.feature_names import component_names, feature_names
from loader.learning.model import NewModel
from loader.learning.recipes import (
    RECIPES,
    AnyRecipe,
    Recipe,
    RequestRecipe,
    as_settings,
    changed,
    name_of,
    parse,
    read,
)
from loader.learning.split import Split


def stored(connection: Connection, variant: str) -> AnyRecipe | None:
    """Return the recipe of the newest version that says how it was trained; None if there is none."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select m.version, m.parameters -> 'recipe' from pgfeed.model_versions as m"
            " where m.variant = %s and m.parameters ? 'recipe' order by m.version desc limit 1",
            [variant],
        )
        row = cursor.fetchone()
    return parse(row[1], f"of {variant} version {row[0]}") if row else None


def recipe_for(
    connection: Connection, variant: str, source: str | None = None, changes: tuple[str, ...] = (),
    read: Callable[[str], dict] = read,
) -> AnyRecipe | None:
    """Return the recipe to train a variant by: of a file or name, else its own, else of its newest version; changed.

    read: gives the settings of a source.
    None if the variant is new: see selection. PgfeedError if the recipe cannot be used, or there is none to change.
    """
    if source is not None:
        settings = read(source)
    elif variant in RECIPES:
        settings = as_settings(RECIPES[variant])
    elif recipe := stored(connection, variant):
        settings = as_settings(recipe)
    elif changes:
        cause = f"variant {variant} is new, and what is changed needs a recipe"
        raise PgfeedError("there is no recipe to change", cause, f"pgfeed train {variant} --recipe control --set ...")
    else:
        return None
    named = f"of {variant}" if source is None else name_of(source, variant)
    recipe = parse(changed(settings, changes) if changes else settings, named)
    if isinstance(recipe, Recipe) and (source or changes):
        train.require_fit(recipe, named)
    return recipe


def train_by(
    connection: Connection, variant: str, recipe: AnyRecipe, is_refitted: bool = False, split: Split | None = None
) -> NewModel:
    """Train a variant by a recipe, on the days before the held-out ones, of another split if given.

    is_refitted: then on all.
    """
    if isinstance(recipe, RequestRecipe):
        return catalogue.train(
            connection, recipe.negatives, recipe.horizon_days, is_refitted=is_refitted, split=split
        )
    return train.train(connection, variant, is_refitted, recipe, split)


def require_usable(connection: Connection, variant: str, recipe: AnyRecipe, split: Split) -> None:
    """Raise at once, before anything is loaded, if this database lacks what a recipe needs."""
    if isinstance(recipe, Recipe):
        names = feature_names(connection, variant, split, recipe)
        if "match.text" in names:
            with connection, connection.cursor() as cursor:
                component_names(cursor)
