create table pgfeed.users (
    user_id bigint primary key,
    gender smallint,
    age smallint,
    country text,
    city text,
    exp_group smallint,
    os text,
    source text
);
comment on table pgfeed.users is 'One row per user with a known profile; users without one are served too';
comment on column pgfeed.users.gender is 'Code of the source; null: unknown';
comment on column pgfeed.users.age is 'Years; null: unknown';
comment on column pgfeed.users.exp_group is 'Group that the source assigned, 0-4 in the seed''s data';
comment on column pgfeed.users.source is 'How the user came: ads or organic in the seed''s data';

create table pgfeed.posts (
    post_id bigint primary key,
    text text,
    topic text,
    created_at timestamptz check (isfinite(created_at))
);
comment on table pgfeed.posts is 'One row per post that can be recommended: the catalogue';
comment on column pgfeed.posts.text is 'Null: not loaded, or known only from events';
comment on column pgfeed.posts.topic is 'Null: unknown';
comment on column pgfeed.posts.created_at is 'Null: unknown, then the post was always there and its age counts from its first event';

-- Not valid: rows from before there was a limit stay.
alter table pgfeed.posts
    -- An index entry of the roll-ups must hold a topic.
    add constraint posts_topic_check check (octet_length(topic) <= 2000) not valid,
    -- An answer of more than 1 GB is an error: a few such posts would be one for everybody.
    add constraint posts_text_check check (octet_length(text) <= 20000000) not valid;
create index on pgfeed.posts (created_at desc) where created_at is not null;

create table pgfeed.feed_events (
    event_at timestamptz not null,
    user_id bigint not null,
    post_id bigint not null,
    recorded_at timestamptz not null default now(),
    action text not null check (action in ('view', 'like')),
    target boolean,
    primary key (user_id, event_at, post_id, action) include (target),
    check (event_at >= '1970-01-01 00:00+00' and event_at < '2100-01-01 00:00+00')
) partition by range (event_at);
create index on pgfeed.feed_events using brin (event_at) with (pages_per_range = 32);
create index on pgfeed.feed_events using brin (recorded_at) with (pages_per_range = 32);
comment on table pgfeed.feed_events is
    'One row per view or like. Partitioned by month: create_event_partitions() makes what is missing';
comment on column pgfeed.feed_events.recorded_at is
    'When the row was written or its target changed; roll_up_events() finds changed days by it';
comment on column pgfeed.feed_events.target is
    'Of a view: whether a like followed; null: the source does not say. Of a like: without meaning';

alter table pgfeed.users owner to pgfeed_owner;
alter table pgfeed.posts owner to pgfeed_owner;
alter table pgfeed.feed_events owner to pgfeed_owner;
grant select on pgfeed.posts to pgfeed_reader;
grant select, insert, update on pgfeed.users, pgfeed.posts to pgfeed_writer;
grant delete on pgfeed.posts to pgfeed_writer;
grant insert (event_at, user_id, post_id, action, target) on pgfeed.feed_events to pgfeed_writer;
