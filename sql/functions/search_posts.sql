create or replace function pgfeed.search_posts(
    text text,
    k integer default 5
)
returns setof pgfeed.similar_post
language plpgsql stable
cost 100000 rows 5
set search_path = pg_catalog, pg_temp
as $$
declare
    v_rows pgfeed.similar_post[];
begin
    v_rows := pgfeed._search_posts(search_posts.text, search_posts.k);
    return query
    select s.rank, s.post_id, s.topic, s.text, s.similarity
    from unnest(v_rows) as s;
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.search_posts(text, integer) owner to pgfeed_owner;

comment on function pgfeed.search_posts(text, integer) is
    'The k posts (1 to 100) whose texts are nearest in meaning to a text, in any of the embedder''s languages, '
    'best first. The first call of a session loads the embedder: about a second, 190 MB. Needs the embeddings '
    'of the embedder use. No rows for an empty text';

revoke all on function pgfeed.search_posts(text, integer) from public;
grant execute on function pgfeed.search_posts(text, integer)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
