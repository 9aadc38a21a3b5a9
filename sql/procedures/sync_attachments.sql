create or replace procedure pgfeed.sync_attachments(complete boolean default false)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = on
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_attached record;
    v_hint text;
begin
    perform pgfeed._require_all_rows();
--!include sql/_sequential_on_citus.sql
    perform pg_advisory_xact_lock(hashtext('pgfeed.sync_attachments'));
    for v_attached in
        select
            t.attachment_id,
            t.kind,
            t.relation
        from pgfeed.attached_tables as t
        order by array_position(array['users', 'posts', 'events'], t.kind), t.attachment_id
        for no key update
    loop
        perform pgfeed._require_attachment(v_attached.attachment_id);
        begin
            if v_attached.kind = 'events' then
                perform pgfeed._sync_events(v_attached.attachment_id, coalesce(complete, false));
            else
                perform pgfeed._sync_rows(v_attached.attachment_id);
            end if;
        exception when others then
            get stacked diagnostics v_hint = pg_exception_hint;
            raise exception '% cannot be followed: %', v_attached.relation, sqlerrm
                using
                    errcode = sqlstate,
                    hint = coalesce(
                        nullif(v_hint, ''),
                        'Nothing was changed. Once all its rows can be read: call pgfeed.sync_attachments();'
                    );
        end;
    end loop;
end;
$$;

alter procedure pgfeed.sync_attachments(boolean) owner to pgfeed_owner;

comment on procedure pgfeed.sync_attachments(boolean) is
    'Brings what attached tables have to pgfeed and mends what their triggers missed, as refresh_features() does first. '
    'complete: compares the events of all days, not only of the last week';

revoke all on procedure pgfeed.sync_attachments(boolean) from public;
grant execute on procedure pgfeed.sync_attachments(boolean) to pgfeed_operator;
