create or replace procedure pgfeed._swap_partitions(
    parent text,
    months timestamptz[],
    thin_partitions text[],
    token text,
    copied_at timestamptz,
    inout is_done boolean default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set lock_timeout = '20ms'
as $$
declare
    v_name text;
    v_month timestamptz;
begin
    is_done := false;
    -- A statement that began before the copies were there, and comes to this table later, would see neither them nor
    -- the rows that they replace.
    if exists (
        select
        from pg_stat_activity as a
        where
            a.datname = current_database()
            and a.xact_start <= copied_at
            and a.pid <> pg_backend_pid()
            and a.backend_type not in ('autovacuum worker', 'parallel worker')
    ) then
        return;
    end if;
    begin
        perform pg_advisory_xact_lock(hashtext('pgfeed.create_event_partitions'));
        if not pgfeed._is_partition_token(parent, months, thin_partitions, token) then
            is_done := null;
            return;
        end if;
        -- All who come wait from here on: each lock waits shortly, and what is done with them takes few milliseconds.
        execute format('lock table only pgfeed.%I in access exclusive mode', parent);
        execute format('lock table only pgfeed.%I in access exclusive mode', parent || '_default');
        foreach v_name in array thin_partitions loop
            execute format('lock table only pgfeed.%I in access exclusive mode nowait', v_name);
        end loop;
        call pgfeed._apply_partition_changes(parent, months, thin_partitions, token, is_done);
        if is_done is distinct from true then
            return;
        end if;

        foreach v_name in array thin_partitions || (parent || '_default') loop
            execute format('alter table pgfeed.%I detach partition pgfeed.%I', parent, v_name);
            execute format('alter table pgfeed.%I rename to %I', v_name, '_next_' || v_name || '_before');
        end loop;
        foreach v_month in array months loop
            v_name := parent || to_char(v_month, '"_y"YYYY"m"MM');
            execute format('alter table pgfeed.%I rename to %I', '_next_' || v_name, v_name);
            execute format(
                'alter table pgfeed.%I attach partition pgfeed.%I for values from (%L) to (%L)',
                parent, v_name, v_month, v_month + interval '1 month'
            );
        end loop;
        execute format('alter table pgfeed.%I rename to %I', '_next_' || parent || '_default', parent || '_default');
        execute format('alter table pgfeed.%I attach partition pgfeed.%I default', parent, parent || '_default');
        execute format('alter table pgfeed.%I drop constraint no_month', parent || '_default');
        -- The locks are not kept until a disk has written: whatever a crash leaves has all rows.
        perform set_config('synchronous_commit', 'off', true);
    exception when lock_not_available or deadlock_detected then
        is_done := false;
    end;
end;
$$;

alter procedure pgfeed._swap_partitions(text, timestamptz[], text[], text, timestamptz, boolean) owner to pgfeed_owner;

comment on procedure pgfeed._swap_partitions(text, timestamptz[], text[], text, timestamptz, boolean) is
    'Puts the copies of _copy_partitions() in the place of their sources, and leaves those for _drop_partition_copies(). is_done '
    'false: others use the table, try again; null: the copies are of no use any more. Nobody waits for more than about 100 ms';

revoke all on procedure pgfeed._swap_partitions(text, timestamptz[], text[], text, timestamptz, boolean) from public;
grant execute on procedure pgfeed._swap_partitions(text, timestamptz[], text[], text, timestamptz, boolean) to pgfeed_operator;
