create or replace procedure pgfeed._create_partitions(
    parent text,
    from_at timestamptz,
    to_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_month timestamptz := date_trunc('month', from_at);
    v_name text;
begin
    if not (from_at >= '1970-01-01' and to_at < '2100-01-01' and from_at <= to_at) then
        raise exception 'no partitions from % to %', from_at, to_at
            using errcode = '22023',
            hint = 'Events lie between 1970-01-01 and 2100-01-01; the first moment comes first.';
    end if;
    while v_month <= to_at loop
        v_name := parent || to_char(v_month, '"_y"YYYY"m"MM');
        if to_regclass('pgfeed.' || v_name) is null then
            -- Every month costs each call a little: thousands of them would slow everybody down.
            if
                v_month not between now() - interval '13 months' and now() + interval '1 year'
                and not pg_has_role(session_user, 'pgfeed_operator', 'member')
                and not pg_has_role(session_user, 'pgfeed_owner', 'member')
            then
                raise exception 'month % of % is more than a year from now', to_char(v_month, 'YYYY-MM'), parent
                    using errcode = '42501', hint = case parent
                        when 'exposures' then 'Call recommend_posts, which logs nothing.'
                        else format(
                            'Run as a member of pgfeed_operator: call pgfeed.create_event_partitions(%L, %L)', from_at, to_at
                        )
                    end;
            end if;
            perform pg_advisory_xact_lock(hashtext('pgfeed.create_event_partitions'));
            -- to_regclass could still answer from before the wait for the lock.
            if not exists (
                select
                from pg_class as c
                where c.relnamespace = 'pgfeed'::regnamespace and c.relname = v_name
            ) then
                -- Attaching lets reads and writes of the other months go on; "partition of" does not.
                begin
                    execute format('create table pgfeed.%I (like pgfeed.%I including all)', v_name, parent);
                    execute format(
                        'alter table pgfeed.%I attach partition pgfeed.%I for values from (%L) to (%L)',
                        parent, v_name, v_month, v_month + interval '1 month'
                    );
                exception when duplicate_table then
                    null; -- an older snapshot does not show what the lock's last holder made
                end;
            end if;
        end if;
        v_month := v_month + interval '1 month';
    end loop;
end;
$$;

alter procedure pgfeed._create_partitions(text, timestamptz, timestamptz) owner to pgfeed_owner;

comment on procedure pgfeed._create_partitions(text, timestamptz, timestamptz) is
    'Makes the missing monthly partitions (UTC) of a table from one moment to another, both included; those more than '
    'a year from now for a session of pgfeed_operator or pgfeed_owner only';

revoke all on procedure pgfeed._create_partitions(text, timestamptz, timestamptz) from public;
