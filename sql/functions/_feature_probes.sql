create or replace function pgfeed._feature_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 1
set search_path = pg_catalog, pg_temp
as $$
declare
    v_slow constant real := 30;
    v_own record;
begin
    select
        count(*) as feature_count,
        max(f.duration_seconds) as slowest,
        sum(f.duration_seconds) as duration,
        array_agg(
            format('the function %s of the feature %s is gone', f.function_name, f.name) order by f.name
        ) filter (where not f.is_there) as gone,
        min(f.name) filter (where not f.is_there) as first_gone,
        array_agg(
            format('the feature %s took %s s of the last refresh', f.name, round(f.duration_seconds::numeric, 1))
            order by f.name
        ) filter (where f.duration_seconds > v_slow) as slow
    into v_own
    from (
        select
            o.name,
            o.function_name,
            o.duration_seconds,
            exists (
                select
                from pg_proc as p
                inner join pg_namespace as n on n.oid = p.pronamespace
                where
                    format('%I.%I', n.nspname, p.proname) = o.function_name
                    and oidvectortypes(p.proargtypes) = 'timestamp with time zone, bigint[]'
            ) as is_there
        from pgfeed.own_features as o
    ) as f;
    if v_own.feature_count > 0 then
        return next pgfeed._probe(
            'own features',
            v_own.gone,
            v_own.slow,
            format('%s, together %s s of the last refresh', v_own.feature_count, round(coalesce(v_own.duration, 0)::numeric, 1)),
            case
                when v_own.first_gone is not null then format('call pgfeed.remove_feature(%L)', v_own.first_gone)
                else 'make its function faster: it gets all ids at once'
            end,
            jsonb_build_object('own_features_duration_seconds', v_own.duration)
        );
    end if;
end;
$$;

alter function pgfeed._feature_probes() owner to pgfeed_owner;

comment on function pgfeed._feature_probes() is 'The row of health() about features of add_feature(); none without any';

revoke all on function pgfeed._feature_probes() from public;
