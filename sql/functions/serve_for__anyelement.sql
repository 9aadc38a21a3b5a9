create or replace function pgfeed.serve_for(
    user_key anyelement,
    ts timestamptz default now(),
    k integer default 5
)
returns setof pgfeed.keyed_recommendation
language plpgsql volatile
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        r.rank, r.post_key, r.topic, r.text, r.score, r.variant, r.source, r.model_version, r.features_as_of
    from pgfeed.serve_for(serve_for.user_key::text, serve_for.ts, serve_for.k) as r;
end;
$$;

alter function pgfeed.serve_for(anyelement, timestamptz, integer) owner to pgfeed_owner;

comment on function pgfeed.serve_for(anyelement, timestamptz, integer) is
    'serve_for() of a key of another type than text: integer, uuid, or a row of several columns';

revoke all on function pgfeed.serve_for(anyelement, timestamptz, integer) from public;
grant execute on function pgfeed.serve_for(anyelement, timestamptz, integer) to pgfeed_writer;
