create or replace procedure pgfeed._take_out_user(
    user_id bigint,
    into_user_id bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_from constant bigint := user_id;
    v_into constant bigint := into_user_id;
    v_before pgfeed.post_days[];
    v_after pgfeed.post_days[] := '{}';
    v_days date[];
    v_counts integer[];
    v_relation text;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.roll_up_events'));
    -- From now on days that are not stale are counted from the events that are there.
    call pgfeed._find_stale_days(null);
    v_before := array(select c from pgfeed._user_days(array_remove(array[v_from, v_into], null)) as c);
    select array_agg(c.day), array_agg(c.event_count) into v_days, v_counts
    from (
        select
            e.event_at::date as day,
            -- Those that the other user has too are counted once.
            count(*) filter (where v_into is null or exists (
                select 1
                from pgfeed.feed_events as o
                where
                    o.user_id = v_into
                    and o.event_at = e.event_at
                    and o.post_id = e.post_id
                    and o.action = e.action
            ))::integer as event_count
        from pgfeed.feed_events as e
        where e.user_id = v_from
        group by e.event_at::date
    ) as c;

    if v_into is not null then
        call pgfeed._move_user(v_from, v_into);
    end if;
    for v_relation in
        select c.relname
        from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
        where
            c.relnamespace = 'pgfeed'::regnamespace
            and c.relkind in ('r', 'p')
            and not c.relispartition
            and not starts_with(c.relname, '_next_')
        order by c.relname
    loop
        execute format('delete from pgfeed.%I as r where r.user_id = $1', v_relation) using v_from;
    end loop;
    delete from pgfeed.own_feature_values as v where v.name like 'user.%' and v.id = v_from;
    if v_into is not null then
        v_after := array(select c from pgfeed._user_days(array[v_into]) as c);
        call pgfeed._count_user_topics(v_into);
    end if;

    update pgfeed.post_days as p
    set
        view_count = p.view_count + c.view_count,
        like_count = p.like_count + c.like_count,
        effective_view_count = p.effective_view_count + c.effective_view_count
    from (
        select
            d.post_id,
            d.day,
            sum(d.view_count) as view_count,
            sum(d.like_count) as like_count,
            sum(d.effective_view_count) as effective_view_count
        from (
            select
                b.post_id,
                b.day,
                -b.view_count as view_count,
                -b.like_count as like_count,
                -b.effective_view_count as effective_view_count
            from unnest(v_before) as b
            union all
            select a.post_id, a.day, a.view_count, a.like_count, a.effective_view_count from unnest(v_after) as a
        ) as d
        group by d.post_id, d.day
    ) as c
    where p.post_id = c.post_id and p.day = c.day;
    delete from pgfeed.post_days as p
    using unnest(v_before) as b
    where p.post_id = b.post_id and p.day = b.day and p.view_count = 0 and p.like_count = 0;
    update pgfeed.rollup_days as d
    set
        event_count = greatest(d.event_count - c.event_count, 0),
        view_count = d.view_count + c.view_count,
        like_count = d.like_count + c.like_count
    from (
        select
            s.day,
            sum(s.event_count) as event_count,
            sum(s.view_count) as view_count,
            sum(s.like_count) as like_count
        from (
            select e.day, e.event_count, 0 as view_count, 0 as like_count
            from unnest(v_days, v_counts) as e (day, event_count)
            union all
            select b.day, 0, -b.view_count, -b.like_count from unnest(v_before) as b
            union all
            select a.day, 0, a.view_count, a.like_count from unnest(v_after) as a
        ) as s
        group by s.day
    ) as c
    where d.day = c.day;
    update pgfeed.rollup_days as d
    set busy_user_ids = array_remove(d.busy_user_ids, v_from)
    where v_from = any(d.busy_user_ids);
    update pgfeed.recommendation_chunks as c
    set user_ids = array_remove(c.user_ids, v_from)
    where v_from = any(c.user_ids);
end;
$$;

alter procedure pgfeed._take_out_user(bigint, bigint) owner to pgfeed_owner;

comment on procedure pgfeed._take_out_user(bigint, bigint) is
    'Deletes a user from all tables with a user_id, or moves what there is to another one, null: none, and corrects the '
    'roll-ups by the difference. Counts of posts on days whose events are gone stay';

revoke all on procedure pgfeed._take_out_user(bigint, bigint) from public;
