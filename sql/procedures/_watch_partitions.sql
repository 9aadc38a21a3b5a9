create or replace procedure pgfeed._watch_partitions(
    parent text,
    inout months timestamptz[] default null,
    inout thin_partitions text[] default null,
    inout token text default null,
    inout is_busy boolean default null
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
    v_changes constant text := format('_next_%s_changes', parent);
    v_key constant text := (
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
        from pg_index as i
        inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey[:i.indnkeyatts - 1])
        where i.indrelid = to_regclass(format('pgfeed.%I', parent)) and i.indisprimary
    );
    v_name text;
    v_is_dropped boolean;
begin
    months := null;
    thin_partitions := null;
    token := null;
    is_busy :=
        not pg_try_advisory_xact_lock(hashtext('pgfeed.create_event_partitions'))
        or exists (
            select
            from pg_stat_activity as a
            where
                a.pid <> pg_backend_pid()
                and a.state = 'active'
                and starts_with(
                    obj_description(to_regclass(format('pgfeed.%I', v_changes)), 'pg_class'),
                    format('%s %s ', a.pid, extract(epoch from a.query_start))
                )
        );
    if is_busy then
        return;
    end if;
    begin
        select m.months, m.thin_partitions into months, thin_partitions from pgfeed._partition_moves(parent) as m;
        if cardinality(months) + cardinality(thin_partitions) = 0 then
            return;
        end if;
        call pgfeed._drop_partition_copies(parent, null, v_is_dropped);
        if not v_is_dropped then
            return;
        end if;
        select format(
            '%s %s %s', a.pid, extract(epoch from a.query_start), pgfeed._partition_token(parent, months, thin_partitions)
        )
        into token
        from pg_stat_activity as a
        where a.pid = pg_backend_pid();
        execute format('create table pgfeed.%I as select %s from pgfeed.%I with no data', v_changes, v_key, parent);
        execute format('alter table pgfeed.%I add change_id bigint generated always as identity primary key', v_changes);
        execute format('comment on table pgfeed.%I is %L', v_changes, token);
        foreach v_name in array thin_partitions || (parent || '_default') loop
            execute format(
                'lock table only pgfeed.%I in share row exclusive mode %s',
                v_name, case when v_name = any(thin_partitions) then 'nowait' end
            );
            execute format(
                'create or replace trigger log_changes after insert or update or delete on pgfeed.%I '
                'for each row execute function pgfeed._log_partition_change(%L)',
                v_name, parent
            );
            execute format(
                'create or replace trigger log_truncates after truncate on pgfeed.%I '
                'for each statement execute function pgfeed._log_partition_change(%L)',
                v_name, parent
            );
            execute format(
                'alter table pgfeed.%I enable always trigger log_changes, enable always trigger log_truncates', v_name
            );
        end loop;
    exception when lock_not_available or deadlock_detected then
        token := null;
    end;
end;
$$;

alter procedure pgfeed._watch_partitions(text, timestamptz[], text[], text, boolean) owner to pgfeed_owner;

comment on procedure pgfeed._watch_partitions(text, timestamptz[], text[], text, boolean) is
    'Plans the next moves between partitions and has changes of their rows logged from now on. Gives the moves, none: there '
    'is nothing to do; and a token that names them: null while others use the partitions. is_busy: another session makes or moves months';

revoke all on procedure pgfeed._watch_partitions(text, timestamptz[], text[], text, boolean) from public;
grant execute on procedure pgfeed._watch_partitions(text, timestamptz[], text[], text, boolean) to pgfeed_operator;
