create or replace function pgfeed.user_key_of(user_id bigint)
returns text
language plpgsql stable strict parallel safe
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    return coalesce(
        (select k.key from pgfeed.users as k where k.user_id = user_key_of.user_id),
        user_key_of.user_id::text
    );
end;
$$;

alter function pgfeed.user_key_of(bigint) owner to pgfeed_owner;

comment on function pgfeed.user_key_of(bigint) is
    'The application''s key of a user_id; the id itself where that is the key, or the user is not known';

revoke all on function pgfeed.user_key_of(bigint) from public;
grant execute on function pgfeed.user_key_of(bigint) to pgfeed_reader, pgfeed_writer, pgfeed_operator;
