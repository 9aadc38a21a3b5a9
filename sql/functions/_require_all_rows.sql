create or replace function pgfeed._require_all_rows()
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table text;
begin
    select min(c.relname) into v_table
    from pg_class as c
    where
        c.relnamespace = 'pgfeed'::regnamespace
        and c.relkind in ('r', 'p')
        and c.relforcerowsecurity
        and row_security_active(c.oid);
    if v_table is not null then
        raise exception 'query would be affected by row-level security policy for table "%"', v_table
            using
                errcode = '42501',
                hint = format('As its owner: alter table pgfeed.%I no force row level security', v_table);
    end if;
end;
$$;

alter function pgfeed._require_all_rows() owner to pgfeed_owner;

comment on function pgfeed._require_all_rows() is
    'An error if row security hides rows of pgfeed''s own tables: for what reads an attached table by its policies, which '
    'the setting row_security = off would forbid';

revoke all on function pgfeed._require_all_rows() from public;
