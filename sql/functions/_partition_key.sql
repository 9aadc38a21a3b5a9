create or replace function pgfeed._partition_key(parent text)
returns text
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text := (
        select a.attname
        from pg_class as c
        inner join pg_partitioned_table as p on p.partrelid = c.oid
        inner join pg_attribute as a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
        where c.relnamespace = 'pgfeed'::regnamespace and c.relname = parent
    );
begin
    if v_key is null then
        raise exception '% is no table with months', left(parent, 63)
            using errcode = '22023', hint = 'Give feed_events or exposures.';
    end if;
    return v_key;
end;
$$;

alter function pgfeed._partition_key(text) owner to pgfeed_owner;

comment on function pgfeed._partition_key(text) is 'The column whose months are the partitions of a table: event_at, served_at';

revoke all on function pgfeed._partition_key(text) from public;
