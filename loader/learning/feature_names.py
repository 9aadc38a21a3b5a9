"""The features that a variant's recipe has in this database, and what it needs of them."""

from difflib import get_close_matches

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.features import load_attributes
from loader.learning.recipes import Recipe, recipe_of
from loader.learning.split import Split
from plpy.columns import TEXT_COMPONENT, unknown_features
from plpy.model_problems import PACK_QUERY


def feature_names(connection: Connection, variant: str, split: Split, recipe: Recipe | None = None) -> list[str]:
    """Return the features of the variant or a recipe: its own, the user's share of each of the largest topics, all
    attributes and own features.
    """
    recipe = recipe or recipe_of(variant)
    with connection.cursor() as cursor:
        require_features(cursor, recipe.features, f"the recipe of {variant}")
        cursor.execute(
            "select topic from pgfeed.user_topic_days where topic <> '' and day < %s group by topic"
            " order by sum(view_count) desc, topic limit %s",
            [split.day, recipe.topic_count],
        )
        topics = [f"user_topic.view_share:{topic}" for (topic,) in cursor.fetchall()]
        return list(dict.fromkeys([*recipe.features, *topics, *load_attributes(cursor)]))


def require_features(cursor, features: list[str], source: str) -> None:
    """Raise if a refreshed database does not compute these features. source: what has them."""
    cursor.execute(PACK_QUERY)
    pack = cursor.fetchone()
    if pack and (unknown := unknown_features(features, pack[0])):
        similar = [near[0] for name in unknown[:20] if (near := get_close_matches(name, pack[0], 1))]
        raise PgfeedError(
            f"{source} has features that this database does not have", ", ".join(unknown[:20]),
            f"rename them ({', '.join(similar)}?), or train without them" if similar
            else "rename them, or train without them",
        )


def component_names(cursor) -> list[str]:
    """Return the names of the text components as the newest feature pack has them; PgfeedError if it has none."""
    cursor.execute(
        "select n.name"
        " from (select k.feature_names from pgfeed.feature_packs as k order by k.pack_id desc limit 1) as k,"
        " unnest(k.feature_names) with ordinality as n (name, number) where n.name like %s order by n.number",
        [f"{TEXT_COMPONENT}%"],
    )
    names = [name for (name,) in cursor.fetchall()]
    if not names:
        cursor.execute("select exists (select from pgfeed.post_components)")
        is_embedded = cursor.fetchone()[0]
        cause, next_step = (
            ("the posts were embedded after the last refresh", "pgfeed refresh") if is_embedded
            else ("the posts have no embeddings", "pgfeed embed && pgfeed refresh")
        )
        raise PgfeedError("the features have no text components", cause, next_step)
    return names
