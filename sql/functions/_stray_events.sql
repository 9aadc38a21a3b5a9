create or replace function pgfeed._stray_events(
    newest_at timestamptz,
    out from_day date,
    out gap_days integer,
    out event_count bigint
)
language plpgsql stable
cost 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_least_gap constant integer := 90;
    v_last_day date;
    v_usual_count bigint;
begin
    select d.day, d.gap_days, d.later_count into from_day, gap_days, event_count
    from (
        select
            w.day,
            w.day - lag(w.day) over (order by w.day) as gap_days,
            sum(w.view_count + w.like_count) over (order by w.day desc) as later_count,
            avg(w.view_count + w.like_count) over (order by w.day rows between unbounded preceding and 1 preceding) as usual_count
        from pgfeed.rollup_days as w
        where (w.view_count > 0 or w.like_count > 0) and w.day <= now()::date
    ) as d
    where d.gap_days > v_least_gap and d.later_count < d.usual_count
    order by d.day
    limit 1;
    if found then
        return;
    end if;

    -- Those that were not rolled up yet.
    select max(w.day), ceil(avg(w.view_count + w.like_count)) into v_last_day, v_usual_count
    from pgfeed.rollup_days as w
    where (w.view_count > 0 or w.like_count > 0) and w.day <= now()::date;
    if newest_at::date - v_last_day > v_least_gap then
        select min(e.event_at)::date, min(e.event_at)::date - v_last_day, count(*) into from_day, gap_days, event_count
        from (
            select n.event_at
            from pgfeed.feed_events as n
            where n.event_at >= v_last_day + 1 and n.event_at <= _stray_events.newest_at
            limit v_usual_count
        ) as e;
        if gap_days <= v_least_gap or event_count >= v_usual_count then
            from_day := null;
            gap_days := null;
            event_count := null;
        end if;
    end if;
end;
$$;

alter function pgfeed._stray_events(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._stray_events(timestamptz) is
    'One row: the day from which on a few events, fewer than those of an average day before, lie more than 90 days after all '
    'others, by how many days, and how many they are; null: none do. newest_at: as _feed_clock() says it';

revoke all on function pgfeed._stray_events(timestamptz) from public;
