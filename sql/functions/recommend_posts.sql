create or replace function pgfeed.recommend_posts(
    user_id bigint,
    ts timestamptz default now(),
    k integer default 5,
    variant text default null,
    session bigint[] default null,
    candidates bigint[] default null,
    exclude bigint[] default null,
    hide_viewed interval default null,
    max_per_topic integer default null,
    feed text default null,
    after text default null
)
returns setof pgfeed.recommendation
language plpgsql stable
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
as $$
declare
    v_rows pgfeed.recommendation[];
begin
    v_rows := pgfeed._recommend_posts(
        recommend_posts.user_id, recommend_posts.ts, recommend_posts.k, recommend_posts.variant,
        recommend_posts.session, array_send(recommend_posts.candidates), array_send(recommend_posts.exclude),
        recommend_posts.hide_viewed, recommend_posts.max_per_topic, recommend_posts.feed, recommend_posts.after
    );
    -- By a subquery: see _post_rows().
    return query
    select
        r.rank, r.post_id, r.topic, r.text, r.score, r.variant, r.source, r.model_version, r.features_as_of,
        r.cursor
    from unnest((select v_rows)) as r;
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.recommend_posts(
    bigint, timestamptz, integer, text, bigint[], bigint[], bigint[], interval, integer, text, text
) owner to pgfeed_owner;

comment on function pgfeed.recommend_posts(
    bigint, timestamptz, integer, text, bigint[], bigint[], bigint[], interval, integer, text, text
) is
    'The k posts (1 to 1000) that a user will most likely like at ts, best first, never one that the user '
    'liked before ts or hid by another of the actions. variant null: the user''s arm in the running experiment, else the setting '
    'pgfeed.default_variant, or control. Uses no event at or after ts. session: posts that were just read, the newest '
    'last: they count as liked and are not recommended, and user_id may be null, for a visitor of whom nothing else is known. '
    'candidates: only these posts, unknown ids are ignored; exclude: none of these; hide_viewed: none that the user viewed or '
    'was served in so long before ts; max_per_topic: no more of a topic while there are other posts; feed: the rules of '
    'this one, see create_feed(); after: the page after the one whose last row had this cursor';

revoke all on function pgfeed.recommend_posts(
    bigint, timestamptz, integer, text, bigint[], bigint[], bigint[], interval, integer, text, text
) from public;
grant execute on function pgfeed.recommend_posts(
    bigint, timestamptz, integer, text, bigint[], bigint[], bigint[], interval, integer, text, text
)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
