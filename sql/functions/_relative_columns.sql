create or replace function pgfeed._relative_columns(
    feature_names text[],
    topics text[],
    post_ids bytea,
    topic_codes bytea,
    matrix bytea
)
returns bytea
language plpython3u immutable parallel safe
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
from plpy.pack import Pack
from plpy.scale import pack_relative

return pack_relative(Pack.unpack({
    "feature_names": feature_names, "topics": topics, "post_ids": post_ids, "topic_codes": topic_codes, "matrix": matrix,
}))
$$;

alter function pgfeed._relative_columns(text[], text[], bytea, bytea, bytea) owner to pgfeed_owner;

comment on function pgfeed._relative_columns(text[], text[], bytea, bytea, bytea) is
    'What a pack''s posts are compared with, and how they compare (post.view_ratio, post.quality), as big-endian '
    'float8: see pack_relative() in plpy/scale.py. The arguments are a row of _post_pack()';

revoke all on function pgfeed._relative_columns(text[], text[], bytea, bytea, bytea) from public;
