"""Freshness: exact counts of the last hours and days, the user's history with times, posts liked by the same users."""

from migrations.objects import execute, install

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute("""
        truncate pgfeed.feature_packs;
        alter table pgfeed.feature_packs add column neighbours bytea;
        alter table pgfeed.feature_packs alter column neighbours set storage external;
        comment on column pgfeed.feature_packs.neighbours is
            'See _post_neighbours(); null: not made, as no model needed it';

        drop materialized view pgfeed.post_features;
        drop function pgfeed.post_features_as_of(timestamptz, bigint[]);
        drop function pgfeed._request_users(timestamptz, bigint[], boolean);
        drop function pgfeed._liked_posts(bigint, timestamptz);
    """)
    install("functions/post_features_as_of", "b966ae139e96")
    install("matviews/post_features", "93c6a07bbac4")
    install("functions/_post_pack", "c6c70077ed46")
    install("functions/_user_history", "9c264df026ce")
    install("functions/_request_users", "7d7fc054c7d9")
    install("functions/_recent_events", "57fde168cf3e")
    install("functions/_post_neighbours", "4238ae2995d0")
    install("functions/recommend_posts", "e5fc4e50e76d")
    install("functions/_model_problems", "0a9deded7495")
    install("procedures/refresh_features", "a1d38431c445")


def downgrade() -> None:
    execute("""
        drop function pgfeed._post_neighbours(timestamptz, bytea);
        drop function pgfeed._recent_events(timestamptz, timestamptz);
        drop function pgfeed._request_users(timestamptz, bigint[], boolean);
        drop function pgfeed._user_history(bigint, timestamptz);
        drop materialized view pgfeed.post_features;
        drop function pgfeed.post_features_as_of(timestamptz, bigint[]);
        truncate pgfeed.feature_packs;
        alter table pgfeed.feature_packs drop column neighbours;
    """)
    install("functions/post_features_as_of", "b51af238260a")
    install("matviews/post_features", "6af0b6c3b003")
    install("functions/_post_pack", "579ea1f20ffa")
    install("functions/_liked_posts", "3b2949a48065")
    install("functions/_request_users", "cc6c24e3442b")
    install("functions/recommend_posts", "65053b2a4e12")
    install("functions/_model_problems", "9689c59c0ff3")
    install("procedures/refresh_features", "d0778acc0648")
