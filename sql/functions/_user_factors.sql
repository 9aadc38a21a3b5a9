create or replace function pgfeed._user_factors(as_of timestamptz, post_ids bytea, factors bytea)
returns table (user_id bigint, factors real[])
language plpython3u stable
cost 1000000 rows 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
--!include plpy/recommend_posts.py


--!include plpy/_post_neighbours.py


--!include plpy/_post_factors.py


return _user_factors(plpy, SD, as_of, post_ids, factors)
$$;

alter function pgfeed._user_factors(timestamptz, bytea, bytea) owner to pgfeed_owner;

comment on function pgfeed._user_factors(timestamptz, bytea, bytea) is
    'One row per user with a like among the newest 2,000,000 before as_of: the vector that goes with the posts'' factors, see _post_factors()';

revoke all on function pgfeed._user_factors(timestamptz, bytea, bytea) from public;
