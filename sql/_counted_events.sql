-- One row per event in [v_from, v_to) of chosen_events that counts: a view unless the user viewed the post within the hour
-- before it, the first like of a user and post, and when it was first taken back.
-- v_hour_before: _like_window() before v_from; v_hits, v_undos: see _hits(), _undos().
select
    v.event_at,
    v.user_id,
    v.post_id,
    1 as view_count,
    0 as like_count
from (
    select
        e.event_at,
        e.user_id,
        e.post_id,
        lag(e.event_at) over (partition by e.user_id, e.post_id order by e.event_at) as previous_at
    from chosen_events as e
    where
        e.action = 'view'
        and e.event_at >= v_hour_before
        and e.event_at < v_to
) as v
where
    v.event_at >= v_from
    and (v.previous_at is null or v.previous_at <= v.event_at - pgfeed._like_window())
union all
select
    f.liked_at,
    f.user_id,
    f.post_id,
    0,
    1
from (
    select
        e.user_id,
        e.post_id,
        min(e.event_at) as liked_at
    from chosen_events as e
    where
        (e.action = any(v_hits) or e.target)
        and e.event_at >= v_from
        and e.event_at < v_to
    group by e.user_id, e.post_id
) as f
where
    coalesce(
        f.liked_at <= (
            select l.liked_at
            from pgfeed.liked_posts as l
            where l.user_id = f.user_id and l.post_id = f.post_id
        ),
        true
    )
union all
select
    u.undone_at,
    u.user_id,
    u.post_id,
    0,
    -1
from (
    select
        e.user_id,
        e.post_id,
        min(e.event_at) as undone_at
    from chosen_events as e
    where
        v_undos <> '{}'
        and e.action = any(v_undos)
        and e.event_at >= v_from
        and e.event_at < v_to
        and pgfeed._is_first_undo(e.user_id, e.post_id, e.event_at, v_hits, v_undos)
    group by e.user_id, e.post_id
) as u
