create or replace procedure pgfeed._compute_own_features(as_of timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_name text;
    v_ids bigint[];
    v_started timestamptz;
begin
    delete from pgfeed.own_feature_values as v
    where not exists (select from pgfeed.own_features as f where f.name = v.name);
    for v_name in select f.name from pgfeed.own_features as f order by f.name loop
        v_started := clock_timestamp();
        v_ids := case
            when v_name like 'post.%' then array(select p.post_id from pgfeed.posts as p)
            else array(select u.user_id from pgfeed.user_features as u)
        end;
        with found as materialized (
            select f.id, f.value from pgfeed._own_feature_as_of(v_name, as_of, v_ids) as f
        ),

        gone as (
            delete from pgfeed.own_feature_values as v
            where v.name = v_name and not exists (select from found as f where f.id = v.id)
        )

        insert into pgfeed.own_feature_values as v (name, id, value)
        select v_name, f.id, f.value from found as f
        on conflict (name, id) do update set value = excluded.value
        where v.value is distinct from excluded.value;
        update pgfeed.own_features as f
        set duration_seconds = extract(epoch from clock_timestamp() - v_started)
        where f.name = v_name;
    end loop;
end;
$$;

alter procedure pgfeed._compute_own_features(timestamptz) owner to pgfeed_owner;

comment on procedure pgfeed._compute_own_features(timestamptz) is
    'Stores the own features of all users and posts as of a moment, and how long each took';

revoke all on procedure pgfeed._compute_own_features(timestamptz) from public;
