create table pgfeed.recommendations (
    user_id bigint not null,
    rank integer not null,
    post_id bigint not null,
    score double precision not null,
    variant text not null,
    source text not null,
    model_version integer,
    features_as_of timestamptz not null,
    recommended_at timestamptz not null,
    batch_id bigint not null,
    primary key (user_id, rank)
);
create index on pgfeed.recommendations (post_id);
create index on pgfeed.recommendations (recommended_at);
comment on table pgfeed.recommendations is
    'One row per user and rank: what recommend_posts gave at recommended_at, by the newest batch that '
    'reached the user. A user''s rows are replaced together; while a batch runs, users have lists of '
    'either batch, see batch_id. A batch of all users drops the users that it did not reach';
comment on column pgfeed.recommendations.score is 'As recommend_posts gives it: compare within a list only';
comment on column pgfeed.recommendations.source is
    'model, cold_start, popular or random, as recommend_posts gives it';
comment on column pgfeed.recommendations.model_version is 'Null: no model served';
comment on column pgfeed.recommendations.recommended_at is 'The moment (ts) that the list is for';

create table pgfeed.recommendation_batches (
    batch_id bigint generated always as identity primary key,
    recommended_at timestamptz not null,
    is_now boolean not null,
    k integer not null,
    variant text,
    active_days integer,
    features_as_of timestamptz not null,
    user_count bigint not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create unique index on pgfeed.recommendation_batches ((finished_at is null)) where finished_at is null;
comment on table pgfeed.recommendation_batches is
    'One row per refresh_recommendations() that was finished or can go on; at most one can go on';
comment on column pgfeed.recommendation_batches.is_now is
    'Whether no moment was asked for: then lists after a refresh in the middle are for the moment of that refresh';
comment on column pgfeed.recommendation_batches.variant is 'As asked for; null: as recommend_posts chooses';
comment on column pgfeed.recommendation_batches.active_days is
    'Only users with an event in so many days before the features'' cut-off; null: all users';
comment on column pgfeed.recommendation_batches.features_as_of is 'The cut-off of the features at the start';
comment on column pgfeed.recommendation_batches.finished_at is 'Null: at work or interrupted';

create table pgfeed.recommendation_chunks (
    batch_id bigint not null references pgfeed.recommendation_batches (batch_id) on delete cascade,
    chunk_number integer not null,
    user_ids bigint[] not null,
    finished_at timestamptz,
    primary key (batch_id, chunk_number)
);
comment on table pgfeed.recommendation_chunks is
    'One row per 200 users of the unfinished batch: what one transaction computes';
comment on column pgfeed.recommendation_chunks.finished_at is 'Null: to do';

alter table pgfeed.recommendations owner to pgfeed_owner;
alter table pgfeed.recommendation_batches owner to pgfeed_owner;
alter table pgfeed.recommendation_chunks owner to pgfeed_owner;
grant select on pgfeed.recommendations, pgfeed.recommendation_batches to pgfeed_reader, pgfeed_operator;
grant select on pgfeed.recommendation_chunks to pgfeed_operator;
