create or replace function pgfeed.similar_posts(
    post_id bigint,
    k integer default 5
)
returns setof pgfeed.similar_post
language plpgsql stable
cost 10000 rows 5
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_embedder_id integer;
    v_embedding public.halfvec;
begin
    select e.embedder_id into v_embedder_id from pgfeed.embedders as e where e.is_active;
    if v_embedder_id is null then
        raise exception 'the posts have no embeddings yet'
            using errcode = '55000', hint = 'Run: pgfeed embed';
    end if;
    select e.embedding into v_embedding
    from pgfeed.post_embeddings as e
    where e.embedder_id = v_embedder_id and e.post_id = similar_posts.post_id;
    return query
    select n.rank, n.post_id, n.topic, n.text, n.similarity
    from pgfeed._nearest_posts(v_embedding, k, similar_posts.post_id) as n
    where v_embedding is not null;
end;
$$;

alter function pgfeed.similar_posts(bigint, integer) owner to pgfeed_owner;

comment on function pgfeed.similar_posts(bigint, integer) is
    'The k posts (1 to 100) whose texts are most similar to the text of a post, best first, never the post itself. '
    'No rows for a post that is unknown, has no text, or came after the last pgfeed embed';

revoke all on function pgfeed.similar_posts(bigint, integer) from public;
grant execute on function pgfeed.similar_posts(bigint, integer)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
