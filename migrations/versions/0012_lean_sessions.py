"""Leaner sessions, events of a user from the index alone, and what attacks found."""

from migrations.objects import execute, install

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    # An answer of more than 1 GB is an error: a few such posts would be one for everybody.
    execute("alter table pgfeed.posts add constraint posts_text_check check (octet_length(text) <= 20000000) not valid")
    # Citus takes one statement at a time for tables that are spread, and those on every node first.
    execute("""
        -- squawk-ignore ban-drop-constraint
        alter table pgfeed.feed_events drop constraint feed_events_pkey
    """)
    # Partitioned tables have no way that does not lock: README says how long it takes.
    execute("""
        -- squawk-ignore constraint-missing-not-valid, adding-serial-primary-key-field
        alter table pgfeed.feed_events add primary key (user_id, event_at, post_id, action) include (target)
    """)
    execute("create index on pgfeed.recommendations (recommended_at)")
    execute("""
        alter table pgfeed.feature_packs add column relative bytea;
        alter table pgfeed.feature_packs alter column relative set storage external;
        comment on column pgfeed.feature_packs.relative is
            'See _relative_columns(); null: packed before there was this column, sessions compute it';
    """)
    install("functions/_arm_problems", "c1ddcbef10c4")
    install("functions/_data_probes", "829f9b644206")
    install("functions/_explain_recommendation", "ffa25217288f")
    install("functions/_factors", "afc02f311e15")
    install("functions/_job_probes", "871e611fcdd1")
    install("functions/_model_problems", "01c0a73677b3")
    install("functions/_post_factors", "ad5eca386210")
    install("functions/_recommend_posts", "6cd8bfb12554")
    install("functions/_shortlist", "ce7617724d7f")
    install("functions/_unpack_factors", "aece77300ca8")
    install("functions/serve_posts", "b0e38f3a7b75")
    install("procedures/_create_partitions", "455b1f6c1f69")
    install("procedures/_find_stale_days", "d922812d7352")
    install("procedures/create_event_partitions", "5f0d4fb1b712")
    install("procedures/create_experiment", "8b826f1ac21e")
    install("procedures/drop_exposures", "962aafa86f0f")
    install("procedures/refresh_features", "6ffa35a40bef")
    install("views/data_stages", "740839361c8d")
    install("functions/_relative_columns", "2abec7b31fab")
    install("procedures/_pack_features", "528e79db99c8")
    # For databases that took revision 0011 before it had these texts.
    install("functions/explain_recommendation", "411bf93ebe08")
    install("functions/recommend_posts", "250579a3eccb")
    install("functions/search_posts", "71f1b55684b4")
    install("procedures/activate_model", "a32f9dd869bf")


def downgrade() -> None:
    execute("alter table pgfeed.posts drop constraint posts_text_check")
    execute("alter table pgfeed.feature_packs drop column relative")
    execute("drop index pgfeed.recommendations_recommended_at_idx")
    execute("alter table pgfeed.feed_events drop constraint feed_events_pkey")
    execute("alter table pgfeed.feed_events add primary key (user_id, event_at, post_id, action)")
    install("functions/_arm_problems", "7620c722723b")
    install("functions/_data_probes", "8cf4e65f683d")
    install("functions/_explain_recommendation", "05b5546cab98")
    install("functions/_factors", "5efa7c2f6907")
    install("functions/_job_probes", "c1944b6b4e22")
    install("functions/_model_problems", "8498cfef144f")
    install("functions/_post_factors", "37a61982c33f")
    install("functions/_recommend_posts", "61983086191e")
    install("functions/_shortlist", "f34d8230578b")
    install("functions/_unpack_factors", "192e46e78b10")
    install("functions/serve_posts", "0575b7a0b63d")
    install("procedures/_create_partitions", "1c29980d355e")
    install("procedures/_find_stale_days", "a4a4913bf5b9")
    install("procedures/create_event_partitions", "7ee0b713b305")
    install("procedures/create_experiment", "b4f32ac5b837")
    install("procedures/drop_exposures", "b46c37a7ab95")
    install("procedures/refresh_features", "5e8cabde81b3")
    install("views/data_stages", "a2081ed5014d")
    install("procedures/_pack_features", "d3ae6f7aca10")
    execute("drop function pgfeed._relative_columns(text[], text[], bytea, bytea, bytea)")
