create or replace function pgfeed._search_posts(text text, k integer)
returns pgfeed.similar_post[]
language plpython3u stable
cost 100000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/search.py


return search_posts(plpy, text, k)
$$;

alter function pgfeed._search_posts(text, integer) owner to pgfeed_owner;

comment on function pgfeed._search_posts(text, integer) is 'The rows of search_posts() as one array, see _recommend_posts()';

revoke all on function pgfeed._search_posts(text, integer) from public;
grant execute on function pgfeed._search_posts(text, integer)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
