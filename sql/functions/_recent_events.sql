create or replace function pgfeed._recent_events(
    cut_off timestamptz,
    from_at timestamptz,
    ts timestamptz,
    out post_ids bytea,
    out seconds bytea,
    out view_counts bytea,
    out like_counts bytea,
    out effective_view_counts bytea
)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    -- The place of a view takes those before it on its day.
    v_from timestamptz := date_trunc('day', cut_off);
    v_to timestamptz := ts;
    v_hour_before timestamptz := v_from - pgfeed._like_window();
    v_user_ids constant bigint[] := null;
    v_post_ids constant bigint[] := null;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_untils constant date[] := pgfeed._place_versions();
    v_effects constant real[] := pgfeed._place_effects();
begin
    with chosen_events as not materialized (
--!include sql/_chosen_events.sql
    ),

    counted as (
--!include sql/_weighed_events.sql
    )

    select
        string_agg(int8send(c.post_id), ''),
        string_agg(float8send(extract(epoch from c.event_at - cut_off)::double precision), ''),
        string_agg(float4send(c.view_count), ''),
        string_agg(float4send(c.like_count), ''),
        string_agg(float4send(c.effective_view_count::real), '')
    into
        _recent_events.post_ids,
        _recent_events.seconds,
        _recent_events.view_counts,
        _recent_events.like_counts,
        _recent_events.effective_view_counts
    from counted as c
    where c.event_at >= from_at;
end;
$$;

alter function pgfeed._recent_events(timestamptz, timestamptz, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._recent_events(timestamptz, timestamptz, timestamptz) is
    'One row: the events of all users that count, from from_at, which is not before cut_off, until before ts, in no order: posts (big-endian int8), '
    'seconds after cut_off (float8), whether they count as a view and as a like, and what the view weighs by its place '
    '(float4); null: none';

revoke all on function pgfeed._recent_events(timestamptz, timestamptz, timestamptz) from public;
