create or replace function pgfeed._partition_key(parent text)
returns text
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select a.attname
        from pg_partitioned_table as p
        inner join pg_attribute as a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
        where p.partrelid = format('pgfeed.%I', parent)::regclass
    );
end;
$$;

alter function pgfeed._partition_key(text) owner to pgfeed_owner;

comment on function pgfeed._partition_key(text) is 'The column whose months are the partitions of a table: event_at, served_at';

revoke all on function pgfeed._partition_key(text) from public;
