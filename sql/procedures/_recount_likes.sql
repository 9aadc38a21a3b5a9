create or replace procedure pgfeed._recount_likes()
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_hits constant text[] := pgfeed._hits();
    v_from timestamptz := (
        select coalesce(max(d.day) + 1, '-infinity') from pgfeed.rollup_days as d where d.dropped_at is not null
    );
begin
    delete from pgfeed.liked_posts as l where l.liked_at >= v_from;
    insert into pgfeed.liked_posts (user_id, post_id, liked_at)
    select
        e.user_id,
        e.post_id,
        min(e.event_at)
    from pgfeed.feed_events as e
    where (e.action = any(v_hits) or e.target) and e.event_at >= v_from
    group by e.user_id, e.post_id
    on conflict (user_id, post_id) do nothing;
    delete from pgfeed.marked_posts as m where coalesce(least(m.unliked_at, m.hidden_at), 'infinity') >= v_from;
    call pgfeed._mark_posts('-infinity');
    update pgfeed.rollup_days as d set is_stale = true where d.day >= v_from and not d.is_stale;
end;
$$;

alter procedure pgfeed._recount_likes() owner to pgfeed_owner;

comment on procedure pgfeed._recount_likes() is
    'After what counts as a like changed: finds anew who liked what in the events that are there, and has all their days '
    'counted anew by the next roll-up';

revoke all on procedure pgfeed._recount_likes() from public;
