create or replace function pgfeed._start_recommendation_batch(
    ts timestamptz,
    k integer,
    variant text,
    active_days integer
)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_chunk_users constant integer := 200;
    v_features_as_of timestamptz := pgfeed._refresh_as_of();
    v_batch_id bigint;
begin
    if v_features_as_of is null then
        raise exception 'the features were never refreshed'
            using errcode = '55000', hint = 'Run: call pgfeed.refresh_features()';
    end if;
    perform pg_advisory_xact_lock(hashtext('pgfeed.refresh_recommendations'));
    select b.batch_id into v_batch_id
    from pgfeed.recommendation_batches as b
    where
        b.finished_at is null
        and b.features_as_of = v_features_as_of
        and b.is_now = (_start_recommendation_batch.ts is null)
        and (b.is_now or b.recommended_at = _start_recommendation_batch.ts)
        and b.k = _start_recommendation_batch.k
        and b.variant is not distinct from _start_recommendation_batch.variant
        and b.active_days is not distinct from _start_recommendation_batch.active_days;
    if found then
        return v_batch_id;
    end if;

    -- Bad arguments fail here and leave an unfinished batch alone.
    perform from pgfeed.recommend_posts(0, coalesce(ts, now()), k, variant);

    perform pg_advisory_xact_lock(hashtext('pgfeed.recommendation_chunks'));
    delete from pgfeed.recommendation_batches as b where b.finished_at is null;
    insert into pgfeed.recommendation_batches as b
        (recommended_at, is_now, k, variant, active_days, features_as_of, user_count)
    select
        coalesce(_start_recommendation_batch.ts, now()),
        _start_recommendation_batch.ts is null,
        _start_recommendation_batch.k,
        _start_recommendation_batch.variant,
        _start_recommendation_batch.active_days,
        v_features_as_of,
        0
    returning b.batch_id into v_batch_id;

    with chosen as (
        select
            f.user_id,
            (row_number() over (order by f.user_id) - 1) / v_chunk_users as chunk_number
        from pgfeed.user_features as f
        where
            _start_recommendation_batch.active_days is null
            or f.days_since_active <= _start_recommendation_batch.active_days
    )

    insert into pgfeed.recommendation_chunks (batch_id, chunk_number, user_ids)
    select
        v_batch_id,
        c.chunk_number,
        array_agg(c.user_id order by c.user_id)
    from chosen as c
    group by c.chunk_number;

    update pgfeed.recommendation_batches as b
    set user_count = (
        select coalesce(sum(cardinality(c.user_ids)), 0)
        from pgfeed.recommendation_chunks as c
        where c.batch_id = v_batch_id
    )
    where b.batch_id = v_batch_id;
    return v_batch_id;
end;
$$;

alter function pgfeed._start_recommendation_batch(timestamptz, integer, text, integer) owner to pgfeed_owner;

comment on function pgfeed._start_recommendation_batch(timestamptz, integer, text, integer) is
    'The unfinished batch with these arguments and the present features, or a new one in place of it';

revoke all on function pgfeed._start_recommendation_batch(timestamptz, integer, text, integer) from public;
grant execute on function pgfeed._start_recommendation_batch(timestamptz, integer, text, integer)
to pgfeed_operator;
