create or replace view pgfeed.data_stages as
with stages as (
    select
        1 as number,
        'events' as stage,
        (max(d.day) + 1)::timestamp at time zone 'UTC' as as_of,
        max(d.rolled_up_at) as updated_at
    from pgfeed.rollup_days as d
    where d.view_count > 0 or d.like_count > 0
    union all
    (
        select
            2,
            'features',
            r.as_of,
            r.finished_at
        from pgfeed.feature_refreshes as r
        order by r.refresh_id desc
        limit 1
    )
    union all
    select
        3,
        'model ' || a.variant,
        a.trained_until,
        a.activated_at
    from pgfeed.active_models as a
    union all
    (
        select
            4,
            'recommendations',
            r.recommended_at,
            (select max(b.finished_at) from pgfeed.recommendation_batches as b)
        from pgfeed.recommendations as r
        order by r.recommended_at
        limit 1
    )
)

select
    s.stage,
    s.as_of,
    s.updated_at,
    greatest(extract(epoch from e.as_of - s.as_of) / 3600, 0)::double precision as hours_behind
from stages as s
left join stages as e on e.stage = 'events'
order by s.number, s.stage;

alter view pgfeed.data_stages owner to pgfeed_owner;

comment on view pgfeed.data_stages is
    'One row per stage of the data (events as rolled up, features, each active model, recommendations): how '
    'fresh it is';
comment on column pgfeed.data_stages.as_of is
    'No later event is in it; of events: the end of the newest day (UTC); of recommendations: of the oldest list. '
    'Null: none yet, or unknown of an imported model';
comment on column pgfeed.data_stages.updated_at is 'When it was last made; of a model: activated; of recommendations: when the last batch ended, null: none did';
comment on column pgfeed.data_stages.hours_behind is 'Hours from as_of to the end of the newest day with events';
comment on column pgfeed.data_stages.stage is 'events, features, model VARIANT or recommendations';

grant select on pgfeed.data_stages to pgfeed_reader, pgfeed_operator;
