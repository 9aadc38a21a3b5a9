create or replace procedure pgfeed._count_removed_events()
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_most_rows constant integer := 100000;
    v_kept_from constant timestamptz := coalesce(
        (select max(d.day) + 1 from pgfeed.rollup_days as d where d.dropped_at is not null), '-infinity'
    );
    v_removed record;
begin
    loop
        with removed as (
            delete from pgfeed.removed_events as r
            where r.ctid = any(array(select o.ctid from pgfeed.removed_events as o limit v_most_rows))
            returning r.user_id, r.post_id, r.day
        )

        select
            count(*) as row_count,
            array_agg(distinct r.day) filter (where r.day is not null) as days,
            array_agg(distinct r.post_id) filter (where r.day is null) as renamed_post_ids,
            array_agg(r.user_id) filter (where r.user_id is not null) as user_ids,
            array_agg(r.post_id) filter (where r.user_id is not null) as post_ids
        into v_removed
        from removed as r;
        exit when v_removed.row_count = 0;

        update pgfeed.rollup_days as d
        set is_stale = true, event_count = 0, missing_count = 0
        where d.day = any(v_removed.days) and d.dropped_at is null;
        -- The view that repeated a removed one of the hour before counts now.
        update pgfeed.rollup_days as d
        set is_stale = true
        where
            not d.is_stale
            and (
                d.day - 1 = any(v_removed.days)
                or d.day in (select p.day from pgfeed.post_days as p where p.post_id = any(v_removed.renamed_post_ids))
            );

        -- Of likes that are gone a later one of the user and post is the first now, or none.
        delete from pgfeed.liked_posts as l
        using unnest(v_removed.user_ids, v_removed.post_ids) as r (user_id, post_id)
        where
            l.user_id = r.user_id
            and l.post_id = r.post_id
            and l.liked_at >= v_kept_from
            and not exists (
                select 1
                from pgfeed.feed_events as e
                where
                    e.user_id = l.user_id
                    and e.post_id = l.post_id
                    and e.event_at = l.liked_at
                    and (e.action = any(v_hits) or e.target)
            );
        with likes as (
            insert into pgfeed.liked_posts as l (user_id, post_id, liked_at)
            select e.user_id, e.post_id, min(e.event_at)
            from (select distinct r.user_id, r.post_id from unnest(v_removed.user_ids, v_removed.post_ids) as r (user_id, post_id)) as r
            inner join pgfeed.feed_events as e on e.user_id = r.user_id and e.post_id = r.post_id
            where e.action = any(v_hits) or e.target
            group by e.user_id, e.post_id
            -- One of a new event is there already.
            on conflict (user_id, post_id) do update set liked_at = excluded.liked_at
            where excluded.liked_at < l.liked_at
            returning l.liked_at
        )

        update pgfeed.rollup_days as d
        set is_stale = true
        where not d.is_stale and d.day in (select l.liked_at::date from likes as l);

        -- What took a like back that is gone took none back.
        update pgfeed.rollup_days as d
        set is_stale = true
        where
            v_undos <> '{}'
            and not d.is_stale
            and d.day in (
                select e.event_at::date
                from unnest(v_removed.user_ids, v_removed.post_ids) as r (user_id, post_id)
                inner join pgfeed.feed_events as e on e.user_id = r.user_id and e.post_id = r.post_id
                where e.action = any(v_undos)
            );
        delete from pgfeed.marked_posts as m
        using unnest(v_removed.user_ids, v_removed.post_ids) as r (user_id, post_id)
        where
            m.user_id = r.user_id
            and m.post_id = r.post_id
            and coalesce(least(m.unliked_at, m.hidden_at), 'infinity') >= v_kept_from;
        call pgfeed._mark_posts('infinity', coalesce(v_removed.user_ids, '{}'), coalesce(v_removed.post_ids, '{}'));
        exit when v_removed.row_count < v_most_rows;
    end loop;
end;
$$;

alter procedure pgfeed._count_removed_events() owner to pgfeed_owner;

comment on procedure pgfeed._count_removed_events() is
    'Marks the days of removed_events for roll_up_events(), which may then count fewer events than before, forgets likes '
    'that are gone, and empties removed_events';

revoke all on procedure pgfeed._count_removed_events() from public;
