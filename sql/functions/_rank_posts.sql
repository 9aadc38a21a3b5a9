create or replace function pgfeed._rank_posts(
    user_id bigint,
    post_ids bytea,
    ts timestamptz,
    variant text
)
returns text[]
language plpython3u stable
cost 10000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/rank_posts.py


return rank_posts(plpy, user_id, ts, variant, post_ids)
$$;

alter function pgfeed._rank_posts(bigint, bytea, timestamptz, text) owner to pgfeed_owner;

comment on function pgfeed._rank_posts(bigint, bytea, timestamptz, text) is
    'Ids, scores and statuses of rank_posts() in the order of its rows, each as the text of an array';

revoke all on function pgfeed._rank_posts(bigint, bytea, timestamptz, text) from public;
grant execute on function pgfeed._rank_posts(bigint, bytea, timestamptz, text)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
