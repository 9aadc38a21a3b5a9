create or replace function pgfeed.experiment_days(
    experiment text,
    attribution interval default '1 hour',
    until timestamptz default now()
)
returns table (
    metric text,
    day date,
    arm text,
    user_count bigint,
    exposure_count bigint,
    value double precision,
    standard_error double precision,
    lift double precision,
    lift_low double precision,
    lift_high double precision,
    p_value double precision,
    sequential_low double precision,
    sequential_high double precision,
    sequential_p_value double precision
)
language plpgsql stable
cost 1000000 rows 100
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_id integer := pgfeed._experiment_id(experiment);
    v_from timestamptz;
    v_to timestamptz;
    v_prior double precision;
    v_hits constant text[] := pgfeed._hits();
begin
    select min(x.served_at), max(x.served_at) into v_from, v_to
    from pgfeed.exposures as x
    where x.experiment_id = v_id and x.served_at <= until - attribution;
    select e.expected_lift into v_prior from pgfeed.experiments as e where e.experiment_id = v_id;

    return query
    with
    shown as (
        select
            x.exposure_id,
            x.user_id,
            x.served_at,
            (x.served_at at time zone 'UTC')::date as day,
            x.arm,
            x.post_ids
        from pgfeed.exposures as x
        where x.experiment_id = v_id and x.served_at between v_from and v_to
    ),
    liked as (
        select s.user_id, s.exposure_id, count(distinct l.post_id) as like_count
        from shown as s
        inner join (
            select
                e.user_id,
                e.post_id,
                e.event_at as liked_at
            from pgfeed.feed_events as e
            where e.action = any(v_hits) or e.target
            union all
            -- Also when the events were dropped.
            select
                k.user_id,
                k.post_id,
                k.liked_at
            from pgfeed.liked_posts as k
        ) as l
            on
                l.user_id = s.user_id
                and l.post_id = any(s.post_ids)
                and l.liked_at >= s.served_at
                and l.liked_at < s.served_at + attribution
        where l.liked_at >= v_from and l.liked_at < v_to + attribution
        group by s.user_id, s.exposure_id
    ),
    user_days as (
        select
            s.user_id,
            s.day,
            min(s.arm) as arm,
            max(s.arm) as last_arm,
            count(*) as exposures,
            count(l.like_count) as hits,
            coalesce(sum(l.like_count), 0) as likes
        from shown as s
        left join liked as l on l.user_id = s.user_id and l.exposure_id = s.exposure_id
        group by s.user_id, s.day
    ),
    running as (
        select
            d.*,
            min(d.arm) over (partition by d.user_id) = max(d.last_arm) over (partition by d.user_id) as is_in_one_arm,
            sum(d.exposures) over so_far as exposures_after,
            sum(d.hits) over so_far as hits_after,
            sum(d.likes) over so_far as likes_after
        from user_days as d
        window so_far as (partition by d.user_id order by d.day)
    ),
    -- How a user's sums changed on a day: y / n is the metric, so that sums of squares add up over the days.
    changes as (
        select
            m.metric,
            r.day,
            r.arm,
            (r.exposures_after = r.exposures)::integer as users,
            r.exposures,
            m.y - m.y_before as y,
            m.n - m.n_before as n,
            m.y * m.y - m.y_before * m.y_before as yy,
            m.y * m.n - m.y_before * m.n_before as yn,
            m.n * m.n - m.n_before * m.n_before as nn
        from running as r
        cross join lateral (
            values
            (
                'hit rate', r.hits_after, r.exposures_after,
                r.hits_after - r.hits, r.exposures_after - r.exposures
            ),
            (
                'likes per exposure', r.likes_after, r.exposures_after,
                r.likes_after - r.likes, r.exposures_after - r.exposures
            ),
            (
                'users with a hit', (r.hits_after > 0)::integer, 1,
                (r.hits_after > r.hits)::integer, (r.exposures_after > r.exposures)::integer
            )
        ) as m (metric, y, n, y_before, n_before)
        where r.is_in_one_arm
    ),
    sums as (
        select
            g.metric,
            g.day,
            g.arm,
            g.number,
            sum(sum(c.users)) over so_far as users,
            sum(sum(c.exposures)) over so_far as exposures,
            (sum(sum(c.y)) over so_far)::double precision as y,
            (sum(sum(c.n)) over so_far)::double precision as n,
            (sum(sum(c.yy)) over so_far)::double precision as yy,
            (sum(sum(c.yn)) over so_far)::double precision as yn,
            (sum(sum(c.nn)) over so_far)::double precision as nn
        from (
            select k.metric, k.day, a.arm, a.number
            from (select distinct c.metric, c.day from changes as c) as k
            cross join pgfeed.experiment_arms as a
            where a.experiment_id = v_id
        ) as g
        left join changes as c on c.metric = g.metric and c.day = g.day and c.arm = g.arm
        group by g.metric, g.day, g.arm, g.number
        window so_far as (partition by g.metric, g.arm order by g.day)
    ),
    -- The ratio of two sums over users, its variance by the delta method (Deng et al. 2018, arXiv 1803.06336).
    ratios as (
        select
            s.*,
            s.y / nullif(s.n, 0) as ratio,
            s.users / nullif(s.users - 1, 0)::double precision
            * greatest(s.yy - 2 * s.y / s.n * s.yn + (s.y / s.n) ^ 2 * s.nn, 0) / nullif(s.n, 0) ^ 2 as variance
        from sums as s
        where s.n > 0
    ),
    compared as (
        select
            r.*,
            b.ratio as base,
            r.ratio - b.ratio as gain,
            r.variance + b.variance as gain_variance,
            case
                when r.metric = 'users with a hit'
                    then (r.y + b.y) / (r.n + b.n) * (1 - (r.y + b.y) / (r.n + b.n)) * (1 / r.n + 1 / b.n)
                else r.variance + b.variance
            end as null_variance,
            sqrt(r.variance / b.ratio ^ 2 + r.ratio ^ 2 * b.variance / b.ratio ^ 4) as lift_error,
            (v_prior * b.ratio) ^ 2 as prior,
            -- A variance of few users says nothing, and a false alarm would stay.
            least(r.users, b.users) >= 30 as is_look
        from ratios as r
        left join ratios as b
            on b.metric = r.metric and b.day = r.day and b.number = 1 and r.number > 1 and b.ratio > 0
    ),
    -- Valid at every look: a normal mixture over the gain (Robbins 1970; Johari et al. 2022, arXiv 1512.04922), which is
    -- also the asymptotic confidence sequence of Waudby-Smith et al. 2021 (arXiv 2103.06476).
    mixed as (
        select
            c.*,
            case when c.is_look then sqrt(
                2 * c.lift_error ^ 2 * (c.lift_error ^ 2 + v_prior ^ 2) / v_prior ^ 2
                * ln(sqrt((c.lift_error ^ 2 + v_prior ^ 2) / nullif(c.lift_error, 0) ^ 2) / 0.05)
            ) end as reach,
            case when c.is_look and c.gain_variance > 0 then exp(greatest(-700, least(0,
                0.5 * ln((c.gain_variance + c.prior) / c.gain_variance)
                - c.prior * c.gain ^ 2 / (2 * c.gain_variance * (c.gain_variance + c.prior))
            ))) end as look_p_value
        from compared as c
    )
    select
        m.metric,
        m.day,
        m.arm,
        m.users::bigint,
        m.exposures::bigint,
        m.ratio,
        sqrt(m.variance),
        m.gain / m.base,
        m.gain / m.base - 1.959963984540054 * m.lift_error,
        m.gain / m.base + 1.959963984540054 * m.lift_error,
        pgfeed._chi_square_tail(m.gain ^ 2 / nullif(m.null_variance, 0), 1),
        -- The lift of users with a hit shrinks as everybody gets one: each look has its own interval.
        case
            when m.metric = 'users with a hit' then m.gain / m.base - m.reach
            else max(m.gain / m.base - m.reach) over so_far
        end,
        case
            when m.metric = 'users with a hit' then m.gain / m.base + m.reach
            else min(m.gain / m.base + m.reach) over so_far
        end,
        min(m.look_p_value) over so_far
    from mixed as m
    window so_far as (partition by m.metric, m.number order by m.day)
    order by m.metric, m.day, m.number;
end;
$$;

alter function pgfeed.experiment_days(text, interval, timestamptz) owner to pgfeed_owner;

comment on function pgfeed.experiment_days(text, interval, timestamptz) is
    'One row per metric, day (UTC) and arm: all exposures up to that day whose attribution ended by `until`. A like '
    'counts for an exposure of its post in the time `attribution` before it. lift: relative to the first arm, with '
    '95% interval; p_value: for a single look; sequential_*: valid whenever and however often one looks, from 30 users per arm on. '
    'Users seen in two arms are left out';

revoke all on function pgfeed.experiment_days(text, interval, timestamptz) from public;
grant execute on function pgfeed.experiment_days(text, interval, timestamptz) to pgfeed_reader, pgfeed_operator;
