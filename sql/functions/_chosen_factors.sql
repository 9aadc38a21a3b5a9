create or replace function pgfeed._chosen_factors(
    post_ids bytea,
    all_ids bytea,
    factors bytea
)
returns bytea
language plpython3u immutable parallel safe
cost 100000
set search_path = pg_catalog, pg_temp
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
from plpy.pack import choose_factors

return choose_factors(post_ids, all_ids, factors)
$$;

alter function pgfeed._chosen_factors(bytea, bytea, bytea) owner to pgfeed_owner;

comment on function pgfeed._chosen_factors(bytea, bytea, bytea) is
    'What _post_factors() gives for all posts, for some of them, zeros for others: a pack holds a shortlist of a large '
    'catalogue. Ids are ascending big-endian int8';

revoke all on function pgfeed._chosen_factors(bytea, bytea, bytea) from public;
