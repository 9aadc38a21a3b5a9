create or replace function pgfeed._post_factors(as_of timestamptz, post_ids bytea)
returns bytea
language plpython3u stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/factors.py


return _post_factors(plpy, as_of, post_ids)
$$;

alter function pgfeed._post_factors(timestamptz, bytea) owner to pgfeed_owner;

comment on function pgfeed._post_factors(timestamptz, bytea) is
    'The vectors of posts (ascending big-endian int8) by the newest 1,000,000 likes before as_of, implicit alternating least squares: '
    'big-endian float4, 16 a post, and at the end the 16 x 16 products of their columns';

revoke all on function pgfeed._post_factors(timestamptz, bytea) from public;
