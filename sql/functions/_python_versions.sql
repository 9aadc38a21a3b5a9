create or replace function pgfeed._python_versions()
returns text
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$
--!include plpy/python_versions.py


return _python_versions(plpy)
$$;

alter function pgfeed._python_versions() owner to pgfeed_owner;

comment on function pgfeed._python_versions() is
    'Versions of the server''s Python and of the packages that serving needs, as one line';

revoke all on function pgfeed._python_versions() from public;
