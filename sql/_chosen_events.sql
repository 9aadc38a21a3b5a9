-- The events of v_user_ids and of v_post_ids (null: of all), for _counted_events.sql.
select
    e.event_at,
    e.user_id,
    e.post_id,
    e.action,
    e.target
from pgfeed.feed_events as e
where (v_user_ids is null or e.user_id = any(v_user_ids)) and (v_post_ids is null or e.post_id = any(v_post_ids))
