create or replace function pgfeed._rising_post_ids(ts timestamptz)
returns bigint[]
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
begin
    return array(
        select d.post_id
        from pgfeed.post_days as d
        where d.day between ts::date - 8 and ts::date - 1 and d.like_count > 0
        group by d.post_id
        order by sum(d.like_count) desc, d.post_id
        limit 2000
    ) || array(
        select e.post_id
        from pgfeed.feed_events as e
        where e.event_at >= ts::date and e.event_at < ts
        group by e.post_id
        order by count(*) desc
        limit 2000
    );
end;
$$;

alter function pgfeed._rising_post_ids(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._rising_post_ids(timestamptz) is
    'The posts of a large catalogue that trending can rank first, at most 4,000: a post rises only by likes of lately';

revoke all on function pgfeed._rising_post_ids(timestamptz) from public;
