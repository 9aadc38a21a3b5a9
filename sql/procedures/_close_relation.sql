create or replace procedure pgfeed._close_relation(
    attachment_id smallint,
    relation regclass
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_name constant text := 'pgfeed_' || attachment_id;
    v_grants record;
    v_owner text;
begin
    select pg_get_userbyid(c.relowner) into v_owner
    from pg_class as c
    where c.oid = relation and not pg_has_role(current_user, c.relowner, 'usage');
    if found then
        raise exception '% belongs to %', relation, v_owner
            using errcode = '42501', hint = format('Detach it as %I.', v_owner);
    end if;
    execute (
        select coalesce(string_agg(format('drop trigger %I on %s', t.tgname, relation), ';'), '')
        from pg_trigger as t
        where t.tgrelid = relation and starts_with(t.tgname, v_name || '_') and not t.tgisinternal
    );
    execute (
        select coalesce(string_agg(format('drop policy %I on %s', p.polname, relation), ';'), '')
        from pg_policy as p
        where p.polrelid = relation and p.polname = v_name
    );
    select g.columns, g.schema into v_grants from pgfeed._grants_to_revoke(attachment_id) as g;
    if v_grants.columns is not null then
        execute format('revoke select (%s) on %s from pgfeed_owner', v_grants.columns, relation);
    end if;
    if v_grants.schema is not null then
        execute format('revoke usage on schema %I from pgfeed_owner', v_grants.schema);
    end if;
end;
$$;

alter procedure pgfeed._close_relation(smallint, regclass) owner to pgfeed_owner;

comment on procedure pgfeed._close_relation(smallint, regclass) is
    'Takes from a relation what attach_*() put on it, with the rights of the caller; what another attachment needs stays';

revoke all on procedure pgfeed._close_relation(smallint, regclass) from public;
grant execute on procedure pgfeed._close_relation(smallint, regclass) to pgfeed_operator;
