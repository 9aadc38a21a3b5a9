create or replace function pgfeed._recommend_posts(
    user_id bigint,
    ts timestamptz,
    k integer,
    variant text,
    session bigint[],
    candidates bytea,
    exclude bytea,
    hide_viewed interval,
    max_per_topic integer,
    feed text,
    after text
)
returns pgfeed.recommendation[]
language plpython3u stable
cost 10000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
if "library" not in SD:
    SD["library"] = plpy.prepare("select pgfeed._library()")
plpy.execute(SD["library"])  # nothing, once loaded
from plpy.recommend import recommend_posts

return recommend_posts(
    plpy, user_id, ts, k, variant, session, candidates, exclude, hide_viewed, max_per_topic, feed, after
)
$$;

alter function pgfeed._recommend_posts(
    bigint, timestamptz, integer, text, bigint[], bytea, bytea, interval, integer, text, text
) owner to pgfeed_owner;

comment on function pgfeed._recommend_posts(
    bigint, timestamptz, integer, text, bigint[], bytea, bytea, interval, integer, text, text
) is
    'The rows of recommend_posts() as one array: when a PL/Python function that returns a set is replaced between two of '
    'its rows (an upgrade under traffic), PostgreSQL uses memory that it has freed, and the server ends. candidates, '
    'exclude: as array_send() packs them, which Python reads faster than an array';

revoke all on function pgfeed._recommend_posts(
    bigint, timestamptz, integer, text, bigint[], bytea, bytea, interval, integer, text, text
) from public;
grant execute on function pgfeed._recommend_posts(
    bigint, timestamptz, integer, text, bigint[], bytea, bytea, interval, integer, text, text
)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
