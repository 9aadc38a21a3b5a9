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
    matrix bytea not null,
    neighbours bytea,
    factors bytea,
    is_shortlist boolean not null default false,
    relative bytea
);
alter table pgfeed.feature_packs
    alter column matrix set storage external,
    alter column post_ids set storage external,
    alter column topic_codes set storage external,
    alter column neighbours set storage external,
    alter column factors set storage external,
    alter column relative set storage external;
comment on table pgfeed.feature_packs is
    'One row per cut-off: the features of all posts as recommend_posts reads them, see _post_pack()';
comment on column pgfeed.feature_packs.neighbours is
    'See _post_neighbours(); null: not made, as no model needed it';
comment on column pgfeed.feature_packs.factors is
    'The posts'' vectors, see _post_factors(); null: not made yet';
comment on column pgfeed.feature_packs.is_shortlist is
    'Whether the catalogue was too large: then these are its best posts by _shortlist()';
comment on column pgfeed.feature_packs.relative is
    'See _relative_columns(); null: packed before there was this column, sessions compute it';

alter table pgfeed.feature_refreshes owner to pgfeed_owner;
alter table pgfeed.feature_packs owner to pgfeed_owner;
grant select on pgfeed.feature_refreshes to pgfeed_reader, pgfeed_operator;
grant select (pack_id, as_of, packed_at, post_count) on pgfeed.feature_packs to pgfeed_operator;
