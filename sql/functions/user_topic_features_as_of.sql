create or replace function pgfeed.user_topic_features_as_of(
    ts timestamptz,
    user_ids bigint[] default null
)
returns table (
    user_id bigint,
    topic text,
    view_count bigint,
    like_count bigint,
    view_share real,
    like_rate real,
    last_active_date date
)
language plpgsql stable parallel safe
cost 10000 rows 10000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    -- Set by erase_user() only: its refresh is a copy without this user.
    v_erased constant bigint := nullif(current_setting('pgfeed.erased_user_id', true), '');
    v_live_from date := pgfeed._live_from(ts);
    v_from timestamptz := v_live_from;
    v_to timestamptz := ts;
    v_hour_before timestamptz := v_from - pgfeed._like_window();
    v_user_ids bigint[] := user_ids;
    v_post_ids constant bigint[] := null;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_untils constant date[] := pgfeed._place_versions();
    v_effects constant real[] := pgfeed._place_effects();
    -- A topic's rate starts as the user's own rate with the weight of this many views,
    -- and the user's own rate as 0.1 with the same weight.
    v_prior_views constant double precision := 20;
begin
    if v_erased is not null then
        return query
        select
            f.user_id,
            f.topic,
            f.view_count,
            f.like_count,
            f.view_share,
            f.like_rate,
            f.last_active_date
        from pgfeed.user_topic_features as f
        where f.user_id <> v_erased;
        return;
    end if;

    return query
    with chosen_events as not materialized (
--!include sql/_chosen_events.sql
    ),

    counted as (
--!include sql/_weighed_events.sql
    ),

    days as (
        select
            d.user_id,
            d.topic,
            d.day,
            d.view_count,
            d.like_count,
            coalesce(d.effective_view_count, d.view_count) as effective_view_count
        from pgfeed.user_topic_days as d
        where
            d.day < v_live_from
            and (user_ids is null or d.user_id = any(user_ids))
        union all
        select
            c.user_id,
            coalesce(p.topic, ''),
            c.event_at::date,
            c.view_count,
            c.like_count,
            c.effective_view_count
        from counted as c
        left join pgfeed.posts as p on p.post_id = c.post_id
    ),

    topics as (
        select
            d.user_id,
            d.topic,
            sum(d.view_count) as views,
            sum(d.like_count) as likes,
            sum(d.effective_view_count::double precision) as effective,
            max(d.day) as last_day
        from days as d
        group by d.user_id, d.topic
    ),

    totals as (
        select
            t.*,
            sum(t.views) over (partition by t.user_id) as user_views,
            sum(t.effective) over (partition by t.user_id) as user_effective,
            sum(t.likes) over (partition by t.user_id) as user_likes
        from topics as t
    )

    select
        t.user_id,
        t.topic,
        t.views::bigint,
        t.likes::bigint,
        (t.views / nullif(t.user_views, 0)::double precision)::real,
        ((t.likes + v_prior_views * (t.user_likes + v_prior_views * 0.1) / (t.user_effective + v_prior_views))
        / (t.effective + v_prior_views))::real,
        t.last_day
    from totals as t;
end;
$$;

alter function pgfeed.user_topic_features_as_of(timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed.user_topic_features_as_of(timestamptz, bigint[]) is
    'One row per user (of user_ids; null: of all) and topic seen before ts. view_share: of the user''s '
    'views. like_rate is likes per effective view, see place_effects, and smoothed: it starts at the user''s own rate with '
    'the weight of 20 views';

revoke all on function pgfeed.user_topic_features_as_of(timestamptz, bigint[]) from public;
grant execute on function pgfeed.user_topic_features_as_of(timestamptz, bigint[]) to pgfeed_operator;
