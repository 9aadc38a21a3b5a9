create or replace function pgfeed._foreign_error(attached pgfeed.attached_tables)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = on
as $$
begin
    if exists (
        with recursive sources as (
            select attached.relation::oid as relation_id
            union
            select d.refobjid
            from sources as s
            inner join pg_class as c on c.oid = s.relation_id and c.relkind = 'v'
            inner join pg_rewrite as w on w.ev_class = c.oid
            inner join pg_depend as d
                on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
        )

        select
        from sources as s
        left join lateral pg_partition_tree(s.relation_id) as p on true
        inner join pg_class as c on c.oid = coalesce(p.relid, s.relation_id)
        where c.relkind = 'f'
    ) then
        execute format(
            'select count(r.*) from (select %s from %s limit 1) as r',
            (
                select string_agg(quote_ident(n.name), ', ')
                from jsonb_object_keys(attached.settings -> 'columns') as n (name)
            ),
            attached.relation
        );
    end if;
    return null;
exception when others then
    return sqlerrm;
end;
$$;

alter function pgfeed._foreign_error(pgfeed.attached_tables) owner to pgfeed_owner;

comment on function pgfeed._foreign_error(pgfeed.attached_tables) is
    'Why a row of a foreign table, or of a view or partitioned table with one in it, cannot be read now; null: it can, '
    'or the relation has none';

revoke all on function pgfeed._foreign_error(pgfeed.attached_tables) from public;
