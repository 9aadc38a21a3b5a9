create or replace procedure pgfeed.refresh_features(
    as_of timestamptz default null,
    inout refresh_id bigint default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set work_mem = '128MB'
set quote_all_identifiers = off
as $$
declare
    v_as_of timestamptz := as_of;
    v_view text;
    v_is_filled boolean;
    v_day_count integer;
    v_post_ids bigint[];
    v_all_ids bytea;
    v_factors record;
begin
    if v_as_of in ('infinity', '-infinity') then
        raise exception 'features cannot be computed as of %', v_as_of
            using errcode = '22023', hint = 'Give a moment, or null for the newest one.';
    end if;
    if v_as_of > now() + interval '1 day' then
        raise exception 'features cannot be computed as of %, which lies in the future', v_as_of
            using errcode = '22023', hint = 'Give a moment, or null for the newest one.';
    end if;

--!include sql/_sequential_on_citus.sql
    call pgfeed.sync_attachments();
    call pgfeed.roll_up_events(day_count => v_day_count);
    perform pg_advisory_xact_lock(hashtext('pgfeed.refresh_features'));

    -- A feed that has ended stays as of its end, whatever a wrong clock wrote into the future.
    v_as_of := coalesce(
        v_as_of,
        least(
            now(),
            (
                select max(d.day) + 1
                from pgfeed.rollup_days as d
                where (d.view_count > 0 or d.like_count > 0) and d.day <= now()::date
            )::timestamptz
        )
    );

    call pgfeed._infer_attributes();
    call pgfeed._remember_missing_posts();
    insert into pgfeed.feature_refreshes as r (as_of, started_at)
    values (v_as_of, clock_timestamp())
    returning r.refresh_id into refresh_features.refresh_id;

    foreach v_view in array array[
        '_text_statistics', 'post_text_features', 'post_features', 'user_features', 'user_topic_features'
    ] loop
        select c.relispopulated into v_is_filled
        from pg_class as c
        where c.oid = format('pgfeed.%I', v_view)::regclass;
        execute format(
            'refresh materialized view %s pgfeed.%I',
            case when v_is_filled then 'concurrently' else '' end, v_view
        );
    end loop;

    call pgfeed._compute_own_features(v_as_of);

    delete from pgfeed.feature_packs as k
    where k.as_of not in (
        select r.as_of from pgfeed.feature_refreshes as r order by r.refresh_id desc limit 2
    );
    -- The shortlist and the candidates of a large catalogue need the vectors.
    delete from pgfeed.post_vectors;
    delete from pgfeed.user_vectors;
    select
        coalesce(array_agg(p.post_id order by p.post_id), '{}'),
        coalesce(string_agg(int8send(p.post_id), '' order by p.post_id), '')
    into v_post_ids, v_all_ids
    from pgfeed.posts as p;
    select f.post_factors, f.post_vectors, f.user_ids, f.user_vectors
    into v_factors
    from pgfeed._factors(v_as_of, v_all_ids) as f;
    insert into pgfeed.post_vectors (post_id, factors)
    select v.post_id, v.factors
    from unnest(v_post_ids, v_factors.post_vectors) as v (post_id, factors)
    inner join pgfeed.posts as p on p.post_id = v.post_id -- others may have been deleted meanwhile
    for key share of p;
    insert into pgfeed.user_vectors (user_id, factors)
    select v.user_id, v.factors from unnest(v_factors.user_ids, v_factors.user_vectors) as v (user_id, factors);

    call pgfeed._pack_features(v_as_of);
    update pgfeed.feature_packs as k
    set factors = pgfeed._chosen_factors(k.post_ids, v_all_ids, v_factors.post_factors)
    where k.as_of = v_as_of;
    update pgfeed.feature_packs as k
    set neighbours = pgfeed._post_neighbours(k.as_of, k.post_ids)
    where
        k.as_of = v_as_of
        and exists (
            select
            from pgfeed.active_models as a
            inner join pgfeed.models as m on m.model_id = a.model_id
            where pgfeed._needs_neighbours(m.feature_names)
        );

    update pgfeed.feature_packs as k
    set preferences = pgfeed._preferences(k.as_of)
    where
        k.as_of = v_as_of
        and exists (
            select
            from pgfeed.active_models as a
            inner join pgfeed.models as m on m.model_id = a.model_id
            where m.feature_names && array['match.preference', 'match.score', 'match.appeal']
        );

    -- Those that others are writing stay marked until the next refresh.
    with marks as (
        select p.post_id
        from pgfeed.posts as p
        left join pgfeed.post_features as f on f.post_id = p.post_id
        where p.is_new = (f.post_id is not null)
        for update of p skip locked
    )

    update pgfeed.posts as p
    set is_new = not p.is_new
    from marks as m
    where m.post_id = p.post_id;

    -- At the end, as its lock keeps others from making months until this transaction ends.
    call pgfeed.create_event_partitions(now(), now() + interval '1 month');

    update pgfeed.feature_refreshes as r
    set finished_at = clock_timestamp(), post_count = cardinality(v_post_ids)
    where r.refresh_id = refresh_features.refresh_id;
--!include sql/_plain_errors.sql
end;
$$;

alter procedure pgfeed.refresh_features(timestamptz, bigint) owner to pgfeed_owner;

comment on procedure pgfeed.refresh_features(timestamptz, bigint) is
    'Rolls up new events, refreshes all materialized views and packs the post matrix, as one version in '
    'one transaction, and gives its refresh_id. as_of null: now, or the midnight (UTC) after the newest '
    'event where that is earlier';

revoke all on procedure pgfeed.refresh_features(timestamptz, bigint) from public;
grant execute on procedure pgfeed.refresh_features(timestamptz, bigint) to pgfeed_operator;
