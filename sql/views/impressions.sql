create or replace view pgfeed.impressions as
select
    v.event_at as viewed_at,
    v.user_id,
    v.post_id,
    coalesce(v.target, false) or l.liked_at is not null as is_liked,
    coalesce(l.liked_at, case when v.target then v.event_at end) as liked_at
from pgfeed.feed_events as v
left join lateral (
    select min(e.event_at) as liked_at
    from pgfeed.feed_events as e
    where
        e.user_id = v.user_id
        and e.post_id = v.post_id
        and e.action = 'like'
        and e.event_at >= v.event_at
        and e.event_at < v.event_at + pgfeed._like_window()
        and not exists (
            select
            from pgfeed.feed_events as w
            where
                w.user_id = v.user_id
                and w.post_id = v.post_id
                and w.action = 'view'
                and w.event_at > v.event_at
                and w.event_at <= e.event_at
        )
) as l on true
where v.action = 'view';

alter view pgfeed.impressions owner to pgfeed_owner;

comment on view pgfeed.impressions is
    'One row per view of a post by a user. A like row belongs to the latest view of the same '
    'post by the same user in the hour before it';
comment on column pgfeed.impressions.is_liked is
    'True if the view has target true or a like row belongs to it';
comment on column pgfeed.impressions.liked_at is
    'Time of the like row, or of the view where only its target tells of the like; null: not liked';
