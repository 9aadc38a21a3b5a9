create or replace function pgfeed.explain_recommendation(
    user_id bigint,
    post_id bigint,
    ts timestamptz default now(),
    variant text default null,
    feed text default null
)
returns table (
    rank integer,
    feature text,
    value real,
    contribution double precision,
    advantage double precision,
    label text,
    because text
)
language plpgsql stable
cost 10000 rows 60
set search_path = pg_catalog, pg_temp
as $$
declare
    v_rows pgfeed.contribution[];
begin
    v_rows := pgfeed._explain_recommendation(
        explain_recommendation.user_id, explain_recommendation.post_id, explain_recommendation.ts,
        explain_recommendation.variant, explain_recommendation.feed
    );
    return query
    select c.rank, c.feature, c.value, c.contribution, c.advantage, c.label, c.because
    from unnest(v_rows) as c;
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.explain_recommendation(bigint, bigint, timestamptz, text, text) owner to pgfeed_owner;

comment on function pgfeed.explain_recommendation(bigint, bigint, timestamptz, text, text) is
    'One row per feature: its value and its SHAP contribution to the score that recommend_posts gives the post '
    'for this user at ts, largest effect first; the contributions, with that of the row "(average)", sum to the '
    'score. The row "(times shown before)" is what it does that the user was shown the post and did not like it. '
    'A category''s value is its code: its like rate in percent. value null: unknown. With a feed, "(boost NAME)" is what '
    'that adds; the rows "(place)", among the first 1000, "(place by score)" without the feed''s rules, and "(boosts)", '
    '"(caps)" and "(diversity)", how many places up each moves the post, have a contribution of 0. advantage: how much more the feature contributes than for the mean of 24 '
    'posts of the catalogue, null: without a model. label: feature and value in people''s words; because, of the first row only: one '
    'sentence that says why, from the largest contributions of which something simple is true, null: of none. A like '
    'is named in it where the score would be lower without that like';

revoke all on function pgfeed.explain_recommendation(bigint, bigint, timestamptz, text, text) from public;
grant execute on function pgfeed.explain_recommendation(bigint, bigint, timestamptz, text, text)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
