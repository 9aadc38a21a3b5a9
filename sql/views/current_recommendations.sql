create or replace view pgfeed.current_recommendations as
select
    r.user_id,
    r.rank,
    r.post_id,
    p.topic,
    coalesce(p.text, pgfeed._post_text(p.post_id)) as text,
    r.score,
    r.source,
    r.variant,
    r.model_version,
    r.features_as_of,
    r.recommended_at,
    u.gender,
    u.age,
    u.country,
    u.city,
    u.exp_group,
    u.os,
    u.source as user_source,
    coalesce(u.key, r.user_id::text) as user_key,
    coalesce(p.key, r.post_id::text) as post_key
from pgfeed.recommendations as r
inner join pgfeed.posts as p on p.post_id = r.post_id and p.hidden_at is null
left join pgfeed.users as u on u.user_id = r.user_id;

alter view pgfeed.current_recommendations owner to pgfeed_owner;

comment on view pgfeed.current_recommendations is
    'One row per user and rank, as in recommendations, with the post and the user''s profile (null: unknown). '
    'Posts deleted or hidden since are left out; of those that an attached table has made unavailable since the last '
    'refresh the text is null';
comment on column pgfeed.current_recommendations.user_source is 'How the user came: source in users';
comment on column pgfeed.current_recommendations.user_key is 'The application''s key; user_id, if that is it';
comment on column pgfeed.current_recommendations.post_key is 'The application''s key; post_id, if that is it';
comment on column pgfeed.current_recommendations.user_id is 'See users';
comment on column pgfeed.current_recommendations.rank is 'From 1 on, best first';
comment on column pgfeed.current_recommendations.post_id is 'See posts';
comment on column pgfeed.current_recommendations.topic is 'Of the post; null: it has none';
comment on column pgfeed.current_recommendations.text is 'Of the post; null: none, or not available now';
comment on column pgfeed.current_recommendations.score is 'As recommend_posts gives it: compare within a list only';
comment on column pgfeed.current_recommendations.source is 'model, cold_start or what ranked without a model';
comment on column pgfeed.current_recommendations.variant is 'Of the model, or what ranked without one';
comment on column pgfeed.current_recommendations.model_version is 'Null: no model served';
comment on column pgfeed.current_recommendations.features_as_of is 'The cut-off of the features';
comment on column pgfeed.current_recommendations.recommended_at is 'The moment (ts) that the list is for';
comment on column pgfeed.current_recommendations.gender is '0 or 1, as it was loaded';
comment on column pgfeed.current_recommendations.age is 'Years';
comment on column pgfeed.current_recommendations.country is 'As it was loaded';
comment on column pgfeed.current_recommendations.city is 'As it was loaded';
comment on column pgfeed.current_recommendations.exp_group is 'As it was loaded';
comment on column pgfeed.current_recommendations.os is 'As it was loaded';

grant select on pgfeed.current_recommendations to pgfeed_reader, pgfeed_operator;
