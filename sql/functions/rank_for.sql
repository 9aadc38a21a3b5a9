create or replace function pgfeed.rank_for(
    user_key text,
    post_keys text[],
    ts timestamptz default now(),
    variant text default null
)
returns table (
    rank integer,
    post_key text,
    score double precision,
    status text
)
language plpgsql stable
cost 10000 rows 50
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_ids constant bigint[] := pgfeed._post_ids_of(rank_for.post_keys);
    v_columns text[];
begin
    v_columns := pgfeed._rank_posts(
        pgfeed._id_of('users', rank_for.user_key), array_send(v_ids), rank_for.ts, rank_for.variant
    );
    return query
    select case when r.status = 'ranked' then r.number end::integer, k.key, r.score, r.status
    from unnest(v_columns[1]::bigint[], v_columns[2]::double precision[], v_columns[3]::text[])
    with ordinality as r (post_id, score, status, number)
    inner join (
        select g.post_id, min(g.key) as key
        from unnest(v_ids, rank_for.post_keys) as g (post_id, key)
        group by g.post_id
    ) as k on k.post_id = r.post_id
    order by r.number;
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.rank_for(text, text[], timestamptz, text) owner to pgfeed_owner;

comment on function pgfeed.rank_for(text, text[], timestamptz, text) is
    'The rows of rank_posts() for the application''s own key of a user and its keys of the posts. status: see ranked_post';

revoke all on function pgfeed.rank_for(text, text[], timestamptz, text) from public;
grant execute on function pgfeed.rank_for(text, text[], timestamptz, text)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
