create or replace function pgfeed._unpack_factors(ids bytea, factors bytea)
returns table (id bigint, factors real[])
language plpython3u immutable
cost 1000000 rows 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/factors.py


return _unpack_factors(plpy, ids, factors)
$$;

alter function pgfeed._unpack_factors(bytea, bytea) owner to pgfeed_owner;

comment on function pgfeed._unpack_factors(bytea, bytea) is
    'One row per post or user: its vector, see _factors()';

revoke all on function pgfeed._unpack_factors(bytea, bytea) from public;
