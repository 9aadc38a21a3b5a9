create or replace function pgfeed._nearest_posts(
    embedding public.halfvec,
    k integer,
    left_out bigint default null
)
returns setof pgfeed.similar_post
language plpgsql stable parallel safe
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
set hnsw.ef_search = 1000
as $$
declare
    v_embedder pgfeed.embedders;
    v_candidates text := '';
    v_hidden bigint[] := array(select p.post_id from pgfeed.posts as p where p.hidden_at is not null);
begin
    if k is null or k not between 1 and 100 then
        raise exception 'k is %', coalesce(k::text, 'null')
            using errcode = '22023', hint = 'Ask for 1 to 100 posts.';
    end if;
    select e.* into v_embedder from pgfeed.embedders as e where e.is_active;

    if exists (
        select
        from pg_index as i
        where
            i.indexrelid = to_regclass(format('pgfeed.post_embeddings_%s_hnsw', v_embedder.embedder_id))
            and i.indisvalid
    ) then
        v_candidates := format(
            'order by e.embedding::public.halfvec(%1$s) operator(public.<=>) $1::public.halfvec(%1$s)
            limit $2 + 1',
            v_embedder.dimensions
        );
    end if;

    return query execute format(
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
            (row_number() over (order by n.similarity desc, n.post_id))::integer,
            n.post_id, p.topic, p.text, n.similarity
        from nearest as n
        inner join pgfeed.posts as p on p.post_id = n.post_id
        order by 1',
        v_embedder.embedder_id, v_candidates
    )
    using embedding, k, left_out, v_hidden;
end;
$$;

alter function pgfeed._nearest_posts(public.halfvec, integer, bigint) owner to pgfeed_owner;

comment on function pgfeed._nearest_posts(public.halfvec, integer, bigint) is
    'The k posts whose embeddings are nearest by cosine, best first, ties by post_id, without the post left_out. '
    'Exact; where pgfeed embed made an HNSW index (large catalogues), nearly';

revoke all on function pgfeed._nearest_posts(public.halfvec, integer, bigint) from public;
