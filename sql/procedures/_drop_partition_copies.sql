create or replace procedure pgfeed._drop_partition_copies(parent text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_name text;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.create_event_partitions'));
    for v_name in
        select c.relname
        from pg_class as c
        where
            c.relnamespace = 'pgfeed'::regnamespace
            and c.relkind = 'r'
            and not c.relispartition
            and starts_with(c.relname, format('_next_%s_', parent))
    loop
        execute format('drop table pgfeed.%I', v_name);
    end loop;
end;
$$;

alter procedure pgfeed._drop_partition_copies(text) owner to pgfeed_owner;

comment on procedure pgfeed._drop_partition_copies(text) is
    'Drops what arrange_partitions() leaves: the partitions that it replaced, or copies that did not become any';

revoke all on procedure pgfeed._drop_partition_copies(text) from public;
grant execute on procedure pgfeed._drop_partition_copies(text) to pgfeed_operator;
