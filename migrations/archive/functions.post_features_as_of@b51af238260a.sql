create or replace function pgfeed.post_features_as_of(
    ts timestamptz,
    post_ids bigint[] default null
)
returns table (
    post_id bigint,
    view_count bigint,
    like_count bigint,
    like_rate real,
    decayed_view_count_7d real,
    decayed_like_count_7d real,
    decayed_like_count_1d real,
    decayed_like_rate_7d real,
    age_days real
)
language plpgsql stable parallel safe
cost 10000 rows 10000
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_live_from date := pgfeed._live_from(ts);
    v_prior_rate double precision;
    -- A post's rate starts as the overall rate with the weight of this many views.
    v_prior_views constant double precision := 100;
begin
    select sum(d.like_count)::double precision / nullif(sum(d.view_count), 0) into v_prior_rate
    from pgfeed.rollup_days as d
    where d.day < v_live_from;
    v_prior_rate := coalesce(v_prior_rate, 0.1);

    return query
    with live_days as (
        select
            c.post_id,
            c.event_at::date as day,
            sum(c.view_count)::integer as view_count,
            sum(c.like_count)::integer as like_count
        from pgfeed._counted_events as c
        where
            c.event_at >= v_live_from::timestamptz
            and c.event_at < post_features_as_of.ts
            and (post_ids is null or c.post_id = any(post_ids))
        group by c.post_id, c.event_at::date
    ),

    days as (
        select
            d.post_id,
            d.day,
            d.view_count,
            d.like_count
        from pgfeed.post_days as d
        where
            d.day < v_live_from
            and (post_ids is null or d.post_id = any(post_ids))
        union all
        select
            l.post_id,
            l.day,
            l.view_count,
            l.like_count
        from live_days as l
    ),

    ages as (
        select
            e.day,
            greatest(extract(epoch from ts - (e.day + time '12:00')) / 86400, 0)::double precision as age
        from (
            select d.day
            from pgfeed.rollup_days as d
            where d.day < v_live_from
            union
            select l.day
            from live_days as l
        ) as e
    ),

    weights as materialized (
        select
            a.day,
            power(0.5, least(a.age / 7, 500)) as weight_7d,
            power(0.5, least(a.age, 500)) as weight_1d
        from ages as a
    ),

    counts as (
        select
            d.post_id,
            min(d.day) as first_day,
            sum(d.view_count) as views,
            sum(d.like_count) as likes,
            sum(d.view_count * w.weight_7d) as views_7d,
            sum(d.like_count * w.weight_7d) as likes_7d,
            sum(d.like_count * w.weight_1d) as likes_1d
        from days as d
        inner join weights as w on w.day = d.day
        group by d.post_id
    )

    select
        p.post_id,
        coalesce(c.views, 0)::bigint,
        coalesce(c.likes, 0)::bigint,
        ((coalesce(c.likes, 0) + v_prior_views * v_prior_rate)
        / (coalesce(c.views, 0) + v_prior_views))::real,
        coalesce(c.views_7d, 0)::real,
        coalesce(c.likes_7d, 0)::real,
        coalesce(c.likes_1d, 0)::real,
        ((coalesce(c.likes_7d, 0) + v_prior_views * v_prior_rate)
        / (coalesce(c.views_7d, 0) + v_prior_views))::real,
        greatest(
            extract(epoch from ts - coalesce(p.created_at, c.first_day::timestamptz)) / 86400, 0
        )::real
    from pgfeed.posts as p
    left join counts as c on c.post_id = p.post_id
    where post_ids is null or p.post_id = any(post_ids);
end;
$$;

alter function pgfeed.post_features_as_of(timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed.post_features_as_of(timestamptz, bigint[]) is
    'One row per post (of post_ids; null: of all): what the events before ts say of it. Rates are '
    'smoothed: they start at the overall rate with the weight of 100 views. Decayed counts halve '
    'with every 7 days, or every day, of the event''s age';

revoke all on function pgfeed.post_features_as_of(timestamptz, bigint[]) from public;
grant execute on function pgfeed.post_features_as_of(timestamptz, bigint[]) to pgfeed_operator;
