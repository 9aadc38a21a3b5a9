create or replace function pgfeed._unpack_factors(ids bytea, factors bytea)
returns table (id bigint, factors real[])
language plpython3u immutable
cost 1000000 rows 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
--!include plpy/recommend_posts.py


--!include plpy/_post_neighbours.py


--!include plpy/_post_factors.py


return _unpack_factors(plpy, SD, ids, factors)
$$;

alter function pgfeed._unpack_factors(bytea, bytea) owner to pgfeed_owner;

comment on function pgfeed._unpack_factors(bytea, bytea) is
    'One row per post or user: its vector, see _factors()';

revoke all on function pgfeed._unpack_factors(bytea, bytea) from public;
