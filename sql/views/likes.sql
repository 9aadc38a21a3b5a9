create or replace view pgfeed.likes as
select
    l.liked_at,
    l.user_id,
    l.post_id
from pgfeed.liked_posts as l;

alter view pgfeed.likes owner to pgfeed_owner;

comment on view pgfeed.likes is
    'One row per user and post that the user liked, as of the last roll-up: liking it again is not a second like';
comment on column pgfeed.likes.liked_at is
    'Of the first like: time of the view if its target tells of it, else of the like row';
