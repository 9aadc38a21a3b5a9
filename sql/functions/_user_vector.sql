create or replace function pgfeed._user_vector(user_id bigint, ts timestamptz)
returns real[]
language plpython3u stable
cost 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/similar_users.py


return user_vector(plpy, user_id, ts)
$$;

alter function pgfeed._user_vector(bigint, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._user_vector(bigint, timestamptz) is
    'A user among user_vectors by the likes before ts, of posts that have vectors since the last refresh; null: there are none';

revoke all on function pgfeed._user_vector(bigint, timestamptz) from public;
