create or replace view pgfeed.experiment_results as
select
    e.name as experiment,
    e.started_at,
    e.stopped_at,
    e.winner,
    r.metric,
    r.arm,
    r.variant,
    r.version,
    r.user_count,
    r.exposure_count,
    r.value,
    r.low,
    r.high,
    r.lift,
    r.lift_low,
    r.lift_high,
    r.p_value,
    r.sequential_low,
    r.sequential_high,
    r.sequential_p_value,
    r.detectable_lift,
    r.days_needed
from pgfeed.experiments as e
cross join lateral pgfeed.experiment_report(e.name) as r
where e.started_at is not null;

alter view pgfeed.experiment_results owner to pgfeed_owner;

comment on view pgfeed.experiment_results is
    'One row per experiment that was started, metric and arm: experiment_report() as of now, with likes within an '
    'hour of their exposure. Computed at each query: name an experiment. Values and lifts are shares (0.05: 5%)';
comment on column pgfeed.experiment_results.winner is 'Null: not concluded';
comment on column pgfeed.experiment_results.low is '95% interval of value';
comment on column pgfeed.experiment_results.lift is 'Relative to the first arm; null: it is the first arm';
comment on column pgfeed.experiment_results.p_value is 'For a single look on a day that was chosen beforehand';
comment on column pgfeed.experiment_results.sequential_p_value is 'Valid whenever one looks';
comment on column pgfeed.experiment_results.days_needed is 'Further days until a lift as expected would be found';

grant select on pgfeed.experiment_results to pgfeed_reader, pgfeed_operator;
