create or replace function pgfeed._relation_named(name text)
returns regclass
language plpgsql stable strict
as $$
begin
    return pg_catalog.to_regclass(name);
exception when invalid_name then
    return null; -- none could have it
end;
$$;

alter function pgfeed._relation_named(text) owner to pgfeed_owner;

comment on function pgfeed._relation_named(text) is
    'The relation of this name on the search path of the caller; null: there is none, or no relation could have it';

revoke all on function pgfeed._relation_named(text) from public;
grant execute on function pgfeed._relation_named(text) to pgfeed_operator;
