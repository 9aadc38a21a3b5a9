create or replace function pgfeed._newest_likes(
    ts timestamptz,
    most bigint
)
returns table (
    user_id bigint,
    post_id bigint,
    day integer
)
language plpgsql stable
cost 100000 rows 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
begin
    return query
    select k.user_id, k.post_id, floor(extract(epoch from k.liked_at) / 86400)::integer
    from pgfeed.likes as k
    where
        k.liked_at < _newest_likes.ts
        and (k.unliked_at is null or k.unliked_at >= _newest_likes.ts)
        and k.liked_at >= coalesce(
            (
                select min(n.day)::timestamptz
                from (
                    select d.day, sum(d.like_count) over (order by d.day desc) - d.like_count as later
                    from pgfeed.rollup_days as d
                    where d.day < _newest_likes.ts::date
                ) as n
                where n.later < _newest_likes.most
            ),
            '-infinity'
        );
end;
$$;

alter function pgfeed._newest_likes(timestamptz, bigint) owner to pgfeed_owner;

comment on function pgfeed._newest_likes(timestamptz, bigint) is
    'One row per like before ts that stands at ts, of the days that hold the newest so many. day: since 1970-01-01';

revoke all on function pgfeed._newest_likes(timestamptz, bigint) from public;
