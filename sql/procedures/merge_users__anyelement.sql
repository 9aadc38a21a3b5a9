create or replace procedure pgfeed.merge_users(
    from_key anyelement,
    into_key anyelement
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    call pgfeed.merge_users(from_key::text, into_key::text);
end;
$$;

alter procedure pgfeed.merge_users(anyelement, anyelement) owner to pgfeed_owner;

comment on procedure pgfeed.merge_users(anyelement, anyelement) is
    'merge_users() of keys of another type than text: integers, uuids, or rows of several columns';

revoke all on procedure pgfeed.merge_users(anyelement, anyelement) from public;
grant execute on procedure pgfeed.merge_users(anyelement, anyelement) to pgfeed_operator;
