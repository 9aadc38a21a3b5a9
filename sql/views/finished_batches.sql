create or replace view pgfeed.finished_batches as
select
    b.batch_id,
    (b.recommended_at at time zone 'UTC')::date as day,
    b.recommended_at,
    b.features_as_of,
    b.variant,
    b.k,
    b.user_count,
    b.post_count,
    b.catalogue_count,
    b.post_count::double precision / nullif(b.catalogue_count, 0) as coverage_rate,
    b.topic_diversity,
    extract(epoch from b.finished_at - b.started_at)::double precision as duration_seconds
from pgfeed.recommendation_batches as b
where b.finished_at is not null;

alter view pgfeed.finished_batches owner to pgfeed_owner;

comment on view pgfeed.finished_batches is
    'One row per finished batch of recommendations: how much of the catalogue it recommended, and how diverse its lists '
    'were. A batch before this was counted has null there';
comment on column pgfeed.finished_batches.batch_id is 'As in recommendation_batches';
comment on column pgfeed.finished_batches.day is 'UTC, of recommended_at';
comment on column pgfeed.finished_batches.recommended_at is 'The moment (ts) that the lists are for';
comment on column pgfeed.finished_batches.features_as_of is 'The cut-off of the features at the start';
comment on column pgfeed.finished_batches.variant is 'As asked for; null: as recommend_posts chooses';
comment on column pgfeed.finished_batches.k is 'Posts in a list, at most';
comment on column pgfeed.finished_batches.user_count is 'Users whom it was for';
comment on column pgfeed.finished_batches.post_count is 'Different posts in its lists';
comment on column pgfeed.finished_batches.catalogue_count is 'Posts that were not hidden when it was finished';
comment on column pgfeed.finished_batches.coverage_rate is 'post_count per catalogue_count, a share';
comment on column pgfeed.finished_batches.topic_diversity is
    'Mean over its lists: the chance that two posts drawn from a list, with replacement, have different topics';
comment on column pgfeed.finished_batches.duration_seconds is 'From its start to its end, interruptions too';

grant select on pgfeed.finished_batches to pgfeed_reader, pgfeed_operator;
