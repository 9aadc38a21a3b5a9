create or replace procedure pgfeed._open_relation(relation regclass)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text;
    v_owner text;
    v_is_owner boolean;
    v_is_visible boolean;
begin
    select
        n.nspname,
        pg_get_userbyid(c.relowner),
        pg_has_role(current_user, c.relowner, 'usage'),
        has_schema_privilege('pgfeed_owner', n.oid, 'usage')
    into v_schema, v_owner, v_is_owner, v_is_visible
    from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = relation;
    if not v_is_owner then
        raise exception '% belongs to %', relation, v_owner
            using errcode = '42501', hint = format('Attach it as %I, who needs: grant pgfeed_operator to %I;', v_owner, v_owner);
    end if;
    if not v_is_visible then
        begin
            execute format('grant usage on schema %I to pgfeed_owner', v_schema);
        exception when insufficient_privilege then
            null;
        end;
        if not has_schema_privilege('pgfeed_owner', v_schema, 'usage') then
            raise exception 'pgfeed_owner may not use the schema %', v_schema
                using errcode = '42501', hint = format('As its owner: grant usage on schema %I to pgfeed_owner;', v_schema);
        end if;
        perform set_config('pgfeed.opened_schema', v_schema, true);
    end if;
end;
$$;

alter procedure pgfeed._open_relation(regclass) owner to pgfeed_owner;

comment on procedure pgfeed._open_relation(regclass) is
    'Lets pgfeed_owner use the schema of a relation, with the rights of the caller, who must own the relation';

revoke all on procedure pgfeed._open_relation(regclass) from public;
grant execute on procedure pgfeed._open_relation(regclass) to pgfeed_operator;
