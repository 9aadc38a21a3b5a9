-- Of `events` (user_id, post_id, event_at, action, target, sign, hides, undoes) those that say something of a post and
-- were not taken back: what takes back an action with a sign above 0 also takes back what targets tell.
select
    e.user_id,
    e.post_id,
    e.event_at,
    e.sign > 0 or e.sign = 0 and e.target as is_like,
    e.hides
from events as e
where
    (e.sign <> 0 or e.target)
    and not exists (
        select
        from events as u
        inner join pgfeed.actions as a on a.action = u.undoes
        where
            u.user_id = e.user_id
            and u.post_id = e.post_id
            and u.event_at >= e.event_at
            and (a.action = e.action or a.sign > 0 and e.target)
    )
