create or replace function pgfeed._arm_problems(
    experiment_id integer
)
returns text
language plpgsql stable
cost 100000
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return (
        with arms as (
            select a.number, a.arm, a.variant, a.version, m.model_id
            from pgfeed.experiment_arms as a
            left join pgfeed.active_models as c on c.variant = a.variant and a.version is null
            left join pgfeed.models as m
                on m.variant = a.variant and m.version = coalesce(a.version, c.version) and m.deleted_at is null
            where a.experiment_id = _arm_problems.experiment_id and not pgfeed._is_without_model(a.variant)
        ),

        models as materialized (
            select d.model_id, array_to_string(pgfeed._model_problems(d.model_id), '; ') as problems
            from (select distinct a.model_id from arms as a where a.model_id is not null) as d
        )

        select
            string_agg(
                format('arm %s: %s', a.arm, p.problems),
                '; ' order by a.number
            )
        from arms as a
        left join models as m on m.model_id = a.model_id
        cross join lateral (
            select
                case
                    when m.model_id is not null then m.problems
                    when a.version is not null then 'there is no such model (see pgfeed.model_versions)'
                    else format('there is no such model (pgfeed train %s --activate)', a.variant)
                end as problems
        ) as p
        where p.problems is distinct from ''
    );
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed._arm_problems(integer) owner to pgfeed_owner;

comment on function pgfeed._arm_problems(integer) is
    'Why models of an experiment''s arms cannot serve; null: all can';

revoke all on function pgfeed._arm_problems(integer) from public;
