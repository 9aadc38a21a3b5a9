create or replace view pgfeed._counted_events as
select
    e.event_at,
    e.user_id,
    e.post_id,
    (e.action = 'view')::integer as view_count,
    case
        when e.action = 'like' then 1
        when e.target and not exists (
            select
            from pgfeed.feed_events as l
            where
                l.user_id = e.user_id
                and l.post_id = e.post_id
                and l.action = 'like'
                and l.event_at >= e.event_at
                and l.event_at < e.event_at + pgfeed._like_window()
        ) then 1
        else 0
    end as like_count
from pgfeed.feed_events as e;

alter view pgfeed._counted_events owner to pgfeed_owner;

comment on view pgfeed._counted_events is
    'One row per event: whether it counts as a view (1 or 0) and as a like (1 or 0). A view with '
    'target true counts as a like too unless a like row follows it within the hour';
