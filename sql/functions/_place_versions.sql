create or replace function pgfeed._place_versions()
returns date[]
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(select distinct f.until from pgfeed.place_effects as f order by f.until);
end;
$$;

alter function pgfeed._place_versions() owner to pgfeed_owner;

comment on function pgfeed._place_versions() is
    'The versions of place_effects, oldest first: a day has the newest one that is not later';

revoke all on function pgfeed._place_versions() from public;
