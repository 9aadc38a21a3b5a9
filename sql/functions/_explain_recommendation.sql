create or replace function pgfeed._explain_recommendation(
    user_id bigint,
    post_id bigint,
    ts timestamptz,
    variant text,
    feed text
)
returns pgfeed.contribution[]
language plpython3u stable
cost 10000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/explain.py


return explain_recommendation(plpy, user_id, post_id, ts, variant, feed)
$$;

alter function pgfeed._explain_recommendation(bigint, bigint, timestamptz, text, text) owner to pgfeed_owner;

comment on function pgfeed._explain_recommendation(bigint, bigint, timestamptz, text, text) is
    'The rows of explain_recommendation() as one array, see _recommend_posts()';

revoke all on function pgfeed._explain_recommendation(bigint, bigint, timestamptz, text, text) from public;
grant execute on function pgfeed._explain_recommendation(bigint, bigint, timestamptz, text, text)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
