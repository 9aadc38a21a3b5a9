create or replace procedure pgfeed.recount_days(
    from_day date,
    to_day date,
    inout day_count integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_from timestamptz := from_day;
    v_to timestamptz := to_day + 1;
    v_dropped date;
    v_hits constant text[] := pgfeed._hits();
begin
    if from_day is null or to_day is null or from_day > to_day then
        raise exception 'no days from % to %', coalesce(from_day::text, 'null'), coalesce(to_day::text, 'null')
            using errcode = '22023', hint = 'Give the first and the last day (UTC) whose events were deleted.';
    end if;
    perform pg_advisory_xact_lock(hashtext('pgfeed.roll_up_events'));
    select max(d.day) into v_dropped
    from pgfeed.rollup_days as d
    where
        d.dropped_at is not null
        and d.day between recount_days.from_day and recount_days.to_day
        and d.event_count > (
            select count(*) from pgfeed.feed_events as e where e.event_at >= d.day and e.event_at < d.day + 1
        );
    if v_dropped is not null then
        raise exception 'the events of % were dropped by drop_events', v_dropped
            using errcode = '55000', hint = format('What was counted of them stays. Give a from_day from %s on.', v_dropped + 1);
    end if;

    call pgfeed._find_stale_days(null);
    -- Of likes that are gone a later one of the user and post is the first now, or none.
    delete from pgfeed.liked_posts as l
    where
        l.liked_at >= v_from
        and l.liked_at < v_to
        and case when exists (
            select 1
            from pgfeed.feed_events as e
            where
                e.user_id = l.user_id
                and e.post_id = l.post_id
                and e.event_at = l.liked_at
                and (e.action = any(v_hits) or e.target)
        ) then false else true end;
    update pgfeed.rollup_days as d
    set is_stale = true
    where
        not d.is_stale
        and d.day in (
            select min(e.event_at)::date
            from pgfeed.feed_events as e
            where
                (e.action = any(v_hits) or e.target)
                and e.event_at >= v_from
                and not exists (
                    select 1 from pgfeed.liked_posts as l where l.user_id = e.user_id and l.post_id = e.post_id
                )
            group by e.user_id, e.post_id
        );
    insert into pgfeed.liked_posts (user_id, post_id, liked_at)
    select e.user_id, e.post_id, min(e.event_at)
    from pgfeed.feed_events as e
    where (e.action = any(v_hits) or e.target) and e.event_at >= v_from
    group by e.user_id, e.post_id
    on conflict (user_id, post_id) do nothing;

    delete from pgfeed.marked_posts as m
    where m.unliked_at >= v_from and m.unliked_at < v_to or m.hidden_at >= v_from and m.hidden_at < v_to;
    call pgfeed._mark_posts('-infinity');

    update pgfeed.rollup_days as d
    set is_stale = true, event_count = 0, missing_count = 0
    where d.day between recount_days.from_day and recount_days.to_day;
    call pgfeed.roll_up_events(day_count => recount_days.day_count);
end;
$$;

alter procedure pgfeed.recount_days(date, date, integer) owner to pgfeed_owner;

comment on procedure pgfeed.recount_days(date, date, integer) is
    'After events were deleted on purpose: counts these days (UTC) by the events that are there now, and forgets '
    'likes that are gone, then rolls up as roll_up_events() does and says how many days. Days whose events '
    'drop_events() dropped are refused until as many are there again';

revoke all on procedure pgfeed.recount_days(date, date, integer) from public;
grant execute on procedure pgfeed.recount_days(date, date, integer) to pgfeed_operator;
