create or replace function pgfeed.trending_posts(
    k integer default 5,
    half_life interval default '1 day',
    ts timestamptz default now()
)
returns setof pgfeed.listed_post
language plpgsql stable
cost 10000 rows 5
set search_path = pg_catalog, pg_temp
as $$
declare
    v_name text := case extract(epoch from half_life)
        when 3600 then '1h' when 21600 then '6h' when 86400 then '1d' when 259200 then '3d' when 604800 then '7d'
    end;
begin
    if v_name is null then
        raise exception 'half_life is %', coalesce(half_life::text, 'null')
            using errcode = '22023', hint = 'Posts are counted with 1 hour, 6 hours, 1 day, 3 days and 7 days.';
    end if;
    return query
    select r.rank, r.post_id, r.topic, r.text, r.score
    from pgfeed.recommend_posts(null, trending_posts.ts, trending_posts.k, 'trending:' || v_name, session => '{}') as r;
end;
$$;

alter function pgfeed.trending_posts(integer, interval, timestamptz) owner to pgfeed_owner;

comment on function pgfeed.trending_posts(integer, interval, timestamptz) is
    'The k posts (1 to 1000) whose like rate has risen most at ts, the most surprising first. Present: views and likes '
    'before ts that halve with every half_life (1 hour, 6 hours, 1, 3 or 7 days); past: the rest of those that halve in 30 '
    'days. Score: the signed root of the log-likelihood ratio of the two rates (Dunning 1993), in standard deviations, so '
    'that a few likes prove little. For one user: recommend_posts(user_id, variant => ''trending'') or ''trending:6h''';

revoke all on function pgfeed.trending_posts(integer, interval, timestamptz) from public;
grant execute on function pgfeed.trending_posts(integer, interval, timestamptz)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
