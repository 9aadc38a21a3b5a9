create or replace function pgfeed._own_user_features(
    ts timestamptz,
    user_ids bigint[],
    is_current boolean
)
returns table (user_id bigint, own jsonb)
language plpgsql stable
cost 10000 rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Those that were removed serve until the next refresh.
    if is_current then
        return query
        select v.id, jsonb_object_agg(substr(v.name, 6), v.value)
        from pgfeed.own_feature_values as v
        where v.name like 'user.%' and v.id = any(user_ids)
        group by v.id;
    else
        return query
        select v.id, jsonb_object_agg(substr(f.name, 6), v.value)
        from pgfeed.own_features as f
        cross join lateral pgfeed._own_feature_as_of(f.name, ts, user_ids) as v
        where f.name like 'user.%'
        group by v.id;
    end if;
end;
$$;

alter function pgfeed._own_user_features(timestamptz, bigint[], boolean) owner to pgfeed_owner;

comment on function pgfeed._own_user_features(timestamptz, bigint[], boolean) is
    'One row per user with values of own features, by name without user.; is_current: as the last refresh stored them';

revoke all on function pgfeed._own_user_features(timestamptz, bigint[], boolean) from public;
