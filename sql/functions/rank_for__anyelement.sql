create or replace function pgfeed.rank_for(
    user_key anyelement,
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
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The cast may be the caller's own function, which must not run as the owner.
    return query
    select r.rank, r.post_key, r.score, r.status
    from pgfeed.rank_for(rank_for.user_key::text, rank_for.post_keys, rank_for.ts, rank_for.variant) as r;
end;
$$;

alter function pgfeed.rank_for(anyelement, text[], timestamptz, text) owner to pgfeed_owner;

comment on function pgfeed.rank_for(anyelement, text[], timestamptz, text) is
    'rank_for() of a key of another type than text: integer, uuid, or a row of several columns';

revoke all on function pgfeed.rank_for(anyelement, text[], timestamptz, text) from public;
grant execute on function pgfeed.rank_for(anyelement, text[], timestamptz, text)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
