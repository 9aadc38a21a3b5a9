"""The state that v0.1.0 left: roles, tables, types, indexes, grants. Older databases go through that release."""

from migrations.objects import BASELINE, execute

revision = "0012"
down_revision = None

SUBJECTS = (
    "roles", "schema", "users_posts_events", "ingest", "rollups", "features", "models", "embeddings", "vectors",
    "experiments", "recommendations", "diagnostics",
)  # fmt: skip


def upgrade() -> None:
    for subject in SUBJECTS:
        execute((BASELINE / f"{subject}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    # With what 0013 leaves, see there.
    execute("""
        drop materialized view if exists
            pgfeed.user_topic_features, pgfeed.user_features, pgfeed.post_features, pgfeed.post_text_features;
        drop function if exists
            pgfeed.user_features_as_of, pgfeed.user_topic_features_as_of, pgfeed.post_features_as_of,
            pgfeed._refresh_as_of, pgfeed.recommend_posts, pgfeed.search_posts, pgfeed.explain_recommendation;
        drop type pgfeed.contribution, pgfeed.probe, pgfeed.recommendation, pgfeed.similar_post;
        drop table
            pgfeed.recommendation_chunks, pgfeed.recommendation_batches, pgfeed.recommendations,
            pgfeed.exposures, pgfeed.experiment_arms, pgfeed.experiments,
            pgfeed.user_vectors, pgfeed.post_vectors,
            pgfeed.post_components, pgfeed.post_embeddings, pgfeed.embedders,
            pgfeed.evaluations, pgfeed.model_activations, pgfeed.models,
            pgfeed.feature_packs, pgfeed.feature_refreshes,
            pgfeed.user_topic_days, pgfeed.post_days, pgfeed.rollup_days, pgfeed.rollup_watermarks,
            pgfeed.ingest_rejects, pgfeed.ingest_files,
            pgfeed.feed_events, pgfeed.posts, pgfeed.users;
        drop table if exists simulation.days, simulation.posts, simulation.users, simulation.worlds;
        drop schema simulation;
        revoke all on pgfeed.alembic_version from pgfeed_owner, pgfeed_reader, pgfeed_writer, pgfeed_operator;
        revoke all on schema pgfeed from pgfeed_owner, pgfeed_reader, pgfeed_writer, pgfeed_operator;
        comment on schema pgfeed is null;
    """)
