create or replace procedure pgfeed._leave_out_user(user_id bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '40ms'
as $$
declare
    v_tries constant integer := 50;
begin
    if not exists (
        select from pg_class as c where c.oid = 'pgfeed.user_topic_features'::regclass and c.relispopulated
    ) then
        return;
    end if;
    -- Then user_features_as_of() and user_topic_features_as_of() are what these have, but for this user.
    perform set_config('pgfeed.erased_user_id', user_id::text, true);
    for v_try in 1..v_tries loop
        begin
            if exists (select from pgfeed.user_features as f where f.user_id = _leave_out_user.user_id) then
                refresh materialized view concurrently pgfeed.user_features;
            end if;
            -- Concurrently it takes sixteen times as long.
            if exists (select from pgfeed.user_topic_features as f where f.user_id = _leave_out_user.user_id) then
                refresh materialized view pgfeed.user_topic_features;
            end if;
            perform set_config('pgfeed.erased_user_id', '', true);
            return;
        exception when lock_not_available or deadlock_detected then
            null;
        end;
        perform pg_sleep(0.06);
    end loop;
    raise exception 'the features of users are in use'
        using errcode = '55P03', hint = 'Call it again when no report or dump reads them.';
end;
$$;

alter procedure pgfeed._leave_out_user(bigint) owner to pgfeed_owner;

comment on procedure pgfeed._leave_out_user(bigint) is
    'Takes a user out of the materialized views, whose other rows stay as they are. Calls wait while that of topics is copied';

revoke all on procedure pgfeed._leave_out_user(bigint) from public;
