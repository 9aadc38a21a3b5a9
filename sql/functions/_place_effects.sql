create or replace function pgfeed._place_effects()
returns real[]
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(select f.effect from pgfeed.place_effects as f order by f.until, f.place);
end;
$$;

alter function pgfeed._place_effects() owner to pgfeed_owner;

comment on function pgfeed._place_effects() is 'The effects of the 40 places of each of _place_versions(), one after the other';

revoke all on function pgfeed._place_effects() from public;
