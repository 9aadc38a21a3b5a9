create or replace function pgfeed._needs_moment(feature_names text[])
returns boolean
language plpython3u immutable parallel safe
cost 1000
set search_path = pg_catalog, pg_temp
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
from plpy.columns import needs_moment

return needs_moment(feature_names)
$$;

alter function pgfeed._needs_moment(text[]) owner to pgfeed_owner;

comment on function pgfeed._needs_moment(text[]) is
    'Whether a model with these features has some that are made for each request from events, which takes neighbours';

revoke all on function pgfeed._needs_moment(text[]) from public;
