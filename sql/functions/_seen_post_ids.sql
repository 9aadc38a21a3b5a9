create or replace function pgfeed._seen_post_ids(
    user_id bigint,
    ts timestamptz,
    within interval
)
returns bytea
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- No moment is before 4713 BC.
    v_since constant timestamptz := case
        when within > interval '1000 years' or ts < '1000-01-01' then '-infinity'
        else ts - within
    end;
begin
    return (
        select string_agg(int8send(s.post_id), '')
        from (
            select f.post_id
            from pgfeed.feed_events as f
            where
                f.user_id = _seen_post_ids.user_id
                and f.action = 'view'
                and f.event_at >= v_since
                and f.event_at < ts
            union all
            select unnest(e.post_ids)
            from pgfeed.exposures as e
            where e.user_id = _seen_post_ids.user_id and e.served_at >= v_since and e.served_at < ts
        ) as s
    );
end;
$$;

alter function pgfeed._seen_post_ids(bigint, timestamptz, interval) owner to pgfeed_owner;

comment on function pgfeed._seen_post_ids(bigint, timestamptz, interval) is
    'The posts that a user viewed or was served in so long before ts, as big-endian int8, in any order; null: none';

revoke all on function pgfeed._seen_post_ids(bigint, timestamptz, interval) from public;
