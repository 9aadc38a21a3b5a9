create or replace procedure pgfeed._attach_months(
    parent text,
    months timestamptz[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_key constant text := pgfeed._partition_key(parent);
    v_month timestamptz;
    v_name text;
    v_is_used boolean;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.create_event_partitions'));
    -- An insert that is on its way to the default partition would fail where the month comes to be meanwhile.
    if to_regclass('pg_catalog.pg_dist_partition') is null then
        execute format('lock table only pgfeed.%I in access exclusive mode', parent);
    end if;
    foreach v_month in array months loop
        v_name := parent || to_char(v_month, '"_y"YYYY"m"MM');
        execute format('select exists (select from pgfeed.%1$I as d where d.%2$I >= $1 and d.%2$I < $2)', parent || '_default', v_key)
        into v_is_used using v_month, v_month + interval '1 month';
        -- to_regclass could still answer from before the wait for the lock.
        continue when v_is_used or exists (
            select
            from pg_class as c
            where c.relnamespace = 'pgfeed'::regnamespace and c.relname = v_name
        );
        begin
            execute format('create table pgfeed.%I (like pgfeed.%I including all)', v_name, parent);
            execute format(
                'alter table pgfeed.%I attach partition pgfeed.%I for values from (%L) to (%L)',
                parent, v_name, v_month, v_month + interval '1 month'
            );
        exception when duplicate_table then
            null; -- an older snapshot does not show what the lock's last holder made
        end;
    end loop;
end;
$$;

alter procedure pgfeed._attach_months(text, timestamptz[]) owner to pgfeed_owner;

comment on procedure pgfeed._attach_months(text, timestamptz[]) is
    'Makes these monthly partitions of a table, but for those that have rows in the default partition';

revoke all on procedure pgfeed._attach_months(text, timestamptz[]) from public;
