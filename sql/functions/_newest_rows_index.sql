create or replace function pgfeed._newest_rows_index(
    attached pgfeed.attached_tables,
    out index_id oid,
    out time_type regtype
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    select i.indexrelid, a.atttypid
    into index_id, time_type
    from pg_class as c
    inner join pg_index as i on i.indrelid = c.oid and i.indisvalid and i.indpred is null and i.indnkeyatts > 1
    inner join pg_class as n on n.oid = i.indexrelid
    inner join pg_am as m on m.oid = n.relam and m.amname = 'btree'
    inner join pg_attribute as u on u.attrelid = c.oid and u.attnum = i.indkey[0]
    inner join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[1]
    where
        c.oid = attached.relation
        and c.relkind in ('r', 'p')
        -- Citus joins no table that is spread with one that is not.
        and not exists (select from pg_extension as e where e.extname = 'citus')
        and attached.settings ->> 'user_key' in (u.attname, quote_ident(u.attname))
        and attached.settings ->> 'at' in (a.attname, quote_ident(a.attname))
        and attached.settings -> 'key_types' ->> 'user_key'
        in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')
        and not exists (
            select
            from pg_partition_tree(c.oid) as p
            inner join pg_class as l on l.oid = p.relid
            where p.isleaf and l.relkind = 'f'
        )
    order by i.indexrelid
    limit 1;
end;
$$;

alter function pgfeed._newest_rows_index(pgfeed.attached_tables) owner to pgfeed_owner;

comment on function pgfeed._newest_rows_index(pgfeed.attached_tables) is
    'The index on user_key and at by which a call finds the newest rows of its user in an attached table of events, and '
    'the type of at; nulls: there is none, or the two are no columns, or the table is spread by Citus or foreign in part';

revoke all on function pgfeed._newest_rows_index(pgfeed.attached_tables) from public;
