create or replace function pgfeed._preferences(as_of timestamptz)
returns bytea
language plpython3u stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/fit_preferences.py


return _preferences(plpy, as_of)
$$;

alter function pgfeed._preferences(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._preferences(timestamptz) is
    'Who likes what, beside how good a post is, learned from about 1,500,000 impressions before as_of of a sample of users, '
    'and from the counts of posts beside it, for features named match.preference, '
    'match.score and match.appeal; empty: there is too little to learn from';

revoke all on function pgfeed._preferences(timestamptz) from public;
