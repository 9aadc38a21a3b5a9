create or replace function pgfeed._bi_schema()
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select n.nspname
        from pg_namespace as n
        -- A superuser's: it was restored without its owner.
        inner join pg_roles as r on r.oid = n.nspowner and (r.rolname = 'pgfeed_owner' or r.rolsuper)
        where n.nspname <> 'pgfeed' and obj_description(n.oid, 'pg_namespace') ~ 'pgfeed[.]set_bi_schema'
        limit 1
    );
end;
$$;

alter function pgfeed._bi_schema() owner to pgfeed_owner;

comment on function pgfeed._bi_schema() is
    'The schema that set_bi_schema() made, under whatever name it has now; null: there is none';

revoke all on function pgfeed._bi_schema() from public;
