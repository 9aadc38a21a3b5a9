create or replace function pgfeed._factors(
    as_of timestamptz,
    post_ids bytea,
    out post_factors bytea,
    out post_vectors public.vector[],
    out user_ids bigint[],
    out user_vectors public.vector[]
)
language plpython3u stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/factors.py


return _factors(plpy, as_of, post_ids)
$$;

alter function pgfeed._factors(timestamptz, bytea) owner to pgfeed_owner;

comment on function pgfeed._factors(timestamptz, bytea) is
    'As _post_factors(), and the same vectors one by one in the order of post_ids; the users, ascending, who like one of '
    'these posts, and their vectors';

revoke all on function pgfeed._factors(timestamptz, bytea) from public;
