create or replace function pgfeed._has_events(
    from_at timestamptz,
    to_at timestamptz
)
returns boolean
language plpgsql stable strict
cost 10000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
begin
    -- Citus cannot plan a list of no columns.
    return exists (
        select 1
        from pgfeed.feed_events as e
        where e.event_at >= from_at and e.event_at < to_at
    );
end;
$$;

alter function pgfeed._has_events(timestamptz, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._has_events(timestamptz, timestamptz) is
    'Whether any event lies at or after the first moment and before the second';

revoke all on function pgfeed._has_events(timestamptz, timestamptz) from public;
