create or replace procedure pgfeed._move_user(
    user_id bigint,
    into_user_id bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_from constant bigint := user_id;
    v_into constant bigint := into_user_id;
begin
    insert into pgfeed.feed_events as o (event_at, user_id, post_id, recorded_at, action, target, attachment_id)
    select
        e.event_at,
        v_into,
        e.post_id,
        e.recorded_at,
        e.action,
        e.target,
        e.attachment_id
    from pgfeed.feed_events as e
    where e.user_id = v_from
    on conflict (user_id, event_at, post_id, action) do update
    set target = excluded.target
    where excluded.target and o.target is distinct from true or excluded.target is not null and o.target is null;
    insert into pgfeed.liked_posts as o (user_id, post_id, liked_at)
    select v_into, l.post_id, l.liked_at
    from pgfeed.liked_posts as l
    where l.user_id = v_from
    on conflict (user_id, post_id) do update set liked_at = least(o.liked_at, excluded.liked_at);
    insert into pgfeed.marked_posts (user_id, post_id, unliked_at, liked_again_at, hidden_at, is_shown)
    select v_into, m.post_id, m.unliked_at, m.liked_again_at, m.hidden_at, m.is_shown
    from pgfeed.marked_posts as m
    where m.user_id = v_from
    on conflict (user_id, post_id) do nothing;
    insert into pgfeed.exposures (
        exposure_id, served_at, user_id, experiment_id, arm, variant, source, model_version, features_as_of, post_ids,
        feed, propensities, exploration, seed, arguments
    )
    select
        x.exposure_id,
        x.served_at,
        v_into,
        x.experiment_id,
        x.arm,
        x.variant,
        x.source,
        x.model_version,
        x.features_as_of,
        x.post_ids,
        x.feed,
        x.propensities,
        x.exploration,
        x.seed,
        x.arguments
    from pgfeed.exposures as x
    where x.user_id = v_from;
    insert into pgfeed.user_topic_days as o (user_id, day, topic, view_count, like_count, effective_view_count)
    select v_into, t.day, t.topic, t.view_count, t.like_count, t.effective_view_count
    from pgfeed.user_topic_days as t
    where t.user_id = v_from
    on conflict (user_id, day, topic) do update
    set
        view_count = o.view_count + excluded.view_count,
        like_count = o.like_count + excluded.like_count,
        effective_view_count = coalesce(o.effective_view_count, o.view_count)
        + coalesce(excluded.effective_view_count, excluded.view_count);
end;
$$;

alter procedure pgfeed._move_user(bigint, bigint) owner to pgfeed_owner;

comment on procedure pgfeed._move_user(bigint, bigint) is
    'Gives another user what a user did and was shown; what both did is there once. The roll-ups of days whose events '
    'are there are corrected by _take_out_user()';

revoke all on procedure pgfeed._move_user(bigint, bigint) from public;
