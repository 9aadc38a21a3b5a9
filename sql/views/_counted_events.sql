create or replace view pgfeed._counted_events as
select
    e.event_at,
    e.user_id,
    e.post_id,
    (e.action = 'view')::integer as view_count,
    case
        when e.action = 'view' then coalesce(e.target, false)::integer
        when exists (
            select
            from pgfeed.feed_events as v
            where
                v.user_id = e.user_id
                and v.post_id = e.post_id
                and v.action = 'view'
                and v.target
                and v.event_at > e.event_at - pgfeed._like_window()
                and v.event_at <= e.event_at
        ) then 0
        else 1
    end as like_count
from pgfeed.feed_events as e;

alter view pgfeed._counted_events owner to pgfeed_owner;

comment on view pgfeed._counted_events is
    'One row per event: whether it counts as a view (1 or 0) and as a like (1 or 0). A view with target '
    'true counts as a like at its own time, and then a like row in the hour after it does not';
