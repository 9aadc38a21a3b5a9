create or replace view pgfeed.recommendation_lists as
with topic_counts as (
    select
        r.user_id,
        p.topic,
        min(r.variant) as variant,
        min(r.source) as source,
        min(r.recommended_at) as recommended_at,
        count(*) as post_count
    from pgfeed.recommendations as r
    left join pgfeed.posts as p on p.post_id = r.post_id
    group by r.user_id, p.topic
)

select
    t.user_id,
    min(t.variant) as variant,
    min(t.source) as source,
    min(t.recommended_at) as recommended_at,
    sum(t.post_count)::integer as post_count,
    count(*)::integer as topic_count,
    (1 - sum(t.post_count ^ 2) / sum(t.post_count) ^ 2)::double precision as topic_diversity
from topic_counts as t
group by t.user_id;

alter view pgfeed.recommendation_lists owner to pgfeed_owner;

comment on view pgfeed.recommendation_lists is
    'One row per user with recommendations: how diverse the list is';
comment on column pgfeed.recommendation_lists.topic_diversity is
    'Chance that two posts drawn from the list, with replacement, have different topics: 0 if all have the '
    'same (Simpson)';
comment on column pgfeed.recommendation_lists.user_id is 'See users';
comment on column pgfeed.recommendation_lists.variant is 'Of the model, or what ranked without one';
comment on column pgfeed.recommendation_lists.source is 'model, cold_start or what ranked without a model';
comment on column pgfeed.recommendation_lists.recommended_at is 'The moment (ts) that the list is for';
comment on column pgfeed.recommendation_lists.post_count is 'Posts in the list';
comment on column pgfeed.recommendation_lists.topic_count is 'Different topics in it';

grant select on pgfeed.recommendation_lists to pgfeed_reader, pgfeed_operator;
