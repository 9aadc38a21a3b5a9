create or replace function pgfeed._recent_events(
    from_at timestamptz,
    ts timestamptz,
    out post_ids bytea,
    out seconds bytea,
    out view_counts bytea,
    out like_counts bytea
)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    select
        string_agg(int8send(c.post_id), ''),
        string_agg(float8send(extract(epoch from c.event_at - _recent_events.from_at)::double precision), ''),
        string_agg(float4send(c.view_count), ''),
        string_agg(float4send(c.like_count), '')
    into
        _recent_events.post_ids,
        _recent_events.seconds,
        _recent_events.view_counts,
        _recent_events.like_counts
    from pgfeed._counted_events as c
    where c.event_at >= _recent_events.from_at and c.event_at < _recent_events.ts;
end;
$$;

alter function pgfeed._recent_events(timestamptz, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._recent_events(timestamptz, timestamptz) is
    'One row: the events of all users from from_at until before ts, in no order: posts (big-endian int8), '
    'seconds after from_at (float8), whether they count as a view and as a like (float4); null: none';

revoke all on function pgfeed._recent_events(timestamptz, timestamptz) from public;
