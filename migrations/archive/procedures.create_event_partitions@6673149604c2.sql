create or replace procedure pgfeed.create_event_partitions(
    from_at timestamptz,
    to_at timestamptz
)
language plpgsql
security definer
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
        v_name := 'feed_events_' || to_char(v_month, '"y"YYYY"m"MM');
        if to_regclass('pgfeed.' || v_name) is null then
            perform pg_advisory_xact_lock(hashtext('pgfeed.create_event_partitions'));
            -- to_regclass could still answer from before the wait for the lock.
            if not exists (
                select
                from pg_class as c
                where c.relnamespace = 'pgfeed'::regnamespace and c.relname = v_name
            ) then
                -- Attaching lets reads and writes of the other months go on; "partition of" does not.
                execute format('create table pgfeed.%I (like pgfeed.feed_events including all)', v_name);
                execute format(
                    'alter table pgfeed.feed_events attach partition pgfeed.%I for values from (%L) to (%L)',
                    v_name, v_month, v_month + interval '1 month'
                );
            end if;
        end if;
        v_month := v_month + interval '1 month';
    end loop;
end;
$$;

alter procedure pgfeed.create_event_partitions(timestamptz, timestamptz) owner to pgfeed_owner;

comment on procedure pgfeed.create_event_partitions(timestamptz, timestamptz) is
    'Makes the missing monthly partitions (UTC) of feed_events from one moment to another, both included';

revoke all on procedure pgfeed.create_event_partitions(timestamptz, timestamptz) from public;
grant execute on procedure pgfeed.create_event_partitions(timestamptz, timestamptz)
to pgfeed_writer, pgfeed_operator;
