create or replace function pgfeed._user_reactions(
    user_id bigint,
    ts timestamptz
)
returns table (
    post_id bigint,
    liked_at timestamptz,
    is_hidden boolean
)
language plpgsql stable
cost 1000 rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_post_ids bigint[];
    v_moments timestamptz[];
    v_actions text[];
    v_targets boolean[];
begin
    if to_regprocedure('pgfeed._newest_events(bigint, timestamptz)') is not null then
        select array_agg(n.post_id), array_agg(n.event_at), array_agg(n.action), array_agg(n.target)
        into v_post_ids, v_moments, v_actions, v_targets
        from pgfeed._newest_events(_user_reactions.user_id, _user_reactions.ts) as n;
    end if;
    return query
    with events as materialized (
        select
            f.user_id,
            f.post_id,
            f.event_at,
            f.action,
            f.target,
            a.sign,
            a.hides,
            a.undoes
        from (
            select e.user_id, e.post_id, e.event_at, e.action, e.target
            from pgfeed.feed_events as e
            where e.user_id = _user_reactions.user_id and e.event_at < _user_reactions.ts
            union all
            select _user_reactions.user_id, n.post_id, n.event_at, n.action, n.target
            from unnest(v_post_ids, v_moments, v_actions, v_targets) as n (post_id, event_at, action, target)
        ) as f
        inner join pgfeed.actions as a on a.action = f.action
    ),

    -- As of the last roll-up, or of the moment if that was before.
    remembered as (
        select
            l.post_id,
            case when m.unliked_at < _user_reactions.ts then m.liked_again_at else l.liked_at end as liked_at,
            m.is_shown is distinct from true as is_hidden
        from pgfeed.liked_posts as l
        left join pgfeed.marked_posts as m on m.user_id = l.user_id and m.post_id = l.post_id
        where l.user_id = _user_reactions.user_id and l.liked_at < _user_reactions.ts
    ),

    reactions as (
        select
            e.post_id,
            case when e.is_like then e.event_at end as liked_at,
            e.hides as is_hidden
        from (
--!include sql/_standing_events.sql
        ) as e
        union all
        select
            r.post_id,
            r.liked_at,
            r.is_hidden
        from remembered as r
        where
            r.liked_at < _user_reactions.ts
            and not exists (
                select
                from events as u
                inner join pgfeed.actions as a on a.action = u.undoes and a.sign > 0
                where u.post_id = r.post_id and u.event_at >= r.liked_at
            )
        union all
        select
            m.post_id,
            null,
            true
        from pgfeed.marked_posts as m
        where
            m.user_id = _user_reactions.user_id
            and m.hidden_at < _user_reactions.ts
            and not exists (
                select
                from events as u
                inner join pgfeed.actions as a on a.action = u.undoes and a.sign < 0
                where u.post_id = m.post_id and u.event_at >= m.hidden_at
            )
    )

    select
        r.post_id,
        min(r.liked_at),
        bool_or(r.is_hidden)
    from reactions as r
    group by r.post_id;
end;
$$;

alter function pgfeed._user_reactions(bigint, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._user_reactions(bigint, timestamptz) is
    'One row per post that a user liked or hid before ts and did not take back, with actions of any sign. liked_at: of the '
    'first like that stands, null: none; is_hidden: it keeps the post out of the user''s lists';

revoke all on function pgfeed._user_reactions(bigint, timestamptz) from public;
