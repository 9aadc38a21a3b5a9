create or replace function pgfeed.serve_for(
    user_key text,
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
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    return query
    select
        r.rank, coalesce(p.key, r.post_id::text), r.topic, r.text, r.score, r.variant, r.source, r.model_version,
        r.features_as_of, r.cursor
    from pgfeed.serve_posts(
        pgfeed.user_id_of(serve_for.user_key), serve_for.ts, serve_for.k,
        pgfeed._post_ids_of(serve_for.candidates), pgfeed._post_ids_of(serve_for.exclude), serve_for.hide_viewed,
        serve_for.max_per_topic, serve_for.feed, serve_for.after
    ) as r
    left join pgfeed.posts as p on p.post_id = r.post_id
    order by r.rank;
end;
$$;

alter function pgfeed.serve_for(
    text, timestamptz, integer, text[], text[], interval, integer, text, text
) owner to pgfeed_owner;

comment on function pgfeed.serve_for(
    text, timestamptz, integer, text[], text[], interval, integer, text, text
) is
    'The rows of recommend_for() for the same arguments, and one row in exposures, as by serve_posts()';

revoke all on function pgfeed.serve_for(
    text, timestamptz, integer, text[], text[], interval, integer, text, text
) from public;
grant execute on function pgfeed.serve_for(
    text, timestamptz, integer, text[], text[], interval, integer, text, text
) to pgfeed_writer;
