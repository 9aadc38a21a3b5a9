"""Vectors of taste, features of the stage 3 model, a shortlist of a large catalogue, explanations."""

from migrations.objects import execute, install

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    execute("""
        create table pgfeed.post_vectors (
            post_id bigint primary key references pgfeed.posts (post_id) on delete cascade,
            factors public.vector(16) not null
        );
        comment on table pgfeed.post_vectors is
            'One row per post as of the last refresh: its vector of the factor model of likes; nearly 0: nobody liked it';
        create table pgfeed.user_vectors (
            user_id bigint primary key,
            factors public.vector(16) not null
        );
        comment on table pgfeed.user_vectors is
            'One row per user with a like among the newest 2,000,000 as of the last refresh: the vector whose product '
            'with a post''s is near 1 for what the user would like. recommend_posts makes its own from the likes until ts';
        alter table pgfeed.post_vectors owner to pgfeed_owner;
        alter table pgfeed.user_vectors owner to pgfeed_owner;
        grant select on pgfeed.post_vectors, pgfeed.user_vectors to pgfeed_reader, pgfeed_operator;
        create index on pgfeed.posts (created_at desc) where created_at is not null;

        truncate pgfeed.feature_packs;
        alter table pgfeed.feature_packs
            add column factors bytea,
            add column is_shortlist boolean not null default false;
        alter table pgfeed.feature_packs alter column factors set storage external;
        comment on column pgfeed.feature_packs.factors is
            'The posts'' vectors, see _post_factors(); null: not made yet';
        comment on column pgfeed.feature_packs.is_shortlist is
            'Whether the catalogue was too large: then these are its best posts by _shortlist()';

        drop function pgfeed._post_pack(timestamptz);
        drop function pgfeed._serving_state(timestamptz, text, bigint);
    """)
    install("functions/_post_pack", "455795074d08")
    install("functions/_is_large", "d22c51b9a0d7")
    install("functions/_serving_state", "8bec62e4d404")
    install("functions/_post_neighbours", "ff1e4473e04b")
    install("functions/_post_factors", "bdcaf1d22eb1")
    install("functions/_user_factors", "b730a31675d3")
    install("functions/_unpack_factors", "31091321cbd3")
    install("functions/_shortlist", "a8f874500054")
    install("functions/_user_candidates", "a3aef2dd1583")
    install("functions/recommend_posts", "7fefd2e7f25f")
    install("functions/_model_problems", "41eab4b285a1")
    install("functions/explain_recommendation", "a897ac4e7339")
    install("procedures/_pack_features", "d2955ec413d4")
    install("procedures/refresh_features", "795daf293b86")


def downgrade() -> None:
    execute("""
        drop function pgfeed.explain_recommendation(bigint, bigint, timestamptz, text);
        drop function pgfeed._serving_state(timestamptz, text, bigint);
        drop function pgfeed._post_pack(timestamptz, bigint[], text[]);
        drop function pgfeed._user_candidates(timestamptz, bigint[]);
        drop function pgfeed._shortlist(timestamptz);
        drop function pgfeed._is_large();
        drop function pgfeed._unpack_factors(bytea, bytea);
        drop function pgfeed._user_factors(timestamptz, bytea, bytea);
        drop function pgfeed._post_factors(timestamptz, bytea);
        truncate pgfeed.feature_packs;
        alter table pgfeed.feature_packs drop column is_shortlist, drop column factors;
        drop index pgfeed.posts_created_at_idx;
        drop index if exists pgfeed.post_components_hnsw;
        drop table pgfeed.user_vectors;
        drop table pgfeed.post_vectors;
    """)
    install("functions/_post_pack", "c6c70077ed46")
    install("functions/_serving_state", "1d49761f3e37")
    install("functions/_post_neighbours", "4238ae2995d0")
    install("functions/recommend_posts", "4a7801379b7f")
    install("functions/_model_problems", "4c79a3b843cf")
    install("procedures/_pack_features", "7923b102c966")
    install("procedures/refresh_features", "a1d38431c445")
