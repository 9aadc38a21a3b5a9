create or replace function pgfeed.search_posts(
    text text,
    k integer default 5
)
returns setof pgfeed.similar_post
language sql stable
cost 100000 rows 5
begin atomic
    select s.rank, s.post_id, s.topic, s.text, s.similarity
    from (select pgfeed._search_posts(search_posts.text, search_posts.k) as rows offset 0) as a -- as in recommend_posts
    cross join lateral unnest(a.rows) as s;
end;

alter function pgfeed.search_posts(text, integer) owner to pgfeed_owner;

comment on function pgfeed.search_posts(text, integer) is
    'The k posts (1 to 100) whose texts are nearest in meaning to a text, in any of the embedder''s languages, '
    'best first. The first call of a session loads the embedder: about a second, 190 MB. Needs the embeddings '
    'of the embedder use. No rows for an empty text';

revoke all on function pgfeed.search_posts(text, integer) from public;
grant execute on function pgfeed.search_posts(text, integer)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
