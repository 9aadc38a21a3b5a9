create or replace procedure pgfeed.drop_events(
    before timestamptz,
    inout partition_count integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_until timestamptz := date_trunc('month', before);
    v_latest timestamptz := date_trunc('month', least(now(), pgfeed._refresh_as_of()) - interval '1 day');
    v_day_count integer;
begin
    if before is null or v_until > v_latest then
        raise exception 'events before % cannot be dropped', coalesce(before::text, 'null')
            using errcode = '22023', hint = format(
                'The features need those of the last two days. Give a moment until %s.', v_latest::date
            );
    end if;
    call pgfeed.roll_up_events(day_count => v_day_count);
    call pgfeed._drop_event_months(v_until, partition_count);
    update pgfeed.rollup_days as d
    set dropped_at = now(), missing_count = d.event_count
    where d.day < v_until and d.dropped_at is null;
end;
$$;

alter procedure pgfeed.drop_events(timestamptz, integer) owner to pgfeed_owner;

comment on procedure pgfeed.drop_events(timestamptz, integer) is
    'Rolls up, drops the months of events that ended by a moment, and gives their number. What was counted of them '
    'stays, and who liked what, so that no liked post returns; features as of these months can no longer be computed. '
    'Never lets others wait: gives up when the months are in use for 5 s. Refused where one of these events came since, or a prepared '
    'transaction keeps it from being counted';

revoke all on procedure pgfeed.drop_events(timestamptz, integer) from public;
grant execute on procedure pgfeed.drop_events(timestamptz, integer) to pgfeed_operator;
