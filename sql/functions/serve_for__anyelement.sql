create or replace function pgfeed.serve_for(
    user_key anyelement,
    ts timestamptz default now(),
    k integer default 5,
    candidates text[] default null,
    exclude text[] default null,
    hide_viewed interval default null,
    max_per_topic integer default null,
    feed text default null,
    after text default null
)
returns setof pgfeed.keyed_recommendation
language plpgsql volatile
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        r.rank, r.post_key, r.topic, r.text, r.score, r.variant, r.source, r.model_version, r.features_as_of,
        r.cursor
    from pgfeed.serve_for(
        serve_for.user_key::text, serve_for.ts, serve_for.k, serve_for.candidates, serve_for.exclude,
        serve_for.hide_viewed, serve_for.max_per_topic, serve_for.feed, serve_for.after
    ) as r;
end;
$$;

alter function pgfeed.serve_for(
    anyelement, timestamptz, integer, text[], text[], interval, integer, text, text
) owner to pgfeed_owner;

comment on function pgfeed.serve_for(
    anyelement, timestamptz, integer, text[], text[], interval, integer, text, text
) is
    'serve_for() of a key of another type than text: integer, uuid, or a row of several columns';

revoke all on function pgfeed.serve_for(
    anyelement, timestamptz, integer, text[], text[], interval, integer, text, text
) from public;
grant execute on function pgfeed.serve_for(
    anyelement, timestamptz, integer, text[], text[], interval, integer, text, text
) to pgfeed_writer;
