"""Sessions without scipy, and events of a user from the index alone."""

from migrations.objects import execute, install

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    execute("""
        -- Partitioned tables have no way that does not lock: README says how long it takes.
        alter table pgfeed.feed_events
            -- squawk-ignore ban-drop-constraint
            drop constraint feed_events_pkey,
            -- squawk-ignore constraint-missing-not-valid, adding-serial-primary-key-field
            add primary key (user_id, event_at, post_id, action) include (target);
        -- An answer of more than 1 GB is an error: a few such posts would be one for everybody.
        alter table pgfeed.posts add constraint posts_text_check check (octet_length(text) <= 20000000) not valid;
        create index on pgfeed.recommendations (recommended_at);
    """)
    install("functions/_arm_problems", "c1ddcbef10c4")
    install("functions/_data_probes", "9246e7e83d9a")
    install("functions/_explain_recommendation", "c2e0d3171410")
    install("functions/_factors", "f163e86e5a39")
    install("functions/_job_probes", "e5064532b2ed")
    install("functions/_model_problems", "d62eb3a60297")
    install("functions/_post_factors", "bf81084ebb58")
    install("functions/_recommend_posts", "e57e36c53b66")
    install("functions/_shortlist", "639c9c5d515a")
    install("functions/_unpack_factors", "73591215daf5")
    install("procedures/_create_partitions", "46ee26af0af2")
    install("procedures/_find_stale_days", "d922812d7352")
    install("procedures/create_event_partitions", "5f0d4fb1b712")
    install("procedures/create_experiment", "8b826f1ac21e")
    install("procedures/drop_exposures", "962aafa86f0f")
    install("views/data_stages", "740839361c8d")


def downgrade() -> None:
    execute("""
        alter table pgfeed.posts drop constraint posts_text_check;
        drop index pgfeed.recommendations_recommended_at_idx;
        alter table pgfeed.feed_events
            drop constraint feed_events_pkey,
            add primary key (user_id, event_at, post_id, action);
    """)
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
    install("procedures/_create_partitions", "1c29980d355e")
    install("procedures/_find_stale_days", "a4a4913bf5b9")
    install("procedures/create_event_partitions", "7ee0b713b305")
    install("procedures/create_experiment", "b4f32ac5b837")
    install("procedures/drop_exposures", "b46c37a7ab95")
    install("views/data_stages", "a2081ed5014d")
