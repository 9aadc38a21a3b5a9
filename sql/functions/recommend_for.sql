create or replace function pgfeed.recommend_for(
    user_key text,
    ts timestamptz default now(),
    k integer default 5,
    variant text default null,
    session text[] default null
)
returns setof pgfeed.keyed_recommendation
language plpgsql stable
cost 10000 rows 5
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
--!include sql/_recommend_for.sql
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.recommend_for(text, timestamptz, integer, text, text[]) owner to pgfeed_owner;

comment on function pgfeed.recommend_for(text, timestamptz, integer, text, text[]) is
    'The rows of recommend_posts() for the application''s own key of a user, with its keys of the posts; session: the keys '
    'of posts that were just read';

revoke all on function pgfeed.recommend_for(text, timestamptz, integer, text, text[]) from public;
grant execute on function pgfeed.recommend_for(text, timestamptz, integer, text, text[])
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
