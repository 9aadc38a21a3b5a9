create or replace function pgfeed.recommend_for(
    user_key text,
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
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_rows pgfeed.recommendation[];
begin
    v_rows := pgfeed._recommend_posts(
        pgfeed._id_of('users', recommend_for.user_key),
        recommend_for.ts,
        recommend_for.k,
        recommend_for.variant,
        pgfeed._post_ids_of(recommend_for.session),
        array_send(pgfeed._post_ids_of(recommend_for.candidates)),
        array_send(pgfeed._post_ids_of(recommend_for.exclude)),
        recommend_for.hide_viewed,
        recommend_for.max_per_topic,
        recommend_for.feed,
        recommend_for.after
    );
    -- By a subquery: see _post_rows().
    return query
    select
        r.rank, coalesce(p.key, r.post_id::text), r.topic, r.text, r.score, r.variant, r.source, r.model_version,
        r.features_as_of, r.cursor
    from unnest((select v_rows)) as r
    left join pgfeed.posts as p on p.post_id = r.post_id
    order by r.rank;
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.recommend_for(
    text, timestamptz, integer, text, text[], text[], text[], interval, integer, text, text
) owner to pgfeed_owner;

comment on function pgfeed.recommend_for(
    text, timestamptz, integer, text, text[], text[], text[], interval, integer, text, text
) is
    'The rows of recommend_posts() for the application''s own key of a user, with its keys of the posts; session: the keys '
    'of posts that were just read; candidates and exclude: keys, too';

revoke all on function pgfeed.recommend_for(
    text, timestamptz, integer, text, text[], text[], text[], interval, integer, text, text
) from public;
grant execute on function pgfeed.recommend_for(
    text, timestamptz, integer, text, text[], text[], text[], interval, integer, text, text
)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
