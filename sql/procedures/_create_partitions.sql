create or replace procedure pgfeed._create_partitions(
    parent text,
    from_at timestamptz,
    to_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '40ms'
as $$
declare
    v_tries constant integer := 50;
    v_months timestamptz[];
begin
    if not (from_at >= '1970-01-01' and to_at < '2100-01-01' and from_at <= to_at) then
        raise exception 'no partitions from % to %', from_at, to_at
            using errcode = '22023',
            hint = 'Events lie between 1970-01-01 and 2100-01-01; the first moment comes first.';
    end if;
    -- Every month costs each call a little: thousands of them would slow everybody down. The default partition takes the rest.
    v_months := array(
        select m.month
        from generate_series(date_trunc('month', from_at), to_at, interval '1 month') as m (month)
        where
            to_regclass('pgfeed.' || parent || to_char(m.month, '"_y"YYYY"m"MM')) is null
            and (
                m.month between now() - interval '13 months' and now() + interval '1 year'
                or pg_has_role(session_user, 'pgfeed_operator', 'member')
                or pg_has_role(session_user, 'pgfeed_owner', 'member')
            )
    );
    if cardinality(v_months) = 0 then
        return;
    end if;
    -- While this waits for a lock, writers wait behind it: it waits shortly and lets them go first.
    for v_try in 1..v_tries loop
        begin
            call pgfeed._attach_months(parent, v_months);
            return;
        exception when lock_not_available or deadlock_detected then
            null;
        end;
        perform pg_sleep(0.06);
    end loop;
    raise warning '% is in use: months of it were not made', parent
        using hint = 'Their rows go to the default partition. Call it again when no report or dump reads the table.';
end;
$$;

alter procedure pgfeed._create_partitions(text, timestamptz, timestamptz) owner to pgfeed_owner;

comment on procedure pgfeed._create_partitions(text, timestamptz, timestamptz) is
    'Makes the missing monthly partitions (UTC) of a table from one moment to another, both included; those more than '
    'a year from now for a session of pgfeed_operator or pgfeed_owner only';

revoke all on procedure pgfeed._create_partitions(text, timestamptz, timestamptz) from public;
