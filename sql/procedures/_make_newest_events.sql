create or replace procedure pgfeed._make_newest_events()
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_attached record;
    v_reads text[] := '{}';
    v_body text;
begin
    for v_attached in
        select
            t.attachment_id,
            t.relation,
            t.settings,
            t.settings -> 'key_types' ->> 'user_key' as key_type,
            i.time_type,
            i.index_id
        from pgfeed.attached_tables as t
        cross join lateral pgfeed._newest_rows_index(t) as i
        where t.kind = 'events' and t.sync <> 'trigger' and i.index_id is not null
        order by t.attachment_id
    loop
        v_reads := v_reads || format(
            $read$
            (
                select _rows.post_id, _rows.event_at, %1$L::text as action, _rows.target
                from (%2$s) as _rows
                where
                    exists (select from pg_index as _index where _index.indexrelid = %3$s and _index.indisvalid)
                    and _rows.event_at < $2
                    and not exists (
                        select 1
                        from pgfeed.feed_events as _known
                        where
                            _known.user_id = $1
                            and _known.event_at = _rows.event_at
                            and _known.post_id = _rows.post_id
                            and _known.action = %1$L
                    )
                order by _rows.event_at desc
                limit 1000
            )
            $read$,
            v_attached.settings ->> 'action',
            pgfeed._attached_rows(
                'events',
                v_attached.settings || jsonb_build_object(
                    'condition',
                    format(
                        E'(%s\n) and (%s\n)%s and (%s\n) >= (select (_since.synced_at - interval ''1 hour'')::%s '
                        'from pgfeed.attached_tables as _since where _since.attachment_id = %s and _since.is_loaded)',
                        coalesce(v_attached.settings ->> 'condition', 'true'), v_attached.settings ->> 'user_key',
                        -- As the column's index has it.
                        case
                            when v_attached.key_type in ('smallint', 'integer', 'bigint') then ' = $1'
                            when v_attached.key_type = 'uuid' then ' = _pgfeed_key::uuid'
                            else '::text = _pgfeed_key'
                        end,
                        v_attached.settings ->> 'at', v_attached.time_type, v_attached.attachment_id
                    )
                ),
                format('%s as %I', v_attached.relation, v_attached.settings ->> 'alias')
            ),
            v_attached.index_id
        );
    end loop;
    if v_reads = '{}' then
        if to_regprocedure('pgfeed._newest_events(bigint, timestamptz)') is not null then
            drop function pgfeed._newest_events(bigint, timestamptz);
        end if;
        return;
    end if;
    v_body := format(
        $body$
        #variable_conflict use_column
        declare
            _pgfeed_key constant text := (select u.key from pgfeed.users as u where u.user_id = $1);
        begin
            return query %s;
        exception when others then
            -- Said once a session: what the last refresh read still counts.
            if current_setting('pgfeed.unread_events', true) is distinct from sqlerrm then
                perform set_config('pgfeed.unread_events', sqlerrm, false);
                raise warning 'the newest events of attached tables cannot be read: %%', sqlerrm
                    using hint = 'See: select * from pgfeed.attachments';
            end if;
        end;
        $body$,
        array_to_string(v_reads, ' union all ')
    );
    -- To replace it with the same text would make all sessions look it up again.
    if v_body is not distinct from (
        select p.prosrc from pg_proc as p where p.oid = to_regprocedure('pgfeed._newest_events(bigint, timestamptz)')
    ) then
        return;
    end if;
    execute format(
        $create$
create or replace function pgfeed._newest_events(user_id bigint, ts timestamptz)
returns table (post_id bigint, event_at timestamptz, action text, target boolean) language plpgsql stable
cost 1000 rows 10
set search_path = pg_catalog, pg_temp
set row_security = on
set lock_timeout = '100ms'
set plan_cache_mode = force_generic_plan
--!include sql/_fixed_meaning.sql
as %L
        $create$,
        v_body
    );
    comment on function pgfeed._newest_events(bigint, timestamptz) is
        'One row per event of a user before ts that an attached table has and feed_events does not have yet';
    revoke all on function pgfeed._newest_events(bigint, timestamptz) from public;
end;
$$;

alter procedure pgfeed._make_newest_events() owner to pgfeed_owner;

comment on procedure pgfeed._make_newest_events() is
    'Makes _newest_events(), by which a call reads what a user did since an hour before the last refresh in tables that '
    'are followed by pull or mixed and have an index on user_key and at; drops it if there are none, and on Citus';

revoke all on procedure pgfeed._make_newest_events() from public;
