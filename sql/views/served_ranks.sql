create or replace view pgfeed.served_ranks as
select
    c.day,
    c.feed,
    c.variant,
    c.rank,
    c.served_count,
    c.viewed_count,
    c.liked_count,
    c.viewed_count::double precision / nullif(c.served_count, 0) as view_rate,
    c.liked_count::double precision / nullif(c.served_count, 0) as like_rate,
    pgfeed.wilson_low(c.liked_count, c.served_count) as like_rate_low,
    pgfeed.wilson_high(c.liked_count, c.served_count) as like_rate_high
from (
    select
        s.day,
        s.feed,
        s.variant,
        s.rank,
        sum(s.served_count)::bigint as served_count,
        sum(s.viewed_count)::bigint as viewed_count,
        sum(s.liked_count)::bigint as liked_count
    from pgfeed.served_counts as s
    group by s.day, s.feed, s.variant, s.rank
) as c;

alter view pgfeed.served_ranks owner to pgfeed_owner;

comment on view pgfeed.served_ranks is
    'One row per day (UTC), feed, variant and rank: what became of the posts that were served there, as in served_days';
comment on column pgfeed.served_ranks.day is 'UTC, of the moment that the list was asked for';
comment on column pgfeed.served_ranks.feed is 'The named feed, see feeds; null: none was asked for';
comment on column pgfeed.served_ranks.variant is 'Of the model, or what ranked without one, such as popular';
comment on column pgfeed.served_ranks.rank is
    'Place in the list, from 1 on, of a page in the page; 21: the 21st place and all after it';
comment on column pgfeed.served_ranks.served_count is 'Posts in lists, each as often as it is in one';
comment on column pgfeed.served_ranks.viewed_count is 'Of these, posts that the user viewed or liked within an hour';
comment on column pgfeed.served_ranks.liked_count is 'Of these, posts that the user liked within an hour';
comment on column pgfeed.served_ranks.view_rate is 'viewed_count per served_count, a share';
comment on column pgfeed.served_ranks.like_rate is
    'liked_count per served_count, a share. Of several rows: sum(liked_count) / sum(served_count)';
comment on column pgfeed.served_ranks.like_rate_low is
    'From here to like_rate_high: its 95% interval (Wilson), as if no two lists were of one user';
comment on column pgfeed.served_ranks.like_rate_high is 'See like_rate_low';

grant select on pgfeed.served_ranks to pgfeed_reader, pgfeed_operator;
