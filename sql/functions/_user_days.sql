create or replace function pgfeed._user_days(user_ids bigint[])
returns setof pgfeed.post_days
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_from timestamptz := (select min(e.event_at) from pgfeed.feed_events as e where e.user_id = any(user_ids))::date;
    v_to timestamptz := (select max(e.event_at) from pgfeed.feed_events as e where e.user_id = any(user_ids))::date + 1;
    v_hour_before timestamptz := v_from - pgfeed._like_window();
    v_user_ids bigint[] := user_ids;
    v_post_ids constant bigint[] := null;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_untils constant date[] := pgfeed._place_versions();
    v_effects constant real[] := pgfeed._place_effects();
begin
    return query
    select
        c.post_id,
        c.event_at::date,
        sum(c.view_count)::integer,
        sum(c.like_count)::integer,
        sum(c.effective_view_count)::real
    from (
        with chosen_events as not materialized (
--!include sql/_chosen_events.sql
        )

--!include sql/_weighed_events.sql
    ) as c
    inner join pgfeed.rollup_days as d on d.day = c.event_at::date
    where not d.is_stale and d.missing_count = 0 and d.event_count is not null
    group by c.post_id, c.event_at::date;
end;
$$;

alter function pgfeed._user_days(bigint[]) owner to pgfeed_owner;

comment on function pgfeed._user_days(bigint[]) is
    'One row per post and day: what these users add to post_days, on days that are rolled up from the events that are there';

revoke all on function pgfeed._user_days(bigint[]) from public;
