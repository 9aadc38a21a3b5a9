create or replace function pgfeed._fitted_places(
    user_ids bytea,
    days bytea,
    post_ids bytea,
    places bytea,
    likes bytea,
    weights bytea,
    sizes bytea
)
returns real[]
language plpython3u immutable parallel safe
cost 1000000
set search_path = pg_catalog, pg_temp
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/places.py


return _fitted_places(user_ids, days, post_ids, places, likes, weights, sizes)
$$;

alter function pgfeed._fitted_places(bytea, bytea, bytea, bytea, bytea, bytea, bytea) owner to pgfeed_owner;

comment on function pgfeed._fitted_places(bytea, bytea, bytea, bytea, bytea, bytea, bytea) is
    'The effects of the places 0 to 39 from impressions: users and posts big-endian int8, days, places and whether they '
    'were liked (1 or 0) int4; of those whose place chance has chosen, weights (float8) and sizes of the lists (int4). See plpy/places.py';

revoke all on function pgfeed._fitted_places(bytea, bytea, bytea, bytea, bytea, bytea, bytea) from public;
