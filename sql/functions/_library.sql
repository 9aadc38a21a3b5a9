create or replace function pgfeed._library()
returns void
language plpython3u stable parallel restricted
set search_path = pg_catalog, pg_temp
as $$
--!include plpy/library.py


if not SD:  # else this text was loaded: a function that was replaced has a new SD
    load_modules({
--!library memory columns import_catboost scale pack known features live fresh preferences products moment recent trees groups kernel tables ranking without_model choice request statements seen feed session outside pages explore recommend labels
    })
    SD["is_loaded"] = True
$$;

alter function pgfeed._library() owner to pgfeed_owner;

comment on function pgfeed._library() is
    'Loads the modules that the functions in Python share into the session, once for each text of this function; '
    'from plpy.recommend import recommend_posts then finds them. What a function calls there keeps its name and arguments: '
    'a session can run an older text of the function with a newer one of the library';

revoke all on function pgfeed._library() from public;
