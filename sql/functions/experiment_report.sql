create or replace function pgfeed.experiment_report(
    experiment text,
    attribution interval default '1 hour',
    until timestamptz default now()
)
returns table (
    metric text,
    arm text,
    variant text,
    version integer,
    user_count bigint,
    exposure_count bigint,
    value double precision,
    low double precision,
    high double precision,
    lift double precision,
    lift_low double precision,
    lift_high double precision,
    p_value double precision,
    sequential_low double precision,
    sequential_high double precision,
    sequential_p_value double precision,
    detectable_lift double precision,
    days_needed integer
)
language plpgsql stable
cost 1000000 rows 10
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_id integer := pgfeed._experiment_id(experiment);
begin
    return query
    with
    days as (
        select
            d.*,
            max(d.day) over () as last_day,
            max(d.day) over () - min(d.day) over () + 1 as day_count
        from pgfeed.experiment_days(experiment, attribution, until) as d
    ),
    arms as (
        select
            d.*,
            a.variant,
            a.version,
            a.number,
            max(d.value) filter (where a.number = 1) over (partition by d.metric) as base,
            max(d.standard_error) filter (where a.number = 1) over (partition by d.metric) as base_error,
            e.expected_lift
        from days as d
        inner join pgfeed.experiment_arms as a on a.experiment_id = v_id and a.arm = d.arm
        inner join pgfeed.experiments as e on e.experiment_id = v_id
        where d.day = d.last_day
    ),
    powers as (
        select
            a.*,
            -- Normal quantiles: 97.5% for the test, 80% for the power.
            (1.959963984540054 + 0.8416212335729143) * sqrt(a.standard_error ^ 2 + a.base_error ^ 2)
            / nullif(a.base, 0) as detectable
        from arms as a
    )
    select
        p.metric,
        p.arm,
        p.variant,
        p.version,
        p.user_count,
        p.exposure_count,
        p.value,
        p.value - 1.959963984540054 * p.standard_error,
        p.value + 1.959963984540054 * p.standard_error,
        p.lift,
        p.lift_low,
        p.lift_high,
        p.p_value,
        p.sequential_low,
        p.sequential_high,
        p.sequential_p_value,
        case when p.number > 1 then p.detectable end,
        case
            when p.number > 1 and p.detectable is not null
                then least(greatest(ceil(p.day_count * ((p.detectable / p.expected_lift) ^ 2 - 1)), 0), 1e6)::integer
        end
    from powers as p
    order by p.metric, p.number;
end;
$$;

alter function pgfeed.experiment_report(text, interval, timestamptz) owner to pgfeed_owner;

comment on function pgfeed.experiment_report(text, interval, timestamptz) is
    'One row per metric and arm: the last day of experiment_days, with the version that is pinned. detectable_lift: '
    'the relative gain that a single look finds with 80% power; days_needed: further days until that is the '
    'expected lift, if exposures come as until now';

revoke all on function pgfeed.experiment_report(text, interval, timestamptz) from public;
grant execute on function pgfeed.experiment_report(text, interval, timestamptz) to pgfeed_reader, pgfeed_operator;
