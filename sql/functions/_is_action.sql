create or replace function pgfeed._is_action(action text)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select 1 from pgfeed.actions as a where a.action = _is_action.action);
end;
$$;

alter function pgfeed._is_action(text) owner to pgfeed_owner;

comment on function pgfeed._is_action(text) is 'Whether feed_events takes this action';

revoke all on function pgfeed._is_action(text) from public;
