create or replace function pgfeed._post_counts(
    ts timestamptz,
    post_ids bigint[]
)
returns table (
    post_id bigint,
    likes bigint,
    views bigint,
    effective double precision
)
language plpgsql stable
cost 10000 rows 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
begin
    return query
    select
        p.post_id,
        sum(p.like_count)::bigint,
        sum(p.view_count)::bigint,
        sum(coalesce(p.effective_view_count, p.view_count)::double precision)
    from pgfeed.post_days as p
    where
        p.post_id = any(_post_counts.post_ids)
        and p.day < _post_counts.ts::date
        and p.day >= greatest(_post_counts.ts, timestamptz '4000-01-01 BC')::date - 180
    group by p.post_id;
end;
$$;

alter function pgfeed._post_counts(timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed._post_counts(timestamptz, bigint[]) is
    'One row per post with an event in the 180 days before the day of ts: how often it was liked and viewed, and the views '
    'as if all were at the same place of a session';

revoke all on function pgfeed._post_counts(timestamptz, bigint[]) from public;
