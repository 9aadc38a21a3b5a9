create or replace function pgfeed.rank_posts(
    user_id bigint,
    post_ids bigint[],
    ts timestamptz default now(),
    variant text default null
)
returns setof pgfeed.ranked_post
language plpgsql stable
cost 10000 rows 50
set search_path = pg_catalog, pg_temp
as $$
declare
    v_columns text[];
begin
    v_columns := pgfeed._rank_posts(
        rank_posts.user_id, array_send(rank_posts.post_ids), rank_posts.ts, rank_posts.variant
    );
    return query
    select case when r.status = 'ranked' then r.number end::integer, r.post_id, r.score, r.status
    from unnest(v_columns[1]::bigint[], v_columns[2]::double precision[], v_columns[3]::text[])
    with ordinality as r (post_id, score, status, number);
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.rank_posts(bigint, bigint[], timestamptz, text) owner to pgfeed_owner;

comment on function pgfeed.rank_posts(bigint, bigint[], timestamptz, text) is
    'One row per post of post_ids (at most 100,000, a repeated one once): those that recommend_posts() could give the user at ts '
    'with their ranks, best first, with the same scores; then the others, in their order, without a rank';

revoke all on function pgfeed.rank_posts(bigint, bigint[], timestamptz, text) from public;
grant execute on function pgfeed.rank_posts(bigint, bigint[], timestamptz, text)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
