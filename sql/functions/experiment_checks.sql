create or replace function pgfeed.experiment_checks(
    experiment text,
    until timestamptz default now()
)
returns table (
    name text,
    is_ok boolean,
    value double precision,
    finding text
)
language plpgsql stable
cost 100000 rows 3
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
    seen as (
        select
            x.user_id,
            min(x.arm) as arm,
            max(x.arm) as last_arm,
            count(*) as exposures,
            count(*) filter (
                where x.source = 'popular' and not pgfeed._is_without_model(a.variant)
            ) as without_model
        from pgfeed.exposures as x
        left join pgfeed.experiment_arms as a on a.experiment_id = v_id and a.arm = x.arm
        where x.experiment_id = v_id and x.served_at <= until
        group by x.user_id
    ),
    arms as (
        select
            a.number,
            a.arm,
            count(s.user_id) as users,
            a.weight / 10000.0::double precision * sum(count(s.user_id)) over () as expected
        from pgfeed.experiment_arms as a
        left join seen as s on s.arm = a.arm and s.last_arm = a.arm
        where a.experiment_id = v_id
        group by a.number, a.arm, a.weight
    ),
    ratio as (
        select
            coalesce(
                pgfeed._chi_square_tail(sum((a.users - a.expected) ^ 2 / nullif(a.expected, 0)), count(*)::integer - 1),
                1
            ) as p_value,
            string_agg(format('%s: %s users, %s expected', a.arm, a.users, round(a.expected)), '; ' order by a.number)
            as text
        from arms as a
    ),
    totals as (
        select
            count(*) filter (where s.arm <> s.last_arm) as in_two_arms,
            coalesce(sum(s.without_model) / nullif(sum(s.exposures), 0), 0)::double precision as without_model
        from seen as s
    )
    select 'sample ratio', r.p_value >= 0.001, r.p_value, r.text from ratio as r
    union all
    select 'users in two arms', t.in_two_arms = 0, t.in_two_arms, 'left out of all metrics' from totals as t
    union all
    select
        'served without the model',
        t.without_model < 0.001,
        t.without_model,
        'share of the exposures of model arms that no usable model chose'
    from totals as t;
end;
$$;

alter function pgfeed.experiment_checks(text, timestamptz) owner to pgfeed_owner;

comment on function pgfeed.experiment_checks(text, timestamptz) is
    'One row per condition of a sound experiment. sample ratio: the p-value (chi-square) of users per arm against the '
    'weights, wrong below 0.001; users in two arms: how many; served without the model: a share';

revoke all on function pgfeed.experiment_checks(text, timestamptz) from public;
grant execute on function pgfeed.experiment_checks(text, timestamptz) to pgfeed_reader, pgfeed_operator;
