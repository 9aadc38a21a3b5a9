create or replace view pgfeed.likes as
select
    l.liked_at,
    l.user_id,
    l.post_id,
    case when m.liked_again_at is null then m.unliked_at end as unliked_at
from pgfeed.liked_posts as l
left join pgfeed.marked_posts as m on m.user_id = l.user_id and m.post_id = l.post_id;

alter view pgfeed.likes owner to pgfeed_owner;

comment on view pgfeed.likes is
    'One row per user and post that the user liked, as of the last roll-up: liking it again is not a second like';
comment on column pgfeed.likes.liked_at is
    'Of the first like: time of the view if its target tells of it, else of the like row';
comment on column pgfeed.likes.unliked_at is 'Since when it is taken back; null: it is not, or was liked again after that';
