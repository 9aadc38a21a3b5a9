create or replace procedure pgfeed._mark_posts(
    since timestamptz,
    user_ids bigint[] default '{}',
    post_ids bigint[] default '{}'
)
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    if
        not exists (select 1 from pgfeed.actions as a where not a.is_plain)
        and not exists (select 1 from pgfeed.marked_posts)
    then
        return;
    end if;
    with pairs as materialized (
        select
            e.user_id,
            e.post_id
        from pgfeed.feed_events as e
        where e.recorded_at >= since and (e.action <> 'view' or e.target)
        union
        select
            r.user_id,
            r.post_id
        from unnest(user_ids, post_ids) as r (user_id, post_id)
    ),

    events as materialized (
        select
            e.user_id,
            e.post_id,
            e.event_at,
            e.action,
            e.target,
            a.sign,
            a.hides,
            a.undoes
        from pairs as p
        inner join pgfeed.feed_events as e on e.user_id = p.user_id and e.post_id = p.post_id
        inner join pgfeed.actions as a on a.action = e.action
    ),

    standing as materialized (
--!include sql/_standing_events.sql
    ),

    said as (
        select
            s.user_id,
            s.post_id,
            min(s.event_at) filter (where s.is_like) as liked_again_at,
            min(s.event_at) filter (where not s.is_like and s.hides) as hidden_at,
            not bool_or(s.hides) filter (where s.is_like) as is_shown
        from standing as s
        group by s.user_id, s.post_id
    ),

    taken_back as (
        select
            e.user_id,
            e.post_id,
            min(e.event_at) as first_at,
            min(e.event_at) filter (where a.sign > 0 and e.event_at >= l.liked_at) as unliked_at,
            bool_or(a.sign < 0 and e.event_at >= m.hidden_at) as is_unhidden
        from events as e
        left join pgfeed.actions as a on a.action = e.undoes
        left join pgfeed.liked_posts as l on l.user_id = e.user_id and l.post_id = e.post_id
        left join pgfeed.marked_posts as m on m.user_id = e.user_id and m.post_id = e.post_id
        group by e.user_id, e.post_id
    ),

    states as (
        select
            p.user_id,
            p.post_id,
            least(m.unliked_at, t.unliked_at) as unliked_at,
            s.liked_again_at,
            least(s.hidden_at, case when t.is_unhidden is not true then m.hidden_at end) as hidden_at,
            coalesce(s.is_shown and (m.is_shown or l.liked_at >= t.first_at), false) as is_shown
        from pairs as p
        left join pgfeed.liked_posts as l on l.user_id = p.user_id and l.post_id = p.post_id
        left join pgfeed.marked_posts as m on m.user_id = p.user_id and m.post_id = p.post_id
        left join said as s on s.user_id = p.user_id and s.post_id = p.post_id
        left join taken_back as t on t.user_id = p.user_id and t.post_id = p.post_id
    ),

    forgotten as (
        delete from pgfeed.marked_posts as m
        using states as s
        where
            m.user_id = s.user_id
            and m.post_id = s.post_id
            and s.unliked_at is null
            and s.hidden_at is null
            and not s.is_shown
    )

    insert into pgfeed.marked_posts as m (user_id, post_id, unliked_at, liked_again_at, hidden_at, is_shown)
    select
        s.user_id,
        s.post_id,
        s.unliked_at,
        case when s.unliked_at is not null then s.liked_again_at end,
        s.hidden_at,
        s.is_shown
    from states as s
    where s.unliked_at is not null or s.hidden_at is not null or s.is_shown
    on conflict (user_id, post_id) do update
    set
        unliked_at = excluded.unliked_at,
        liked_again_at = excluded.liked_again_at,
        hidden_at = excluded.hidden_at,
        is_shown = excluded.is_shown;
end;
$$;

alter procedure pgfeed._mark_posts(timestamptz, bigint[], bigint[]) owner to pgfeed_owner;

comment on procedure pgfeed._mark_posts(timestamptz, bigint[], bigint[]) is
    'Remembers, of pairs of a user and a post with events recorded since a moment, and of these, what liked_posts does not tell';

revoke all on procedure pgfeed._mark_posts(timestamptz, bigint[], bigint[]) from public;
