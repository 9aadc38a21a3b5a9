create or replace function pgfeed._group_counts(
    feature text,
    group_values text[],
    as_of timestamptz,
    out user_count integer,
    out post_ids bytea,
    out view_counts bytea,
    out like_counts bytea
)
language plpgsql stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_most constant integer := 2000;
    v_least constant integer := 5;
    v_condition constant text := pgfeed._value_condition(feature);
    v_from timestamptz := (as_of - interval '28 days')::date;
    v_to timestamptz := as_of;
    v_hour_before timestamptz := v_from - pgfeed._like_window();
    v_user_ids bigint[];
    v_post_ids constant bigint[] := null;
    v_hits constant text[] := pgfeed._hits();
    v_undos constant text[] := pgfeed._undos();
    v_untils constant date[] := pgfeed._place_versions();
    v_effects constant real[] := pgfeed._place_effects();
begin
    execute format(
        'select array(select k.user_id from pgfeed.users as k where %s order by md5(k.user_id::text) limit $2)', v_condition
    )
    into v_user_ids
    using group_values, v_most;
    user_count := cardinality(v_user_ids);
    if user_count < v_least then
        return;
    end if;

    with chosen_events as not materialized (
--!include sql/_chosen_events.sql
    ),

    counted as (
--!include sql/_weighed_events.sql
    ),

    decayed as (
        select
            c.post_id,
            sum(c.effective_view_count * w.weight)::double precision as views,
            sum(c.like_count * w.weight)::double precision as likes
        from counted as c
        cross join lateral (
            select power(0.5, extract(epoch from as_of - c.event_at) / 604800) as weight
        ) as w
        group by c.post_id
    )

    select
        string_agg(int8send(d.post_id), '' order by d.post_id),
        string_agg(float8send(d.views), '' order by d.post_id),
        string_agg(float8send(d.likes), '' order by d.post_id)
    into
        _group_counts.post_ids,
        _group_counts.view_counts,
        _group_counts.like_counts
    from decayed as d;
end;
$$;

alter function pgfeed._group_counts(text, text[], timestamptz) owner to pgfeed_owner;

comment on function pgfeed._group_counts(text, text[], timestamptz) is
    'One row: what users who have one of these values of user.NAME viewed (effective views, see place_effects) and liked '
    'from the midnight 28 days before as_of on, decayed with a half-life of 7 days: post_ids big-endian int8, counts float8. '
    'Of at most 2,000 users, chosen by a hash of the id; null counts: there are fewer than 5 users, whose likes are not to '
    'be guessed, or no events. An error if users have no such feature';

revoke all on function pgfeed._group_counts(text, text[], timestamptz) from public;
