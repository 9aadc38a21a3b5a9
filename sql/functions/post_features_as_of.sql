create or replace function pgfeed.post_features_as_of(
    ts timestamptz,
    post_ids bigint[] default null
)
returns table (
    post_id bigint,
    view_count bigint,
    like_count bigint,
    like_rate real,
    decayed_view_count_1h real,
    decayed_view_count_6h real,
    decayed_view_count_1d real,
    decayed_view_count_3d real,
    decayed_view_count_7d real,
    decayed_view_count_30d real,
    decayed_like_count_1h real,
    decayed_like_count_6h real,
    decayed_like_count_1d real,
    decayed_like_count_3d real,
    decayed_like_count_7d real,
    decayed_like_count_30d real,
    decayed_like_rate_7d real,
    age_days real,
    days_since_event real
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
    -- From this day on events count at their own time, before it at the noon of their day.
    v_exact_from date := least(pgfeed._live_from(ts), ts::date - 1);
    v_from timestamptz := v_exact_from;
    v_to timestamptz := ts;
    v_hour_before timestamptz := v_from - pgfeed._like_window();
    v_user_ids constant bigint[] := null;
    -- The place of a view takes those of other posts.
    v_post_ids constant bigint[] := null;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_untils constant date[] := pgfeed._place_versions();
    v_effects constant real[] := pgfeed._place_effects();
    v_prior_rate constant double precision := pgfeed._prior_like_rate(ts);
    -- A post's rate starts as the overall rate with the weight of this many views.
    v_prior_views constant double precision := 100;
begin
    return query
    with chosen_events as not materialized (
--!include sql/_chosen_events.sql
    ),

    counted as (
--!include sql/_weighed_events.sql
    ),

    entries as (
        select
            d.post_id,
            d.day::timestamptz as first_at,
            d.day + time '12:00' as counted_at,
            d.view_count,
            d.like_count,
            coalesce(d.effective_view_count, d.view_count) as effective_view_count
        from pgfeed.post_days as d
        where
            d.day < v_exact_from
            and (post_ids is null or d.post_id = any(post_ids))
        union all
        select
            c.post_id,
            c.event_at,
            c.event_at::timestamp,
            c.view_count,
            c.like_count,
            c.effective_view_count
        from counted as c
        where (post_ids is null or c.post_id = any(post_ids))
    ),

    -- A weight of less than 2^-100 would not fit into the type real.
    weights as materialized (
        select
            t.counted_at,
            power(0.5, least(t.age * 24, 100)) as weight_1h,
            power(0.5, least(t.age * 4, 100)) as weight_6h,
            power(0.5, least(t.age, 100)) as weight_1d,
            power(0.5, least(t.age / 3, 100)) as weight_3d,
            power(0.5, least(t.age / 7, 100)) as weight_7d,
            power(0.5, least(t.age / 30, 100)) as weight_30d
        from (
            select
                e.counted_at,
                greatest(extract(epoch from ts::timestamp - e.counted_at) / 86400, 0)::double precision as age
            from entries as e
            group by e.counted_at
        ) as t
    ),

    counts as (
        select
            e.post_id,
            min(e.first_at) as first_at,
            max(e.counted_at) as last_at,
            sum(e.view_count) as views,
            sum(e.like_count) as likes,
            sum(e.effective_view_count::double precision) as effective,
            sum(e.effective_view_count * w.weight_7d) as effective_7d,
            sum(e.view_count * w.weight_1h) as views_1h,
            sum(e.view_count * w.weight_6h) as views_6h,
            sum(e.view_count * w.weight_1d) as views_1d,
            sum(e.view_count * w.weight_3d) as views_3d,
            sum(e.view_count * w.weight_7d) as views_7d,
            sum(e.view_count * w.weight_30d) as views_30d,
            sum(e.like_count * w.weight_1h) as likes_1h,
            sum(e.like_count * w.weight_6h) as likes_6h,
            sum(e.like_count * w.weight_1d) as likes_1d,
            sum(e.like_count * w.weight_3d) as likes_3d,
            sum(e.like_count * w.weight_7d) as likes_7d,
            sum(e.like_count * w.weight_30d) as likes_30d
        from entries as e
        inner join weights as w on w.counted_at = e.counted_at
        group by e.post_id
    )

    select
        p.post_id,
        coalesce(c.views, 0)::bigint,
        coalesce(c.likes, 0)::bigint,
        ((coalesce(c.likes, 0) + v_prior_views * v_prior_rate)
        / (greatest(c.effective, c.likes, 0) + v_prior_views))::real,
        coalesce(c.views_1h, 0)::real,
        coalesce(c.views_6h, 0)::real,
        coalesce(c.views_1d, 0)::real,
        coalesce(c.views_3d, 0)::real,
        coalesce(c.views_7d, 0)::real,
        coalesce(c.views_30d, 0)::real,
        greatest(c.likes_1h, 0)::real,
        greatest(c.likes_6h, 0)::real,
        greatest(c.likes_1d, 0)::real,
        greatest(c.likes_3d, 0)::real,
        greatest(c.likes_7d, 0)::real,
        greatest(c.likes_30d, 0)::real,
        ((greatest(c.likes_7d, 0) + v_prior_views * v_prior_rate)
        / (greatest(c.effective_7d, c.likes_7d, 0) + v_prior_views))::real,
        case
            when coalesce(p.created_at, c.first_at) is not null
                then greatest(extract(epoch from ts - coalesce(p.created_at, c.first_at)) / 86400, 0)
        end::real,
        case
            when c.last_at is not null then greatest(extract(epoch from ts::timestamp - c.last_at) / 86400, 0)
        end::real
    from pgfeed.posts as p
    left join counts as c on c.post_id = p.post_id
    where
        (post_ids is null or p.post_id = any(post_ids))
        and (p.created_at is null or p.created_at < ts);
end;
$$;

alter function pgfeed.post_features_as_of(timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed.post_features_as_of(timestamptz, bigint[]) is
    'One row per post (of post_ids; null: of all): what the events before ts say of it. Rates are '
    'likes per effective view, see place_effects, and smoothed: they start at the overall rate with the weight of 100 views. Decayed counts halve '
    'with every hour, 6 hours, day, 3, 7 or 30 days of the event''s age: exact for events of the day of ts '
    'and of the day before, from noon for older ones. age_days: since '
    'created_at, else since the first event; null: neither is known';

revoke all on function pgfeed.post_features_as_of(timestamptz, bigint[]) from public;
grant execute on function pgfeed.post_features_as_of(timestamptz, bigint[]) to pgfeed_operator;
