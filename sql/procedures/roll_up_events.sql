create or replace procedure pgfeed.roll_up_events(
    max_days integer default null,
    from_day date default null,
    inout day_count integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
    v_day date;
    v_start timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.roll_up_events'));

    -- Rows of transactions that still run carry a recorded_at from their start: the next
    -- watermark must not lie behind any of them.
    select least(now(), min(a.xact_start)) into v_until
    from pg_stat_activity as a
    where a.datname = current_database();

    select w.watermark_at into v_since from pgfeed.rollup_watermarks as w;

    insert into pgfeed.rollup_days as d (day, is_stale)
    select distinct c.event_day, true
    from (
        select e.event_at::date as event_day
        from pgfeed.feed_events as e
        where e.recorded_at >= v_since
        union all
        select (e.event_at - pgfeed._like_window())::date as event_day
        from pgfeed.feed_events as e
        where e.recorded_at >= v_since and e.action = 'like'
        and (e.event_at - pgfeed._like_window())::date < e.event_at::date
        union all
        select k.day as event_day
        from pgfeed.rollup_days as k
        where k.day >= roll_up_events.from_day
    ) as c
    on conflict (day) do update set is_stale = true
    where not d.is_stale;

    update pgfeed.rollup_watermarks set watermark_at = v_until;

    day_count := 0;
    for v_day in
        select d.day from pgfeed.rollup_days as d where d.is_stale order by d.day limit max_days
    loop
        v_start := v_day::timestamptz;

        delete from pgfeed.post_days as p where p.day = v_day;
        insert into pgfeed.post_days (post_id, day, view_count, like_count)
        select
            c.post_id,
            v_day,
            sum(c.view_count),
            sum(c.like_count)
        from pgfeed._counted_events as c
        where c.event_at >= v_start and c.event_at < v_start + interval '1 day'
        group by c.post_id;

        delete from pgfeed.user_topic_days as u where u.day = v_day;
        insert into pgfeed.user_topic_days (user_id, day, topic, view_count, like_count)
        select
            c.user_id,
            v_day,
            coalesce(p.topic, '') as topic,
            sum(c.view_count),
            sum(c.like_count)
        from pgfeed._counted_events as c
        left join pgfeed.posts as p on p.post_id = c.post_id
        where c.event_at >= v_start and c.event_at < v_start + interval '1 day'
        group by c.user_id, coalesce(p.topic, '');

        update pgfeed.rollup_days
        set is_stale = false, rolled_up_at = clock_timestamp()
        where rollup_days.day = v_day;
        day_count := day_count + 1;
    end loop;
end;
$$;

alter procedure pgfeed.roll_up_events(integer, date, integer) owner to pgfeed_owner;

comment on procedure pgfeed.roll_up_events(integer, date, integer) is
    'Recomputes the daily rollups of the days that have new events, oldest first, at most max_days '
    'of them, and says how many it did. from_day: recompute from that day on, as after deleting events';

revoke all on procedure pgfeed.roll_up_events(integer, date, integer) from public;
grant execute on procedure pgfeed.roll_up_events(integer, date, integer) to pgfeed_operator;
