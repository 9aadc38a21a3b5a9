create or replace function pgfeed.similar_users_for(
    user_key text,
    k integer default 5
)
returns setof pgfeed.keyed_similar_user
language plpgsql stable
cost 10000 rows 5
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    return query
    select s.rank, pgfeed.user_key_of(s.user_id), s.similarity
    from pgfeed.similar_users(pgfeed._id_of('users', similar_users_for.user_key), similar_users_for.k) as s
    order by s.rank;
end;
$$;

alter function pgfeed.similar_users_for(text, integer) owner to pgfeed_owner;

comment on function pgfeed.similar_users_for(text, integer) is
    'The rows of similar_users() for the application''s own key of a user, with its keys of the users';

revoke all on function pgfeed.similar_users_for(text, integer) from public;
grant execute on function pgfeed.similar_users_for(text, integer) to pgfeed_reader, pgfeed_operator;
