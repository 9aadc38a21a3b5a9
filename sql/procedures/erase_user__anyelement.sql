create or replace procedure pgfeed.erase_user(key anyelement)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    call pgfeed.erase_user(key::text);
end;
$$;

alter procedure pgfeed.erase_user(anyelement) owner to pgfeed_owner;

comment on procedure pgfeed.erase_user(anyelement) is
    'erase_user() of a key of another type than text: integer, uuid, or a row of several columns';

revoke all on procedure pgfeed.erase_user(anyelement) from public;
grant execute on procedure pgfeed.erase_user(anyelement) to pgfeed_operator;
