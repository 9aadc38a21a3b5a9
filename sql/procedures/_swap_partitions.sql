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
set lock_timeout = '40ms'
as $$
declare
    v_next constant text := format('_next_%s_default', parent);
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
        if
            token is null
            or obj_description(to_regclass(format('pgfeed.%I', v_next)), 'pg_class') is distinct from token
            or token <> pgfeed._partition_token(split_part(token, ' ', 1)::xid8, months, thin_partitions)
        then
            is_done := null;
            return;
        end if;
        execute format('lock table only pgfeed.%I in access exclusive mode', parent);
        foreach v_name in array array[parent || '_default'] || thin_partitions loop
            execute format('lock table only pgfeed.%I in access exclusive mode', v_name);
        end loop;
        call pgfeed._complete_partition_copies(parent, months, thin_partitions, split_part(token, ' ', 1)::xid8);

        foreach v_name in array thin_partitions loop
            execute format('alter table pgfeed.%I detach partition pgfeed.%I', parent, v_name);
            execute format('alter table pgfeed.%I rename to %I', v_name, '_next_' || v_name || '_before');
        end loop;
        execute format('drop table pgfeed.%I', parent || '_default');
        foreach v_month in array months loop
            v_name := parent || to_char(v_month, '"_y"YYYY"m"MM');
            call pgfeed._rename_partition_copy('_next_' || v_name);
            execute format(
                'alter table pgfeed.%I attach partition pgfeed.%I for values from (%L) to (%L)',
                parent, v_name, v_month, v_month + interval '1 month'
            );
        end loop;
        call pgfeed._rename_partition_copy(v_next);
        execute format('alter table pgfeed.%I attach partition pgfeed.%I default', parent, parent || '_default');
        execute format('alter table pgfeed.%I drop constraint no_month', parent || '_default');
        is_done := true;
    exception when lock_not_available or deadlock_detected then
        null;
    end;
end;
$$;

alter procedure pgfeed._swap_partitions(text, timestamptz[], text[], text, timestamptz, boolean) owner to pgfeed_owner;

comment on procedure pgfeed._swap_partitions(text, timestamptz[], text[], text, timestamptz, boolean) is
    'Puts the copies of _copy_partitions() in the place of their sources, and leaves those for _drop_partition_copies(). is_done false: others use the table, try again; '
    'null: another session has made other copies. Nobody waits for more than about 100 ms';

revoke all on procedure pgfeed._swap_partitions(text, timestamptz[], text[], text, timestamptz, boolean) from public;
grant execute on procedure pgfeed._swap_partitions(text, timestamptz[], text[], text, timestamptz, boolean) to pgfeed_operator;
