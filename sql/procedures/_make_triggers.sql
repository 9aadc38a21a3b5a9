create or replace procedure pgfeed._make_triggers(attachment_id smallint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_attached record;
    v_name constant text := 'pgfeed_' || attachment_id;
    v_lock_timeout constant text := current_setting('lock_timeout');
begin
    select a.* into v_attached from pgfeed._attachment(attachment_id) as a;
    -- Writers wait behind a lock that waits.
    perform set_config('lock_timeout', '2s', true);
    if v_attached.sync = 'trigger' then
        execute format(
            'create trigger %I after insert on %s referencing new table as new_rows '
            'for each statement execute function pgfeed._follow_%s%s()',
            v_name || '_insert', v_attached.relation, attachment_id,
            case when to_regproc(format('pgfeed._follow_%s_insert', attachment_id)) is not null then '_insert' end
        );
    end if;
    if v_attached.sync <> 'pull' then
        execute format(
            'create trigger %3$I after update on %1$s referencing new table as new_rows old table as old_rows '
            'for each statement execute function pgfeed._follow_%2$s();'
            'create trigger %4$I after delete on %1$s referencing old table as old_rows '
            'for each statement execute function pgfeed._follow_%2$s();'
            'create trigger %5$I after truncate on %1$s for each statement execute function pgfeed._follow_%2$s()',
            v_attached.relation, attachment_id, v_name || '_update', v_name || '_delete', v_name || '_truncate'
        );
    end if;
    perform set_config('lock_timeout', v_lock_timeout, true);
exception when lock_not_available then
    raise exception '% is in use by a long transaction', v_attached.relation
        using errcode = '55P03', hint = 'Call it again when that has ended; nothing was changed.';
end;
$$;

alter procedure pgfeed._make_triggers(smallint) owner to pgfeed_owner;

comment on procedure pgfeed._make_triggers(smallint) is
    'Makes the triggers of an attachment, with the rights of the caller: those of mixed leave out new rows, pull has none';

revoke all on procedure pgfeed._make_triggers(smallint) from public;
grant execute on procedure pgfeed._make_triggers(smallint) to pgfeed_operator;
