create or replace procedure pgfeed._count_served(days date[])
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_last_rank constant integer := 21;
    v_window constant interval := pgfeed._like_window();
    v_hits constant text[] := pgfeed._hits();
    -- Yesterday's lists may have had their hour after midnight.
    v_newest_from constant date := coalesce(
        (select max(c.day) - 1 from pgfeed.served_counts as c where c.day <= now()::date), '-infinity'
    );
    v_changed constant date[] := array(
        select d.day from unnest(days) as d (day)
        union
        select d.day - 1 from unnest(days) as d (day)
    );
    v_days date[];
    v_from timestamptz := least(v_newest_from, (select min(c.day) from unnest(v_changed) as c (day)));
    v_to timestamptz;
begin
    v_days := array(
        select distinct x.served_at::date
        from pgfeed.exposures as x
        where
            x.served_at >= v_from
            and (x.served_at >= v_newest_from or x.served_at::date = any(v_changed))
    );
    -- Whose events are gone stays as it was counted.
    v_days := array(
        select d.day
        from unnest(v_days) as d (day)
        where
            not exists (select 1 from pgfeed.rollup_days as r where r.day = d.day and r.missing_count > 0)
            or not exists (select 1 from pgfeed.served_counts as c where c.day = d.day)
        order by d.day
    );
    if v_days = '{}' then
        return;
    end if;

    delete from pgfeed.served_counts as c where c.day = any(v_days);
    -- Days that follow one another at once: of what lies between others nothing is read.
    for v_from, v_to in
        select
            min(n.day),
            max(n.day) + 1
        from (select d.day, d.day - (row_number() over (order by d.day))::integer as run from unnest(v_days) as d (day)) as n
        group by n.run
    loop
        insert into pgfeed.served_counts (
            day, feed, variant, rank, topic, served_count, viewed_count, liked_count, hit_count
        )
        with
        places as (
            select
                x.user_id,
                x.exposure_id,
                x.served_at,
                x.feed,
                x.variant,
                p.post_id,
                p.rank
            from pgfeed.exposures as x
            cross join lateral unnest(x.post_ids) with ordinality as p (post_id, rank)
            where x.served_at >= v_from and x.served_at < v_to
        ),
        reactions as (
            select
                e.user_id,
                e.post_id,
                e.event_at as reacted_at,
                coalesce(e.action = any(v_hits) or e.target, false) as is_like
            from pgfeed.feed_events as e
            where
                e.event_at >= v_from
                and e.event_at < v_to + v_window
                and (e.action = 'view' or e.action = any(v_hits) or e.target)
            union all
            -- Also when the events were dropped.
            select
                l.user_id,
                l.post_id,
                l.liked_at,
                true
            from pgfeed.liked_posts as l
            where l.liked_at >= v_from and l.liked_at < v_to + v_window
        ),
        outcomes as (
            select
                p.user_id,
                p.exposure_id,
                p.served_at,
                p.feed,
                p.variant,
                p.post_id,
                p.rank,
                count(r.user_id) > 0 as is_viewed,
                coalesce(bool_or(r.is_like), false) as is_liked
            from places as p
            left join reactions as r
                on
                    r.user_id = p.user_id
                    and r.post_id = p.post_id
                    and r.reacted_at >= p.served_at
                    and r.reacted_at < p.served_at + v_window
            group by p.user_id, p.exposure_id, p.served_at, p.feed, p.variant, p.post_id, p.rank
        ),
        lists as (
            select
                o.*,
                min(o.rank) filter (where o.is_liked) over (partition by o.user_id, o.exposure_id) as first_liked_rank
            from outcomes as o
        )
        select
            l.served_at::date,
            l.feed,
            l.variant,
            least(l.rank, v_last_rank),
            t.topic,
            count(*),
            count(*) filter (where l.is_viewed),
            count(*) filter (where l.is_liked),
            count(*) filter (where l.rank = l.first_liked_rank)
        from lists as l
        left join pgfeed.posts as t on t.post_id = l.post_id
        group by l.served_at::date, l.feed, l.variant, least(l.rank, v_last_rank), t.topic;
    end loop;
end;
$$;

alter procedure pgfeed._count_served(date[]) owner to pgfeed_owner;

comment on procedure pgfeed._count_served(date[]) is
    'Counts anew what became of the lists of the days that were rolled up, of the days before them, and of the newest two days '
    'with lists, see served_counts. What is read: the exposures and events of these days';

revoke all on procedure pgfeed._count_served(date[]) from public;
