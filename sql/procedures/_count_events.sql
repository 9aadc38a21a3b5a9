create or replace procedure pgfeed._count_events(days date[])
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_most_events constant integer := 1000;
    v_from constant timestamptz := days[1];
    v_to constant timestamptz := days[cardinality(days)] + 1;
    v_day record;
begin
    for v_day in
        select
            d.day,
            d.dropped_at,
            -- What came since does not tell that it is what was gone. While a day goes on that is the likelier.
            (d.missing_count > 0 and (d.dropped_at is not null or d.rolled_up_at >= d.day + 1)) is true as stays,
            coalesce(c.event_count, 0) as event_count,
            coalesce(c.busy_user_ids[1:100], '{}') as busy_user_ids,
            coalesce(d.event_count, d.view_count) as known -- v0.1.0 counted views only
        from pgfeed.rollup_days as d
        left join (
            select
                u.day,
                sum(u.event_count)::integer as event_count,
                array_agg(u.user_id order by u.event_count desc, u.user_id)
                filter (where u.event_count > v_most_events) as busy_user_ids
            from (
                select
                    e.user_id,
                    e.event_at::date as day,
                    count(*) as event_count
                from pgfeed.feed_events as e
                where e.event_at >= v_from and e.event_at < v_to
                group by e.user_id, e.event_at::date
            ) as u
            group by u.day
        ) as c on c.day = d.day
        where d.day = any(days)
        order by d.day
    loop
        if v_day.event_count >= v_day.known and not v_day.stays then
            update pgfeed.rollup_days as d
            set event_count = v_day.event_count, missing_count = 0, busy_user_ids = v_day.busy_user_ids
            where d.day = v_day.day;
        else
            update pgfeed.rollup_days as d
            set
                event_count = v_day.known,
                missing_count = greatest(d.missing_count, v_day.known - v_day.event_count),
                is_stale = false,
                new_event_count = 0
            where d.day = v_day.day;
            if v_day.event_count >= v_day.known then
                raise warning '% has % events again: what was counted of those that were gone stays',
                    v_day.day, v_day.event_count
                    using hint = format('To count what is there: call pgfeed.recount_days(%1$L, %1$L)', v_day.day);
            elsif v_day.dropped_at is null then
                raise warning '% of the % events of % are gone: what was counted of them stays',
                    v_day.known - v_day.event_count, v_day.known, v_day.day;
            end if;
        end if;
    end loop;
end;
$$;

alter procedure pgfeed._count_events(date[]) owner to pgfeed_owner;

comment on procedure pgfeed._count_events(date[]) is
    'Notes how many events these days, which are in order, have now: those with fewer than were counted are not to be '
    'recomputed, nor those that had ended with fewer';

revoke all on procedure pgfeed._count_events(date[]) from public;
