"""Sessions without pandas, safe models, and what their first users asked for."""

from migrations.objects import execute, install

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    # An index entry of the roll-ups must hold a topic.
    execute("alter table pgfeed.posts add constraint posts_topic_check check (octet_length(topic) <= 2000) not valid")
    install("functions/_fill_recommendation_chunk", "cd3d481617bd")
    install("functions/_job_probes", "3180f53bd360")
    install("functions/_model_problems", "89b3645cfe4d")
    install("functions/_post_factors", "2df4ef0485e7")
    install("functions/_shortlist", "e1ae1bef97b1")
    install("functions/_start_recommendation_batch", "32eb912eae4b")
    install("functions/_unpack_factors", "aadee2a967b5")
    install("functions/_user_factors", "a0ea0684d04b")
    install("functions/experiment_arm", "e49346e21c6b")
    install("functions/explain_recommendation", "61b8cb296a27")
    install("functions/recommend_posts", "5674161f4491")
    install("procedures/create_experiment", "a65b745dc1e9")
    install("procedures/drop_exposures", "0c4ac24780a9")
    install("procedures/refresh_features", "fcd80ad153b8")
    install("views/experiment_results", "3ef0b9b1866f")


def downgrade() -> None:
    execute("""
        alter table pgfeed.posts drop constraint posts_topic_check;
        drop view pgfeed.experiment_results;
    """)
    install("functions/_fill_recommendation_chunk", "4a2a580f6f07")
    install("functions/_job_probes", "24320e6d9959")
    install("functions/_model_problems", "41eab4b285a1")
    install("functions/_post_factors", "bdcaf1d22eb1")
    install("functions/_shortlist", "a8f874500054")
    install("functions/_start_recommendation_batch", "3beed8bddd5e")
    install("functions/_unpack_factors", "31091321cbd3")
    install("functions/_user_factors", "b730a31675d3")
    install("functions/experiment_arm", "178fc5d36314")
    install("functions/explain_recommendation", "a897ac4e7339")
    install("functions/recommend_posts", "7fefd2e7f25f")
    install("procedures/create_experiment", "f597cbb41fba")
    install("procedures/drop_exposures", "63cef229320f")
    install("procedures/refresh_features", "795daf293b86")
