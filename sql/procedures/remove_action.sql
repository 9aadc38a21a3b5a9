create or replace procedure pgfeed.remove_action(action text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.roll_up_events'));
    if action is null or not exists (select 1 from pgfeed.actions as a where a.action = remove_action.action) then
        raise exception 'there is no action %', coalesce(quote_literal(action), 'null')
            using errcode = '22023', hint = 'See: select * from pgfeed.actions';
    elsif action in ('view', 'like') then
        raise exception 'the action % stays', action
            using errcode = '22023', hint = 'define_action() can give like the sign 0.';
    elsif exists (select 1 from pgfeed.actions as a where a.undoes = remove_action.action) then
        raise exception 'another action undoes %', action
            using errcode = '22023', hint = 'Remove that one first.';
    elsif exists (select 1 from pgfeed.feed_events as e where e.action = remove_action.action) then
        raise exception 'there are events of the action %', action
            using errcode = '55000', hint = 'Delete them first, or give it the sign 0 by define_action().';
    end if;
    delete from pgfeed.actions as a where a.action = remove_action.action;
    call pgfeed._check_actions();
end;
$$;

alter procedure pgfeed.remove_action(text) owner to pgfeed_owner;

comment on procedure pgfeed.remove_action(text) is
    'Refuses further events with an action that define_action() defined and that no event has';

revoke all on procedure pgfeed.remove_action(text) from public;
grant execute on procedure pgfeed.remove_action(text) to pgfeed_operator;
