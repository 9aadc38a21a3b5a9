create or replace procedure pgfeed._drop_partition_copies(
    parent text,
    token text,
    inout is_done boolean default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '20ms'
as $$
declare
    v_name text;
begin
    is_done := true;
    perform pg_advisory_xact_lock(hashtext('pgfeed.create_event_partitions'));
    if token <> obj_description(to_regclass(format('pgfeed.%I', '_next_' || parent || '_changes')), 'pg_class') then
        return;
    end if;
    -- A partition that is read for long lets no trigger be dropped, but be switched off.
    for v_name in
        select c.relname
        from pg_inherits as i
        inner join pg_class as c on c.oid = i.inhrelid
        inner join pg_trigger as t on t.tgrelid = c.oid
        where i.inhparent = to_regclass(format('pgfeed.%I', parent)) and t.tgname = 'log_changes' and t.tgenabled <> 'D'
    loop
        execute format('alter table pgfeed.%I disable trigger log_changes, disable trigger log_truncates', v_name);
    end loop;
    for v_name in
        select c.relname
        from pg_class as c
        where
            c.relnamespace = 'pgfeed'::regnamespace
            and c.relkind = 'r'
            and not c.relispartition
            and starts_with(c.relname, format('_next_%s_', parent))
    loop
        execute format('drop table pgfeed.%I', v_name);
    end loop;
    for v_name in
        select c.relname
        from pg_inherits as i
        inner join pg_index as x on x.indrelid = i.inhrelid
        inner join pg_class as c on c.oid = x.indexrelid
        where i.inhparent = to_regclass(format('pgfeed.%I', parent)) and starts_with(c.relname, '_next_')
    loop
        execute format('alter index pgfeed.%I rename to %I', v_name, substr(v_name, 7));
    end loop;
exception when lock_not_available or deadlock_detected then
    is_done := false;
end;
$$;

alter procedure pgfeed._drop_partition_copies(text, text, boolean) owner to pgfeed_owner;

comment on procedure pgfeed._drop_partition_copies(text, text, boolean) is
    'Drops what arrange_partitions() leaves under this token, null: under any: the partitions that it replaced, or copies '
    'that did not become any, and the log of changes; and gives indexes of the others the names that they have elsewhere. is_done false: a partition is in use, try again';

revoke all on procedure pgfeed._drop_partition_copies(text, text, boolean) from public;
grant execute on procedure pgfeed._drop_partition_copies(text, text, boolean) to pgfeed_operator;
