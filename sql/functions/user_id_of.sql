create or replace function pgfeed.user_id_of(key text)
returns bigint
language plpgsql stable strict
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    return pgfeed._id_of('users', key);
end;
$$;

alter function pgfeed.user_id_of(text) owner to pgfeed_owner;

comment on function pgfeed.user_id_of(text) is
    'The user_id of a key of the application, of a user that is known or not: an integer is its own; null for null';

revoke all on function pgfeed.user_id_of(text) from public;
grant execute on function pgfeed.user_id_of(text) to pgfeed_reader, pgfeed_writer, pgfeed_operator;
