create or replace function pgfeed.user_features_as_of(
    ts timestamptz,
    user_ids bigint[] default null
)
returns table (
    user_id bigint,
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
    days_since_active integer
)
language plpgsql stable parallel safe
cost 10000 rows 10000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    -- Set by erase_user() only: its refresh is a copy without this user.
    v_erased constant bigint := nullif(current_setting('pgfeed.erased_user_id', true), '');
    v_prior_views constant double precision := 20;
begin
    if v_erased is not null then
        return query
        select
            f.user_id,
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
            f.days_since_active
        from pgfeed.user_features as f
        where f.user_id <> v_erased;
        return;
    end if;

    return query
    with activity as (
        select
            t.user_id,
            sum(t.view_count) as views,
            sum(t.like_count) as likes,
            max(t.last_active_date) as last_day
        from pgfeed.user_topic_features_as_of(ts, user_ids) as t
        group by t.user_id
    ),

    profiles as (
        select u.*
        from pgfeed._user_profiles(user_ids) as u
    )

    select
        coalesce(p.user_id, a.user_id),
        p.gender,
        p.age,
        p.country,
        p.city,
        p.exp_group,
        p.os,
        p.source,
        coalesce(a.views, 0)::bigint,
        coalesce(a.likes, 0)::bigint,
        ((coalesce(a.likes, 0) + v_prior_views * 0.1) / (coalesce(a.views, 0) + v_prior_views))::real,
        ts::date - a.last_day
    from profiles as p
    full join activity as a on a.user_id = p.user_id;
end;
$$;

alter function pgfeed.user_features_as_of(timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed.user_features_as_of(timestamptz, bigint[]) is
    'One row per user (of user_ids; null: of all) with a profile or an event before ts. like_rate is '
    'smoothed: it starts at 0.1 with the weight of 20 views';

revoke all on function pgfeed.user_features_as_of(timestamptz, bigint[]) from public;
grant execute on function pgfeed.user_features_as_of(timestamptz, bigint[]) to pgfeed_operator;
