create or replace procedure pgfeed.roll_up_events(
    max_days integer default null,
    from_day date default null,
    inout day_count integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_day date;
    v_start timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.roll_up_events'));

    if max_days is null or not exists (select from pgfeed.rollup_days as d where d.is_stale) then
        call pgfeed._find_stale_days(from_day);
    end if;

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
        set
            is_stale = false,
            rolled_up_at = clock_timestamp(),
            (view_count, like_count) = (
                select
                    coalesce(sum(p.view_count), 0),
                    coalesce(sum(p.like_count), 0)
                from pgfeed.post_days as p
                where p.day = v_day
            )
        where rollup_days.day = v_day;
        day_count := day_count + 1;
    end loop;
end;
$$;

alter procedure pgfeed.roll_up_events(integer, date, integer) owner to pgfeed_owner;

comment on procedure pgfeed.roll_up_events(integer, date, integer) is
    'Recomputes the daily rollups of the days that have new events, oldest first, and says how many it '
    'did. max_days: at most so many, and new events are looked for only when no day is left over. '
    'from_day: recompute from that day on, as after deleting events';

revoke all on procedure pgfeed.roll_up_events(integer, date, integer) from public;
grant execute on procedure pgfeed.roll_up_events(integer, date, integer) to pgfeed_operator;
