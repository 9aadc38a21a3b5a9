"""Sessions without pandas, safe models, and what their first users asked for."""

from migrations.objects import execute, install

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    execute("""
        -- An index entry of the roll-ups must hold a topic.
        alter table pgfeed.posts add constraint posts_topic_check check (octet_length(topic) <= 2000) not valid;
        create type pgfeed.contribution as (rank integer, feature text, value real, contribution double precision);
        comment on type pgfeed.contribution is 'One row per feature of an explained score';
        alter type pgfeed.contribution owner to pgfeed_owner;
        comment on table pgfeed.user_vectors is
            'One row per user with a like among the newest 1,000,000 as of the last refresh: the vector whose product '
            'with a post''s is near 1 for what the user would like. recommend_posts makes its own from the likes until ts';
        drop function pgfeed._user_factors(timestamptz, bytea, bytea);
        drop function pgfeed._unpack_factors(bytea, bytea);
    """)
    install("functions/_arm_problems", "7620c722723b")
    install("functions/_data_probes", "8cf4e65f683d")
    install("functions/_explain_recommendation", "05b5546cab98")
    install("functions/_factors", "5efa7c2f6907")
    install("functions/_fill_recommendation_chunk", "aa6856717882")
    install("functions/_job_probes", "c1944b6b4e22")
    install("functions/_live_from", "06bcc48e9df0")
    install("functions/_model_problems", "8498cfef144f")
    install("functions/_post_factors", "37a61982c33f")
    install("functions/_recommend_posts", "61983086191e")
    install("functions/_request_users", "77a8d8c5e95b")
    install("functions/_search_posts", "933de7470b30")
    install("functions/_shortlist", "f34d8230578b")
    install("functions/_start_recommendation_batch", "32eb912eae4b")
    install("functions/_unpack_factors", "192e46e78b10")
    install("functions/_user_profiles", "35ef076aafa6")
    install("functions/experiment_arm", "e49346e21c6b")
    install("functions/explain_recommendation", "411bf93ebe08")
    install("functions/recommend_posts", "250579a3eccb")
    install("functions/search_posts", "71f1b55684b4")
    install("functions/user_features_as_of", "b813c234888c")
    install("functions/warm_up", "2e1edcae47d9")
    install("procedures/_commit", "c27e85e386aa")
    install("procedures/_pack_features", "d3ae6f7aca10")
    install("procedures/activate_model", "a32f9dd869bf")
    install("procedures/conclude_experiment", "d79dcdff19f7")
    install("procedures/create_experiment", "b4f32ac5b837")
    install("procedures/drop_experiment", "c57406b8bfdd")
    install("procedures/drop_exposures", "b46c37a7ab95")
    install("procedures/refresh_features", "5e8cabde81b3")
    install("procedures/refresh_recommendations", "4ab4576e9909")
    install("procedures/roll_up_events", "c05c1c7401a3")
    install("procedures/start_experiment", "e471ec2b65ae")
    install("views/data_stages", "a2081ed5014d")
    install("views/experiment_results", "3ef0b9b1866f")


def downgrade() -> None:
    execute("""
        alter table pgfeed.posts drop constraint posts_topic_check;
        drop view pgfeed.experiment_results;
        drop procedure pgfeed.drop_experiment(text);
        drop procedure pgfeed._commit(boolean);
        drop function pgfeed._user_profiles(bigint[]);
        drop function pgfeed._factors(timestamptz, bytea);
        drop function pgfeed._unpack_factors(bytea, bytea);
    """)
    install("functions/_arm_problems", "3690e9c4a122")
    install("functions/_data_probes", "59ac8919a89b")
    install("functions/_fill_recommendation_chunk", "4a2a580f6f07")
    install("functions/_job_probes", "24320e6d9959")
    install("functions/_live_from", "32123d458e1b")
    install("functions/_model_problems", "41eab4b285a1")
    install("functions/_post_factors", "bdcaf1d22eb1")
    install("functions/_request_users", "7d7fc054c7d9")
    install("functions/_shortlist", "a8f874500054")
    install("functions/_start_recommendation_batch", "3beed8bddd5e")
    install("functions/_unpack_factors", "31091321cbd3")
    install("functions/experiment_arm", "178fc5d36314")
    install("functions/explain_recommendation", "a897ac4e7339")
    install("functions/recommend_posts", "7fefd2e7f25f")
    install("functions/search_posts", "5b03406bc93c")
    install("functions/user_features_as_of", "644f5cd04218")
    install("functions/warm_up", "ab0713cd4660")
    install("procedures/_pack_features", "d2955ec413d4")
    install("procedures/activate_model", "28e4896a4bfb")
    install("procedures/conclude_experiment", "48f318bbdb97")
    install("procedures/create_experiment", "f597cbb41fba")
    install("procedures/drop_exposures", "63cef229320f")
    install("procedures/refresh_features", "795daf293b86")
    install("procedures/refresh_recommendations", "b1f4b431cd09")
    install("procedures/roll_up_events", "85063b11a653")
    install("procedures/start_experiment", "d2d7093c274c")
    install("views/data_stages", "79e5e1555d9c")
    install("functions/_user_factors", "b730a31675d3")
    execute("""
        drop function pgfeed._recommend_posts(bigint, timestamptz, integer, text);
        drop function pgfeed._explain_recommendation(bigint, bigint, timestamptz, text);
        drop function pgfeed._search_posts(text, integer);
        drop type pgfeed.contribution;
        comment on table pgfeed.user_vectors is
            'One row per user with a like among the newest 2,000,000 as of the last refresh: the vector whose product '
            'with a post''s is near 1 for what the user would like. recommend_posts makes its own from the likes until ts';
    """)
