create or replace function pgfeed.similar_users_for(
    user_key anyelement,
    k integer default 5
)
returns setof pgfeed.keyed_similar_user
language plpgsql stable
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The cast may be the caller's own function, which must not run as the owner.
    return query
    select s.rank, s.user_key, s.similarity
    from pgfeed.similar_users_for(similar_users_for.user_key::text, similar_users_for.k) as s;
end;
$$;

alter function pgfeed.similar_users_for(anyelement, integer) owner to pgfeed_owner;

comment on function pgfeed.similar_users_for(anyelement, integer) is
    'similar_users_for() of a key of another type than text: integer, uuid, or a row of several columns';

revoke all on function pgfeed.similar_users_for(anyelement, integer) from public;
grant execute on function pgfeed.similar_users_for(anyelement, integer) to pgfeed_reader, pgfeed_operator;
