create or replace function pgfeed._how_to_begin()
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when pgfeed._is_loaded() then 'Run: call pgfeed.refresh_features()'
        else format('Nothing is loaded yet. Run: %s', pgfeed._how_to_load())
    end;
end;
$$;

alter function pgfeed._how_to_begin() owner to pgfeed_owner;

comment on function pgfeed._how_to_begin() is 'The hint to who asks for posts before the first refresh';

revoke all on function pgfeed._how_to_begin() from public;
