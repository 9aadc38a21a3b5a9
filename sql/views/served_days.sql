create or replace view pgfeed.served_days as
select
    c.day,
    c.feed,
    c.variant,
    c.list_count,
    c.hit_count,
    c.served_count,
    c.viewed_count,
    c.liked_count,
    c.hit_count::double precision / nullif(c.list_count, 0) as hit_rate,
    pgfeed.wilson_low(c.hit_count, c.list_count) as hit_rate_low,
    pgfeed.wilson_high(c.hit_count, c.list_count) as hit_rate_high,
    c.viewed_count::double precision / nullif(c.served_count, 0) as view_rate,
    c.liked_count::double precision / nullif(c.served_count, 0) as like_rate
from (
    select
        s.day,
        s.feed,
        s.variant,
        coalesce(sum(s.served_count) filter (where s.rank = 1), 0)::bigint as list_count,
        sum(s.hit_count)::bigint as hit_count,
        sum(s.served_count)::bigint as served_count,
        sum(s.viewed_count)::bigint as viewed_count,
        sum(s.liked_count)::bigint as liked_count
    from pgfeed.served_counts as s
    group by s.day, s.feed, s.variant
) as c;

alter view pgfeed.served_days owner to pgfeed_owner;

comment on view pgfeed.served_days is
    'One row per day (UTC), feed and variant: what became of the lists that serve_posts() gave, as of the last roll-up. A '
    'view or like counts within an hour of the list, as in experiment_report(); lists of the last hour may still get some';
comment on column pgfeed.served_days.day is 'UTC, of the moment that the list was asked for';
comment on column pgfeed.served_days.feed is 'The named feed, see feeds; null: none was asked for';
comment on column pgfeed.served_days.variant is 'Of the model, or what ranked without one, such as popular';
comment on column pgfeed.served_days.list_count is 'Lists that were served';
comment on column pgfeed.served_days.hit_count is 'Of these, lists of which the user liked a post';
comment on column pgfeed.served_days.served_count is 'Posts in these lists, each as often as it is in one';
comment on column pgfeed.served_days.viewed_count is 'Of these, posts that the user viewed or liked';
comment on column pgfeed.served_days.liked_count is 'Of these, posts that the user liked';
comment on column pgfeed.served_days.hit_rate is 'Hits per list, a share. Of several rows: sum(hit_count) / sum(list_count)';
comment on column pgfeed.served_days.hit_rate_low is
    'From here to hit_rate_high: its 95% interval (Wilson), as if no two lists were of one user; where users get many '
    'lists it is wider in truth: experiment_report() counts by users. Of several rows: wilson_low(sum(hit_count), sum(list_count))';
comment on column pgfeed.served_days.hit_rate_high is 'See hit_rate_low';
comment on column pgfeed.served_days.view_rate is 'viewed_count per served_count, a share';
comment on column pgfeed.served_days.like_rate is 'liked_count per served_count, a share';

grant select on pgfeed.served_days to pgfeed_reader, pgfeed_operator;
