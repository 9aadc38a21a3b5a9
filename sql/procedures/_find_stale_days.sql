create or replace procedure pgfeed._find_stale_days(from_day date)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
begin
    -- Rows of transactions that still run carry a recorded_at from their start: the next
    -- watermark must not lie behind any of them.
    select least(now(), min(a.xact_start)) into v_until
    from pg_stat_activity as a
    where a.datname = current_database() and a.backend_type <> 'autovacuum worker';

    select w.watermark_at into v_since from pgfeed.rollup_watermarks as w;

    insert into pgfeed.rollup_days as d (day, is_stale)
    select distinct c.event_day, true
    from (
        select e.event_at::date as event_day
        from pgfeed.feed_events as e
        where e.recorded_at >= v_since
        union all
        -- A like row can take the like off a view of the day before.
        select (e.event_at - pgfeed._like_window())::date as event_day
        from pgfeed.feed_events as e
        where
            e.recorded_at >= v_since
            and e.action = 'like'
            and (e.event_at - pgfeed._like_window())::date < e.event_at::date
        union all
        select k.day as event_day
        from pgfeed.rollup_days as k
        where k.day >= _find_stale_days.from_day
    ) as c
    on conflict (day) do update set is_stale = true
    where not d.is_stale;

    update pgfeed.rollup_watermarks set watermark_at = v_until;
end;
$$;

alter procedure pgfeed._find_stale_days(date) owner to pgfeed_owner;

comment on procedure pgfeed._find_stale_days(date) is
    'Marks the days of events recorded since the last call, and those from from_day on, for roll_up_events()';

revoke all on procedure pgfeed._find_stale_days(date) from public;
