create or replace procedure pgfeed._estimate_places(days date[])
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    -- With fewer a place's likes are too few to tell anything; more would tell little more.
    v_least_views constant bigint := 10000;
    v_most_views constant bigint := 200000;
    v_user_ids constant bigint[] := null;
    v_post_ids constant bigint[] := null;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_from timestamptz;
    v_to timestamptz;
    v_hour_before timestamptz;
    v_day date;
    v_span integer;
    v_views bigint;
    v_seen record;
    v_effects real[];
begin
    foreach v_day in array days loop
        -- Soon after the first one, then rarely: the versions' number doubles the days between them, up to 32.
        continue when exists (
            select 1
            from pgfeed.place_effects as f
            where f.until <= v_day
            having v_day < max(f.until) + least(power(2, count(distinct f.until) - 1), 32)::integer
        );

        -- Days that keep what they were counted with are not to be of a version that they were not.
        continue when exists (
            select 1
            from pgfeed.rollup_days as d
            where d.day >= v_day and not d.is_stale and d.event_count is not null
        );

        v_to := v_day;
        foreach v_span in array array[1, 3, 9, 28] loop
            v_from := v_to - make_interval(days => v_span);
            v_views := (
                select count(*) from pgfeed.feed_events as e
                where e.action = 'view' and e.event_at >= v_from and e.event_at < v_to
            );
            exit when v_views >= v_most_views;
        end loop;
        continue when v_views < v_least_views;

        v_hour_before := v_from - pgfeed._like_window();
        -- Posts that exploration has brought into a list: whatever their place, it was by chance.
        with explored as materialized (
            select distinct on (x.user_id, p.post_id, p.rank, x.served_at::date)
                x.user_id,
                x.served_at,
                p.post_id,
                p.rank - 1 as place,
                cardinality(x.post_ids) as size,
                c.weight
            from pgfeed.exposures as x
            cross join lateral unnest(x.post_ids) with ordinality as p (post_id, rank)
            cross join lateral (
                select
                    sum(x.propensities[p.rank][j]) / cardinality(x.post_ids) / nullif(x.propensities[p.rank][p.rank], 0) as weight,
                    max(x.propensities[p.rank][j]) as highest,
                    min(x.propensities[p.rank][j]) as least
                from generate_series(1, cardinality(x.post_ids)) as j
            ) as c
            where
                x.propensities is not null
                and x.served_at >= v_from
                and x.served_at < v_to
                and cardinality(x.post_ids) between 2 and 39
                and c.highest < 0.5
                and c.least > 0
            order by x.user_id, p.post_id, p.rank, x.served_at::date, x.served_at
        ),

        shown as (
            select
                p.event_at,
                p.user_id,
                p.post_id,
                p.place,
                l.liked_at,
                o.weight,
                coalesce(o.size, 0) as size
            from (
                select
                    c.event_at,
                    c.user_id,
                    c.post_id,
                    row_number() over (partition by c.user_id, c.event_at::date order by c.event_at, c.post_id) - 1 as place
                from (
                    with chosen_events as not materialized (
--!include sql/_chosen_events.sql
                    )

--!include sql/_counted_events.sql
                ) as c
                where
                    c.view_count = 1
                    and (hashint8extended(c.user_id, 0) & 1048575) < 1048576 * v_most_views / v_views::double precision
            ) as p
            left join pgfeed.liked_posts as l
                on l.user_id = p.user_id and l.post_id = p.post_id and l.liked_at < v_to
            left join explored as o
                on
                    o.user_id = p.user_id
                    and o.post_id = p.post_id
                    and o.place = p.place
                    and o.served_at::date = p.event_at::date
                    and o.served_at between p.event_at - pgfeed._like_window() and p.event_at
            -- What was liked before is not liked again.
            where coalesce(l.liked_at >= p.event_at, true)
        )

        select
            string_agg(int8send(s.user_id), '') as user_ids,
            string_agg(int4send(s.event_at::date - date 'epoch'), '') as days,
            string_agg(int8send(s.post_id), '') as post_ids,
            string_agg(int4send(least(s.place, 39)::integer), '') as places,
            string_agg(int4send(coalesce(s.liked_at < s.event_at + pgfeed._like_window(), false)::integer), '') as likes,
            string_agg(float8send(coalesce(s.weight, 0)), '') as weights,
            string_agg(int4send(s.size), '') as sizes,
            count(*) filter (where s.liked_at < s.event_at + pgfeed._like_window()) as like_count
        into v_seen
        from shown as s;
        continue when v_seen.like_count = 0;

        v_effects := pgfeed._fitted_places(
            v_seen.user_ids, v_seen.days, v_seen.post_ids, v_seen.places, v_seen.likes, v_seen.weights, v_seen.sizes
        );
        insert into pgfeed.place_effects (until, place, effect, view_count)
        select v_day, e.number - 1, e.effect, octet_length(v_seen.places) / 4
        from unnest(v_effects) with ordinality as e (effect, number);
    end loop;
end;
$$;

alter procedure pgfeed._estimate_places(date[]) owner to pgfeed_owner;

comment on procedure pgfeed._estimate_places(date[]) is
    'Adds the versions of place_effects that these days, in order, call for, each from the views of the 1, 3, 9 or 28 days '
    'before it, the fewest that hold 200,000, and of a share of the users where they hold more. Where exploration put posts into the first list of a day, chance has chosen their places: what these say counts, the more, the more likes they had. The first version comes '
    'with the first day that has 10,000 views before it, the next ones 1, 2, 4, 8, 16 and then always 32 days after the '
    'one before. None is changed later, nor made where a later day is already counted: so a day that is counted anew has the '
    'version that it had';

revoke all on procedure pgfeed._estimate_places(date[]) from public;
