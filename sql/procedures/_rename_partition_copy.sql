create or replace procedure pgfeed._rename_partition_copy(name text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_index text;
begin
    for v_index in
        select c.relname
        from pg_index as i
        inner join pg_class as c on c.oid = i.indexrelid
        where i.indrelid = format('pgfeed.%I', name)::regclass and starts_with(c.relname, '_next_')
    loop
        execute format('alter index pgfeed.%I rename to %I', v_index, substr(v_index, 7));
    end loop;
    execute format('comment on table pgfeed.%I is null', name);
    execute format('alter table pgfeed.%I rename to %I', name, substr(name, 7));
end;
$$;

alter procedure pgfeed._rename_partition_copy(text) owner to pgfeed_owner;

comment on procedure pgfeed._rename_partition_copy(text) is 'Gives a copy and its indexes the names that partitions have';

revoke all on procedure pgfeed._rename_partition_copy(text) from public;
