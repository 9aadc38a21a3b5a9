create or replace procedure pgfeed._find_leak(
    name text,
    inout problem text default null
)
language plpgsql
set search_path = pg_catalog, pg_temp
--!include sql/_fixed_meaning.sql
as $$
declare
    v_is_of_posts constant boolean := name like 'post.%';
    v_days constant date[] := array(
        select d.day from pgfeed.rollup_days as d where d.view_count > 0 or d.like_count > 0 order by d.day
    );
    v_ts timestamptz;
    v_ids bigint[];
    v_before jsonb;
    v_after jsonb;
begin
    if v_days = '{}' then
        perform f.id from pgfeed._own_feature_as_of(name, now(), '{}') as f;
        return;
    end if;

    for v_ts in
        select distinct v_days[ceil(s.share * cardinality(v_days))]::timestamptz
        from unnest(array[0.5, 0.75, 1]) as s (share)
    loop
        v_ids := case
            when v_is_of_posts
                then array(
                    select d.post_id from pgfeed.post_days as d
                    where d.day = v_ts::date order by d.view_count desc, d.post_id limit 50
                )
            else array(
                select d.user_id from pgfeed.user_topic_days as d
                where d.day = v_ts::date group by d.user_id order by sum(d.view_count) desc, d.user_id limit 50
            )
        end;
        select jsonb_object_agg(f.id, f.value) into v_before from pgfeed._own_feature_as_of(name, v_ts, v_ids) as f;
        begin
            delete from pgfeed.feed_events as e
            where
                e.event_at >= v_ts
                and e.event_at < v_ts + interval '2 days'
                and case when v_is_of_posts then e.post_id else e.user_id end = any(v_ids);
            delete from pgfeed.liked_posts as l
            where l.liked_at >= v_ts and case when v_is_of_posts then l.post_id else l.user_id end = any(v_ids);
            if v_is_of_posts then
                delete from pgfeed.post_days as d where d.day >= v_ts::date and d.post_id = any(v_ids);
            else
                delete from pgfeed.user_topic_days as d where d.day >= v_ts::date and d.user_id = any(v_ids);
            end if;
            select jsonb_object_agg(f.id, f.value) into v_after from pgfeed._own_feature_as_of(name, v_ts, v_ids) as f;
            raise exception 'rolled back' using errcode = 'PF000';
        exception when sqlstate 'PF000' then
            null;
        end;
        select
            format(
                'the feature %s looks ahead: as of %s it is %s for %s %s, and %s without the events from then on',
                name, to_char(v_ts, 'YYYY-MM-DD'), coalesce(v_before ->> i.id::text, 'unknown'),
                split_part(name, '.', 1), i.id, coalesce(v_after ->> i.id::text, 'unknown')
            )
        into problem
        from unnest(v_ids) as i (id)
        where v_before -> i.id::text is distinct from v_after -> i.id::text
        order by i.id
        limit 1;
        exit when problem is not null;
    end loop;
end;
$$;

alter procedure pgfeed._find_leak(text, text) owner to pgfeed_owner;

comment on procedure pgfeed._find_leak(text, text) is
    'Says whether an own feature as of three days changes for the 50 busiest posts or users when their events from then '
    'on, of feed_events and of what is counted from them, are deleted, which is taken back; null: no';

revoke all on procedure pgfeed._find_leak(text, text) from public;
