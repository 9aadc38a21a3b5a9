create or replace function pgfeed._live_from(ts timestamptz)
returns date
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    if not coalesce(isfinite(ts), false) then
        raise exception 'features cannot be computed as of %', ts
            using errcode = '22023', hint = 'Give a moment such as now().';
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
    'one that was not rolled up since it ended; before it they read the daily rollups';

revoke all on function pgfeed._live_from(timestamptz) from public;
