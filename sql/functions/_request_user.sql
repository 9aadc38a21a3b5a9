create or replace function pgfeed._request_user(
    user_id bigint,
    ts timestamptz
)
returns table (
    user_id bigint,
    has_profile boolean,
    has_history boolean,
    gender smallint,
    age smallint,
    country text,
    city text,
    exp_group smallint,
    os text,
    source text,
    view_count bigint,
    like_count bigint,
    like_rate real,
    days_since_active integer,
    topics text[],
    topic_view_share real[],
    topic_like_rate real[],
    liked_post_ids bytea,
    liked_at bytea,
    viewed_post_ids bytea,
    viewed_at bytea,
    hidden_post_ids bytea,
    attributes jsonb
)
language sql stable
cost 1000 rows 1
begin atomic
    -- Without settings, so that this becomes part of the statement that calls the function, whose plan a session keeps.
    select
        f.user_id,
        u.user_id is not null,
        coalesce(f.view_count + f.like_count, 0) > 0,
        f.gender,
        f.age,
        f.country,
        f.city,
        f.exp_group,
        f.os,
        f.source,
        f.view_count,
        f.like_count,
        f.like_rate,
        f.days_since_active,
        t.topics,
        t.view_shares,
        t.like_rates,
        coalesce(e.liked_post_ids, '') || coalesce(l.post_ids, ''),
        coalesce(e.liked_at, '') || coalesce(l.liked_at, ''),
        e.viewed_post_ids,
        e.viewed_at,
        null::bytea,
        u.attributes
    from (
        select
            array_agg(p.action) filter (where p.sign > 0) as hits,
            bool_and(p.is_plain) as is_plain
        from pgfeed.actions as p
    ) as a
    inner join pgfeed.user_features as f on f.user_id = $1
    left join pgfeed.users as u on u.user_id = $1
    cross join lateral (
        select
            array_agg(r.topic) as topics,
            array_agg(r.view_share) as view_shares,
            array_agg(r.like_rate) as like_rates
        from pgfeed.user_topic_features as r
        where r.user_id = $1
    ) as t
    cross join lateral (
        select
            string_agg(int8send(v.post_id), '') filter (where v.action = 'view') as viewed_post_ids,
            string_agg(timestamptz_send(v.event_at), '') filter (where v.action = 'view') as viewed_at,
            string_agg(int8send(v.post_id), '') filter (where v.action = any(a.hits) or v.target) as liked_post_ids,
            string_agg(timestamptz_send(v.event_at), '') filter (where v.action = any(a.hits) or v.target) as liked_at
        from pgfeed.feed_events as v
        where v.user_id = $1 and v.event_at < $2
    ) as e
    cross join lateral (
        select
            string_agg(int8send(k.post_id), '') as post_ids,
            string_agg(timestamptz_send(k.liked_at), '') as liked_at
        from pgfeed.liked_posts as k
        where k.user_id = $1 and k.liked_at < $2
    ) as l
    where
        a.is_plain
        and not exists (select from pgfeed.own_features as o where o.name like 'user.%')
        and not exists (select from pgfeed.attached_tables as d where d.kind = 'events' and d.sync <> 'trigger');
end;

alter function pgfeed._request_user(bigint, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._request_user(bigint, timestamptz) is
    'What _request_users() has of a user of the materialized views, in half of the time: _user_history() is in it. No row: '
    'that has to be asked, as actions take back, users have features by functions, or tables are pulled. Not for Citus, '
    'which would move one of the relations to where the others are';

revoke all on function pgfeed._request_user(bigint, timestamptz) from public;
