create or replace function pgfeed._shortlist(as_of timestamptz)
returns bigint[]
language plpython3u stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/shortlist.py


return _shortlist(plpy, as_of)
$$;

alter function pgfeed._shortlist(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._shortlist(timestamptz) is
    'The posts, ascending, of a catalogue too large to score whole that the active models find best as of a '
    'moment for typical users, and the most popular ones';

revoke all on function pgfeed._shortlist(timestamptz) from public;
