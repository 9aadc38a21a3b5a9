create or replace procedure pgfeed._attach_months(
    parent text,
    months timestamptz[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set lock_timeout = '10ms'
-- Starting a worker takes as long as others may wait.
set max_parallel_workers_per_gather = 0
as $$
declare
    v_longest constant interval := '10 ms';
    v_key constant text := pgfeed._partition_key(parent);
    v_default constant text := parent || '_default';
    v_is_alone constant boolean := to_regclass('pg_catalog.pg_dist_partition') is null;
    v_started_at constant timestamptz := clock_timestamp();
    v_month timestamptz;
    v_is_used boolean;
    v_unused timestamptz[] := '{}';
begin
    if v_is_alone then
        -- PostgreSQL reads all of the default partition, as this does, but while all wait.
        execute format('select from pgfeed.%I as d where pg_column_size(d.%I) = 0', v_default, v_key);
        if clock_timestamp() - v_started_at > v_longest then
            raise lock_not_available;
        end if;
        -- An insert that is on its way to the default partition would fail where the month comes to be meanwhile.
        execute format('lock table only pgfeed.%I in access exclusive mode', parent);
        execute format('lock table only pgfeed.%I in access exclusive mode', v_default);
    end if;
    foreach v_month in array months loop
        execute format('select exists (select 1 from pgfeed.%1$I as d where d.%2$I >= $1 and d.%2$I < $2)', v_default, v_key)
        into v_is_used using v_month, v_month + interval '1 month';
        if v_is_used then
            execute format('drop table pgfeed.%I', parent || to_char(v_month, '"_y"YYYY"m"MM'));
        else
            v_unused := v_unused || v_month;
        end if;
    end loop;
    -- With it PostgreSQL reads the default partition once, not for each month.
    if v_is_alone and cardinality(v_unused) > 0 then
        execute format(
            'alter table pgfeed.%I add constraint no_month check (%s)', v_default, pgfeed._no_month(parent, v_unused, '{}')
        );
    end if;
    foreach v_month in array v_unused loop
        execute format(
            'alter table pgfeed.%I attach partition pgfeed.%I for values from (%L) to (%L)',
            parent, parent || to_char(v_month, '"_y"YYYY"m"MM'), v_month, v_month + interval '1 month'
        );
    end loop;
    if v_is_alone and cardinality(v_unused) > 0 then
        execute format('alter table pgfeed.%I drop constraint no_month', v_default);
    end if;
end;
$$;

alter procedure pgfeed._attach_months(text, timestamptz[]) owner to pgfeed_owner;

comment on procedure pgfeed._attach_months(text, timestamptz[]) is
    'Makes tables partitions of these months, and drops those of months that have rows in the default partition. Fails as if '
    'a lock were not to be had where reading the default partition, for which others wait, takes more than 10 ms';

revoke all on procedure pgfeed._attach_months(text, timestamptz[]) from public;
