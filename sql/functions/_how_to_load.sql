create or replace function pgfeed._how_to_load()
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select 'pgfeed ingest FILE..., or pgfeed attach TABLE..., or pgfeed demo';
$$;

alter function pgfeed._how_to_load() owner to pgfeed_owner;

comment on function pgfeed._how_to_load() is 'What loads the first posts and events';

revoke all on function pgfeed._how_to_load() from public;
