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
declare
    v_from timestamptz := from_at;
    v_to timestamptz := ts;
    v_hour_before timestamptz := v_from - pgfeed._like_window();
    v_user_ids constant bigint[] := null;
    v_post_ids constant bigint[] := null;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
begin
    with counted as (
--!include sql/_counted_events.sql
    )

    select
        string_agg(int8send(c.post_id), ''),
        string_agg(float8send(extract(epoch from c.event_at - v_from)::double precision), ''),
        string_agg(float4send(c.view_count), ''),
        string_agg(float4send(c.like_count), '')
    into
        _recent_events.post_ids,
        _recent_events.seconds,
        _recent_events.view_counts,
        _recent_events.like_counts
    from counted as c;
end;
$$;

alter function pgfeed._recent_events(timestamptz, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._recent_events(timestamptz, timestamptz) is
    'One row: the events of all users that count, from from_at until before ts, in no order: posts (big-endian int8), '
    'seconds after from_at (float8), whether they count as a view and as a like (float4); null: none';

revoke all on function pgfeed._recent_events(timestamptz, timestamptz) from public;
