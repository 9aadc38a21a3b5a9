create or replace function pgfeed._user_profiles(user_ids bigint[])
returns setof pgfeed.users
language plpgsql stable parallel safe
cost 1000 rows 10000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
begin
    return query
    select u.*
    from pgfeed.users as u
    where _user_profiles.user_ids is null or u.user_id = any(_user_profiles.user_ids);
end;
$$;

alter function pgfeed._user_profiles(bigint[]) owner to pgfeed_owner;

comment on function pgfeed._user_profiles(bigint[]) is
    'The rows of users of user_ids (null: of all), for statements that also call functions: Citus would call those on a '
    'worker if users stood beside them';

revoke all on function pgfeed._user_profiles(bigint[]) from public;
