create or replace function pgfeed._compiled_filter(filter text)
returns jsonb
language plpython3u
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
--!include sql/_fixed_meaning.sql
as $$
--!include plpy/filters.py


return _compiled_filter(plpy, filter)
$$;

alter function pgfeed._compiled_filter(text) owner to pgfeed_owner;

comment on function pgfeed._compiled_filter(text) is
    'What a feed''s filter is made of: the columns that it reads, the conditions on posts alone, the comparisons of a post '
    'with the moment, and the conditions that take both, as SQL; an error says why it cannot be a filter. It is not run';

revoke all on function pgfeed._compiled_filter(text) from public;
