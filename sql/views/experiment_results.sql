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
comment on column pgfeed.experiment_results.experiment is 'Its name';
comment on column pgfeed.experiment_results.started_at is 'From when on it chose variants';
comment on column pgfeed.experiment_results.stopped_at is 'Null: it runs';
comment on column pgfeed.experiment_results.metric is 'hit rate, likes per exposure or users with a hit';
comment on column pgfeed.experiment_results.arm is 'Its name';
comment on column pgfeed.experiment_results.variant is 'What the arm serves';
comment on column pgfeed.experiment_results.version is 'The version that is pinned; null: the one that is active';
comment on column pgfeed.experiment_results.user_count is 'Users with an exposure in this arm alone';
comment on column pgfeed.experiment_results.exposure_count is 'Lists that they were served';
comment on column pgfeed.experiment_results.value is 'Of the metric';
comment on column pgfeed.experiment_results.high is 'See low';
comment on column pgfeed.experiment_results.lift_low is '95% interval of lift, for a single look';
comment on column pgfeed.experiment_results.lift_high is 'See lift_low';
comment on column pgfeed.experiment_results.sequential_low is '95% interval of lift, valid whenever one looks';
comment on column pgfeed.experiment_results.sequential_high is 'See sequential_low';
comment on column pgfeed.experiment_results.detectable_lift is 'The relative gain that a single look finds with 80% power';

grant select on pgfeed.experiment_results to pgfeed_reader, pgfeed_operator;
