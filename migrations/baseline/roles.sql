do $$
declare
    v_role text;
begin
    foreach v_role in array array['pgfeed_owner', 'pgfeed_reader', 'pgfeed_writer', 'pgfeed_operator'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
            execute format('create role %I nologin', v_role);
        end if;
    end loop;
end;
$$;

-- The watermark of roll_up_events() is the start of the oldest transaction of any user.
grant pg_read_all_stats to pgfeed_owner;

comment on role pgfeed_owner is 'Owns every object of pgfeed; no login, no superuser';
comment on role pgfeed_reader is 'Calls recommend_posts and reads results, features and posts';
comment on role pgfeed_writer is 'Inserts users, posts and events';
comment on role pgfeed_operator is 'Calls the procedures: roll up, refresh, activate, roll back';
