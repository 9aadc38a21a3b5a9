create or replace function pgfeed._serve_list(
    user_id bigint,
    ts timestamptz,
    k integer,
    candidates bytea,
    exclude bytea,
    hide_viewed interval,
    max_per_topic integer,
    feed text,
    after text
)
returns pgfeed.served_list
language plpython3u stable
cost 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
if "library" not in SD:
    SD["library"] = plpy.prepare("select pgfeed._library()")
plpy.execute(SD["library"])  # nothing, once loaded
from plpy.recommend import serve_list

return serve_list(
    plpy, user_id, ts, k, None, None, candidates, exclude, hide_viewed, max_per_topic, feed, after
)
$$;

alter function pgfeed._serve_list(
    bigint, timestamptz, integer, bytea, bytea, interval, integer, text, text
) owner to pgfeed_owner;

comment on function pgfeed._serve_list(
    bigint, timestamptz, integer, bytea, bytea, interval, integer, text, text
) is
    'What serve_posts() gives of a feed, and what its exploration made of it; arguments: as those of _recommend_posts()';

revoke all on function pgfeed._serve_list(
    bigint, timestamptz, integer, bytea, bytea, interval, integer, text, text
) from public;
