create or replace function pgfeed._recommend_users(
    user_ids bigint[],
    ts timestamptz,
    k integer,
    variant text,
    out list_user_ids bigint[],
    out ranks integer[],
    out post_ids bigint[],
    out scores double precision[],
    out variants text[],
    out sources text[],
    out model_versions integer[],
    out features_as_of timestamptz[]
)
language plpython3u stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/recommend_users.py


return _recommend_users(plpy, user_ids, ts, k, variant)
$$;

alter function pgfeed._recommend_users(bigint[], timestamptz, integer, text) owner to pgfeed_owner;

comment on function pgfeed._recommend_users(bigint[], timestamptz, integer, text) is
    'One row: the rows of recommend_posts() for each of the users, as arrays of the same length, by what they share '
    'computed once. Those without a model''s list, and all of a large catalogue, are asked for one by one';

revoke all on function pgfeed._recommend_users(bigint[], timestamptz, integer, text) from public;
