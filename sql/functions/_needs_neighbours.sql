create or replace function pgfeed._needs_neighbours(feature_names text[])
returns boolean
language plpython3u immutable parallel safe
cost 1000
set search_path = pg_catalog, pg_temp
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
from plpy.columns import needs_neighbours

return needs_neighbours(feature_names)
$$;

alter function pgfeed._needs_neighbours(text[]) owner to pgfeed_owner;

comment on function pgfeed._needs_neighbours(text[]) is
    'Whether a model with these features has some that compare a post with those that the user liked';

revoke all on function pgfeed._needs_neighbours(text[]) from public;
