create or replace function pgfeed._fresh_posts(
    features_as_of timestamptz,
    ts timestamptz,
    is_current boolean
)
returns bytea
language plpgsql stable parallel safe
cost 1000
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    v_most constant integer := 1000;
    v_posts bytea;
begin
    if is_current then
        select string_agg(int8send(p.post_id) || int8send(p.version), '' order by p.post_id) into v_posts
        from (
            (
                select d.post_id, d.xmin::text::bigint as version
                from pgfeed.posts as d
                where d.is_new and d.created_at < _fresh_posts.ts and d.hidden_at is null
                order by d.created_at desc
                limit v_most
            )
            union all
            (
                select u.post_id, u.xmin::text::bigint
                from pgfeed.posts as u
                where u.is_new and u.created_at is null and u.hidden_at is null
                limit v_most
            )
        ) as p;
    else
        select string_agg(int8send(p.post_id) || int8send(p.version), '' order by p.post_id) into v_posts
        from (
            select d.post_id, d.xmin::text::bigint as version
            from pgfeed.posts as d
            where d.created_at >= _fresh_posts.features_as_of and d.created_at < _fresh_posts.ts and d.hidden_at is null
            order by d.created_at desc
            limit v_most
        ) as p;
    end if;
    return v_posts;
end;
$$;

alter function pgfeed._fresh_posts(timestamptz, timestamptz, boolean) owner to pgfeed_owner;

comment on function pgfeed._fresh_posts(timestamptz, timestamptz, boolean) is
    'The posts that can be recommended at ts but came after the features: where the newest features serve, those that '
    'is_new marks, the 1,000 newest with and 1,000 without created_at; else those created from the cut-off until before '
    'ts, the 1,000 newest. Big-endian pairs of int8, ascending: post_id, and a number that changes with its row; null: none';

revoke all on function pgfeed._fresh_posts(timestamptz, timestamptz, boolean) from public;
