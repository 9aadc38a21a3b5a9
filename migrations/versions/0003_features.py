"""Features: point-in-time functions, materialized views, the packed post matrix."""

from migrations.objects import execute, install

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    execute("""
        create table pgfeed.feature_refreshes (
            refresh_id bigint generated always as identity primary key,
            as_of timestamptz not null,
            started_at timestamptz not null,
            finished_at timestamptz
        );
        comment on table pgfeed.feature_refreshes is
            'One row per refresh_features(): the newest is what the materialized views hold';
        comment on column pgfeed.feature_refreshes.as_of is 'The cut-off: no event at or after it is in the features';

        create table pgfeed.feature_packs (
            pack_id bigint generated always as identity primary key,
            as_of timestamptz not null unique,
            packed_at timestamptz not null default clock_timestamp(),
            post_count integer not null,
            feature_names text[] not null,
            topics text[] not null,
            post_ids bytea not null,
            topic_codes bytea not null,
            matrix bytea not null
        );
        alter table pgfeed.feature_packs
            alter column matrix set storage external,
            alter column post_ids set storage external,
            alter column topic_codes set storage external;
        comment on table pgfeed.feature_packs is
            'One row per cut-off: the features of all posts as recommend_posts reads them, see _post_pack()';

        alter table pgfeed.feature_refreshes owner to pgfeed_owner;
        alter table pgfeed.feature_packs owner to pgfeed_owner;
        grant select on pgfeed.feature_refreshes to pgfeed_reader, pgfeed_operator;
        grant select (pack_id, as_of, packed_at, post_count) on pgfeed.feature_packs to pgfeed_operator;
    """)
    install("functions/_refresh_as_of", "868fa8ebd132")
    install("functions/_live_from", "32123d458e1b")
    install("functions/post_features_as_of", "b51af238260a")
    install("functions/user_topic_features_as_of", "84a025d08cea")
    install("functions/user_features_as_of", "644f5cd04218")
    install("matviews/post_text_features", "ec72a1d69b1d")
    install("matviews/post_features", "6af0b6c3b003")
    install("matviews/user_features", "1ae2ef2e22e9")
    install("matviews/user_topic_features", "22e4304e15cf")
    install("functions/_post_pack", "579ea1f20ffa")
    install("procedures/_pack_features", "7923b102c966")
    install("procedures/refresh_features", "d0778acc0648")


def downgrade() -> None:
    execute("""
        drop procedure pgfeed.refresh_features(timestamptz, bigint);
        drop procedure pgfeed._pack_features(timestamptz);
        drop function pgfeed._post_pack(timestamptz);
        drop materialized view pgfeed.user_topic_features;
        drop materialized view pgfeed.user_features;
        drop materialized view pgfeed.post_features;
        drop materialized view pgfeed.post_text_features;
        drop function pgfeed.user_features_as_of(timestamptz, bigint[]);
        drop function pgfeed.user_topic_features_as_of(timestamptz, bigint[]);
        drop function pgfeed.post_features_as_of(timestamptz, bigint[]);
        drop function pgfeed._live_from(timestamptz);
        drop function pgfeed._refresh_as_of();
        drop table pgfeed.feature_packs;
        drop table pgfeed.feature_refreshes;
    """)
