create or replace function pgfeed._fill_recommendation_chunk(batch_id bigint)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_batch pgfeed.recommendation_batches;
    v_chunk pgfeed.recommendation_chunks;
    v_lists record;
begin
    -- Whoever starts another batch in place of this one waits for the chunks at work, and no new ones begin.
    perform pg_advisory_xact_lock_shared(hashtext('pgfeed.recommendation_chunks'));
    select b.* into v_batch
    from pgfeed.recommendation_batches as b
    where b.batch_id = _fill_recommendation_chunk.batch_id;
    if not found then
        raise exception 'batch % was given up for another one', batch_id
            using errcode = '55000', hint = 'See: select * from pgfeed.recommendation_batches';
    end if;

    -- For the moment before a refresh everything would be computed anew, with older features.
    if v_batch.is_now then
        v_batch.recommended_at := greatest(v_batch.recommended_at, pgfeed._refresh_as_of());
    end if;

    select c.* into v_chunk
    from pgfeed.recommendation_chunks as c
    where c.batch_id = _fill_recommendation_chunk.batch_id and c.finished_at is null
    order by c.chunk_number
    limit 1
    for update skip locked;

    if found then
        delete from pgfeed.recommendations as r where r.user_id = any(v_chunk.user_ids);
        -- Not within the insert: Citus would read for the lists over a connection that the insert holds.
        select l.* into v_lists
        from pgfeed._recommend_users(
            v_chunk.user_ids, v_batch.recommended_at, v_batch.k, v_batch.variant
        ) as l;
        insert into pgfeed.recommendations (
            user_id, rank, post_id, score, variant, source, model_version, features_as_of, recommended_at, batch_id
        )
        select
            r.user_id,
            r.rank,
            r.post_id,
            r.score,
            r.variant,
            r.source,
            r.model_version,
            r.features_as_of,
            v_batch.recommended_at,
            v_batch.batch_id
        from unnest(
            v_lists.list_user_ids, v_lists.ranks, v_lists.post_ids, v_lists.scores, v_lists.variants, v_lists.sources,
            v_lists.model_versions, v_lists.features_as_of
        ) as r (user_id, rank, post_id, score, variant, source, model_version, features_as_of);

        update pgfeed.recommendation_chunks as c
        set finished_at = clock_timestamp()
        where c.batch_id = v_chunk.batch_id and c.chunk_number = v_chunk.chunk_number;
        return cardinality(v_chunk.user_ids);
    end if;

    -- Other sessions may still be at work on the last chunks: the last of them ends the batch.
    if v_batch.finished_at is null and not exists (
        select
        from pgfeed.recommendation_chunks as c
        where c.batch_id = _fill_recommendation_chunk.batch_id and c.finished_at is null
    ) then
        update pgfeed.recommendation_batches as b
        set finished_at = clock_timestamp()
        where b.batch_id = _fill_recommendation_chunk.batch_id and b.finished_at is null;
        if found then
            select count(*) into v_batch.catalogue_count from pgfeed.posts as p where p.hidden_at is null;
            select count(distinct r.post_id) into v_batch.post_count
            from pgfeed.recommendations as r
            where r.batch_id = v_batch.batch_id;
            select avg(l.topic_diversity) into v_batch.topic_diversity
            from (
                select (1 - sum(t.post_count ^ 2) / sum(t.post_count) ^ 2)::double precision as topic_diversity
                from (
                    select
                        r.user_id,
                        count(*) as post_count
                    from pgfeed.recommendations as r
                    left join pgfeed.posts as p on p.post_id = r.post_id
                    where r.batch_id = v_batch.batch_id
                    group by r.user_id, p.topic
                ) as t
                group by t.user_id
            ) as l;
            update pgfeed.recommendation_batches as b
            set
                post_count = v_batch.post_count,
                catalogue_count = v_batch.catalogue_count,
                topic_diversity = v_batch.topic_diversity
            where b.batch_id = v_batch.batch_id;
            if v_batch.active_days is null then
                delete from pgfeed.recommendations as r where r.batch_id <> v_batch.batch_id;
            end if;
        end if;
        delete from pgfeed.recommendation_chunks as c where c.batch_id = _fill_recommendation_chunk.batch_id;
    end if;
    return null;
end;
$$;

alter function pgfeed._fill_recommendation_chunk(bigint) owner to pgfeed_owner;

comment on function pgfeed._fill_recommendation_chunk(bigint) is
    'Replaces the recommendations of the next users of a batch and says how many they were; null: no users '
    'are left to take, and the batch is finished unless another session is still at work on it';

revoke all on function pgfeed._fill_recommendation_chunk(bigint) from public;
grant execute on function pgfeed._fill_recommendation_chunk(bigint) to pgfeed_operator;
