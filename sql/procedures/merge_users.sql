create or replace procedure pgfeed.merge_users(
    from_key text,
    into_key text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_from constant bigint := pgfeed.user_id_of(from_key);
    v_into constant bigint := pgfeed.user_id_of(into_key);
begin
    if v_from is null or v_into is null then
        raise exception 'a key is null' using errcode = '22004', hint = 'Give the keys of two users.';
    elsif v_from = v_into then
        raise exception 'both keys are those of one user' using errcode = '22023', hint = 'Give the keys of two users.';
    end if;
    call pgfeed._require_detached_user(v_from);
    call pgfeed._take_out_user(v_from, v_into);
end;
$$;

alter procedure pgfeed.merge_users(text, text) owner to pgfeed_owner;

comment on procedure pgfeed.merge_users(text, text) is
    'Gives a user what another one did and was shown, such as a visitor who signs in, in one transaction; what both did '
    'counts once. The profile of the first one is deleted. Refused while an attached table has rows of the first one';

revoke all on procedure pgfeed.merge_users(text, text) from public;
grant execute on procedure pgfeed.merge_users(text, text) to pgfeed_operator;
