create or replace function pgfeed.popular_posts(
    k integer default 5,
    by text default null,
    value text default null,
    ts timestamptz default now()
)
returns setof pgfeed.listed_post
language plpgsql stable
cost 10000 rows 5
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_candidates bigint[];
begin
    if (by is null) <> (value is null) then
        raise exception '% is null', case when by is null then 'by' else 'value' end
            using errcode = '22004', hint = 'For example: by => ''user.city'', value => ''Moscow''.';
    end if;
    if by like 'post.%' then
        execute format(
            'select array(select k.post_id from pgfeed.posts as k '
            'left join pgfeed.post_features as f on f.post_id = k.post_id where %s '
            'order by f.decayed_like_rate_7d desc nulls last, k.post_id limit 100000)',
            pgfeed._value_condition(by)
        )
        into v_candidates
        using array[value];
    elsif by is not null then
        perform pgfeed._value_condition(by);
    end if;
    return query
    select r.rank, r.post_id, r.topic, r.text, r.score
    from pgfeed.recommend_posts(
        null,
        popular_posts.ts,
        popular_posts.k,
        case when v_candidates is null and by is not null then format('popular_by:%s=%s', by, value) else 'popular' end,
        session => '{}',
        candidates => v_candidates
    ) as r;
end;
$$;

alter function pgfeed.popular_posts(integer, text, text, timestamptz) owner to pgfeed_owner;

comment on function pgfeed.popular_posts(integer, text, text, timestamptz) is
    'The k posts (1 to 1000) with the highest decayed like rate as of the features'' cut-off before ts, best first. by '
    '''user.city'' and value ''Moscow'': among the users with this value, at most 2,000 of them and at least 5, else as for '
    'all; a post''s rate starts as that of all with the weight of 100 views. by ''post.topic'' or another feature of posts: '
    'of the posts with this value. For one user''s own city: recommend_posts(user_id, variant => ''popular_by:user.city'')';

revoke all on function pgfeed.popular_posts(integer, text, text, timestamptz) from public;
grant execute on function pgfeed.popular_posts(integer, text, text, timestamptz)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
