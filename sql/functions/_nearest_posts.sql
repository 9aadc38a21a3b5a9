create or replace function pgfeed._nearest_posts(
    embedding public.halfvec,
    k integer,
    left_out bigint default null
)
returns setof pgfeed.similar_post
language plpgsql stable
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
set hnsw.ef_search = 200
as $$
declare
    v_few constant integer := 20000;
    v_embedder pgfeed.embedders;
    v_candidates text := '';
    v_searched integer := 200;
    v_count integer := k;
    v_post_ids bigint[];
    v_similarities double precision[];
    v_rows pgfeed.similar_post[];
    v_hidden bigint[] := array(select p.post_id from pgfeed.posts as p where p.hidden_at is not null);
begin
    if k is null or k not between 1 and 100 then
        raise exception 'k is %', coalesce(k::text, 'null')
            using errcode = '22023', hint = 'Ask for 1 to 100 posts.';
    end if;
    select e.* into v_embedder from pgfeed.embedders as e where e.is_active;

    -- Few rows that may be shown are scanned in less time than an index takes to find some of them.
    if exists (
        select
        from pg_index as i
        where
            i.indexrelid = to_regclass(format('pgfeed.post_embeddings_%s_hnsw', v_embedder.embedder_id))
            and i.indisvalid
    ) and (
        cardinality(v_hidden) = 0
        or (select count(*) from (select from pgfeed.posts as p where p.hidden_at is null limit v_few + 1) as s) > v_few
    ) then
        v_candidates := format(
            'order by e.embedding::public.halfvec(%1$s) operator(public.<=>) $1::public.halfvec(%1$s)
            limit $2 + 1',
            v_embedder.dimensions
        );
    end if;

    loop
        -- An index gives no more rows than this, those of hidden posts among them.
        perform set_config('hnsw.ef_search', least(greatest(v_searched, 4 * v_count), 1000)::text, true);
        execute format(
            'with candidates as (
                select e.post_id, e.embedding
                from pgfeed.post_embeddings as e
                where e.embedder_id = %s and e.post_id <> all($4)
                %s
            ),

            nearest as (
                select c.post_id, 1 - (c.embedding operator(public.<=>) $1) as similarity
                from candidates as c
                where c.post_id is distinct from $3
                order by similarity desc, c.post_id
                limit $2
            )

            select
                array_agg(n.post_id order by n.similarity desc, n.post_id),
                array_agg(n.similarity order by n.similarity desc, n.post_id)
            from nearest as n',
            v_embedder.embedder_id, v_candidates
        )
        into v_post_ids, v_similarities
        using embedding, v_count, left_out, v_hidden;

        v_rows := array(
            select
                (
                    row_number() over (order by r.number), r.post_id, r.topic, r.text, v_similarities[r.number]
                )::pgfeed.similar_post
            from pgfeed._post_rows(v_post_ids) as r
            order by r.number
            limit k
        );
        exit when cardinality(v_rows) = k;
        -- Fewer where the attached table has made some unavailable, or hidden posts were among what the index gave.
        if coalesce(cardinality(v_post_ids), 0) >= v_count then
            v_count := v_count * 4;
        elsif v_candidates = '' then
            exit;
        elsif v_searched < 1000 then
            v_searched := 1000;
        else
            v_candidates := '';
        end if;
    end loop;

    return query select s.rank, s.post_id, s.topic, s.text, s.similarity from unnest(v_rows) as s;
end;
$$;

alter function pgfeed._nearest_posts(public.halfvec, integer, bigint) owner to pgfeed_owner;

comment on function pgfeed._nearest_posts(public.halfvec, integer, bigint) is
    'The k posts whose embeddings are nearest by cosine, best first, ties by post_id, without the post left_out. '
    'Exact; where pgfeed embed made an HNSW index (large catalogues), nearly, unless most posts are hidden';

revoke all on function pgfeed._nearest_posts(public.halfvec, integer, bigint) from public;
