create or replace function pgfeed._replay_list(
    exposure jsonb,
    model_id bigint,
    explores boolean
)
returns pgfeed.served_list
language plpython3u stable
cost 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
import json

from plpy.recommend import list_of_version

row = json.loads(exposure)
return list_of_version(plpy, (model_id, row["variant"], row["model_version"]), row, explores)
$$;

alter function pgfeed._replay_list(jsonb, bigint, boolean) owner to pgfeed_owner;

comment on function pgfeed._replay_list(jsonb, bigint, boolean) is
    'The list of an exposure, a row of exposures with its arguments as text, made again by a stored model; null: the '
    'variant has none';

revoke all on function pgfeed._replay_list(jsonb, bigint, boolean) from public;
