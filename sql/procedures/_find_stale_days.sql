create or replace procedure pgfeed._find_stale_days(from_day date)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'roll-ups cannot run at the isolation level %', current_setting('transaction_isolation')
            using errcode = '25001', hint = 'First: set default_transaction_isolation = ''read committed''.';
    end if;
    if not pg_has_role('pgfeed_owner', 'pg_read_all_stats', 'usage') then
        raise exception 'pgfeed_owner cannot see the transactions of other users'
            using errcode = '42501', hint = 'Run as a superuser: grant pg_read_all_stats to pgfeed_owner';
    end if;

    -- Rows of transactions that still run carry a recorded_at from their start: the next
    -- watermark must not lie behind any of them.
    select least(now(), min(a.xact_start)) into v_until
    from pg_stat_activity as a
    where a.datname = current_database() and a.backend_type <> 'autovacuum worker';

    -- A database restored without data has no watermark. After one that lies in the future the clock was set
    -- back: what was recorded since then looks older than it.
    v_since := coalesce(
        (select w.watermark_at from pgfeed.rollup_watermarks as w where w.watermark_at <= now()), '-infinity'
    );

    insert into pgfeed.rollup_days as d (day, is_stale, new_event_count)
    select
        c.event_day,
        true,
        sum(c.event_count)
    from (
        select
            e.event_at::date as event_day,
            count(*) as event_count
        from pgfeed.feed_events as e
        where e.recorded_at >= v_since
        group by e.event_at::date
        union all
        select
            k.day as event_day,
            0 as event_count
        from pgfeed.rollup_days as k
        where k.day >= _find_stale_days.from_day
    ) as c
    group by c.event_day
    on conflict (day) do update
    set is_stale = true, new_event_count = d.new_event_count + excluded.new_event_count
    where not d.is_stale or excluded.new_event_count > 0;

    -- What the new events take from days that have no new ones: the view that repeats a new one of the hour
    -- before, and the like that is no longer the first.
    update pgfeed.rollup_days as d
    set is_stale = true
    where
        not d.is_stale
        and d.day in (
            select (e.event_at + pgfeed._like_window())::date
            from pgfeed.feed_events as e
            where
                e.recorded_at >= v_since
                and e.action = 'view'
                and (e.event_at + pgfeed._like_window())::date > e.event_at::date
            union
            select l.liked_at::date
            from pgfeed.feed_events as e
            inner join pgfeed.liked_posts as l on l.user_id = e.user_id and l.post_id = e.post_id
            where e.recorded_at >= v_since and (e.action = any(v_hits) or e.target) and e.event_at < l.liked_at
            union
            select u.event_at::date
            from pgfeed.feed_events as e
            inner join pgfeed.feed_events as u on u.user_id = e.user_id and u.post_id = e.post_id
            where
                v_undos <> '{}'
                and e.recorded_at >= v_since
                and (e.action = any(v_hits || v_undos) or e.target)
                and u.action = any(v_undos)
                and u.event_at >= e.event_at
        );
    insert into pgfeed.liked_posts as l (user_id, post_id, liked_at)
    select
        e.user_id,
        e.post_id,
        min(e.event_at)
    from pgfeed.feed_events as e
    where e.recorded_at >= v_since and (e.action = any(v_hits) or e.target)
    group by e.user_id, e.post_id
    on conflict (user_id, post_id) do update set liked_at = excluded.liked_at
    where excluded.liked_at < l.liked_at;

    call pgfeed._count_removed_events();
    call pgfeed._mark_posts(v_since);

    -- When a prepared transaction began is not known.
    if not exists (select from pg_prepared_xacts as x where x.database = current_database()) then
        insert into pgfeed.rollup_watermarks as w (watermark_at)
        values (v_until)
        on conflict (is_only) do update set watermark_at = excluded.watermark_at;
    end if;
    call pgfeed._find_missing_months();
end;
$$;

alter procedure pgfeed._find_stale_days(date) owner to pgfeed_owner;

comment on procedure pgfeed._find_stale_days(date) is
    'Marks the days of events recorded since the last call, and those from from_day on, for roll_up_events(), and '
    'remembers the likes among these events';

revoke all on procedure pgfeed._find_stale_days(date) from public;
