create or replace function pgfeed.warm_up()
returns integer
language plpgsql stable
cost 1000000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_variant text;
    v_arm record;
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
    for v_arm in
        select a.slots, e.salt, e.slot_count
        from pgfeed.experiments as e
        inner join pgfeed.experiment_arms as a on a.experiment_id = e.experiment_id
        left join pgfeed.active_models as c on c.variant = a.variant and c.version = a.version
        where e.started_at is not null and e.stopped_at is null and a.version is not null and c.version is null
        order by a.number
    loop
        perform
        from (
            select f.user_id
            from pgfeed.user_features as f
            where v_arm.slots @> pgfeed._slot(f.user_id, v_arm.salt, v_arm.slot_count)
            limit 1
        ) as u
        cross join lateral pgfeed.recommend_posts(u.user_id, now(), 1) as r;
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$$;

alter function pgfeed.warm_up() owner to pgfeed_owner;

comment on function pgfeed.warm_up() is
    'Loads the present features, all active models and those that the running experiment pins into the session, '
    'so that its next recommend_posts is a warm one, and says how many models; 0 before the first refresh. For a pooler''s connect query';

revoke all on function pgfeed.warm_up() from public;
grant execute on function pgfeed.warm_up() to pgfeed_reader, pgfeed_writer, pgfeed_operator;
