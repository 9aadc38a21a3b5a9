create or replace view pgfeed.recommended_topics as
with post_counts as (
    select
        r.post_id,
        count(*) as recommendation_count
    from pgfeed.recommendations as r
    group by r.post_id
),

topics as (
    select
        p.topic,
        count(*) as post_count,
        count(c.post_id) as recommended_post_count,
        coalesce(sum(c.recommendation_count), 0)::bigint as recommendation_count
    from pgfeed.posts as p
    left join post_counts as c on c.post_id = p.post_id
    group by p.topic
)

select
    t.topic,
    t.post_count,
    t.recommended_post_count,
    t.recommended_post_count::double precision / t.post_count as coverage_rate,
    t.recommendation_count,
    t.post_count / sum(t.post_count) over ()::double precision as post_share,
    t.recommendation_count / nullif(sum(t.recommendation_count) over (), 0)::double precision as recommendation_share
from topics as t;

alter view pgfeed.recommended_topics owner to pgfeed_owner;

comment on view pgfeed.recommended_topics is
    'One row per topic of the catalogue: coverage of its posts by recommendations, and its share of them';
comment on column pgfeed.recommended_topics.topic is 'Null: posts without a topic';
comment on column pgfeed.recommended_topics.coverage_rate is 'Share of its posts that some user is recommended';
comment on column pgfeed.recommended_topics.post_share is 'Its share of the catalogue''s posts';
comment on column pgfeed.recommended_topics.recommendation_share is
    'Its share of all recommendations; null: there are none';
comment on column pgfeed.recommended_topics.post_count is 'Posts of the topic in the catalogue';
comment on column pgfeed.recommended_topics.recommended_post_count is 'Of these, posts that some user is recommended';
comment on column pgfeed.recommended_topics.recommendation_count is 'How often these are recommended';

grant select on pgfeed.recommended_topics to pgfeed_reader, pgfeed_operator;
