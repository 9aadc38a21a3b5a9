create or replace view pgfeed.likes as
select
    c.event_at as liked_at,
    c.user_id,
    c.post_id
from pgfeed._counted_events as c
where c.like_count = 1;

alter view pgfeed.likes owner to pgfeed_owner;

comment on view pgfeed.likes is
    'One row per like: every view with target true, and every like row but those that only repeat such a '
    'view in the hour after it';
comment on column pgfeed.likes.liked_at is
    'Time of the view if its target tells of the like, else of the like row';
