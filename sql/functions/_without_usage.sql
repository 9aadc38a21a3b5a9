create or replace function pgfeed._without_usage()
returns table (role_name text)
language plpgsql stable
cost 10000 rows 1
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select case when g.grantee = 0 then 'public' else quote_ident(r.rolname) end
    from (
        select a.grantee
        from pg_class as c
        cross join lateral aclexplode(c.relacl) as a
        where c.relnamespace = 'pgfeed'::regnamespace
        union
        select a.grantee
        from pg_proc as p
        cross join lateral aclexplode(p.proacl) as a
        where p.pronamespace = 'pgfeed'::regnamespace
    ) as g
    left join pg_roles as r on r.oid = g.grantee
    where
        case
            when g.grantee <> 0
                then not has_schema_privilege(g.grantee, 'pgfeed', 'usage')
            else not exists (
                select
                from pg_namespace as n
                cross join lateral aclexplode(n.nspacl) as a
                where n.nspname = 'pgfeed' and a.grantee = 0 and a.privilege_type = 'USAGE'
            )
        end;
end;
$$;

alter function pgfeed._without_usage() owner to pgfeed_owner;

comment on function pgfeed._without_usage() is
    'One row per role that may read or call something in the schema, and may not use the schema';

revoke all on function pgfeed._without_usage() from public;
