"""How each variant is trained: its features, its parameters, the days that it learns from."""

from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.learning.features import load_attributes
from loader.learning.split import Split
from plpy.columns import APPEAL, MATCH_COLUMNS, RELATIVE_COLUMNS, SCORE, TEXT_COMPONENT

TOPIC_SHARES = 8
PARAMETERS = {
    "loss_function": "Logloss", "iterations": 600, "learning_rate": 0.05, "depth": 6, "l2_leaf_reg": 10.0,
    "random_strength": 1.0, "border_count": 128, "random_seed": 20211001,
}
STAGE_2 = [
    "user.gender", "user.age", "user.country", "user.city", "user.exp_group", "user.os", "user.source",
    "user.view_count", "user.like_count", "user.like_rate", "user.days_since_active",
    "user_topic.view_share", "user_topic.like_rate", "taste.like_rate",
    "post.topic", "post.view_count", "post.like_count", "post.like_rate",
    "post.decayed_view_count_7d", "post.decayed_like_count_7d", "post.decayed_like_count_1d",
    "post.decayed_like_rate_7d", "post.age_days",
    "text.tfidf_sum", "text.tfidf_mean", "text.tfidf_max",
    "time.hour", "time.weekday",
]
COUNTS = [
    "post.view_count", "post.like_count", "post.like_rate",
    "post.decayed_view_count_7d", "post.decayed_like_count_7d", "post.decayed_like_count_1d",
]
TFIDF = ["text.tfidf_sum", "text.tfidf_mean", "text.tfidf_max"]
STAGE_3 = [
    *(name for name in STAGE_2 if name not in COUNTS + TFIDF + ["time.weekday"]),
    *RELATIVE_COLUMNS, "taste.view_count_ratio", "taste.popularity_like_rate", *MATCH_COLUMNS, APPEAL,
]


@dataclass(frozen=True)
class Recipe:
    """How a variant is trained: on at most max_days days, the first warm_up_share of the history left out."""

    features: list[str]
    parameters: dict
    warm_up_share: float = 0.2
    max_days: int = 24


RECIPES = {
    "control": Recipe(STAGE_2, PARAMETERS),
    "test": Recipe(
        STAGE_3,
        PARAMETERS | {
            "learning_rate": 0.1, "l2_leaf_reg": 50.0, "monotone_constraints": {SCORE: 1}, "model_shrink_rate": 0.0,
        },
        warm_up_share=0.05, max_days=32,
    ),
}


def recipe_of(variant: str) -> Recipe:
    """Return the variant's recipe; PgfeedError if there is none."""
    if variant not in RECIPES:
        raise PgfeedError(
            f"there is no recipe for variant {variant!r}", f"known: {', '.join(RECIPES)}; with --negatives any name",
            "pgfeed train control",
        )
    return RECIPES[variant]


def feature_names(connection: Connection, variant: str, split: Split) -> list[str]:
    """Return the variant's features: its recipe's, the user's share of each of the largest topics, all own ones."""
    recipe = recipe_of(variant)
    with connection.cursor() as cursor:
        cursor.execute(
            "select topic from pgfeed.user_topic_days where topic <> '' and day < %s group by topic"
            " order by sum(view_count) desc, topic limit %s",
            [split.day, TOPIC_SHARES],
        )
        topics = [f"user_topic.view_share:{topic}" for (topic,) in cursor.fetchall()]
        return [*recipe.features, *topics, *load_attributes(cursor)]


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
        raise PgfeedError(
            "the features have no text components", "the posts have no embeddings", "pgfeed embed && pgfeed refresh"
        )
    return names
