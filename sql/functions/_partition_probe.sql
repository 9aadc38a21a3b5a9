create or replace function pgfeed._partition_probe()
returns pgfeed.probe
language plpgsql stable
cost 100000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_waiting text[] := '{}';
    v_parent text;
    v_months timestamptz[];
    v_count bigint;
    v_since timestamptz;
    v_missing text;
    v_small text;
    v_refused text;
begin
    select string_agg(format('%s has no default partition: events can be refused', p.partrelid::regclass), '; ')
    into v_refused
    from pg_partitioned_table as p
    where p.partrelid in ('pgfeed.feed_events'::regclass, 'pgfeed.exposures'::regclass) and p.partdefid = 0;
    if v_refused is not null then
        return pgfeed._probe(
            'partitions', array[v_refused], null, null,
            'restore a backup: pg_restore, see docs/how-to/dump-and-restore.md'
        );
    end if;
    foreach v_parent in array array['feed_events', 'exposures'] loop
        select m.months into v_months from pgfeed._partition_moves(v_parent) as m;
        if cardinality(v_months) > 0 then
            execute format(
                'select count(*), min(d.%I) from pgfeed.%I as d where date_trunc(''month'', d.%I) = any($1)',
                case v_parent when 'feed_events' then 'recorded_at' else 'served_at' end,
                v_parent || '_default', pgfeed._partition_key(v_parent)
            ) into v_count, v_since using v_months;
            v_waiting := v_waiting || format(
                '%s rows of %s wait in the default partition for their months, the first since %s',
                to_char(v_count, 'FM999,999,999,990'), v_parent, to_char(v_since, 'YYYY-MM-DD HH24:MI')
            );
        end if;
    end loop;
    select string_agg(to_char(m.month, 'YYYY-MM'), ', ' order by m.month) into v_missing
    from unnest(array[now(), now() + interval '7 days']) as m (month)
    where
        pgfeed._is_loaded()
        and to_regclass('pgfeed.feed_events_' || to_char(m.month, '"y"YYYY"m"MM')) is null
        and not exists (
            select
            from pgfeed._default_months('feed_events') as d
            where d.month = date_trunc('month', m.month)
        );
    select format(', %s events of %s small ones in the default partition', to_char(sum(d.row_count), 'FM999,999,990'), count(*))
    into v_small
    from pgfeed._default_months('feed_events') as d
    having count(*) > 0;
    return pgfeed._probe(
        'partitions',
        null,
        v_waiting || ('events of ' || v_missing || ' have no month of their own'),
        format(
            '%s months%s',
            (
                select count(*)
                from pg_inherits as i
                where
                    i.inhparent = 'pgfeed.feed_events'::regclass
                    and i.inhrelid <> 'pgfeed.feed_events_default'::regclass
            ),
            v_small
        ),
        case
            when cardinality(v_waiting) > 0 then 'call pgfeed.arrange_partitions()'
            else 'call pgfeed.create_event_partitions(now(), now() + interval ''1 month'')'
        end,
        (
            select jsonb_build_object(
                'event_partitions', count(*) - 1,
                'default_partition_events', (
                    select coalesce(sum(d.row_count), 0) from pgfeed._default_months('feed_events') as d
                ),
                'feed_events_size_bytes', sum(pg_total_relation_size(t.relid)),
                'database_size_bytes', case
                    when has_database_privilege(current_database(), 'connect') or pg_has_role('pg_read_all_stats', 'usage')
                        then pg_database_size(current_database())
                end
            )
            from pg_partition_tree('pgfeed.feed_events'::regclass) as t
            where t.isleaf
        )
    );
end;
$$;

alter function pgfeed._partition_probe() owner to pgfeed_owner;

comment on function pgfeed._partition_probe() is 'The row of health() about the months of feed_events and exposures';

revoke all on function pgfeed._partition_probe() from public;
