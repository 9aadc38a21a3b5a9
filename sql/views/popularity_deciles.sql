create or replace view pgfeed.popularity_deciles as
with post_counts as (
    select
        r.post_id,
        count(*) as recommendation_count
    from pgfeed.recommendations as r
    group by r.post_id
),

posts as (
    select
        f.view_count,
        f.like_count,
        coalesce(c.recommendation_count, 0) as recommendation_count,
        ntile(10) over (order by f.view_count desc, f.post_id) as decile
    from pgfeed.post_features as f
    left join post_counts as c on c.post_id = f.post_id
),

deciles as (
    select
        p.decile,
        count(*) as post_count,
        sum(p.view_count)::bigint as view_count,
        sum(p.like_count)::bigint as like_count,
        sum(p.recommendation_count)::bigint as recommendation_count
    from posts as p
    group by p.decile
)

select
    d.decile,
    d.post_count,
    d.view_count,
    d.like_count,
    d.recommendation_count,
    d.view_count / nullif(sum(d.view_count) over (), 0)::double precision as view_share,
    d.like_count / nullif(sum(d.like_count) over (), 0)::double precision as like_share,
    d.recommendation_count / nullif(sum(d.recommendation_count) over (), 0)::double precision as recommendation_share
from deciles as d
order by d.decile;

alter view pgfeed.popularity_deciles owner to pgfeed_owner;

comment on view pgfeed.popularity_deciles is
    'One row per tenth of the posts by views before the last refresh, 1 the most viewed: popularity bias is '
    'a share of the recommendations above the share of the views. Fails before the first refresh';
comment on column pgfeed.popularity_deciles.recommendation_share is
    'Its share of all recommendations; null: there are none';
comment on column pgfeed.popularity_deciles.decile is '1: the tenth with most views';
comment on column pgfeed.popularity_deciles.post_count is 'Posts in it';
comment on column pgfeed.popularity_deciles.view_count is 'Views of these posts';
comment on column pgfeed.popularity_deciles.like_count is 'Likes of these posts';
comment on column pgfeed.popularity_deciles.recommendation_count is 'How often these posts are recommended';
comment on column pgfeed.popularity_deciles.view_share is 'Its share of all views; null: there are none';
comment on column pgfeed.popularity_deciles.like_share is 'Its share of all likes; null: there are none';

grant select on pgfeed.popularity_deciles to pgfeed_reader, pgfeed_operator;
