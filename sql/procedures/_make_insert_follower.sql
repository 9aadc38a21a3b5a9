create or replace procedure pgfeed._make_insert_follower(attachment_id smallint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_action text;
    v_name constant text := format('pgfeed._follow_%s_insert', attachment_id);
    v_arguments text;
begin
    call pgfeed._make_event_rows(attachment_id, v_arguments);
    if v_arguments is null then
        return;
    end if;
    select t.settings ->> 'action' into strict v_action
    from pgfeed.attached_tables as t
    where t.attachment_id = _make_insert_follower.attachment_id;
    -- It names nothing that a search path finds.
    execute format(
        $create$
create function %1$s() returns trigger language plpgsql security definer
set lock_timeout = '100ms'
as %2$L
        $create$,
        v_name,
        format(
            $body$
        begin
            insert into pgfeed.feed_events (event_at, user_id, post_id, action, target, attachment_id)
            select r.event_at, r.user_id, r.post_id, %2$L, r.target, %1$s
            from new_rows as n
            cross join lateral pgfeed._follow_%1$s_rows(%3$s) as r
            -- Without a target: with one, each statement looks up the ancestors of a partition's indexes.
            on conflict do nothing;
            return null;
--!include sql/_noted_error.sql
            return null;
        end;
            $body$,
            attachment_id, v_action, v_arguments
        )
    );
    execute format('comment on function %s() is ''Brings rows that are new in an attached table to pgfeed''', v_name);
    execute format('revoke all on function %s() from public', v_name);
    execute format('grant execute on function %s() to pgfeed_operator', v_name);
end;
$$;

alter procedure pgfeed._make_insert_follower(smallint) owner to pgfeed_owner;

comment on procedure pgfeed._make_insert_follower(smallint) is
    'Makes _follow_<id>_insert(), the function of the trigger for new events where _make_event_rows() can: to set the '
    'settings of _follow_<id>() and take them back is a tenth of what that costs a statement';

revoke all on procedure pgfeed._make_insert_follower(smallint) from public;
