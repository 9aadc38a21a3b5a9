create or replace view pgfeed.likes as
select
    c.event_at as liked_at,
    c.user_id,
    c.post_id
from pgfeed._counted_events as c
where c.like_count = 1;

alter view pgfeed.likes owner to pgfeed_owner;

comment on view pgfeed.likes is
    'One row per like: every like row, and every view with target true that no like row follows '
    'within the hour';
comment on column pgfeed.likes.liked_at is
    'Time of the like row, or of the view where only its target tells of the like';
