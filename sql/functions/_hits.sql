create or replace function pgfeed._hits()
returns text[]
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(select a.action from pgfeed.actions as a where a.sign > 0 order by a.action);
end;
$$;

alter function pgfeed._hits() owner to pgfeed_owner;

comment on function pgfeed._hits() is
    'The actions that are a like: an event is one if its action is among them, or its target is true';

revoke all on function pgfeed._hits() from public;
