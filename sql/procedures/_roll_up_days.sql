create or replace procedure pgfeed._roll_up_days(days date[])
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_first constant date := days[1];
    v_last constant date := days[cardinality(days)];
    v_from constant timestamptz := v_first;
    v_to constant timestamptz := v_last + 1;
    v_hour_before constant timestamptz := v_from - pgfeed._like_window();
    v_user_ids constant bigint[] := null;
    v_post_ids constant bigint[] := null;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_untils date[];
    v_effects real[];
    v_days date[];
    v_is_whole boolean;
begin
    call pgfeed._estimate_places(days);
    call pgfeed._count_events(days);
    v_untils := pgfeed._place_versions();
    v_effects := pgfeed._place_effects();
    v_days := array(
        select d.day from pgfeed.rollup_days as d
        where d.day = any(_roll_up_days.days) and d.missing_count = 0
    );
    -- Where no day between them is left out, a condition that the planner takes for a rare one is left out too.
    v_is_whole := cardinality(v_days) = v_last - v_first + 1;

    delete from pgfeed.post_days as p where p.day between v_first and v_last and p.day = any(v_days);
    insert into pgfeed.post_days (post_id, day, view_count, like_count, effective_view_count)
    select
        c.post_id,
        c.event_at::date,
        sum(c.view_count),
        sum(c.like_count),
        sum(c.effective_view_count)
    from (
        with chosen_events as not materialized (
--!include sql/_chosen_events.sql
        )

--!include sql/_weighed_events.sql
    ) as c
    where (v_is_whole or c.event_at::date = any(v_days))
    group by c.post_id, c.event_at::date;

    delete from pgfeed.user_topic_days as u where u.day between v_first and v_last and u.day = any(v_days);
    insert into pgfeed.user_topic_days (user_id, day, topic, view_count, like_count, effective_view_count)
    select
        c.user_id,
        c.event_at::date,
        coalesce(p.topic, '') as topic,
        sum(c.view_count),
        sum(c.like_count),
        sum(c.effective_view_count)
    from (
        with chosen_events as not materialized (
--!include sql/_chosen_events.sql
        )

--!include sql/_weighed_events.sql
    ) as c
    left join pgfeed.posts as p on p.post_id = c.post_id
    where (v_is_whole or c.event_at::date = any(v_days))
    group by c.user_id, c.event_at::date, coalesce(p.topic, '');

    update pgfeed.rollup_days as d
    set
        is_stale = false,
        rolled_up_at = clock_timestamp(),
        new_event_count = 0,
        dropped_at = null,
        view_count = c.views,
        like_count = c.likes
    from (
        select
            s.day,
            coalesce(sum(p.view_count), 0) as views,
            coalesce(sum(p.like_count), 0) as likes
        from unnest(v_days) as s (day)
        left join pgfeed.post_days as p on p.day = s.day
        group by s.day
    ) as c
    where d.day = c.day;
end;
$$;

alter procedure pgfeed._roll_up_days(date[]) owner to pgfeed_owner;

comment on procedure pgfeed._roll_up_days(date[]) is
    'Recomputes the daily rollups of these days, which are in order, all in one: a statement for each day would be '
    'planned over all partitions each time. Days with fewer events than were counted stay as they are';

revoke all on procedure pgfeed._roll_up_days(date[]) from public;
