create or replace function pgfeed.recommend_for(
    user_key anyelement,
    ts timestamptz default now(),
    k integer default 5,
    variant text default null,
    session text[] default null,
    candidates text[] default null,
    exclude text[] default null,
    hide_viewed interval default null,
    max_per_topic integer default null,
    feed text default null,
    after text default null
)
returns setof pgfeed.keyed_recommendation
language plpgsql stable
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The cast may be the caller's own function, which must not run as the owner.
    return query
    select
        r.rank, r.post_key, r.topic, r.text, r.score, r.variant, r.source, r.model_version, r.features_as_of,
        r.cursor
    from pgfeed.recommend_for(
        recommend_for.user_key::text, recommend_for.ts, recommend_for.k, recommend_for.variant, recommend_for.session,
        recommend_for.candidates, recommend_for.exclude, recommend_for.hide_viewed, recommend_for.max_per_topic,
        recommend_for.feed, recommend_for.after
    ) as r;
end;
$$;

alter function pgfeed.recommend_for(
    anyelement, timestamptz, integer, text, text[], text[], text[], interval, integer, text, text
) owner to pgfeed_owner;

comment on function pgfeed.recommend_for(
    anyelement, timestamptz, integer, text, text[], text[], text[], interval, integer, text, text
) is
    'recommend_for() of a key of another type than text: integer, uuid, or a row of several columns';

revoke all on function pgfeed.recommend_for(
    anyelement, timestamptz, integer, text, text[], text[], text[], interval, integer, text, text
) from public;
grant execute on function pgfeed.recommend_for(
    anyelement, timestamptz, integer, text, text[], text[], text[], interval, integer, text, text
)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
