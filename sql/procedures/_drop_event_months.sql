create or replace procedure pgfeed._drop_event_months(
    until timestamptz,
    inout partition_count integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
set lock_timeout = '40ms'
as $$
declare
    v_tries constant integer := 50;
    v_watermark_at timestamptz := (select w.watermark_at from pgfeed.rollup_watermarks as w);
    v_names text[];
    v_name text;
begin
    -- While this waits for a lock, all calls wait behind it: it waits shortly and lets them go first.
    for v_try in 1..v_tries loop
        begin
            select coalesce(array_agg(c.relname::text order by c.relname), '{}') into v_names
            from pg_inherits as i
            inner join pg_class as c on c.oid = i.inhrelid
            where
                i.inhparent = 'pgfeed.feed_events'::regclass
                and substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO [(]'([^']+)'[)]$re$)::timestamptz <= until;
            foreach v_name in array v_names loop
                execute format('lock table pgfeed.%I in access exclusive mode', v_name);
            end loop;
            if exists (
                select 1
                from pgfeed.feed_events as e
                where e.event_at < until and (e.recorded_at >= v_watermark_at or v_watermark_at is null)
            ) then
                raise exception 'there are events before % that are not counted for good yet', until::date
                    using errcode = '55000', hint = coalesce(
                        (
                            select format('First: commit prepared %1$L, or rollback prepared %1$L.', x.gid)
                            from pg_prepared_xacts as x
                            where x.database = current_database()
                            order by x.prepared
                            limit 1
                        ),
                        'Try again when nothing inserts into these months, and no transaction is open that began before.'
                    );
            end if;
            foreach v_name in array v_names loop
                execute format('drop table pgfeed.%I', v_name);
            end loop;
            -- Small months, which are together in one partition.
            delete from pgfeed.feed_events as e where e.event_at < until and e.recorded_at < v_watermark_at;
            exit;
        exception when lock_not_available or undefined_table then  -- undefined: another session dropped it meanwhile
            if v_try = v_tries then
                raise exception 'the months of events are in use'
                    using errcode = '55P03', hint = 'Try again when no report, training or dump reads them.';
            end if;
            perform pg_sleep(0.06);
        end;
    end loop;
    partition_count := cardinality(v_names);
end;
$$;

alter procedure pgfeed._drop_event_months(timestamptz, integer) owner to pgfeed_owner;

comment on procedure pgfeed._drop_event_months(timestamptz, integer) is
    'Drops the partitions of feed_events that ended by a moment, for drop_events()';

revoke all on procedure pgfeed._drop_event_months(timestamptz, integer) from public;
