create or replace function pgfeed._post_neighbours(as_of timestamptz, post_ids bytea)
returns bytea
language plpython3u stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/neighbours.py


return _post_neighbours(plpy, as_of, post_ids)
$$;

alter function pgfeed._post_neighbours(timestamptz, bytea) owner to pgfeed_owner;

comment on function pgfeed._post_neighbours(timestamptz, bytea) is
    'Which posts are liked by the same users, by the newest 500,000 likes before as_of: big-endian float4, five '
    'rows of equal length: a post and its neighbour (places in post_ids, ascending big-endian int8), their '
    'similarity by users and by users on the same day, and the EASE weight';

revoke all on function pgfeed._post_neighbours(timestamptz, bytea) from public;
