create or replace function pgfeed._attachment(
    attachment_id smallint,
    out relation regclass,
    out sync text,
    out columns text[],
    out has_policies boolean
)
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    select
        t.relation,
        t.sync,
        array(select c.key from jsonb_object_keys(t.settings -> 'columns') as c (key))
        || case
            when t.kind = 'events' and c.relkind in ('r', 'p') and not exists (
                select
                from pg_partition_tree(t.relation) as p
                inner join pg_class as l on l.oid = p.relid
                where p.isleaf and l.relkind = 'f'
            ) then array['ctid'] -- by which it is read in parts
            else '{}'
        end,
        c.relrowsecurity and (c.relforcerowsecurity or c.relowner <> 'pgfeed_owner'::regrole)
    into relation, sync, columns, has_policies
    from pgfeed.attached_tables as t
    inner join pg_class as c on c.oid = t.relation
    where t.attachment_id = _attachment.attachment_id;
end;
$$;

alter function pgfeed._attachment(smallint) owner to pgfeed_owner;

comment on function pgfeed._attachment(smallint) is
    'The relation of an attachment, how it is followed, the columns that pgfeed_owner has to read, and whether policies hide rows';

revoke all on function pgfeed._attachment(smallint) from public;
grant execute on function pgfeed._attachment(smallint) to pgfeed_operator;
