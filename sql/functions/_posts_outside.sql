create or replace function pgfeed._posts_outside(
    ts timestamptz,
    post_ids bigint[],
    count integer,
    topics text[]
)
returns bigint[]
language plpgsql stable parallel safe
cost 100000
set search_path = pg_catalog, pg_temp
as $$
declare
    -- What is liked now says nothing of an earlier moment.
    v_is_current constant boolean := pgfeed._refresh_as_of() <= ts;
begin
    return array(
        select p.post_id
        from pgfeed.posts as p
        left join pgfeed.post_features as f on f.post_id = p.post_id and v_is_current
        where
            (p.created_at is null or p.created_at < _posts_outside.ts)
            and p.hidden_at is null
            and (p.topic is null or p.topic <> all(_posts_outside.topics))
            and not exists (select from unnest(_posts_outside.post_ids) as i (post_id) where i.post_id = p.post_id)
        order by f.decayed_like_rate_7d desc nulls last, p.created_at desc nulls last, p.post_id
        limit _posts_outside.count
    );
end;
$$;

alter function pgfeed._posts_outside(timestamptz, bigint[], integer, text[]) owner to pgfeed_owner;

comment on function pgfeed._posts_outside(timestamptz, bigint[], integer, text[]) is
    'Some of the posts that are not among these and of none of these topics, those with the best like rates first, at an '
    'earlier moment the newest: what fills a list when the shortlist of a large catalogue has too few posts';

revoke all on function pgfeed._posts_outside(timestamptz, bigint[], integer, text[]) from public;
