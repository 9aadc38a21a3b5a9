create or replace view pgfeed.impressions as
select
    i.viewed_at,
    i.user_id,
    i.post_id,
    i.liked_at is not null as is_liked,
    i.liked_at,
    i.weight
from (
    select
        v.event_at as viewed_at,
        v.user_id,
        v.post_id,
        case
            when
                r.liked_at is not null
                and not r.is_refused
                and coalesce(
                    v.event_at <= (
                        select k.liked_at
                        from pgfeed.liked_posts as k
                        where k.user_id = v.user_id and k.post_id = v.post_id
                    ),
                    true
                )
                then r.liked_at
        end as liked_at,
        coalesce(r.weight, (select a.weight from pgfeed.actions as a where a.action = 'view')) as weight
    from pgfeed.feed_events as v
    left join lateral (
        select
            coalesce(
                min(e.event_at) filter (
                    where e.action = any(array(select a.action from pgfeed.actions as a where a.sign > 0))
                ),
                min(e.event_at) filter (where e.target)
            ) as liked_at,
            bool_or(e.action = any(array(select a.action from pgfeed.actions as a where a.sign < 0 or a.undoes is not null)))
                as is_refused,
            max((select a.weight from pgfeed.actions as a where a.action = e.action)) as weight
        from pgfeed.feed_events as e
        where
            e.user_id = v.user_id
            and e.post_id = v.post_id
            and (e.action <> 'view' or e.target)
            and e.event_at >= v.event_at
            and e.event_at < v.event_at + pgfeed._like_window()
    ) as r on true
    where
        v.action = 'view'
        -- A case, so that it is looked up for each view: a join would read all views there are.
        and case when exists (
            select 1
            from pgfeed.feed_events as w
            where
                w.user_id = v.user_id
                and w.post_id = v.post_id
                and w.action = 'view'
                and w.event_at > v.event_at - pgfeed._like_window()
                and w.event_at < v.event_at
        ) then false else true end
) as i;

alter view pgfeed.impressions owner to pgfeed_owner;

comment on view pgfeed.impressions is
    'One row per view that counts: one within an hour of another view of the post by the user repeats it, as '
    'when a client sends it again';
comment on column pgfeed.impressions.is_liked is
    'True if the user liked the post, for the first time, in the hour after the view, and neither took it back nor '
    'disliked it in that hour';
comment on column pgfeed.impressions.liked_at is
    'Time of the like row, or of the view where only its target tells of the like; null: not liked';
comment on column pgfeed.impressions.weight is
    'What it weighs in training: the largest weight of what the user did with the post in that hour, see actions';
