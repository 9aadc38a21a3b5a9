create table pgfeed.rollup_watermarks (
    is_only boolean primary key default true check (is_only),
    watermark_at timestamptz not null
);
insert into pgfeed.rollup_watermarks (watermark_at) values ('-infinity');
comment on table pgfeed.rollup_watermarks is
    'One row: events recorded before watermark_at are in rollup_days';

create table pgfeed.rollup_days (
    day date primary key,
    is_stale boolean not null,
    rolled_up_at timestamptz,
    view_count integer not null default 0,
    like_count integer not null default 0
);
comment on table pgfeed.rollup_days is 'One row per day (UTC) that has events; counts as in post_days';
comment on column pgfeed.rollup_days.is_stale is 'True: roll_up_events() has yet to recompute this day';

create table pgfeed.post_days (
    post_id bigint not null,
    day date not null,
    view_count integer not null,
    like_count integer not null,
    primary key (day, post_id)
);
create index on pgfeed.post_days (post_id, day);
comment on table pgfeed.post_days is 'One row per post and day (UTC) with events';
comment on column pgfeed.post_days.like_count is 'Likes of that day, whenever the view was';

create table pgfeed.user_topic_days (
    user_id bigint not null,
    day date not null,
    topic text not null,
    view_count integer not null,
    like_count integer not null,
    primary key (user_id, day, topic)
);
create index on pgfeed.user_topic_days using brin (day) with (pages_per_range = 32);
comment on table pgfeed.user_topic_days is 'One row per user, day (UTC) and topic with events';
comment on column pgfeed.user_topic_days.topic is 'Empty: the post has none, or is not in posts';

alter table pgfeed.rollup_watermarks owner to pgfeed_owner;
alter table pgfeed.rollup_days owner to pgfeed_owner;
alter table pgfeed.post_days owner to pgfeed_owner;
alter table pgfeed.user_topic_days owner to pgfeed_owner;
grant select on pgfeed.rollup_days, pgfeed.post_days to pgfeed_reader, pgfeed_operator;
