create or replace procedure pgfeed._check_actions()
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '40ms'
as $$
declare
    v_tries constant integer := 50;
    v_actions text[] := array(select a.action from pgfeed.actions as a order by a.action);
    -- Their target would be a like.
    v_without_target text[] := array(
        select a.action from pgfeed.actions as a where a.sign < 0 or a.undoes is not null order by a.action
    );
    v_is_dropped boolean;
    v_sessions record;
    v_check text := format('action = any (%L::text[])', v_actions);
begin
    if v_without_target <> '{}' then
        v_check := format('%s and (target is null or action <> all (%L::text[]))', v_check, v_without_target);
    end if;
    -- While this waits for a lock, writers wait behind it: it waits shortly and lets them go first.
    for v_try in 1..v_tries loop
        begin
            -- Copies with the check of before could not become partitions.
            call pgfeed._drop_partition_copies('feed_events', null, v_is_dropped);
            if v_is_dropped then
                alter table pgfeed.feed_events drop constraint feed_events_action_check;
                execute format(
                    'alter table pgfeed.feed_events add constraint feed_events_action_check check (%s) not valid',
                    v_check
                );
                return;
            end if;
        exception when lock_not_available or deadlock_detected then
            null;
        end;
        perform pg_sleep(0.06);
    end loop;
    select s.names, s.statement into v_sessions from pgfeed._sessions_at('pgfeed.feed_events') as s;
    raise exception 'feed_events was in use for 5 s, and nothing was changed: %', coalesce(v_sessions.names, 'by others in turn')
        using
            errcode = '55P03',
            hint = 'Call it again when they have ended, such as a refresh, a training or a dump'
            || coalesce('; what they do: ' || v_sessions.statement, '.');
end;
$$;

alter procedure pgfeed._check_actions() owner to pgfeed_owner;

comment on procedure pgfeed._check_actions() is
    'Lets feed_events take the actions that there are, and a target only where it can be a like. Nobody waits for more '
    'than about 100 ms';

revoke all on procedure pgfeed._check_actions() from public;
