create or replace procedure pgfeed._roll_up_days(days date[])
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_first constant date := days[1];
    v_last constant date := days[cardinality(days)];
    v_from constant timestamptz := v_first;
    v_until constant timestamptz := v_last + 1;
begin
    delete from pgfeed.post_days as p where p.day between v_first and v_last and p.day = any(_roll_up_days.days);
    insert into pgfeed.post_days (post_id, day, view_count, like_count)
    select
        c.post_id,
        c.event_at::date,
        sum(c.view_count),
        sum(c.like_count)
    from pgfeed._counted_events as c
    where c.event_at >= v_from and c.event_at < v_until and c.event_at::date = any(_roll_up_days.days)
    group by c.post_id, c.event_at::date;

    delete from pgfeed.user_topic_days as u where u.day between v_first and v_last and u.day = any(_roll_up_days.days);
    insert into pgfeed.user_topic_days (user_id, day, topic, view_count, like_count)
    select
        c.user_id,
        c.event_at::date,
        coalesce(p.topic, '') as topic,
        sum(c.view_count),
        sum(c.like_count)
    from pgfeed._counted_events as c
    left join pgfeed.posts as p on p.post_id = c.post_id
    where c.event_at >= v_from and c.event_at < v_until and c.event_at::date = any(_roll_up_days.days)
    group by c.user_id, c.event_at::date, coalesce(p.topic, '');

    update pgfeed.rollup_days as d
    set
        is_stale = false,
        rolled_up_at = clock_timestamp(),
        new_event_count = 0,
        view_count = c.views,
        like_count = c.likes
    from (
        select
            s.day,
            coalesce(sum(p.view_count), 0) as views,
            coalesce(sum(p.like_count), 0) as likes
        from unnest(_roll_up_days.days) as s (day)
        left join pgfeed.post_days as p on p.day = s.day
        group by s.day
    ) as c
    where d.day = c.day;
end;
$$;

alter procedure pgfeed._roll_up_days(date[]) owner to pgfeed_owner;

comment on procedure pgfeed._roll_up_days(date[]) is
    'Recomputes the daily rollups of these days, which are in order, all in one: a statement for each day would be '
    'planned over all partitions each time';

revoke all on procedure pgfeed._roll_up_days(date[]) from public;
