create or replace function pgfeed.warm_up()
returns integer
language plpgsql stable
cost 1000000
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_variant text;
    v_count integer := 0;
begin
    if pgfeed._refresh_as_of() is null then
        return 0;
    end if;
    for v_variant in select a.variant from pgfeed.active_models as a order by a.variant loop
        perform
        from (select f.user_id from pgfeed.user_features as f limit 1) as u
        cross join lateral pgfeed.recommend_posts(u.user_id, now(), 1, v_variant) as r;
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$$;

alter function pgfeed.warm_up() owner to pgfeed_owner;

comment on function pgfeed.warm_up() is
    'Loads the present features and all active models into the session, so that its next recommend_posts is a '
    'warm one, and says how many models; 0 before the first refresh. For a pooler''s connect query';

revoke all on function pgfeed.warm_up() from public;
grant execute on function pgfeed.warm_up() to pgfeed_reader, pgfeed_writer, pgfeed_operator;
