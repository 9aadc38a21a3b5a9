create or replace function pgfeed._model_problems(model_id bigint)
returns text[]
language plpython3u stable
set search_path = pg_catalog, pg_temp
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/model_problems.py


return _model_problems(plpy, model_id)
$$;

alter function pgfeed._model_problems(bigint) owner to pgfeed_owner;

comment on function pgfeed._model_problems(bigint) is 'What keeps a stored model from serving; empty: nothing';

revoke all on function pgfeed._model_problems(bigint) from public;
