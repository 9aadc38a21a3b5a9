create or replace function pgfeed._recent_events_of(
    user_ids bigint[],
    cut_off timestamptz,
    from_at timestamptz,
    ts timestamptz,
    out event_user_ids bytea,
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
-- To plan it for the values of a call takes longer than to run it.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    -- The place of a view takes those before it on its day.
    v_from timestamptz := date_trunc('day', cut_off);
    v_to timestamptz := ts;
    v_hour_before timestamptz := v_from - pgfeed._like_window();
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_untils constant date[] := pgfeed._place_versions();
    v_effects constant real[] := pgfeed._place_effects();
begin
    with chosen_events as not materialized (
        select
            e.event_at,
            e.user_id,
            e.post_id,
            e.action,
            e.target
        from pgfeed.feed_events as e
        where e.user_id = any(_recent_events_of.user_ids)
    ),

    counted as (
--!include sql/_weighed_events.sql
    )

    select
        string_agg(int8send(c.user_id), ''),
        string_agg(int8send(c.post_id), ''),
        string_agg(float8send(extract(epoch from c.event_at - cut_off)::double precision), ''),
        string_agg(float4send(c.view_count), ''),
        string_agg(float4send(c.like_count), ''),
        string_agg(float4send(c.effective_view_count::real), '')
    into
        _recent_events_of.event_user_ids,
        _recent_events_of.post_ids,
        _recent_events_of.seconds,
        _recent_events_of.view_counts,
        _recent_events_of.like_counts,
        _recent_events_of.effective_view_counts
    from counted as c
    where c.event_at >= from_at;
end;
$$;

alter function pgfeed._recent_events_of(bigint[], timestamptz, timestamptz, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._recent_events_of(bigint[], timestamptz, timestamptz, timestamptz) is
    'One row: what _recent_events() counts, of some users, whose ids come first (big-endian int8); made to be quick for a '
    'few of them';

revoke all on function pgfeed._recent_events_of(bigint[], timestamptz, timestamptz, timestamptz) from public;
