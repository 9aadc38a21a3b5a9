create or replace procedure pgfeed._create_partitions(
    parent text,
    from_at timestamptz,
    to_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_patience constant interval := '5 s';
    v_until timestamptz := clock_timestamp() + v_patience;
    v_key constant text := pgfeed._partition_key(parent);
    v_month timestamptz;
    v_name text;
    v_is_used boolean;
    v_made timestamptz[] := '{}';
begin
    if not coalesce(from_at >= '1970-01-01' and to_at < '2100-01-01' and from_at <= to_at, false) then
        raise exception 'no partitions from % to %', from_at, to_at
            using errcode = '22023',
            hint = 'Events lie between 1970-01-01 and 2100-01-01; the first moment comes first.';
    end if;
    <<making>>
    begin
        while not pg_try_advisory_xact_lock(hashtext('pgfeed.create_event_partitions')) loop
            exit making when clock_timestamp() > v_until;
            perform pg_sleep(0.06);
        end loop;
        for v_month in
            select m.month
            from generate_series(date_trunc('month', from_at), to_at, interval '1 month') as m (month)
            where
                -- Every month costs each call a little: thousands of them would slow everybody down. The default partition takes the rest.
                m.month between now() - interval '13 months' and now() + interval '1 year'
                or pg_has_role(session_user, 'pgfeed_operator', 'member')
                or pg_has_role(session_user, 'pgfeed_owner', 'member')
        loop
            v_name := parent || to_char(v_month, '"_y"YYYY"m"MM');
            execute format('select exists (select 1 from pgfeed.%1$I as d where d.%2$I >= $1 and d.%2$I < $2)', parent || '_default', v_key)
            into v_is_used using v_month, v_month + interval '1 month';
            continue when v_is_used or to_regclass(format('pgfeed.%I', v_name)) is not null;
            begin
                execute format('create table pgfeed.%I (like pgfeed.%I including all)', v_name, parent);
                v_made := v_made || v_month;
            exception when duplicate_table then
                null; -- an older snapshot does not show what the lock's last holder made
            end;
        end loop;
        if cardinality(v_made) = 0 then
            return;
        end if;
        v_until := clock_timestamp() + v_patience;
        -- While this waits for a lock, writers wait behind it: it waits shortly and lets them go first.
        while clock_timestamp() < v_until loop
            begin
                call pgfeed._attach_months(parent, v_made);
                return;
            exception when lock_not_available or deadlock_detected then
                perform pg_sleep(0.06);
            end;
        end loop;
        foreach v_month in array v_made loop
            execute format('drop table pgfeed.%I', parent || to_char(v_month, '"_y"YYYY"m"MM'));
        end loop;
    end;
    raise warning '% is in use, or its default partition is large: months of it were not made', parent
        using hint = 'Their rows go to the default partition, and arrange_partitions() makes months of many rows. '
        'Call it again when no report or dump reads the table.';
end;
$$;

alter procedure pgfeed._create_partitions(text, timestamptz, timestamptz) owner to pgfeed_owner;

comment on procedure pgfeed._create_partitions(text, timestamptz, timestamptz) is
    'Makes the missing monthly partitions (UTC) of a table from one moment to another, both included; those more than '
    'a year from now for a session of pgfeed_operator or pgfeed_owner only';

revoke all on procedure pgfeed._create_partitions(text, timestamptz, timestamptz) from public;
