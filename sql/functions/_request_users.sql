create or replace function pgfeed._request_users(
    ts timestamptz,
    user_ids bigint[],
    is_current boolean
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
language plpgsql stable
cost 1000 rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_missing bigint[] := user_ids;
    v_known bigint[];
    v_with bigint[];
    v_attributes jsonb[];
    v_has_own constant boolean := exists (select from pgfeed.own_features as f where f.name like 'user.%');
    v_user_id bigint;
    v_own jsonb;
    v_has_profile boolean;
begin
    if is_current then
        v_missing := '{}';
        -- One by one, as statements about one user keep their plans: those about an array are planned at each call.
        foreach v_user_id in array user_ids loop
            select u.attributes into v_own from pgfeed.users as u where u.user_id = v_user_id;
            v_has_profile := found;
            if v_has_own then
                v_own := coalesce(v_own, '{}') || coalesce((
                    select o.own
                    from pgfeed._own_user_features(_request_users.ts, array[v_user_id], true) as o
                ), '{}');
            end if;
            return query
            select
                f.user_id,
                v_has_profile,
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
                l.liked_post_ids,
                l.liked_at,
                l.viewed_post_ids,
                l.viewed_at,
                l.hidden_post_ids,
                v_own
            from pgfeed.user_features as f
            cross join lateral (
                select
                    array_agg(t.topic) as topics,
                    array_agg(t.view_share) as view_shares,
                    array_agg(t.like_rate) as like_rates
                from pgfeed.user_topic_features as t
                where t.user_id = v_user_id
            ) as t
            cross join lateral pgfeed._user_history(v_user_id, _request_users.ts) as l
            where f.user_id = v_user_id;
            if not found then
                v_missing := v_missing || v_user_id;
            end if;
        end loop;
    end if;

    if cardinality(v_missing) = 0 then
        return;
    end if;

    -- Not joined with users: Citus would fetch all of them to where the other relations are.
    select array_agg(u.user_id), array_agg(u.attributes) into v_known, v_attributes
    from pgfeed._user_profiles(v_missing) as u;
    v_with := v_known;
    if v_has_own then
        select array_agg(a.user_id), array_agg(a.attributes) into v_with, v_attributes
        from (
            select user_id, coalesce(k.attributes, '{}') || coalesce(o.own, '{}') as attributes
            from unnest(v_known, v_attributes) as k (user_id, attributes)
            full join pgfeed._own_user_features(_request_users.ts, v_missing, is_current) as o using (user_id)
        ) as a;
    end if;

    return query
    with topics as (
        select
            t.user_id,
            array_agg(t.topic) as topics,
            array_agg(t.view_share) as view_shares,
            array_agg(t.like_rate) as like_rates
        from pgfeed.user_topic_features_as_of(_request_users.ts, v_missing) as t
        group by t.user_id
    )

    select
        r.user_id,
        u.user_id is not null,
        coalesce(f.view_count + f.like_count, 0) > 0,
        f.gender,
        f.age,
        f.country,
        f.city,
        f.exp_group,
        f.os,
        f.source,
        coalesce(f.view_count, 0),
        coalesce(f.like_count, 0),
        f.like_rate,
        f.days_since_active,
        t.topics,
        t.view_shares,
        t.like_rates,
        l.liked_post_ids,
        l.liked_at,
        l.viewed_post_ids,
        l.viewed_at,
        l.hidden_post_ids,
        a.attributes
    from unnest(v_missing) as r (user_id)
    left join pgfeed.user_features_as_of(_request_users.ts, v_missing) as f on f.user_id = r.user_id
    left join unnest(v_known) as u (user_id) on u.user_id = r.user_id
    left join unnest(v_with, v_attributes) as a (user_id, attributes) on a.user_id = r.user_id
    left join topics as t on t.user_id = r.user_id
    left join lateral pgfeed._user_history(r.user_id, _request_users.ts) as l on true;
end;
$$;

alter function pgfeed._request_users(timestamptz, bigint[], boolean) owner to pgfeed_owner;

comment on function pgfeed._request_users(timestamptz, bigint[], boolean) is
    'One row per user: features, and _user_history() of it before ts. is_current: from the materialized views '
    'where the user is in them';

revoke all on function pgfeed._request_users(timestamptz, bigint[], boolean) from public;
