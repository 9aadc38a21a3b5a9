create or replace function pgfeed._user_history(
    user_id bigint,
    ts timestamptz,
    out liked_post_ids bytea,
    out liked_at bytea,
    out viewed_post_ids bytea,
    out viewed_at bytea,
    out exposed_post_ids bytea,
    out exposed_at bytea,
    out hidden_post_ids bytea
)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_hits text[];
    v_is_plain boolean;
begin
    select
        array_agg(a.action) filter (where a.sign > 0),
        bool_and(a.is_plain)
    into v_hits, v_is_plain
    from pgfeed.actions as a;
    with events as materialized (
        select
            f.post_id,
            f.event_at,
            f.action = 'view' as is_view,
            f.action = any(v_hits) or f.target as is_like
        from pgfeed.feed_events as f
        where f.user_id = _user_history.user_id and f.event_at < _user_history.ts
    ),

    reactions as materialized (
        select
            r.post_id,
            r.liked_at,
            r.is_hidden
        from pgfeed._user_reactions(_user_history.user_id, _user_history.ts) as r
        where not v_is_plain
    ),

    likes as (
        select
            h.post_id,
            min(h.liked_at) as liked_at
        from (
            select e.post_id, e.event_at as liked_at
            from events as e
            where e.is_like and v_is_plain
            union all
            select l.post_id, l.liked_at
            from pgfeed.liked_posts as l
            where l.user_id = _user_history.user_id and l.liked_at < _user_history.ts and v_is_plain
            union all
            select r.post_id, r.liked_at
            from reactions as r
            where r.liked_at is not null
        ) as h
        group by h.post_id
        order by liked_at, h.post_id
    ),

    views as (
        select
            e.post_id,
            e.event_at,
            lag(e.event_at) over (partition by e.post_id order by e.event_at) as previous_at
        from events as e
        where e.is_view
        order by e.event_at, e.post_id
    ),

    exposures as (
        select
            x.served_at,
            x.post_ids
        from pgfeed.exposures as x
        where
            x.user_id = _user_history.user_id
            and x.served_at < _user_history.ts
            and x.served_at >= greatest(_user_history.ts, timestamptz '4000-01-01 BC') - interval '90 days'
        order by x.served_at desc
        limit 200
    )

    select
        l.post_ids,
        l.liked_at,
        v.post_ids,
        v.viewed_at,
        x.post_ids,
        x.served_at,
        case when not v_is_plain then (
            select coalesce(string_agg(int8send(r.post_id), ''), '')
            from reactions as r
            where r.is_hidden
        ) end
    into
        _user_history.liked_post_ids,
        _user_history.liked_at,
        _user_history.viewed_post_ids,
        _user_history.viewed_at,
        _user_history.exposed_post_ids,
        _user_history.exposed_at,
        _user_history.hidden_post_ids
    from (
        select
            string_agg(int8send(l.post_id), '') as post_ids,
            string_agg(float8send(date_part('epoch', l.liked_at)), '') as liked_at
        from likes as l
    ) as l
    cross join (
        select
            string_agg(int8send(v.post_id), '') as post_ids,
            string_agg(float8send(date_part('epoch', v.event_at)), '') as viewed_at
        from views as v
        where v.previous_at is null or v.previous_at <= v.event_at - pgfeed._like_window()
    ) as v
    cross join (
        select
            string_agg(int8send(p.post_id), '' order by x.served_at, p.rank) as post_ids,
            string_agg(float8send(date_part('epoch', x.served_at)), '' order by x.served_at, p.rank) as served_at
        from exposures as x
        cross join lateral unnest(x.post_ids) with ordinality as p (post_id, rank)
    ) as x;
end;
$$;

alter function pgfeed._user_history(bigint, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._user_history(bigint, timestamptz) is
    'One row: what a user liked, when first (big-endian float8, unix seconds), viewed, and was served (the newest 200 '
    'exposures of 90 days) before ts, in the order of time; posts as big-endian int8; a view within an hour of another of '
    'the post repeats it; null: none. hidden_post_ids: what is kept out of the user''s lists, null: what is liked';

revoke all on function pgfeed._user_history(bigint, timestamptz) from public;
