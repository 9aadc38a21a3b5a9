create or replace function pgfeed._live_from(ts timestamptz)
returns date
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_gone pgfeed.rollup_days;
begin
    if not coalesce(isfinite(ts), false) then
        raise exception 'features cannot be computed as of %', ts
            using errcode = '22023', hint = 'Give a moment such as now().';
    end if;
    select d.* into v_gone
    from pgfeed.rollup_days as d
    where d.day >= ts::date - 1 and d.day::timestamptz < ts and d.is_gone
    order by d.day
    limit 1;
    if found then
        raise exception 'features as of % need the events of %, which are gone', ts, v_gone.day
            using errcode = '55000', hint = case
                when v_gone.dropped_at is null
                    then format('If they are to be gone: call pgfeed.recount_days(%1$L, %1$L).', v_gone.day)
                else format('Give a moment from %s on.', pgfeed._events_from())
            end;
    end if;
    return least(
        ts::date,
        coalesce(
            (
                select max(d.day) + 1
                from pgfeed.rollup_days as d
                where not d.is_stale and d.rolled_up_at >= (d.day + 1)::timestamptz
            ),
            '-infinity'
        )
    );
end;
$$;

alter function pgfeed._live_from(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._live_from(timestamptz) is
    'The day (UTC) from which features as of ts count the events themselves: the day of ts, or an earlier '
    'one that was not rolled up since it ended; before it they read the daily rollups. An error where the events '
    'before ts of its day or of the day before are gone';

revoke all on function pgfeed._live_from(timestamptz) from public;
