create or replace procedure pgfeed.drop_exposures(
    before timestamptz,
    inout partition_count integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set lock_timeout = '40ms'
as $$
declare
    v_tries constant integer := 50;
    v_running pgfeed.experiments;
    v_names text[];
    v_name text;
    v_is_used boolean;
    v_until constant timestamptz := date_trunc('month', before);
    v_small_months integer;
begin
    -- While this waits for a lock, calls of serve_posts wait behind it: it waits shortly and lets them go first.
    for v_try in 1..v_tries loop
        begin
            select e.* into v_running
            from pgfeed.experiments as e
            where e.started_at is not null and e.stopped_at is null;
            select coalesce(array_agg(c.relname::text order by c.relname), '{}') into v_names
            from pg_inherits as i
            inner join pg_class as c on c.oid = i.inhrelid
            where
                i.inhparent = 'pgfeed.exposures'::regclass
                and c.relname ~ '_y[0-9]{4}m[0-9]{2}$'
                and to_date(right(c.relname, 8), '"y"YYYY"m"MM')::timestamptz + interval '1 month' <= before;

            select
                count(distinct date_trunc('month', x.served_at)),
                coalesce(bool_or(x.experiment_id = v_running.experiment_id), false)
            into v_small_months, v_is_used
            from pgfeed.exposures_default as x
            where x.served_at < v_until;
            if v_is_used then
                raise exception 'the months before % hold exposures of the running experiment %', v_until::date, v_running.name
                    using errcode = '55000', hint = format('Run first: call pgfeed.stop_experiment(%L)', v_running.name);
            end if;
            foreach v_name in array v_names loop
                execute format('select exists (select 1 from pgfeed.%I as x where x.experiment_id = $1)', v_name)
                into v_is_used using v_running.experiment_id;
                if v_is_used then
                    raise exception '% holds exposures of the running experiment %', v_name, v_running.name
                        using errcode = '55000', hint = format('Run first: call pgfeed.stop_experiment(%L)', v_running.name);
                end if;
            end loop;
            foreach v_name in array v_names loop
                execute format('drop table pgfeed.%I', v_name);
            end loop;
            delete from pgfeed.exposures_default as x where x.served_at < v_until;
            exit;
        exception when lock_not_available or undefined_table then  -- undefined: another session dropped it meanwhile
            if v_try = v_tries then
                raise exception 'the months of exposures are in use'
                    using errcode = '55P03', hint = 'Try again when no report or dump reads them.';
            end if;
            perform pg_sleep(0.06);
        end;
    end loop;
    partition_count := cardinality(v_names) + v_small_months;
end;
$$;

alter procedure pgfeed.drop_exposures(timestamptz, integer) owner to pgfeed_owner;

comment on procedure pgfeed.drop_exposures(timestamptz, integer) is
    'Drops the months of exposures that ended by a moment, and gives their number; reports forget them. Refused '
    'for months with exposures of the running experiment; never lets serve_posts wait: gives up when they are in use for 5 s';

revoke all on procedure pgfeed.drop_exposures(timestamptz, integer) from public;
grant execute on procedure pgfeed.drop_exposures(timestamptz, integer) to pgfeed_operator;
