create or replace view pgfeed.feed_days as
select
    d.day,
    d.view_count,
    d.like_count,
    d.like_count::double precision / nullif(d.view_count, 0) as like_rate,
    d.is_stale,
    d.rolled_up_at
from pgfeed.rollup_days as d
where d.view_count > 0 or d.like_count > 0;

alter view pgfeed.feed_days owner to pgfeed_owner;

comment on view pgfeed.feed_days is 'One row per day (UTC) with events, as of its last roll-up: the like rate by day';
comment on column pgfeed.feed_days.like_rate is 'Likes of that day per view of that day; null: no views';
comment on column pgfeed.feed_days.is_stale is 'True: events came since, and roll_up_events() has yet to count them';
comment on column pgfeed.feed_days.day is 'UTC';
comment on column pgfeed.feed_days.view_count is 'Views that count, see impressions';
comment on column pgfeed.feed_days.like_count is 'First likes';
comment on column pgfeed.feed_days.rolled_up_at is 'When it was counted last';

grant select on pgfeed.feed_days to pgfeed_reader, pgfeed_operator;
