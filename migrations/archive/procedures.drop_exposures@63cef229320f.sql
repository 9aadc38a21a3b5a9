create or replace procedure pgfeed.drop_exposures(
    before timestamptz,
    inout partition_count integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '2s'
as $$
declare
    v_partition record;
    v_experiment text;
begin
    partition_count := 0;
    for v_partition in
        select c.relname, to_date(right(c.relname, 8), '"y"YYYY"m"MM')::timestamptz + interval '1 month' as end_at
        from pg_inherits as i
        inner join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'pgfeed.exposures'::regclass
        order by c.relname
    loop
        continue when v_partition.end_at > before or before is null;
        execute format(
            'select min(e.name) from pgfeed.experiments as e where e.started_at is not null and e.stopped_at is null'
            ' and exists (select from pgfeed.%I as x where x.experiment_id = e.experiment_id)',
            v_partition.relname
        ) into v_experiment;
        if v_experiment is not null then
            raise exception '% holds exposures of the running experiment %', v_partition.relname, v_experiment
                using errcode = '55000', hint = format('Run first: call pgfeed.stop_experiment(%L)', v_experiment);
        end if;
        execute format('drop table pgfeed.%I', v_partition.relname);
        partition_count := partition_count + 1;
    end loop;
end;
$$;

alter procedure pgfeed.drop_exposures(timestamptz, integer) owner to pgfeed_owner;

comment on procedure pgfeed.drop_exposures(timestamptz, integer) is
    'Drops the months of exposures that ended by a moment, and gives their number; reports forget them. Refused '
    'for months with exposures of the running experiment; gives up rather than let serve_posts wait for more than 2 s';

revoke all on procedure pgfeed.drop_exposures(timestamptz, integer) from public;
grant execute on procedure pgfeed.drop_exposures(timestamptz, integer) to pgfeed_operator;
