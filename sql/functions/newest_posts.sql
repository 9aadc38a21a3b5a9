create or replace function pgfeed.newest_posts(
    k integer default 5,
    ts timestamptz default now()
)
returns setof pgfeed.listed_post
language plpgsql stable
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select r.rank, r.post_id, r.topic, r.text, r.score
    from pgfeed.recommend_posts(null, newest_posts.ts, newest_posts.k, 'newest', session => '{}') as r;
end;
$$;

alter function pgfeed.newest_posts(integer, timestamptz) owner to pgfeed_owner;

comment on function pgfeed.newest_posts(integer, timestamptz) is
    'The k newest posts (1 to 1000) at ts, newest first, by created_at, where that is not known by the first event; posts '
    'that have neither come last. For one user: recommend_posts(user_id, variant => ''newest'')';

revoke all on function pgfeed.newest_posts(integer, timestamptz) from public;
grant execute on function pgfeed.newest_posts(integer, timestamptz)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
