create or replace view pgfeed.likes as
select
    e.event_at as liked_at,
    e.user_id,
    e.post_id
from pgfeed.feed_events as e
where e.action = 'like'
union all
select
    v.event_at as liked_at,
    v.user_id,
    v.post_id
from pgfeed.feed_events as v
where
    v.action = 'view'
    and v.target
    and not exists (
        select
        from pgfeed.feed_events as e
        where
            e.user_id = v.user_id
            and e.post_id = v.post_id
            and e.action = 'like'
            and e.event_at >= v.event_at
            and e.event_at < v.event_at + pgfeed._like_window()
    );

alter view pgfeed.likes owner to pgfeed_owner;

comment on view pgfeed.likes is
    'One row per like: every like row, and every view with target true that no like row follows '
    'within the hour';
comment on column pgfeed.likes.liked_at is
    'Time of the like row, or of the view where only its target tells of the like';
