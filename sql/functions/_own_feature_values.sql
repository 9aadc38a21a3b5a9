create or replace function pgfeed._own_feature_values(
    name text,
    ts timestamptz,
    ids bigint[]
)
returns table (id bigint, value real)
language plpgsql stable
cost 10000 rows 10000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    if ts = pgfeed._refresh_as_of() then
        return query
        select v.id, v.value
        from pgfeed.own_feature_values as v
        where v.name = _own_feature_values.name and (ids is null or v.id = any(ids));
    else
        return query
        select v.id, v.value
        from pgfeed._own_feature_as_of(name, ts, coalesce(ids, array(select p.post_id from pgfeed.posts as p))) as v;
    end if;
end;
$$;

alter function pgfeed._own_feature_values(text, timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed._own_feature_values(text, timestamptz, bigint[]) is
    'An own feature of users or posts (null: of all posts) as of a moment: as the last refresh stored it, or computed';

revoke all on function pgfeed._own_feature_values(text, timestamptz, bigint[]) from public;
